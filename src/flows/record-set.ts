import { MOST_PENDING, PENDING_WORDS, type PendingRecords } from './pending-records.ts';

/** What was found where the search for each record begins. */
const found = new Uint32Array(MOST_PENDING);

/**
 * Which records came before, by 64 bits of each: enough to tell a record that was delivered twice from any other. Grows
 * with the records, 8 bytes and as much again of free room for each.
 */
export class RecordSet {
  size = 0;
  private slots = 256;
  private marks = new Uint32Array(256 * 2);

  get byteLength(): number {
    return this.slots * 8;
  }

  /** Remembers records, and marks those that were there. */
  addAll({ length, words, isRepeated }: PendingRecords): void {
    const { marks } = this;
    const mask = this.slots - 1;
    for (let i = 0, at = 4; i < length; i++, at += PENDING_WORDS) {
      const slot = ((words[at] as number) ^ ((words[at + 1] as number) >>> 7)) & mask;
      found[i] = marks[slot * 2 + 1] as number;
    }
    for (let i = 0, at = 4; i < length; i++, at += PENDING_WORDS)
      isRepeated[i] = this.add(words[at] as number, words[at + 1] as number) ? 0 : 1;
  }

  /** Remembers a record by two independent hashes; false: it was there. */
  private add(low: number, high: number): boolean {
    const { marks } = this;
    const mask = this.slots - 1;
    const mark = high | 1; // a free slot has 0
    let slot = (low ^ (high >>> 7)) & mask;
    for (let there = marks[slot * 2 + 1] as number; there !== 0; there = marks[slot * 2 + 1] as number) {
      if (there === mark >>> 0 && marks[slot * 2] === low) return false;
      slot = (slot + 1) & mask;
    }
    marks[slot * 2] = low;
    marks[slot * 2 + 1] = mark;
    this.size++;
    if (this.size * 8 > this.slots * 5) this.grow();
    return true;
  }

  private grow(): void {
    const before = this.marks;
    this.slots *= 2;
    const mask = this.slots - 1;
    const marks = new Uint32Array(this.slots * 2);
    for (let i = 0; i < before.length; i += 2) {
      const high = before[i + 1] as number;
      if (high === 0) continue;
      const low = before[i] as number;
      let slot = (low ^ (high >>> 7)) & mask;
      while (marks[slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
      marks[slot * 2] = low;
      marks[slot * 2 + 1] = high;
    }
    this.marks = marks;
  }

  clear(): void {
    this.size = 0;
    this.marks.fill(0);
  }
}
