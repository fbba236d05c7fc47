/**
 * Turns intervals in any order into the boundaries that AddressSet (address-set.ts) is made of. Fast for a million of
 * them: doubles go through the native numeric sort, 128-bit numbers through a radix sort of their bytes.
 */

/** Boundaries of the union of half-open intervals `[starts[i], ends[i])`, none of them empty. Sorts both in place. */
export function ipv4Boundaries(starts: Float64Array, ends: Float64Array): number[] {
  // How many intervals are open at a point depends on the starts and the ends alone, not on which belong together.
  starts.sort();
  ends.sort();
  const boundaries: number[] = [];
  let open = 0;
  let s = 0;
  for (let e = 0; e < ends.length; ) {
    const start = starts[s];
    const end = ends[e] as number;
    if (start !== undefined && start <= end) {
      if (open++ === 0) boundaries.push(start);
      s++;
    } else {
      if (--open === 0) boundaries.push(end);
      e++;
    }
  }
  return boundaries;
}

/** The same for IPv6; leaves its arguments as they are. */
export function ipv6Boundaries(starts: readonly bigint[], ends: readonly bigint[]): bigint[] {
  const boundaries: bigint[] = [];
  let last = -1n;
  for (const i of ascending(starts)) {
    const start = starts[i] as bigint;
    const end = ends[i] as bigint;
    if (start > last) {
      if (last >= 0n) boundaries.push(last);
      boundaries.push(start);
      last = end;
    } else if (end > last) last = end;
  }
  if (last >= 0n) boundaries.push(last);
  return boundaries;
}

/** Indices of 128-bit numbers in ascending order: radix sort, last byte first; bytes that all share are skipped. */
export function ascending(values: readonly bigint[]): Uint32Array {
  const n = values.length;
  const view = new DataView(new ArrayBuffer(n * 16));
  values.forEach((value, i) => {
    view.setBigUint64(i * 16, value >> 64n);
    view.setBigUint64(i * 16 + 8, BigInt.asUintN(64, value));
  });
  const bytes = new Uint8Array(view.buffer);
  let order = Uint32Array.from({ length: n }, (_, i) => i);
  if (n < 2) return order;
  let next = new Uint32Array(n);
  const counts = new Uint32Array(257);
  for (let digit = 15; digit >= 0; digit--) {
    counts.fill(0);
    for (let at = digit; at < bytes.length; at += 16) {
      const slot = (bytes[at] as number) + 1;
      counts[slot] = (counts[slot] as number) + 1;
    }
    if (counts.includes(n, 1)) continue;
    for (let slot = 1; slot < 257; slot++) counts[slot] = (counts[slot] as number) + (counts[slot - 1] as number);
    for (let k = 0; k < n; k++) {
      const index = order[k] as number;
      const byte = bytes[index * 16 + digit] as number;
      const place = counts[byte] as number;
      counts[byte] = place + 1;
      next[place] = index;
    }
    [order, next] = [next, order];
  }
  return order;
}
