import { ascii, sameText, sameWord } from './scan.ts';

/** Words of a format, to be recognised in its bytes without making a string of them. */
export interface WordTable {
  /** The place of bytes[from, to) in the list of words; -1: it is none of them. */
  indexOf(bytes: Uint8Array, from: number, to: number): number;
}

/** Makes a table of ASCII words. `anyCase`: letters count as the same in either case; the words are then given in lower. */
export function createWordTable(words: readonly string[], anyCase = false): WordTable {
  const texts = words.map(ascii);
  let slots = 16;
  while (slots < words.length * 4) slots *= 2;
  const mask = slots - 1;
  const index = new Int16Array(slots).fill(-1);
  const fold = anyCase ? 32 : 0;
  const longest = Math.max(0, ...texts.map((text) => text.length));

  function hashOf(bytes: Uint8Array, from: number, to: number): number {
    let hash = to - from;
    for (let i = from; i < to; i++) hash = Math.imul(hash, 31) + ((bytes[i] as number) | fold);
    return (hash ^ (hash >>> 11)) & mask;
  }

  texts.forEach((text, n) => {
    let slot = hashOf(text, 0, text.length);
    while (index[slot] !== -1) slot = (slot + 1) & mask;
    index[slot] = n;
  });

  return {
    indexOf(bytes, from, to) {
      if (to - from > longest) return -1;
      let slot = hashOf(bytes, from, to);
      for (let n = index[slot] as number; n !== -1; n = index[slot] as number) {
        const text = texts[n] as Uint8Array;
        if (anyCase ? sameWord(bytes, from, to, text) : sameText(bytes, from, to, text)) return n;
        slot = (slot + 1) & mask;
      }
      return -1;
    },
  };
}
