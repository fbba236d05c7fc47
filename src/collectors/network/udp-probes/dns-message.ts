/** A question of a DNS message (RFC 1035, 4.1.2). `qclass` 1: IN, 3: CHAOS. */
export interface DnsQuestion {
  readonly name: string;
  readonly type: number;
  readonly qclass: number;
}

export const TYPE_PTR = 12;
export const TYPE_TXT = 16;

/** A DNS query of one question. */
export function dnsQuery(id: number, flags: number, { name, type, qclass }: DnsQuestion): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  const message = Buffer.alloc(12);
  message.writeUInt16BE(id, 0);
  message.writeUInt16BE(flags, 2);
  message.writeUInt16BE(1, 4);
  return Buffer.concat([message, ...labels, Buffer.from([0, type >> 8, type & 255, qclass >> 8, qclass & 255])]);
}

export interface DnsAnswer {
  readonly id: number;
  /** RCODE: 0 no error, 5 refused. */
  readonly code: number;
  /** Answers' records: type and data. */
  readonly records: ReadonlyArray<{ readonly type: number; readonly data: Buffer }>;
}

/** Records of an answer that are read at most. */
const MAX_RECORDS = 50;

/** Reads an answer; null where it is no DNS response. Throws RangeError where it ends too early. */
export function readDns(answer: Buffer): DnsAnswer | null {
  const flags = answer.readUInt16BE(2);
  // QR set, and of the query opcode.
  if ((flags & 0xf800) !== 0x8000 || (flags & 0x0040) !== 0) return null;
  const questions = answer.readUInt16BE(4);
  const answers = answer.readUInt16BE(6);
  if (questions > 1 || answer.length < 12) return null;
  let at = 12;
  if (questions === 1) at = skipName(answer, at) + 4;
  if (at > answer.length) return null;
  const records = [];
  for (let i = 0; i < Math.min(answers, MAX_RECORDS); i++) {
    at = skipName(answer, at);
    const type = answer.readUInt16BE(at);
    const length = answer.readUInt16BE(at + 8);
    if (at + 10 + length > answer.length) return null;
    records.push({ type, data: answer.subarray(at + 10, at + 10 + length) });
    at += 10 + length;
  }
  return { id: answer.readUInt16BE(0), code: flags & 15, records };
}

/** Where a name ends: at its zero label or its pointer (RFC 1035, 4.1.4). */
function skipName(message: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const length = message.readUInt8(at);
    if (length >= 0xc0) return at + 2;
    at += 1 + length;
    if (length === 0) return at;
  }
}

/** First string of a TXT record. */
export function txtOf(data: Buffer): string {
  return data.subarray(1, 1 + data.readUInt8(0)).toString('utf8');
}
