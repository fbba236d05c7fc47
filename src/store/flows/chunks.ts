import type { FlowBatch } from '../../model/flow.ts';
import type { DuckDBAppender, DuckDBDataChunk, DuckDb } from '../../util/duckdb.ts';
import { FILL_COLUMNS } from './columns.ts';

/** Rows of a chunk (DuckDB's vector size). */
const CHUNK = 2_048;

/** Typed arrays of a chunk, in the order of FILL_COLUMNS; 64-bit ones as pairs of words. */
interface Columns {
  readonly bucket: Uint32Array;
  readonly srcHigh: Uint32Array;
  readonly srcLow: Uint32Array;
  readonly dstHigh: Uint32Array;
  readonly dstLow: Uint32Array;
  readonly port: Uint16Array;
  readonly protocol: Uint8Array;
  readonly action: Uint8Array;
  readonly directed: Uint8Array;
  readonly connections: Float64Array;
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
  readonly feed: Uint16Array;
}

function columnsOf(chunk: DuckDBDataChunk): Columns {
  const items = (i: number): ArrayBufferView =>
    (chunk.getColumnVector(i) as unknown as { items: ArrayBufferView }).items;
  // Words and not bigints: a bigint is an object each.
  const words = (i: number): Uint32Array => {
    const { buffer, byteOffset, byteLength } = items(i);
    return new Uint32Array(buffer, byteOffset, byteLength / 4);
  };
  return {
    bucket: items(0) as Uint32Array,
    srcHigh: words(1),
    srcLow: words(2),
    dstHigh: words(3),
    dstLow: words(4),
    port: items(5) as Uint16Array,
    protocol: items(6) as Uint8Array,
    action: items(7) as Uint8Array,
    directed: items(8) as Uint8Array,
    connections: items(9) as Float64Array,
    packets: items(10) as Float64Array,
    bytes: items(11) as Float64Array,
    feed: items(12) as Uint16Array,
  };
}

/** Hands rows of batches to an appender, in chunks that are used again. */
export class ChunkWriter {
  readonly #chunk: DuckDBDataChunk;
  #columns: Columns;

  constructor({ api }: DuckDb) {
    const types = { UINTEGER: api.UINTEGER, UBIGINT: api.UBIGINT, USMALLINT: api.USMALLINT, UTINYINT: api.UTINYINT };
    this.#chunk = api.DuckDBDataChunk.create(
      FILL_COLUMNS.map(([, type]) => (type === 'DOUBLE' ? api.DOUBLE : types[type])),
      CHUNK,
    );
    this.#columns = columnsOf(this.#chunk);
  }

  /** Appends rows `from` to `to` of a batch. `feeds`: numbers in the store by those of the batch. */
  append(appender: DuckDBAppender, batch: FlowBatch, from: number, to: number, feeds: readonly number[]): void {
    for (let at = from; at < to; at += CHUNK) this.#appendChunk(appender, batch, at, Math.min(at + CHUNK, to), feeds);
  }

  #appendChunk(appender: DuckDBAppender, batch: FlowBatch, from: number, to: number, feeds: readonly number[]): void {
    const rows = to - from;
    if (this.#chunk.rowCount !== rows) {
      this.#chunk.rowCount = rows;
      this.#columns = columnsOf(this.#chunk);
    }
    const columns = this.#columns;
    columns.bucket.set(batch.bucket.subarray(from, to));
    splitWords(batch.src, from, columns.srcHigh, columns.srcLow);
    splitWords(batch.dst, from, columns.dstHigh, columns.dstLow);
    columns.port.set(batch.port.subarray(from, to));
    columns.protocol.set(batch.protocol.subarray(from, to));
    columns.action.set(batch.action.subarray(from, to));
    columns.directed.set(batch.directed.subarray(from, to));
    columns.connections.set(batch.connections.subarray(from, to));
    columns.packets.set(batch.packets.subarray(from, to));
    columns.bytes.set(batch.bytes.subarray(from, to));
    for (let i = 0; i < rows; i++) {
      const feed = feeds[batch.feed[from + i] as number];
      if (feed === undefined) throw new Error(`a batch names the feed ${batch.feed[from + i]} of ${feeds.length}`);
      columns.feed[i] = feed;
    }
    for (let i = 0; i < FILL_COLUMNS.length; i++) this.#chunk.getColumnVector(i).flush();
    appender.appendDataChunk(this.#chunk);
  }
}

/** Splits addresses (four words a row) into their halves (two words a row). */
function splitWords(addresses: Uint32Array, from: number, high: Uint32Array, low: Uint32Array): void {
  for (let i = 0, at = from * 4; i < low.length; i += 2, at += 4) {
    low[i] = addresses[at] as number;
    low[i + 1] = addresses[at + 1] as number;
    high[i] = addresses[at + 2] as number;
    high[i + 1] = addresses[at + 3] as number;
  }
}

/** Takes sorted chunks and puts their rows into a batch; rows with the same key as the one before are added to it. */
export class RowAdder {
  readonly #batch: FlowBatch;

  constructor(batch: FlowBatch) {
    this.#batch = batch;
  }

  /** Takes rows of a chunk from `from` on; returns where it stopped because the batch is full. */
  take(chunk: DuckDBDataChunk, from: number): number {
    const columns = columnsOf(chunk);
    const { rowCount } = chunk;
    const batch = this.#batch;
    const capacity = batch.bucket.length;
    let n = batch.length;
    let i = from;
    for (; i < rowCount; i++) {
      if (n > 0 && isSame(batch, n - 1, columns, i)) {
        add(batch.connections, n - 1, columns.connections[i]);
        add(batch.packets, n - 1, columns.packets[i]);
        add(batch.bytes, n - 1, columns.bytes[i]);
        continue;
      }
      if (n === capacity) break;
      putRow(batch, n++, columns, i);
    }
    batch.length = n;
    return i;
  }
}

function add(counts: Float64Array, at: number, more: number | undefined): void {
  counts[at] = (counts[at] as number) + (more as number);
}

function isSame(batch: FlowBatch, n: number, columns: Columns, i: number): boolean {
  return (
    batch.bucket[n] === columns.bucket[i] &&
    batch.port[n] === columns.port[i] &&
    batch.src[n * 4] === columns.srcLow[i * 2] &&
    batch.dst[n * 4] === columns.dstLow[i * 2] &&
    batch.src[n * 4 + 1] === columns.srcLow[i * 2 + 1] &&
    batch.dst[n * 4 + 1] === columns.dstLow[i * 2 + 1] &&
    batch.src[n * 4 + 2] === columns.srcHigh[i * 2] &&
    batch.dst[n * 4 + 2] === columns.dstHigh[i * 2] &&
    batch.src[n * 4 + 3] === columns.srcHigh[i * 2 + 1] &&
    batch.dst[n * 4 + 3] === columns.dstHigh[i * 2 + 1] &&
    batch.action[n] === columns.action[i] &&
    batch.protocol[n] === columns.protocol[i] &&
    batch.directed[n] === columns.directed[i] &&
    batch.feed[n] === columns.feed[i]
  );
}

function putRow(batch: FlowBatch, n: number, columns: Columns, i: number): void {
  batch.bucket[n] = columns.bucket[i] as number;
  batch.src[n * 4] = columns.srcLow[i * 2] as number;
  batch.src[n * 4 + 1] = columns.srcLow[i * 2 + 1] as number;
  batch.src[n * 4 + 2] = columns.srcHigh[i * 2] as number;
  batch.src[n * 4 + 3] = columns.srcHigh[i * 2 + 1] as number;
  batch.dst[n * 4] = columns.dstLow[i * 2] as number;
  batch.dst[n * 4 + 1] = columns.dstLow[i * 2 + 1] as number;
  batch.dst[n * 4 + 2] = columns.dstHigh[i * 2] as number;
  batch.dst[n * 4 + 3] = columns.dstHigh[i * 2 + 1] as number;
  batch.port[n] = columns.port[i] as number;
  batch.protocol[n] = columns.protocol[i] as number;
  batch.action[n] = columns.action[i] as number;
  batch.directed[n] = columns.directed[i] as number;
  batch.connections[n] = columns.connections[i] as number;
  batch.packets[n] = columns.packets[i] as number;
  batch.bytes[n] = columns.bytes[i] as number;
  batch.feed[n] = columns.feed[i] as number;
}
