import { hash } from 'node:crypto';

/**
 * Returns a UUIDv7 (RFC 9562, 5.7): 48 bits of UTC milliseconds, then 74 random bits; texts sort by time.
 * `random`: at least 10 bytes of randomness, given by the caller so that this only computes.
 */
export function uuidv7(unixMs: number, random: Uint8Array): string {
  if (!Number.isSafeInteger(unixMs) || unixMs < 0 || unixMs >= 2 ** 48)
    throw new RangeError(`${unixMs} is no UUIDv7 time`);
  if (random.length < 10) throw new RangeError(`a UUIDv7 takes 10 random bytes, got ${random.length}`);
  const bytes = new Uint8Array(16);
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(unixMs / 2 ** (8 * (5 - i))) % 256;
  bytes.set(random.subarray(0, 10), 6);
  return format(bytes, 7);
}

/**
 * Returns the UUIDv5 (RFC 9562, 5.5) of a name in a namespace: the same for the same two texts, for ever.
 * Throws RangeError if `namespace` is no UUID.
 */
export function uuidv5(namespace: string, name: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(namespace))
    throw new RangeError(`'${namespace}' is no UUID`);
  const input = Buffer.concat([Buffer.from(namespace.replaceAll('-', ''), 'hex'), Buffer.from(name, 'utf8')]);
  return format(new Uint8Array(hash('sha1', input, 'buffer').subarray(0, 16)), 5);
}

/** Sets version and variant bits and writes the 8-4-4-4-12 form. */
function format(bytes: Uint8Array, version: number): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | (version << 4);
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
