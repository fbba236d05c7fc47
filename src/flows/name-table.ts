/** Names that a format finds again and again in its bytes, as strings that are made once. */
export interface NameTable {
  /** By number; 0 is what names beyond the bound have. */
  readonly names: readonly string[];
  /** Of the bytes [from, to) of the view. */
  numberOf(view: DataView, from: number, to: number): number;
  /** The same for a name that is there; -1: it is not. */
  find(view: DataView, from: number, to: number): number;
}

/** A name longer than this is cut: no tool writes one. */
const LONGEST = 128;

/** By words rather than bytes, each of which would wait for the one before it; the last may overlap the one before. */
function hashOf(view: DataView, from: number, to: number): number {
  let hash = to - from;
  if (hash < 4) for (let i = from; i < to; i++) hash = Math.imul(hash, 31) + view.getUint8(i);
  else {
    for (let i = from; i < to - 4; i += 4) hash = Math.imul(hash ^ view.getInt32(i, true), 0x2c1b3c6d);
    hash = Math.imul(hash ^ view.getInt32(to - 4, true), 0x297a2d39);
  }
  return Math.imul(hash ^ (hash >>> 15), 0x9e3779b1);
}

/** `prefix` leads every name; at most `most` are told apart. */
export function createNameTable(prefix: string, most: number): NameTable {
  const names: string[] = [`${prefix}other`];
  /** Bytes of all names, and where each ends. */
  let text = new Uint8Array(8192);
  let textView = new DataView(text.buffer);
  let ends = new Int32Array(512);
  let slots = 256;
  let index = new Int32Array(slots);
  let hashes = new Int32Array(slots);
  let free = 0;

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

  function isName(number: number, view: DataView, from: number, to: number): boolean {
    const start = ends[number - 1] as number;
    const length = to - from;
    if ((ends[number] as number) - start !== length) return false;
    let i = 0;
    for (; i <= length - 4; i += 4)
      if (textView.getInt32(start + i, true) !== view.getInt32(from + i, true)) return false;
    for (; i < length; i++) if (textView.getUint8(start + i) !== view.getUint8(from + i)) return false;
    return true;
  }

  /** The number of a name; -1: it is not there, and to be kept at `free`; -2: it was looked for in vain too long. */
  function search(view: DataView, from: number, to: number, hash: number): number {
    let slot = slotOf(hash);
    for (let steps = 0; steps < 64; steps++) {
      const number = index[slot] as number;
      if (number === 0) {
        free = slot;
        return -1;
      }
      if (hashes[slot] === hash && isName(number, view, from, to)) return number;
      slot = (slot + 1) & (slots - 1);
    }
    return -2; // chosen to collide
  }

  function keep(number: number, name: Uint8Array): void {
    const start = ends[number - 1] as number;
    if (start + name.length > text.length) {
      const larger = new Uint8Array(text.length * 2);
      larger.set(text);
      text = larger;
      textView = new DataView(text.buffer);
    }
    if (number >= ends.length) {
      const larger = new Int32Array(ends.length * 2);
      larger.set(ends);
      ends = larger;
    }
    text.set(name, start);
    ends[number] = start + name.length;
  }

  return {
    names,
    numberOf(view, from, to) {
      const end = to - from > LONGEST ? from + LONGEST : to;
      const hash = hashOf(view, from, end);
      const known = search(view, from, end, hash);
      if (known > 0) return known;
      if (known === -2 || names.length > most) return 0;
      const number = names.length;
      const name = new Uint8Array(view.buffer, view.byteOffset + from, end - from);
      keep(number, name);
      names.push(prefix + String.fromCharCode(...name).replaceAll(/[^ -~]/g, '.'));
      index[free] = number;
      hashes[free] = hash;
      if (names.length * 2 > slots) grow();
      return number;
    },
    find(view, from, to) {
      if (to - from > LONGEST) return -1;
      const known = search(view, from, to, hashOf(view, from, to));
      return known < 0 ? -1 : known;
    },
  };
}
