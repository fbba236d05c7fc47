import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { resolve } from 'node:path';
import { type Delivery, DeliveryError } from './channel.ts';
import { isLoopback } from './settings.ts';
import { attemptSignal, tooLate } from './time-limit.ts';

/** Bytes of an answer that are taken, and how long, so that a receiver that is nearly done is not cut off. */
const MAX_ANSWER = 4_096;
const ANSWER_MS = 1_000;
/** Bytes of a file of authorities: the whole bundle of a system has some 250 KB. */
const MAX_AUTHORITY = 4_194_304;

export interface HttpPost {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** PEM file of the authority that signed the receiver's certificate, where the system does not know it. */
  readonly ca?: string | undefined;
  /** Says that clear text to another machine is meant. */
  readonly plaintext?: boolean | undefined;
}

/** Answers after which trying again may help (RFC 9110: 408, 5xx; RFC 6585: 429; RFC 8470: 425). */
function mayHelp(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/**
 * Posts a text, follows no redirect, and resolves on 2xx: the status decides, however long the rest of the answer takes.
 * Throws DeliveryError otherwise; its text names the host, never the path or the query, which may be secrets.
 */
export async function post({ url, headers, body, ca, plaintext }: HttpPost, delivery: Delivery): Promise<void> {
  const target = parse(url);
  if (target.protocol === 'http:' && !plaintext && !isLoopback(target.hostname))
    throw new DeliveryError(
      `${target.host} would be sent clear text; use https, or set plaintext: true where the network is trusted`,
      false,
    );
  const signal = attemptSignal(delivery.signal);
  const bytes = Buffer.from(body);
  const options: RequestOptions & { ca?: Buffer } = {
    method: 'POST',
    signal,
    // A connection of its own: a kept one may be dead by the next alert.
    agent: false,
    headers: { ...headers, 'content-length': String(bytes.length), connection: 'close' },
    ...(ca === undefined ? {} : { ca: await readAuthority(ca, delivery) }),
  };
  return new Promise((done, failed) => {
    const request = (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, options, (response) => {
      let length = 0;
      const status = response.statusCode ?? 0;
      const rest = setTimeout(() => response.destroy(), ANSWER_MS);
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        // Nobody needs the rest, and it might never end.
        if (length > MAX_ANSWER) response.destroy();
      });
      response.on('error', () => {});
      response.on('close', () => clearTimeout(rest));
      if (status >= 200 && status < 300) return done();
      const reason = status >= 300 && status < 400 ? ' (redirects are not followed)' : '';
      failed(new DeliveryError(`${target.host} answered HTTP ${status}${reason}`, mayHelp(status)));
    });
    request.on('error', (error) => failed(unreachable(target.host, error, signal)));
    request.end(bytes);
  });
}

function parse(url: string): URL {
  const target = URL.canParse(url) ? new URL(url) : null;
  if (target === null || (target.protocol !== 'https:' && target.protocol !== 'http:'))
    throw new DeliveryError('the address to post to is no http or https URL', false);
  return target;
}

function unreachable(host: string, error: Error, signal: AbortSignal): DeliveryError {
  if (signal.aborted) return tooLate(host);
  const { code } = error as NodeJS.ErrnoException;
  return new DeliveryError(`${host} cannot be reached: ${code ?? error.message}`, true, { cause: error });
}

/** Reads a PEM file of certificates, no pipe and no device. Throws DeliveryError. */
export async function readAuthority(path: string, delivery: Delivery): Promise<Buffer> {
  const name = resolve(delivery.folder, path);
  try {
    await using file = await open(name, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await file.stat();
    if (!stats.isFile()) throw new DeliveryError(`${name} is no file; certificates are expected there`, false);
    if (stats.size > MAX_AUTHORITY)
      throw new DeliveryError(`${name} has ${stats.size} bytes; at most ${MAX_AUTHORITY} are read`, false);
    return await file.readFile();
  } catch (error) {
    if (error instanceof DeliveryError) throw error;
    throw new DeliveryError(`${name} cannot be read: ${(error as Error).message}`, false, { cause: error });
  }
}
