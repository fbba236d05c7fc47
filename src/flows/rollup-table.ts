import type { FlowBatch } from '../model/flow.ts';
import type { AddressTable } from './address-ids.ts';
import { FIRST_IPV6_ID } from './address-ids.ts';

/** Words and numbers of a row: src, dst, what(), feed; connections, packets, bytes. */
const KEYS = 4;
const SUMS = 3;
/** Bytes a row takes, with its share of the index. */
const ROW_BYTES = KEYS * 4 + SUMS * 8 + 2 * 4;
const FIRST_ROWS = 64;
/** Steps of a search from which on the rows were chosen to collide. */
const LONGEST_SEARCH = 512;

const IS_SRC_6 = 2 ** 30;
const IS_DST_6 = 2 ** 31;

/** Port, protocol, action and whether the direction is known, in one word. */
export function packWhat(port: number, protocol: number, action: number, directed: number): number {
  return port | (protocol << 16) | (action << 24) | (directed << 26);
}

/**
 * Rows of one bucket: an open-addressed index over dense rows, so that growing moves rows as they are and writing them out
 * goes straight through. Nothing is made for a record.
 */
export class RollupTable {
  /** Number of the bucket: UTC seconds / BUCKET_SECONDS. */
  bucket = 0;
  /** When it was used last, in uses of any table. */
  used = 0;
  size = 0;
  /** A search took so long that the table should be written out. */
  isCrowded = false;
  private rows = FIRST_ROWS;
  private index = new Int32Array(FIRST_ROWS * 2).fill(-1);
  private keys = new Uint32Array(FIRST_ROWS * KEYS);
  private sums = new Float64Array(FIRST_ROWS * SUMS);

  get byteLength(): number {
    return this.rows * ROW_BYTES;
  }

  /** Adds to the row of a key, which is made where there is none. */
  add(src: number, dst: number, what: number, feed: number, connections: number, packets: number, bytes: number): void {
    let flags = what;
    if (src >= FIRST_IPV6_ID) flags |= IS_SRC_6;
    if (dst >= FIRST_IPV6_ID) flags |= IS_DST_6;
    const row = this.rowOf(src >>> 0, dst >>> 0, flags >>> 0, feed);
    const { sums } = this;
    const at = row * SUMS;
    sums[at] = (sums[at] as number) + connections;
    sums[at + 1] = (sums[at + 1] as number) + packets;
    sums[at + 2] = (sums[at + 2] as number) + bytes;
  }

  private rowOf(src: number, dst: number, what: number, feed: number): number {
    const { index, keys } = this;
    const mask = index.length - 1;
    let slot = hashOf(src, dst, what, feed) & mask;
    let steps = 0;
    for (let row = index[slot] as number; row !== -1; row = index[slot] as number) {
      const at = row * KEYS;
      if (keys[at] === src && keys[at + 1] === dst && keys[at + 2] === what && keys[at + 3] === feed) return row;
      slot = (slot + 1) & mask;
      steps++;
    }
    if (steps > LONGEST_SEARCH) this.isCrowded = true;
    if (this.size === this.rows) {
      this.grow();
      return this.rowOf(src, dst, what, feed);
    }
    const row = this.size++;
    index[slot] = row;
    const at = row * KEYS;
    keys[at] = src;
    keys[at + 1] = dst;
    keys[at + 2] = what;
    keys[at + 3] = feed;
    this.sums.fill(0, row * SUMS, row * SUMS + SUMS);
    return row;
  }

  private grow(): void {
    this.rows *= 2;
    const keys = new Uint32Array(this.rows * KEYS);
    keys.set(this.keys);
    this.keys = keys;
    const sums = new Float64Array(this.rows * SUMS);
    sums.set(this.sums);
    this.sums = sums;
    const index = new Int32Array(this.rows * 2).fill(-1);
    const mask = index.length - 1;
    for (let row = 0; row < this.size; row++) {
      const at = row * KEYS;
      let slot =
        hashOf(keys[at] as number, keys[at + 1] as number, keys[at + 2] as number, keys[at + 3] as number) & mask;
      while (index[slot] !== -1) slot = (slot + 1) & mask;
      index[slot] = row;
    }
    this.index = index;
  }

  /** Writes rows [from, …) behind those of the batch until it is full; returns the first row that had no room. */
  write(from: number, batch: FlowBatch, seconds: number, ids: AddressTable): number {
    const { keys, sums } = this;
    const room = batch.bucket.length;
    let row = from;
    for (; row < this.size && batch.length < room; row++) {
      const to = batch.length++;
      const at = row * KEYS;
      const what = keys[at + 2] as number;
      batch.bucket[to] = seconds;
      ids.words((keys[at] as number) + ((what & IS_SRC_6) === 0 ? 0 : FIRST_IPV6_ID), batch.src, to * 4);
      ids.words((keys[at + 1] as number) + ((what & IS_DST_6) === 0 ? 0 : FIRST_IPV6_ID), batch.dst, to * 4);
      batch.port[to] = what & 0xffff;
      batch.protocol[to] = (what >>> 16) & 255;
      batch.action[to] = (what >>> 24) & 3;
      batch.directed[to] = (what >>> 26) & 1;
      batch.feed[to] = keys[at + 3] as number;
      batch.connections[to] = sums[row * SUMS] as number;
      batch.packets[to] = sums[row * SUMS + 1] as number;
      batch.bytes[to] = sums[row * SUMS + 2] as number;
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
