import { sameText } from './scan.ts';

/** Names that a format finds again and again in its bytes, as strings that are made once. */
export interface NameTable {
  /** By number; 0 is what names beyond the bound have. */
  readonly names: readonly string[];
  /** `hash`: any hash of bytes[from, to), the same for the same bytes. */
  numberOf(bytes: Uint8Array, from: number, to: number, hash: number): number;
}

/** A name longer than this is cut: no tool writes one. */
const LONGEST = 128;

/** `prefix` leads every name; at most `most` are told apart. */
export function createNameTable(prefix: string, most: number): NameTable {
  const names: string[] = [`${prefix}other`];
  const texts: Uint8Array[] = [new Uint8Array(0)];
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

  return {
    names,
    numberOf(bytes, from, to, hash) {
      const end = to - from > LONGEST ? from + LONGEST : to;
      const mixed = Math.imul(hash, 0x9e3779b1);
      let slot = slotOf(mixed);
      let steps = 0;
      for (let number = index[slot] as number; number !== 0; number = index[slot] as number) {
        if (hashes[slot] === mixed && sameText(bytes, from, end, texts[number] as Uint8Array)) return number;
        slot = (slot + 1) & (slots - 1);
        if (++steps > 64) return 0; // chosen to collide
      }
      if (names.length > most) return 0;
      const number = names.length;
      const text = bytes.slice(from, end);
      texts.push(text);
      names.push(prefix + String.fromCharCode(...text).replaceAll(/[^ -~]/g, '.'));
      index[slot] = number;
      hashes[slot] = mixed;
      if (names.length * 2 > slots) grow();
      return number;
    },
  };
}
