import type { FlowBatch } from '../model/flow.ts';
import type { AddressTable } from './address-ids.ts';
import { FIRST_IPV6_ID } from './address-ids.ts';
import { MOST_PENDING, PENDING_DOUBLES, PENDING_WORDS, type PendingRecords } from './pending-records.ts';

/** A row is four words, src, dst, what and feed, and three doubles, connections, packets and bytes: side by side. */
const ROW_WORDS = 10;
const ROW_DOUBLES = 5;
const CONNECTIONS = 2;
const PACKETS = 3;
const BYTES = 4;
/** Bytes a row takes, with its share of the index. */
const ROW_BYTES = ROW_WORDS * 4 + 2 * 4;
const FIRST_ROWS = 64;
/** Steps of a search from which on the rows were chosen to collide. */
const LONGEST_SEARCH = 512;

const IS_SRC_6 = 2 ** 30;
const IS_DST_6 = 2 ** 31;

/** Port, protocol, action, whether the direction is known, and the families of the addresses, in one word. */
export function packWhat(
  port: number,
  protocol: number,
  action: number,
  directed: number,
  isSrc6: boolean,
  isDst6: boolean,
): number {
  const families = (isSrc6 ? IS_SRC_6 : 0) | (isDst6 ? IS_DST_6 : 0);
  return port | (protocol << 16) | (action << 24) | (directed << 26) | families;
}

/** The action in such a word. */
export function actionIn(what: number): number {
  return (what >>> 24) & 3;
}

/** Hashes of the records that are added, and the rows where the search for each begins. */
const hashes = new Uint32Array(MOST_PENDING);
const begins = new Int32Array(MOST_PENDING);

/**
 * Rows of one bucket: an open-addressed index over dense rows, so that growing moves rows as they are and writing them out
 * goes straight through. Nothing is made for a record.
 */
export class RollupTable {
  /** Number of the bucket: UTC seconds / BUCKET_SECONDS. */
  bucket = 0;
  /** When records of it began to come last, in records of any bucket. */
  usedAt = 0;
  size = 0;
  /** A search took so long that the table should be written out. */
  isCrowded = false;
  private rows = FIRST_ROWS;
  private index = new Int32Array(FIRST_ROWS * 2).fill(-1);
  private words = new Uint32Array(FIRST_ROWS * ROW_WORDS);
  private doubles = new Float64Array(this.words.buffer);

  get byteLength(): number {
    return this.rows * ROW_BYTES;
  }

  /** Adds records to the rows of their keys, which are made where there are none; those that came before to none. */
  addAll(records: PendingRecords): void {
    const { length, words } = records;
    while (this.size + length > this.rows) this.grow();
    const mask = this.index.length - 1;
    for (let i = 0, at = 0; i < length; i++, at += PENDING_WORDS) {
      const hash = hashOf(
        words[at] as number,
        words[at + 1] as number,
        words[at + 2] as number,
        words[at + 3] as number,
      );
      hashes[i] = hash;
      begins[i] = this.index[hash & mask] as number;
    }
    for (let i = 0; i < length; i++) {
      const row = begins[i] as number;
      if (row >= 0) begins[i] = this.words[row * ROW_WORDS] as number;
    }
    for (let i = 0; i < length; i++) if (records.isRepeated[i] === 0) this.add(records, i, hashes[i] as number);
  }

  private add({ words, doubles: values }: PendingRecords, i: number, hash: number): void {
    const from = i * PENDING_WORDS;
    const row = this.rowOf(
      words[from] as number,
      words[from + 1] as number,
      words[from + 2] as number,
      words[from + 3] as number,
      hash,
    );
    const at = row * ROW_DOUBLES;
    const value = i * PENDING_DOUBLES;
    const { doubles } = this;
    doubles[at + CONNECTIONS] = (doubles[at + CONNECTIONS] as number) + (values[value] as number);
    doubles[at + PACKETS] = (doubles[at + PACKETS] as number) + (values[value + 1] as number);
    doubles[at + BYTES] = (doubles[at + BYTES] as number) + (values[value + 2] as number);
  }

  private rowOf(src: number, dst: number, what: number, feed: number, hash: number): number {
    const { index, words } = this;
    const mask = index.length - 1;
    let slot = hash & mask;
    let steps = 0;
    for (let row = index[slot] as number; row !== -1; row = index[slot] as number) {
      const at = row * ROW_WORDS;
      if (words[at] === src && words[at + 1] === dst && words[at + 2] === what && words[at + 3] === feed) return row;
      slot = (slot + 1) & mask;
      steps++;
    }
    if (steps > LONGEST_SEARCH) this.isCrowded = true;
    const row = this.size++;
    index[slot] = row;
    const at = row * ROW_WORDS;
    words[at] = src;
    words[at + 1] = dst;
    words[at + 2] = what;
    words[at + 3] = feed;
    for (let i = CONNECTIONS; i <= BYTES; i++) this.doubles[row * ROW_DOUBLES + i] = 0;
    return row;
  }

  private grow(): void {
    this.rows *= 2;
    const words = new Uint32Array(this.rows * ROW_WORDS);
    words.set(this.words);
    this.words = words;
    this.doubles = new Float64Array(words.buffer);
    const index = new Int32Array(this.rows * 2).fill(-1);
    const mask = index.length - 1;
    for (let row = 0; row < this.size; row++) {
      const at = row * ROW_WORDS;
      let slot =
        hashOf(words[at] as number, words[at + 1] as number, words[at + 2] as number, words[at + 3] as number) & mask;
      while (index[slot] !== -1) slot = (slot + 1) & mask;
      index[slot] = row;
    }
    this.index = index;
  }

  /** Writes rows [from, …) behind those of the batch until it is full; returns the first row that had no room. */
  write(from: number, batch: FlowBatch, seconds: number, ids: AddressTable): number {
    const { words, doubles } = this;
    const room = batch.bucket.length;
    let row = from;
    for (; row < this.size && batch.length < room; row++) {
      const to = batch.length++;
      const at = row * ROW_WORDS;
      const what = words[at + 2] as number;
      batch.bucket[to] = seconds;
      ids.words((words[at] as number) + ((what & IS_SRC_6) === 0 ? 0 : FIRST_IPV6_ID), batch.src, to * 4);
      ids.words((words[at + 1] as number) + ((what & IS_DST_6) === 0 ? 0 : FIRST_IPV6_ID), batch.dst, to * 4);
      batch.port[to] = what & 0xffff;
      batch.protocol[to] = (what >>> 16) & 255;
      batch.action[to] = actionIn(what);
      batch.directed[to] = (what >>> 26) & 1;
      batch.feed[to] = words[at + 3] as number;
      batch.connections[to] = doubles[row * ROW_DOUBLES + CONNECTIONS] as number;
      batch.packets[to] = doubles[row * ROW_DOUBLES + PACKETS] as number;
      batch.bytes[to] = doubles[row * ROW_DOUBLES + BYTES] as number;
    }
    return row;
  }

  /** Forgets the rows and keeps the room. */
  clear(): void {
    this.size = 0;
    this.isCrowded = false;
    this.index.fill(-1);
  }
}

function hashOf(src: number, dst: number, what: number, feed: number): number {
  let hash = Math.imul(src, 0x9e3779b1) ^ Math.imul(dst, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) ^ Math.imul(what, 0xc2b2ae35) ^ Math.imul(feed, 0x27d4eb2f);
  hash = Math.imul(hash ^ (hash >>> 13), 0x297a2d39);
  return (hash ^ (hash >>> 16)) >>> 0;
}
