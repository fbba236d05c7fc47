import { createHmac } from 'node:crypto';
import { z } from 'zod';
import type { AlertMessage, Channel, Delivery } from './channel.ts';
import { post } from './http-post.ts';
import { bodyOf, PAYLOADS } from './payload.ts';
import { readBy, secretReference } from './settings.ts';

const schema = z.strictObject({
  /** https URL, or where it is kept if it is a secret itself. */
  url: z.string().min(1).max(2_048),
  /** Key of the signature. */
  secret: secretReference.optional(),
  payload: z.enum(PAYLOADS, { error: `expected one of ${PAYLOADS.join(', ')}` }).default('quietdoor'),
  ca: z.string().optional(),
  plaintext: z.boolean().optional(),
});
type Settings = z.infer<typeof schema>;

/**
 * Signature of a body: HMAC-SHA-256 (RFC 2104) over `TIME.BODY`, where TIME is UTC seconds, so that an old message cannot be
 * sent again as a new one. Hex.
 */
export function signatureOf(secret: string, seconds: number, body: string): string {
  return createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
}

/** A URL as it was written, or read from where it is kept. */
export async function urlOf(url: string, delivery: Delivery): Promise<string> {
  return /^(env|file):/.test(url) ? (await delivery.secret(url)).trim() : url;
}

export const webhook: Channel<Settings> = {
  kind: 'webhook',
  title: 'HTTP POST of JSON, signed',
  read: (raw) => readBy(schema, raw),
  async send(message: AlertMessage, settings: Settings, delivery: Delivery): Promise<void> {
    const body = bodyOf(message, settings.payload);
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      'user-agent': `quietdoor/${message.version}`,
      'quietdoor-message': message.id,
      'quietdoor-kind': message.kind,
    };
    if (settings.secret !== undefined) {
      const secret = (await delivery.secret(settings.secret)).trim();
      const seconds = Math.floor(message.at / 1_000);
      headers['quietdoor-signature'] = `t=${seconds},v1=${signatureOf(secret, seconds, body)}`;
    }
    const url = await urlOf(settings.url, delivery);
    await post({ url, headers, body, ca: settings.ca, plaintext: settings.plaintext }, delivery);
  },
};
