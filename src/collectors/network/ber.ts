/** One element of BER (X.690, 8.1): tag, content, and where the next one begins. */
export interface BerElement {
  readonly tag: number;
  readonly content: Buffer;
  readonly end: number;
}

/** Reads the element at `at`; tags of one byte, definite lengths up to 4 bytes. Throws RangeError where it is cut. */
export function readBer(data: Buffer, at = 0): BerElement {
  const tag = data.readUInt8(at);
  const first = data.readUInt8(at + 1);
  const lengthBytes = first < 128 ? 0 : first & 127;
  if (lengthBytes > 4) throw new RangeError('a BER length of more than 4 bytes');
  const from = at + 2 + lengthBytes;
  const length = first < 128 ? first : lengthBytes === 0 ? 0 : data.readUIntBE(at + 2, lengthBytes);
  if (from + length > data.length) throw new RangeError('a BER element that is cut');
  return { tag, content: data.subarray(from, from + length), end: from + length };
}

/** The elements inside a constructed one, at most `max`. */
export function readBerList(content: Buffer, max = 100): BerElement[] {
  const list: BerElement[] = [];
  for (let at = 0; at < content.length && list.length < max; ) {
    const element = readBer(content, at);
    list.push(element);
    at = element.end;
  }
  return list;
}

/** Encodes an element from its parts. */
export function ber(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const length =
    content.length < 128
      ? [content.length]
      : content.length < 256
        ? [0x81, content.length]
        : [0x82, content.length >> 8, content.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

/** A non-negative integer below 2^31. */
export function berInteger(value: number): Buffer {
  const bytes = [value >> 24, value >> 16, value >> 8, value].map((b) => b & 255);
  while (bytes.length > 1 && bytes[0] === 0 && (bytes[1] ?? 0) < 128) bytes.shift();
  return ber(2, Buffer.from(bytes));
}
