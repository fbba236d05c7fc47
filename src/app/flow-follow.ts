import { createLinePieces } from '../collectors/flows/line-pieces.ts';
import { findTail, openTail, type Tail } from '../collectors/flows/tail.ts';
import type { ServiceIndex } from '../flows/direction.ts';
import type { FlowFormat, FlowFormatOptions, FlowParser } from '../flows/flow-format.ts';
import { createRollup, type Rollup } from '../flows/rollup.ts';
import { UserError } from '../model/errors.ts';
import type { FeedCoverage, FlowBatch } from '../model/flow.ts';
import type { FlowStore } from '../store/flow-store.ts';
import type { FollowPosition } from './flow-collect-state.ts';

export interface FollowOptions {
  readonly file: string;
  readonly format: FlowFormat;
  readonly formatOptions: FlowFormatOptions;
  /** The first time: from its beginning, not from its end. */
  readonly fromStart: boolean;
  readonly position: FollowPosition | null;
  readonly flows: FlowStore;
  readonly services: ServiceIndex;
  readonly now: () => number;
  /** Keeps the position; it is on disk when this returns. */
  readonly keep: (position: FollowPosition) => void;
  readonly onWarning: (text: string) => void;
  readonly onProblem: (text: string) => void;
  /** Lines were lost: `from` and `until` are UTC seconds. */
  readonly onGap: (gap: { from: number; until: number; because: string }) => void;
}

const CHUNK = 1_048_576;
/** A part is appended after so many bytes, whether its time has come or not. */
const MOST_PART_BYTES = 256 * 1_048_576;
/** Lines at the beginning of a file that say what its columns are. */
const HEADER_BYTES = 65_536;

/**
 * Follows one log. Its lines count exactly once: what is appended is named by the file and the bytes that it comes from, and
 * the position is kept before and after. The file itself is the buffer: when the store cannot be written to, it is not read
 * on. It is read to its end before the one that took its place.
 */
export class FollowedFile {
  readonly rollup: Rollup;
  readonly #options: FollowOptions;
  readonly #parser: FlowParser;
  readonly #chunk = new Uint8Array(CHUNK);
  readonly #covered = new Map<string, number>();
  #pieces = createLinePieces();
  #tail: Tail | null = null;
  /** Where the bytes that were not appended yet begin. */
  #from = 0;
  /** Bytes at the beginning of the file that name it. */
  #headLength = 0;
  #line = 1;
  #batches: FlowBatch[] = [];
  #gaps: FeedCoverage[] = [];
  #isMissing = false;
  #lastRead: number;
  /** A part that could not be appended: up to this offset. */
  #unwritten: number | null = null;
  #error = '';

  constructor(options: FollowOptions) {
    this.#options = options;
    this.#lastRead = options.position?.at ?? options.now() / 1000;
    this.rollup = createRollup({
      services: options.services,
      feed: `follow:${options.format.name}`,
      format: options.format.name,
      now: options.now,
      ...(options.format.coverage && { coverage: options.format.coverage }),
      onFlush: (batch) => void this.#batches.push(batch),
      onProblem: (message, line, column) => options.onProblem(`${options.file}:${line}:${column}: ${message}`),
    });
    this.#parser = options.format.open(this.rollup, options.formatOptions);
  }

  /** Bytes that were read and not appended. */
  get waiting(): number {
    return (this.#tail?.offset ?? 0) - this.#from;
  }

  /** Opens the file where it was left. Throws UserError where it cannot be read. */
  async start(): Promise<void> {
    const { file, position, fromStart, onWarning } = this.#options;
    if (position !== null) {
      const found = findTail(file, position, position.offset);
      if (found !== null) {
        this.#tail = found;
        this.#from = position.offset;
        this.#headLength = position.headLength;
        this.#readHeader();
        if (position.pending > position.offset) await this.#finishPending(position.pending);
        return;
      }
      this.#gap(`${file} is not the file that was followed before, and that one is gone`);
    }
    try {
      this.#tail = openTail(file, 0);
    } catch (error) {
      throw new UserError(`cannot follow ${file}: ${(error as Error).message}`, {
        hint: 'Name a log that exists and that this user may read.',
        cause: error,
      });
    }
    if (position !== null || fromStart) return this.#keepPosition(0);
    const end = this.#endOfLines();
    if (end > 0) onWarning(`${file} is followed from its end; what is in it already: quietdoor flows import ${file}`);
    this.#tail.offset = 0;
    this.#from = end;
    this.#readHeader();
    this.#tail.offset = end;
    this.#keepPosition(0);
  }

  /** Reads what is new. Resolves when all of it was read, or when a part could not be appended. */
  async read(): Promise<void> {
    for (;;) {
      if (this.#unwritten !== null && !(await this.append())) return;
      const tail = this.#tail;
      if (tail === null) return this.#reopen();
      const state = tail.state();
      if (state === 'truncated') {
        await this.append();
        if (this.#unwritten !== null) return;
        this.#gap(`${this.#options.file} was cut off while it was followed; lines may have been lost`);
        this.#begin(tail, 0);
        continue;
      }
      const length = tail.read(this.#chunk);
      if (length > 0) {
        this.#lastRead = this.#options.now() / 1000;
        this.#take(this.#chunk.subarray(0, length));
        if (this.waiting > MOST_PART_BYTES) await this.append();
        await new Promise((resolve) => setImmediate(resolve)); // other sources have their turn
        continue;
      }
      if (state === 'same') {
        this.#isMissing = false;
        return;
      }
      if (state === 'missing') {
        if (!this.#isMissing) this.#options.onWarning(`${this.#options.file} is gone; waiting for a new one`);
        this.#isMissing = true;
        return;
      }
      // The old one was read to its end: a line without an end will get none.
      this.#lastLine();
      await this.append();
      if (this.#unwritten !== null) return;
      tail.close();
      this.#tail = null;
      this.#reopen();
    }
  }

  /** Appends what was read. False: it could not be; nothing is read until it can. */
  async append(): Promise<boolean> {
    const tail = this.#tail;
    if (tail === null) return true;
    const until = this.#unwritten ?? tail.offset - this.#pieces.pending;
    if (this.#unwritten === null) {
      if (until <= this.#from && this.#gaps.length === 0) return true;
      this.rollup.flush();
      this.#unwritten = until;
    }
    const { flows, now, file, onWarning } = this.#options;
    try {
      this.#keepPosition(until);
      await flows.append({
        batches: this.#batches,
        feeds: [...this.rollup.feeds],
        coverage: this.#coverage(),
        digest: this.#digest(tail, until),
        source: file,
        recordedAt: now(),
      });
      this.#from = until;
      this.#keepPosition(0);
    } catch (error) {
      const message = (error as Error).message;
      if (message !== this.#error) onWarning(`${message}; ${file} is not read on until it works`);
      this.#error = message;
      return false;
    }
    this.#error = '';
    this.#unwritten = null;
    for (const batch of this.#batches.splice(0)) this.rollup.recycle(batch);
    for (const { feed, until: end } of this.rollup.coverageSoFar()) this.#covered.set(feed, end);
    this.#gaps = [];
    return true;
  }

  close(): void {
    this.#tail?.close();
    this.#tail = null;
  }

  /** What the last run was writing when it ended: the same bytes again, under the same name. */
  async #finishPending(until: number): Promise<void> {
    const tail = this.#tail as Tail;
    for (let length = tail.read(this.#chunk, until); length > 0; length = tail.read(this.#chunk, until))
      this.#take(this.#chunk.subarray(0, length));
    await this.append();
  }

  #take(bytes: Uint8Array): void {
    this.#pieces.push(bytes, (whole, from, to) => {
      this.#line += this.#parser.lines(whole, from, to, this.#line);
    });
  }

  #lastLine(): void {
    const rest = this.#pieces.drop();
    if (rest.length > 0) this.#line += this.#parser.lines(rest, 0, rest.length, this.#line);
  }

  /** Formats that name their columns do so in the first lines: they are read, and their records are not taken. */
  #readHeader(): void {
    const tail = this.#tail as Tail;
    tail.offset = 0;
    this.rollup.isMuted = true;
    const head = createLinePieces();
    const limit = Math.min(HEADER_BYTES, this.#from);
    for (let length = tail.read(this.#chunk, limit); length > 0; length = tail.read(this.#chunk, limit))
      head.push(this.#chunk.subarray(0, length), (whole, from, to) => void this.#parser.lines(whole, from, to, 1));
    this.rollup.isMuted = false;
    tail.offset = this.#from;
  }

  /** Behind the last whole line. */
  #endOfLines(): number {
    const tail = this.#tail as Tail;
    let end = 0;
    for (let length = tail.read(this.#chunk); length > 0; length = tail.read(this.#chunk)) {
      const last = this.#chunk.subarray(0, length).lastIndexOf(10);
      if (last >= 0) end = tail.offset - length + last + 1;
    }
    return end;
  }

  #reopen(): void {
    try {
      this.#begin(openTail(this.#options.file, 0), 0);
    } catch {
      // Not there yet: the next read tries again.
    }
  }

  #begin(tail: Tail, offset: number): void {
    this.#tail = tail;
    tail.offset = offset;
    this.#from = offset;
    this.#pieces = createLinePieces();
    this.#line = 1;
    this.#keepPosition(0);
  }

  /** A part without rows only tells a gap: there may be several in one place. */
  #digest(tail: Tail, until: number): string {
    const { dev, ino, head } = tail.identity(this.#headLength);
    const gap = until > this.#from ? '' : `:${this.#options.now()}`;
    return `follow:${dev}:${ino}:${head}:${this.#from}-${until}${gap}`;
  }

  /** While a part is being written, its name must not change because the file has grown. */
  #keepPosition(pending: number): void {
    const tail = this.#tail as Tail;
    if (pending === 0) this.#headLength = tail.identity().headLength;
    const at = this.#options.now() / 1000;
    this.#options.keep({ ...tail.identity(this.#headLength), offset: this.#from, pending, at });
  }

  #gap(because: string): void {
    const until = Math.ceil(this.#options.now() / 1000);
    const from = Math.min(Math.floor(this.#lastRead), until - 1);
    this.#options.onGap({ from, until, because });
    const feeds = this.rollup.feeds.length > 0 ? this.rollup.feeds : [{ name: `follow:${this.#options.format.name}` }];
    for (const { name } of feeds) this.#gaps.push({ feed: name, from, until, kind: 'gap', lost: null });
  }

  /** What was covered since the part before. */
  #coverage(): FeedCoverage[] {
    const delivered = this.rollup.coverageSoFar().flatMap((one) => {
      const from = Math.max(one.from, this.#covered.get(one.feed) ?? 0);
      return from < one.until ? [{ ...one, from: Math.floor(from), until: Math.ceil(one.until) }] : [];
    });
    return [...delivered, ...this.#gaps];
  }
}
