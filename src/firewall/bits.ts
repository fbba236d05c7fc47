/**
 * A set of small numbers, 0 to n-1, as words of 32 bits; `true` is all of them, `false` none. What the evaluator walks
 * chains with: a number stands for an interval of addresses that no rule tells apart.
 */
export type Bits = Uint32Array | boolean;

/** Number of words for n members. */
export function wordsFor(n: number): number {
  return (n + 31) >>> 5;
}

/** Returns a fresh array with the first n bits set. */
export function allBits(n: number): Uint32Array {
  const words = new Uint32Array(wordsFor(n)).fill(0xffffffff);
  if (n % 32 !== 0) words[words.length - 1] = 2 ** (n % 32) - 1;
  return words;
}

/** Sets bits `from` to `to`-1. */
export function setRange(words: Uint32Array, from: number, to: number): void {
  if (from >= to) return;
  const first = from >>> 5;
  const last = (to - 1) >>> 5;
  const head = 0xffffffff << (from & 31);
  const tail = 0xffffffff >>> (31 - ((to - 1) & 31));
  if (first === last) {
    words[first] = (words[first] as number) | (head & tail);
    return;
  }
  words[first] = (words[first] as number) | head;
  for (let i = first + 1; i < last; i++) words[i] = 0xffffffff;
  words[last] = (words[last] as number) | tail;
}

export function and(a: Bits, b: Bits): Bits {
  if (a === true) return b;
  if (b === true) return a;
  if (a === false || b === false) return false;
  const result = new Uint32Array(a.length);
  let any = 0;
  for (let i = 0; i < a.length; i++) {
    const word = (a[i] as number) & (b[i] as number);
    result[i] = word;
    any |= word;
  }
  return any === 0 ? false : result;
}

export function or(a: Bits, b: Bits): Bits {
  if (a === false) return b;
  if (b === false) return a;
  if (a === true || b === true) return true;
  const result = new Uint32Array(a.length);
  for (let i = 0; i < a.length; i++) result[i] = (a[i] as number) | (b[i] as number);
  return result;
}

/** The members up to n that are not in it. */
export function not(a: Bits, n: number): Bits {
  if (typeof a === 'boolean') return !a;
  const result = allBits(n);
  for (let i = 0; i < a.length; i++) result[i] = (result[i] as number) & ~(a[i] as number);
  return result;
}

/** `a` without `b`. */
export function minus(a: Bits, b: Bits, n: number): Bits {
  if (b === false) return a;
  if (b === true || a === false) return false;
  if (a === true) return not(b, n);
  const result = new Uint32Array(a.length);
  let any = 0;
  for (let i = 0; i < a.length; i++) {
    const word = (a[i] as number) & ~(b[i] as number);
    result[i] = word;
    any |= word;
  }
  return any === 0 ? false : result;
}

export function isNone(a: Bits): boolean {
  if (typeof a === 'boolean') return !a;
  for (let i = 0; i < a.length; i++) if (a[i] !== 0) return false;
  return true;
}

/** Adds `b` to `into`, in place. */
export function addTo(into: Uint32Array, b: Bits, n: number): void {
  if (b === false) return;
  if (b === true) {
    into.set(allBits(n));
    return;
  }
  for (let i = 0; i < into.length; i++) into[i] = (into[i] as number) | (b[i] as number);
}

export function hasBit(a: Bits, i: number): boolean {
  return typeof a === 'boolean' ? a : (((a[i >>> 5] as number) >>> (i & 31)) & 1) === 1;
}

/** Takes the members from `start` to `end`-1 out of `from` and adds them to `into`. */
export function moveRange(from: Uint32Array, into: Uint32Array, start: number, end: number): void {
  if (start >= end) return;
  const first = start >>> 5;
  const last = (end - 1) >>> 5;
  for (let i = first; i <= last; i++) {
    let mask = 0xffffffff;
    if (i === first) mask &= 0xffffffff << (start & 31);
    if (i === last) mask &= 0xffffffff >>> (31 - ((end - 1) & 31));
    const taken = (from[i] as number) & mask;
    into[i] = (into[i] as number) | taken;
    from[i] = (from[i] as number) & ~mask;
  }
}
