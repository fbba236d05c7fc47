import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { createConnection, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { z } from 'zod';
import { type AlertMessage, type Channel, type Delivery, DeliveryError } from './channel.ts';
import { readAuthority } from './http-post.ts';
import { hostName, port, readBy } from './settings.ts';
import { cutTo, FACILITIES, syslogMessages } from './syslog-text.ts';
import { attemptSignal, tooLate } from './time-limit.ts';

const TRANSPORTS = ['udp', 'tcp', 'tls'] as const;
const facilities = Object.keys(FACILITIES) as (keyof typeof FACILITIES)[];
const schema = z
  .strictObject({
    host: hostName,
    port: port.optional(),
    transport: z.enum(TRANSPORTS, { error: `expected one of ${TRANSPORTS.join(', ')}` }).default('tls'),
    facility: z.enum(facilities, { error: `expected one of ${facilities.join(', ')}` }).default('local0'),
    ca: z.string().optional(),
  })
  .refine((s) => s.ca === undefined || s.transport === 'tls', { error: 'only tls has an authority', path: ['ca'] });
type Settings = z.infer<typeof schema>;

/** RFC 5426, 3.3; RFC 6587 names no port for TCP, 514 and 601 are in use; RFC 5425, 4.1. */
const DEFAULT_PORT = { udp: 514, tcp: 601, tls: 6514 } as const;
/** RFC 5426, 3.2: receivers should take 2,048 bytes. */
const MAX_DATAGRAM = 2_048;
/** RFC 5425, 4.3.1: receivers should take 8,192 bytes. */
const MAX_FRAME = 8_192;
/** How long a receiver may take to say that it lost what was sent, milliseconds. */
const GRACE_MS = 2_000;

export const syslog: Channel<Settings> = {
  kind: 'syslog',
  title: 'Syslog, RFC 5424, over UDP, TCP or TLS',
  read: (raw) => readBy(schema, raw),
  async send(message: AlertMessage, settings: Settings, delivery: Delivery): Promise<void> {
    const texts = syslogMessages(message, delivery.host, settings.facility);
    if (settings.transport === 'udp') return sendDatagrams(texts, settings, delivery);
    await sendStream(texts, settings, delivery);
  },
};

/** A datagram that was sent is all that can be known: nobody acknowledges it (RFC 5426, 1). */
async function sendDatagrams(texts: readonly string[], settings: Settings, delivery: Delivery): Promise<void> {
  const signal = attemptSignal(delivery.signal);
  const to = await resolveHost(settings.host, signal);
  const socket = createSocket(to.family === 6 ? 'udp6' : 'udp4');
  try {
    for (const text of texts)
      await new Promise<void>((done, failed) => {
        signal.addEventListener('abort', () => failed(tooLate(settings.host)), { once: true });
        socket.on('error', (error) => failed(unreachable(settings.host, error)));
        socket.send(cutTo(text, MAX_DATAGRAM), settings.port ?? DEFAULT_PORT.udp, to.address, (error) =>
          error ? failed(unreachable(settings.host, error)) : done(),
        );
      });
  } finally {
    socket.close();
  }
}

async function resolveHost(host: string, signal: AbortSignal): Promise<{ address: string; family: number }> {
  const late = new Promise<never>((_, failed) => {
    signal.addEventListener('abort', () => failed(tooLate(`the name ${host}`)), { once: true });
  });
  try {
    return await Promise.race([lookup(host), late]);
  } catch (error) {
    throw error instanceof DeliveryError ? error : unreachable(host, error as Error);
  }
}

/** Frames by their length (RFC 5425, 4.3; octet counting of RFC 6587, 3.4.1). Taken once the other side closed without a reset. */
async function sendStream(texts: readonly string[], settings: Settings, delivery: Delivery): Promise<void> {
  const signal = attemptSignal(delivery.signal);
  const where = { host: settings.host, port: settings.port ?? DEFAULT_PORT[settings.transport] };
  const ca = settings.ca === undefined ? {} : { ca: await readAuthority(settings.ca, delivery) };
  const frames = texts.map((text) => {
    const bytes = cutTo(text, MAX_FRAME);
    return Buffer.concat([Buffer.from(`${bytes.length} `), bytes]);
  });
  await new Promise<void>((done, failed) => {
    let grace: NodeJS.Timeout | undefined;
    const socket: Socket =
      settings.transport === 'tls'
        ? connectTls({
            ...where,
            ...ca,
            ...(isIP(settings.host) === 0 ? { servername: settings.host } : {}),
            minVersion: 'TLSv1.2',
          })
        : createConnection(where);
    const end = () => {
      socket.destroy();
      failed(tooLate(settings.host));
    };
    if (signal.aborted) return end();
    signal.addEventListener('abort', end, { once: true });
    socket.once('error', (error) => failed(unreachable(settings.host, error)));
    socket.once(settings.transport === 'tls' ? 'secureConnect' : 'connect', () => {
      // Whoever reads nothing still has to close, or say that it lost what was sent.
      socket.resume();
      socket.end(Buffer.concat(frames), () => {
        // The kernel has it all, and sent the end. Who keeps a half-open connection says no more than that.
        grace = setTimeout(() => {
          signal.removeEventListener('abort', end);
          done();
          socket.destroy();
        }, GRACE_MS);
      });
    });
    socket.once('close', (hadError) => {
      clearTimeout(grace);
      signal.removeEventListener('abort', end);
      if (hadError) return;
      if (socket.bytesWritten === 0) failed(new DeliveryError(`${settings.host} closed before it took anything`, true));
      else done();
    });
  });
}

function unreachable(host: string, error: Error): DeliveryError {
  const { code } = error as NodeJS.ErrnoException;
  return new DeliveryError(`${host}: ${code ?? error.message}`, true, { cause: error });
}
