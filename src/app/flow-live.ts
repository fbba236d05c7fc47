import { randomUUID } from 'node:crypto';
import type { ServiceIndex } from '../flows/direction.ts';
import type { FlowSink } from '../flows/flow-format.ts';
import { createRollup, type Rollup } from '../flows/rollup.ts';
import type { FeedCoverage, FlowBatch } from '../model/flow.ts';
import type { FlowStore } from '../store/flow-store.ts';
import { type DroppedRows, FlowWriter, type WaitingPart } from './flow-writer.ts';

export interface LiveFlowsOptions {
  readonly flows: FlowStore;
  readonly services: ServiceIndex;
  /** Name of the live source: `conntrack`, `netflow`. */
  readonly format: string;
  /** Feed of all records; null: the source tells several apart. */
  readonly feed: string | null;
  readonly source: string;
  readonly now: () => number;
  readonly onWarning: (text: string) => void;
  readonly onProblem: (text: string) => void;
  readonly onAppended: (part: WaitingPart) => void;
  readonly onDropped: (dropped: DroppedRows) => void;
}

/** Batches that fill up before their buckets are over are written at once when there are so many. */
const MOST_BATCHES = 8;
/** Times of coverage that are told apart in one part. */
const MOST_COVERAGE = 10_000;

/** A live source: rolls up what comes, and appends the buckets that are over. */
export class LiveFlows {
  readonly rollup: Rollup;
  readonly writer: FlowWriter;
  /** What the source fills: records go to the roll-up, coverage waits for the bucket to be over. */
  readonly sink: FlowSink;
  readonly #run = randomUUID();
  readonly #now: () => number;
  #parts = 0;
  #batches: FlowBatch[] = [];
  #coverage: FeedCoverage[] = [];

  constructor(options: LiveFlowsOptions) {
    this.#now = options.now;
    this.rollup = createRollup({
      services: options.services,
      feed: options.feed ?? options.format,
      isOneFeed: options.feed !== null,
      format: options.format,
      now: options.now,
      coverage: 'windows',
      onFlush: (batch) => {
        this.#batches.push(batch);
      },
      onProblem: options.onProblem,
    });
    const { rollup } = this;
    this.writer = new FlowWriter({ ...options, recycle: (batch) => rollup.recycle(batch) });
    this.sink = {
      record: rollup.record,
      ids: rollup.ids,
      add: () => rollup.add(),
      problem: (message, line, column) => rollup.problem(message, line, column),
      skip: (what) => rollup.skip(what),
      feed: (name) => rollup.feed(name),
      coverage: (feed, from, until, kind, lost) => this.cover(options.feed ?? feed, from, until, kind, lost),
    };
  }

  /** A feed delivered in that time, or did not. UTC seconds. */
  cover(feed: string, from: number, until: number, kind: 'delivered' | 'gap', lost: number | null): void {
    if (!(until > from)) return;
    const last = this.#coverage.findLast((one) => one.feed === feed);
    const continues = last !== undefined && last.kind === kind && from - last.until < 1 && from >= last.from;
    if (last !== undefined && (continues || this.#coverage.length >= MOST_COVERAGE)) {
      const isGap = last.kind === 'gap' || kind === 'gap';
      this.#coverage[this.#coverage.indexOf(last)] = {
        feed,
        from: Math.min(last.from, from),
        until: Math.max(last.until, until),
        kind: isGap ? 'gap' : 'delivered',
        lost: last.lost === null || lost === null ? null : last.lost + lost,
      };
    } else this.#coverage.push({ feed, from, until, kind, lost });
  }

  /** Writes out early what fills the memory. */
  relieve(): void {
    if (this.#batches.length >= MOST_BATCHES) this.#seal([], 0);
  }

  /** Appends the buckets that end at `seconds` (UTC) or before, and what was covered until then. Infinity: everything. */
  close(seconds: number): void {
    if (seconds === Number.POSITIVE_INFINITY) this.rollup.flush();
    else this.rollup.flushBefore(seconds);
    const done = this.#coverage.flatMap((one) =>
      one.from < seconds ? [inSeconds({ ...one, until: Math.min(one.until, seconds) })] : [],
    );
    // A gap that goes on beyond is told with its losses now, and goes on without them.
    this.#coverage = this.#coverage.flatMap((one) =>
      one.until > seconds
        ? [{ ...one, from: Math.max(one.from, seconds), lost: one.from < seconds && one.lost !== null ? 0 : one.lost }]
        : [],
    );
    this.#seal(done, Math.min(seconds, this.#now() / 1000));
  }

  #seal(coverage: FeedCoverage[], until: number): void {
    const batches = this.#batches;
    this.#batches = [];
    if (batches.length === 0 && coverage.length === 0) return;
    const digest = `live:${this.#run}:${this.#parts++}`;
    this.writer.push({ batches, feeds: [...this.rollup.feeds], coverage, digest, until });
  }
}

/** Coverage is kept in whole seconds. */
function inSeconds(one: FeedCoverage): FeedCoverage {
  return { ...one, from: Math.floor(one.from), until: Math.ceil(one.until) };
}
