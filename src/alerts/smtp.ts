import { createConnection } from 'node:net';
import { z } from 'zod';
import { type AlertMessage, type Channel, type Delivery, DeliveryError } from './channel.ts';
import { readAuthority } from './http-post.ts';
import { headline, plainText } from './message-text.ts';
import { hostName, isLoopback, port, readBy, secretReference } from './settings.ts';
import { ATTEMPT_MS, attemptSignal, tooLate } from './time-limit.ts';

const address = z.email({ error: 'expected an e-mail address' });
const schema = z
  .strictObject({
    host: hostName,
    port: port.optional(),
    /** `starttls` is demanded, not tried. */
    tls: z
      .enum(['starttls', 'implicit', 'none'], { error: 'expected one of starttls, implicit, none' })
      .default('starttls'),
    ca: z.string().optional(),
    user: z.string().optional(),
    password: secretReference.optional(),
    from: address,
    to: z.array(address, { error: 'expected a list of e-mail addresses' }).default([]),
    plaintext: z.boolean().optional(),
  })
  .refine((s) => (s.user === undefined) === (s.password === undefined), {
    error: 'user and password belong together',
    path: ['password'],
  })
  .refine((s) => s.tls !== 'none' || s.plaintext === true || isLoopback(s.host), {
    error: 'without TLS everything is sent in clear text; set plaintext: true where the network is trusted',
    path: ['tls'],
  });
type Settings = z.infer<typeof schema>;

const DEFAULT_PORT = { starttls: 587, implicit: 465, none: 25 } as const;

/** Failures that another attempt will not mend: the settings are wrong. */
const FINAL = ['EAUTH', 'EENVELOPE', 'EMESSAGE'];

export const smtp: Channel<Settings> = {
  kind: 'smtp',
  title: 'E-mail by SMTP',
  read: (raw) => readBy(schema, raw),
  async send(message: AlertMessage, settings: Settings, delivery: Delivery): Promise<void> {
    const to = [...new Set([...(message.recipients ?? []), ...settings.to])];
    if (to.length === 0)
      throw new DeliveryError(
        'there is nobody to send it to: the owner has no e-mail address and `to` is empty',
        false,
      );
    const { createTransport } = await import('nodemailer');
    const signal = attemptSignal(delivery.signal);
    const transport = createTransport({
      host: settings.host,
      port: settings.port ?? DEFAULT_PORT[settings.tls],
      secure: settings.tls === 'implicit',
      requireTLS: settings.tls === 'starttls',
      ignoreTLS: settings.tls === 'none',
      ...(settings.ca === undefined ? {} : { tls: { ca: await readAuthority(settings.ca, delivery) } }),
      ...(settings.user === undefined || settings.password === undefined
        ? {}
        : { auth: { user: settings.user, pass: (await delivery.secret(settings.password)).trim() } }),
      connectionTimeout: ATTEMPT_MS,
      greetingTimeout: ATTEMPT_MS,
      socketTimeout: ATTEMPT_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
      // A socket of our own ends with the attempt; else one that hangs would outlive it.
      getSocket: (_, done) => {
        const socket = createConnection({
          host: settings.host,
          port: settings.port ?? DEFAULT_PORT[settings.tls],
          signal,
        });
        socket.once('error', (error) => done(error, undefined));
        socket.once('connect', () => done(null, { connection: socket }));
      },
    });
    const ended = new Promise<never>((_, failed) => {
      signal.addEventListener('abort', () => failed(tooLate(settings.host)), { once: true });
    });
    try {
      const sent = await Promise.race([transport.sendMail(mailOf(message, settings.from, to)), ended]);
      if (sent.rejected.length > 0)
        throw new DeliveryError(`${settings.host} refused ${sent.rejected.length} of ${to.length} recipients`, false);
    } catch (error) {
      if (error instanceof DeliveryError) throw error;
      throw explain(settings.host, error as Error & { code?: string; responseCode?: number });
    } finally {
      transport.close();
    }
  },
};

function mailOf(message: AlertMessage, from: string, to: readonly string[]) {
  const domain = from.slice(from.lastIndexOf('@') + 1);
  const thread = message.incidents.length === 1 ? message.incidents[0]?.id : undefined;
  return {
    from,
    to: [...to],
    subject: headline(message),
    text: plainText(message),
    date: new Date(message.at),
    // The same in every attempt, so that a mail server or reader can drop a repeat.
    messageId: `<${message.id}@${domain}>`,
    ...(thread === undefined ? {} : { references: [`<${thread}@${domain}>`] }),
    // Programs do not answer it (RFC 3834).
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Quietdoor-Kind': message.kind },
  };
}

/** What the server said, by its number only: its text may repeat what was sent. */
function explain(host: string, error: Error & { code?: string; responseCode?: number }): DeliveryError {
  const { responseCode } = error;
  if (responseCode !== undefined && error.code !== 'EAUTH')
    // RFC 5321, 4.2.1: 4yz is transient.
    return new DeliveryError(`${host} answered SMTP ${responseCode}`, responseCode < 500, { cause: error });
  if (error.code === 'EAUTH')
    return new DeliveryError(`${host} does not accept user and password`, false, { cause: error });
  const isFinal = error.code !== undefined && FINAL.includes(error.code);
  return new DeliveryError(`${host}: ${error.code ?? error.message}`, !isFinal, { cause: error });
}
