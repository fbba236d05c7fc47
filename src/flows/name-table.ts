/** Names that a format finds again and again in its bytes, as strings that are made once. */
export interface NameTable {
  /** By number; 0 is what names beyond the bound have. */
  readonly names: readonly string[];
  /** `hash`: any hash of bytes[from, to), the same for the same bytes. */
  numberOf(bytes: Uint8Array, from: number, to: number, hash: number): number;
  /** The same for a name that is there; -1: it is not. */
  find(bytes: Uint8Array, from: number, to: number, hash: number): number;
}

/** A name longer than this is cut: no tool writes one. */
const LONGEST = 128;

/** A hash of the bytes of a name, by words rather than bytes, each of which would wait for the one before it. */
export function hashOfName(view: DataView, from: number, to: number): number {
  let hash = to - from;
  if (hash < 4) {
    for (let i = from; i < to; i++) hash = Math.imul(hash, 31) + view.getUint8(i);
    return hash;
  }
  for (let i = from; i < to - 4; i += 4) hash = Math.imul(hash ^ view.getInt32(i, true), 0x2c1b3c6d);
  hash = Math.imul(hash ^ view.getInt32(to - 4, true), 0x297a2d39);
  return hash ^ (hash >>> 15);
}

/** `prefix` leads every name; at most `most` are told apart. */
export function createNameTable(prefix: string, most: number): NameTable {
  const names: string[] = [`${prefix}other`];
  /** Bytes of all names, and where each ends. */
  let text = new Uint8Array(8192);
  let ends = new Int32Array(512);
  let slots = 256;
  let index = new Int32Array(slots);
  let hashes = new Int32Array(slots);

  function slotOf(hash: number): number {
    return (hash ^ (hash >>> 15)) & (slots - 1);
  }

  function grow(): void {
    const before = index;
    const hashesBefore = hashes;
    slots *= 2;
    index = new Int32Array(slots);
    hashes = new Int32Array(slots);
    before.forEach((number, from) => {
      if (number === 0) return;
      const hash = hashesBefore[from] as number;
      let slot = slotOf(hash);
      while (index[slot] !== 0) slot = (slot + 1) & (slots - 1);
      index[slot] = number;
      hashes[slot] = hash;
    });
  }

  function isName(number: number, bytes: Uint8Array, from: number, to: number): boolean {
    const start = ends[number - 1] as number;
    if ((ends[number] as number) - start !== to - from) return false;
    for (let i = from; i < to; i++) if (text[start + i - from] !== bytes[i]) return false;
    return true;
  }

  function keep(number: number, bytes: Uint8Array, from: number, to: number): void {
    const start = ends[number - 1] as number;
    if (start + to - from > text.length) {
      const larger = new Uint8Array(text.length * 2);
      larger.set(text);
      text = larger;
    }
    if (number >= ends.length) {
      const larger = new Int32Array(ends.length * 2);
      larger.set(ends);
      ends = larger;
    }
    text.set(bytes.subarray(from, to), start);
    ends[number] = start + to - from;
  }

  return {
    names,
    find(bytes, from, to, hash) {
      if (to - from > LONGEST) return -1;
      const mixed = Math.imul(hash, 0x9e3779b1);
      let slot = slotOf(mixed);
      let steps = 0;
      for (let number = index[slot] as number; number !== 0; number = index[slot] as number) {
        if (hashes[slot] === mixed && isName(number, bytes, from, to)) return number;
        slot = (slot + 1) & (slots - 1);
        if (++steps > 64) return -1;
      }
      return -1;
    },
    numberOf(bytes, from, to, hash) {
      const end = to - from > LONGEST ? from + LONGEST : to;
      const mixed = Math.imul(hash, 0x9e3779b1);
      let slot = slotOf(mixed);
      let steps = 0;
      for (let number = index[slot] as number; number !== 0; number = index[slot] as number) {
        if (hashes[slot] === mixed && isName(number, bytes, from, end)) return number;
        slot = (slot + 1) & (slots - 1);
        if (++steps > 64) return 0; // chosen to collide
      }
      if (names.length > most) return 0;
      const number = names.length;
      keep(number, bytes, from, end);
      names.push(prefix + String.fromCharCode(...bytes.subarray(from, end)).replaceAll(/[^ -~]/g, '.'));
      index[slot] = number;
      hashes[slot] = mixed;
      if (names.length * 2 > slots) grow();
      return number;
    },
  };
}
