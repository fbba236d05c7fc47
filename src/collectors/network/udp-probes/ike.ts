import type { UdpProbe } from './udp-probe.ts';

const HEADER_BYTES = 28;

/**
 * IKE: the first message of version 2 with one usual proposal (RFC 7296, 1.2 and 3.3), and of version 1 in main mode (RFC
 * 2408). Any answer, a refusal as well, repeats the initiator's SPI; the exchange is not gone on with.
 */
export const ike: UdpProbe = {
  name: 'ike',
  ports: [500],
  requests: (nonce) => [version2(nonce), version1(nonce)],
  read(answer, nonce) {
    if (answer.length < HEADER_BYTES || !answer.subarray(0, 8).equals(nonce.subarray(0, 8))) return null;
    const version = answer.readUInt8(17) >> 4;
    if (answer.readUInt32BE(24) !== answer.length || version < 1 || version > 2) return null;
    return { facts: { service: 'isakmp', version: String(version), banner: `IKEv${version}` } };
  },
};

function header(nonce: Buffer, next: number, version: number, exchange: number, flags: number, body: Buffer): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  nonce.copy(bytes, 0, 0, 8);
  bytes.set([next, version, exchange, flags], 16);
  bytes.writeUInt32BE(HEADER_BYTES + body.length, 24);
  return Buffer.concat([bytes, body]);
}

/** A payload: which kind comes next, and its length with its own head of 4 bytes. */
function payload(next: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([next, 0, (content.length + 4) >> 8, (content.length + 4) & 255]), content]);
}

/** SA with AES-CBC 256, HMAC-SHA2-256 as PRF and integrity, group 14; a public value and a nonce that are only random. */
function version2(nonce: Buffer): Buffer {
  const transform = (last: boolean, type: number, id: number, ...attributes: number[]) =>
    payload(last ? 0 : 3, Buffer.from([type, 0, 0, id, ...attributes]));
  const transforms = Buffer.concat([
    transform(false, 1, 12, 0x80, 14, 1, 0),
    transform(false, 2, 5),
    transform(false, 3, 12),
    transform(true, 4, 14),
  ]);
  const proposal = payload(0, Buffer.from([1, 1, 0, 4]), transforms);
  const publicValue = Buffer.alloc(256, nonce);
  publicValue[0] = 0x7f;
  return header(
    nonce,
    33,
    0x20,
    34,
    0x08,
    Buffer.concat([payload(34, proposal), payload(40, Buffer.from([0, 14, 0, 0]), publicValue), payload(0, nonce)]),
  );
}

/** SA with AES-CBC 256, SHA-1, group 14, a pre-shared key, 28,800 seconds (RFC 2409, appendix A). */
function version1(nonce: Buffer): Buffer {
  const attributes = Buffer.from([
    0x80, 1, 0, 7, 0x80, 14, 1, 0, 0x80, 2, 0, 2, 0x80, 3, 0, 1, 0x80, 4, 0, 14, 0x80, 11, 0, 1, 0x80, 12, 0x70, 0x80,
  ]);
  const transform = payload(0, Buffer.from([1, 1, 0, 0]), attributes);
  const proposal = payload(0, Buffer.from([1, 1, 0, 1]), transform);
  return header(nonce, 1, 0x10, 2, 0, payload(0, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1]), proposal));
}
