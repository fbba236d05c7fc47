import { randomBytes, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { TlsFacts } from '../../model/answer.ts';
import { certificateFacts } from './identify-certificate.ts';

/** Versions up to TLS 1.2 by their number on the wire; from 1.3 on the number is another extension's. */
const VERSIONS: ReadonlyMap<number, string> = new Map([
  [0x0300, 'SSLv3'],
  [0x0301, 'TLSv1'],
  [0x0302, 'TLSv1.1'],
  [0x0303, 'TLSv1.2'],
]);

export const SSL_3 = 0x0300;
export const TLS_1_0 = 0x0301;
export const TLS_1_1 = 0x0302;
export const TLS_1_2 = 0x0303;

/** Suites for every kind of key and every age: the point is to be answered, not to talk. */
const SUITES = [
  0xc02c, 0xc02b, 0xc030, 0xc02f, 0xcca9, 0xcca8, 0xc024, 0xc023, 0xc028, 0xc027, 0xc00a, 0xc009, 0xc014, 0xc013,
  0x009f, 0x009e, 0x006b, 0x0067, 0x0039, 0x0033, 0x009d, 0x009c, 0x003d, 0x003c, 0x0035, 0x002f, 0xc008, 0xc012,
  0x0016, 0x000a, 0xc007, 0xc011, 0x0005, 0x0004,
];

/**
 * A ClientHello that offers no version above `version` (RFC 5246, 7.4.1.2; RFC 6101 for SSL 3.0). Made by hand, as what OpenSSL
 * still offers depends on how it was built.
 */
export function clientHello(version: number, serverName: string | undefined): Buffer {
  const extensions = version === SSL_3 ? Buffer.alloc(0) : vector(2, ...extensionsOf(version, serverName));
  const body = Buffer.concat([
    uint16(version),
    randomBytes(32),
    vector(1),
    vector(2, ...SUITES.map(uint16)),
    vector(1, Buffer.from([0])),
    extensions,
  ]);
  const message = Buffer.concat([Buffer.from([1]), vector(3, body)]);
  return Buffer.concat([Buffer.from([22]), uint16(Math.min(version, TLS_1_0)), vector(2, message)]);
}

function extensionsOf(version: number, serverName: string | undefined): Buffer[] {
  const list: Buffer[] = [];
  const add = (type: number, content: Buffer) => list.push(uint16(type), vector(2, content));
  if (serverName !== undefined && isIP(serverName) === 0)
    add(0, vector(2, Buffer.from([0]), vector(2, Buffer.from(serverName.slice(0, 255)))));
  // Groups x25519, P-256, P-384, P-521; uncompressed points; renegotiation information (RFC 5746).
  add(10, vector(2, ...[29, 23, 24, 25].map(uint16)));
  add(11, vector(1, Buffer.from([0])));
  add(0xff01, vector(1));
  if (version >= TLS_1_2)
    add(
      13,
      vector(
        2,
        ...[0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201].map(uint16),
      ),
    );
  return list;
}

/** What a server answered to a ClientHello, as far as it goes in clear. */
export interface ServerHello {
  /** Number on the wire. */
  readonly version: number;
  readonly certificate: Buffer | undefined;
}

/** Reads a ServerHello and the certificate behind it; null: no ServerHello, or not yet. Throws RangeError where it is cut. */
export function readServerHello(answer: Buffer): ServerHello | null {
  const messages = handshakeMessages(answer);
  const hello = messages.find((m) => m.type === 2);
  if (!hello) return null;
  const certificates = messages.find((m) => m.type === 11)?.body;
  const length = certificates && certificates.length >= 6 ? certificates.readUIntBE(3, 3) : 0;
  return {
    version: hello.body.readUInt16BE(0),
    certificate: length > 0 ? certificates?.subarray(6, 6 + length) : undefined,
  };
}

/** Says whether the server has said all that it says before the client must: ServerHelloDone, or an alert. */
export function isHelloDone(answer: Buffer): boolean {
  return answer[0] === 21 || handshakeMessages(answer).some((m) => m.type === 14);
}

/** Says whether an answer begins like TLS: an alert or a handshake record of version 3.x. */
export function isTlsRecord(answer: Buffer): boolean {
  return (answer[0] === 21 || answer[0] === 22) && answer[1] === 3 && (answer[2] ?? 9) <= 4 && answer.length >= 5;
}

/** What a ServerHello alone shows of TLS. */
export function helloFacts(hello: ServerHello): TlsFacts | null {
  const protocol = versionName(hello.version);
  if (protocol === undefined) return null;
  try {
    return { protocol, ...(hello.certificate ? certificateFacts(new X509Certificate(hello.certificate)) : {}) };
  } catch {
    // Not a certificate that OpenSSL can read.
    return { protocol };
  }
}

/** `TLSv1.1` for 0x0302; undefined for what is none up to 1.2. */
export function versionName(version: number): string | undefined {
  return VERSIONS.get(version);
}

/** Whole handshake messages, which may span records (RFC 5246, 6.2.1). */
function handshakeMessages(answer: Buffer): { readonly type: number; readonly body: Buffer }[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at + 5 <= answer.length && answer[at] === 22; ) {
    const length = answer.readUInt16BE(at + 3);
    pieces.push(answer.subarray(at + 5, at + 5 + length));
    at += 5 + length;
  }
  const stream = Buffer.concat(pieces);
  const messages = [];
  for (let at = 0; at + 4 <= stream.length; ) {
    const length = stream.readUIntBE(at + 1, 3);
    if (at + 4 + length > stream.length) break;
    messages.push({ type: stream.readUInt8(at), body: stream.subarray(at + 4, at + 4 + length) });
    at += 4 + length;
  }
  return messages;
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255]);
}

/** Parts behind their length in so many bytes. */
function vector(lengthBytes: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntBE(content.length, 0, lengthBytes);
  return Buffer.concat([length, content]);
}
