import { firstLine } from '../identify-text.ts';
import type { Target } from './probe.ts';

/** An HTTP/1 answer (RFC 9112), as far as probes look at it. */
export interface HttpAnswer {
  readonly version: string;
  readonly status: number;
  readonly statusLine: string;
  /** Names in lower case; the first of each. */
  readonly headers: ReadonlyMap<string, string>;
  /** As it was sent (chunk sizes included), decoded as UTF-8. */
  readonly body: string;
}

/** A GET request that asks for nothing to be kept open. */
export function getRequest(target: Target, path: string): Buffer {
  const name = target.serverName ?? (target.address.includes(':') ? `[${target.address}]` : target.address);
  return Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: ${name}:${target.port}\r\nUser-Agent: quietdoor\r\nAccept: */*\r\nConnection: close\r\n\r\n`,
  );
}

/** Reads an answer once it is whole, by its Content-Length or its last chunk, or when no more will come. */
export function readHttp(answer: Buffer, isEnd: boolean): HttpAnswer | null {
  if (!/^HTTP\/1\.[01] \d{3}/.test(answer.subarray(0, 16).toString('latin1'))) return null;
  const end = answer.indexOf('\r\n\r\n');
  if (end < 0 && !isEnd) return null;
  const [status = '', ...lines] = answer
    .subarray(0, end < 0 ? answer.length : end)
    .toString('latin1')
    .split('\r\n');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    if (colon > 0 && !headers.has(name)) headers.set(name, line.slice(colon + 1).trim());
  }
  const body = end < 0 ? '' : answer.subarray(end + 4).toString('utf8');
  if (!isEnd && !isWhole(headers, answer.length - end - 4, body)) return null;
  return {
    version: status.slice(5, 8),
    status: Number(status.slice(9, 12)),
    statusLine: firstLine(answer),
    headers,
    body,
  };
}

function isWhole(headers: ReadonlyMap<string, string>, bytes: number, body: string): boolean {
  const length = headers.get('content-length');
  if (length !== undefined) return bytes >= Number(length);
  return headers.get('transfer-encoding')?.toLowerCase() === 'chunked' && /(?:^|\r\n)0\r\n\r\n$/.test(body);
}

/** The JSON object in a body, chunked or not; null where there is none. */
export function jsonBody({ body }: HttpAnswer): Readonly<Record<string, unknown>> | null {
  const from = body.indexOf('{');
  const to = body.lastIndexOf('}');
  if (from < 0 || to < from) return null;
  try {
    const value: unknown = JSON.parse(body.slice(from, to + 1));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** A member that is a text. */
export function textOf(object: unknown, name: string): string | undefined {
  if (typeof object !== 'object' || object === null || !Object.hasOwn(object, name)) return undefined;
  const value = (object as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : undefined;
}
