/** Readers of numbers in network order. None of them looks behind the bytes: callers check lengths first. */

export function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

export function u32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}

/**
 * A whole number of 1 to 8 bytes (RFC 7011, 6.2: exporters may send fewer bytes than an element has). -1: it has another
 * length, or is 2^53 or more.
 */
export function unsigned(bytes: Uint8Array, at: number, length: number): number {
  if (length === 4) return u32(bytes, at);
  if (length === 2) return u16(bytes, at);
  if (length === 1) return bytes[at] as number;
  if (length < 1 || length > 8) return -1;
  let value = 0;
  for (let i = at; i < at + length; i++) value = value * 256 + (bytes[i] as number);
  return value <= Number.MAX_SAFE_INTEGER ? value : -1;
}
