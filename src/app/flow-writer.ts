import { UserError } from '../model/errors.ts';
import { BUCKET_SECONDS, type Feed, type FeedCoverage, type FlowBatch } from '../model/flow.ts';
import type { FlowPart, FlowStore } from '../store/flow-store.ts';

/** Rows that wait while the store cannot be written to; the oldest go when there are more: 67 bytes each. */
const MOST_WAITING_ROWS = 500_000;
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;

/** Rows that had to be dropped. */
export interface DroppedRows {
  /** UTC seconds. */
  readonly from: number;
  readonly until: number;
  readonly connections: number;
  readonly because: string;
}

export interface FlowWriterOptions {
  readonly flows: FlowStore;
  /** For people: `conntrack`, `netflow 127.0.0.1:2055`. */
  readonly source: string;
  readonly now: () => number;
  readonly onWarning: (text: string) => void;
  /** After every part that is on disk. */
  readonly onAppended: (part: WaitingPart, rows: number) => Promise<void> | void;
  readonly onDropped: (dropped: DroppedRows) => void;
  readonly recycle: (batch: FlowBatch) => void;
}

/** Rows that belong together, until they are on disk. */
export interface WaitingPart {
  readonly batches: readonly FlowBatch[];
  readonly feeds: readonly Feed[];
  readonly coverage: FeedCoverage[];
  readonly digest: string;
  /** UTC seconds: until when its feeds are recorded. */
  readonly until: number;
}

/**
 * Appends parts to the store of flows, one after the other. What fails (a full disk) is tried again and again with the same
 * digest, so that nothing counts twice; what waits is bounded.
 */
export class FlowWriter {
  readonly #options: FlowWriterOptions;
  readonly #waiting: WaitingPart[] = [];
  #running: Promise<void> | null = null;
  #notBefore = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #isFailing = false;
  rows = 0;

  constructor(options: FlowWriterOptions) {
    this.#options = options;
  }

  /** Parts that are not on disk. */
  get waiting(): number {
    return this.#waiting.length;
  }

  push(part: WaitingPart): void {
    this.#waiting.push(part);
    this.#bound();
    void this.write(false);
  }

  /** Writes what waits; `force`: without regard to the pause after a failure. Resolves when that was tried. */
  async write(force: boolean): Promise<void> {
    if (force) this.#notBefore = 0;
    while (this.#running !== null) await this.#running;
    if (this.#waiting.length === 0 || performance.now() < this.#notBefore) return;
    this.#running = this.#writeAll();
    try {
      await this.#running;
    } finally {
      this.#running = null;
    }
  }

  async #writeAll(): Promise<void> {
    const { flows, source, now, onAppended, onWarning, recycle } = this.#options;
    for (let part = this.#waiting[0]; part !== undefined; part = this.#waiting[0]) {
      const given: FlowPart = { ...part, source, recordedAt: now() };
      try {
        const { rows } = await flows.append(given);
        this.rows += rows;
        await onAppended(part, rows);
      } catch (error) {
        if (!this.#isFailing)
          onWarning(`${(error as Error).message}; ${source}: rows wait in memory until it works${hintOf(error)}`);
        this.#isFailing = true;
        this.#notBefore = performance.now() + this.#pauseMs;
        this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
        return;
      }
      if (this.#isFailing) onWarning(`${source}: flows can be written again`);
      this.#isFailing = false;
      this.#pauseMs = FIRST_PAUSE_MS;
      this.#waiting.splice(this.#waiting.indexOf(part), 1);
      for (const batch of part.batches) recycle(batch);
    }
  }

  /** Drops the oldest rows where too many wait. The part stays, with what it covered as a gap. */
  #bound(): void {
    const sizes = this.#waiting.map(({ batches }) => batches.reduce((sum, { length }) => sum + length, 0));
    let rows = sizes.reduce((sum, size) => sum + size, 0);
    // The first one is being written, perhaps.
    for (let i = 1; i < this.#waiting.length && rows > MOST_WAITING_ROWS; i++) {
      if (sizes[i] === 0) continue;
      rows -= sizes[i] as number;
      const part = this.#waiting[i] as WaitingPart;
      const dropped = droppedOf(part, 'flows could not be written and did not fit into memory');
      this.#waiting[i] = {
        ...part,
        batches: [],
        coverage: part.feeds.map(({ name }) => ({
          ...{ feed: name, from: dropped.from, until: dropped.until },
          ...{ kind: 'gap' as const, lost: null },
        })),
      };
      this.#options.onDropped(dropped);
    }
  }
}

function droppedOf({ batches }: WaitingPart, because: string): DroppedRows {
  let from = Number.POSITIVE_INFINITY;
  let until = 0;
  let connections = 0;
  for (const batch of batches)
    for (let row = 0; row < batch.length; row++) {
      const bucket = batch.bucket[row] as number;
      from = Math.min(from, bucket);
      until = Math.max(until, bucket + BUCKET_SECONDS);
      connections += batch.connections[row] as number;
    }
  return { from, until, connections, because };
}

function hintOf(error: unknown): string {
  return error instanceof UserError && error.hint !== undefined ? `. ${error.hint}` : '';
}
