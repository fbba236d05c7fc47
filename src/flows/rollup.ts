import {
  ACTION,
  BUCKET_SECONDS,
  DIRECTION,
  emptyBatch,
  type Feed,
  type FeedCoverage,
  type FlowBatch,
} from '../model/flow.ts';
import type { FlowCounts } from '../model/flow-import.ts';
import { type AddressTable, createAddressIds, FIRST_IPV6_ID } from './address-ids.ts';
import { directionOf, type ServiceIndex } from './direction.ts';
import { addSpan, type Spans } from './feed-coverage.ts';
import type { FlowRecord, FlowSink } from './flow-format.ts';
import { MOST_PENDING, PENDING_DOUBLES, PENDING_WORDS, PendingRecords } from './pending-records.ts';
import { RecordSet } from './record-set.ts';
import { actionIn, packWhat, RollupTable } from './rollup-table.ts';

export interface RollupOptions {
  /** What decides the direction of records that do not say it themselves; null: nothing is known. */
  readonly services: ServiceIndex | null;
  /** Feed of records whose format tells none apart. */
  readonly feed: string;
  /** All records are of `feed`, whatever the format says. */
  readonly isOneFeed?: boolean;
  /** Name of the format, or of the live source. */
  readonly format: string;
  /** UTC milliseconds: what the clock says. Read for every record that seems to be ahead of it. */
  readonly now: () => number;
  /** Takes rows that are done with. The batch is the callee's until it gives it back with `recycle`. */
  readonly onFlush: (batch: FlowBatch) => void;
  readonly onProblem: (message: string, line: number, column: number) => void;
  /**
   * `windows`: a record says that its feed delivered in that time, and no more (VPC, NetFlow). `span` (default): from the
   * first to the last record the feed delivered whatever there was, as a log does. `none`: it delivers what it was told to.
   */
  readonly coverage?: 'windows' | 'span' | 'none';
  /** Bytes that the rows may take; default 64 MiB. */
  readonly memory?: number;
  /** Rows of a batch. */
  readonly batchRows?: number;
}

/** A FlowSink that rolls up what it takes per bucket, source, endpoint, action and feed. */
export interface Rollup extends FlowSink {
  readonly ids: AddressTable;
  /** As they are now: ask for them anew. */
  readonly counts: FlowCounts;
  /** Records passed over, by what they are. */
  readonly skipped: ReadonlyMap<string, number>;
  /** Feeds that delivered, by the numbers in the batches. */
  readonly feeds: readonly Feed[];
  coverageSoFar(): FeedCoverage[];
  /** Writes out every row. */
  flush(): void;
  /** Writes out the rows of buckets that end at `seconds` (UTC) or before: for live sources. */
  flushBefore(seconds: number): void;
  recycle(batch: FlowBatch): void;
  /** True: nothing is taken, though everything is read: a part of a file that was taken before. */
  isMuted: boolean;
  line: number;
  isRepeatOne: boolean;
}

/** 2000-01-01, UTC seconds: no flow log is older. */
const EARLIEST = 946_684_800;
const MOST_AHEAD = 86_400;
const LEEWAY = 300;
/** Shorter holes between two windows of a feed are none: VPC's longest aggregation interval would have filled them. */
const BRIDGE = 600;
/** A window is at most that long; a longer one is a connection's, not a window's. */
const LONGEST_WINDOW = 3_600;
/** Feeds, kinds of passed over records and gaps that are told apart; the rest is joined. */
const MOST_FEEDS = 60_000;
const MOST_SKIPPED = 50;
const MOST_GAPS = 10_000;
const OTHER_FEEDS = 'other';
/** Records after which it is looked for buckets that are done with. */
const ROOM_EVERY = 4096;
/** Records after which a bucket that none of them was of is done with. */
const IDLE = 32_768;
const MOST_TABLES = 4096;
const MOST_RECYCLED = 64;

/** What decided the direction of a record. */
const BASIS = { none: 0, record: 1, service: 2 } as const;

interface Bucket {
  readonly rows: RollupTable;
  /** Records that came, where one that comes again is to be told; made when it is needed. */
  seen: RecordSet | null;
}

export function createRollup(options: RollupOptions): Rollup {
  const { services, onFlush, onProblem, now } = options;
  const ids = createAddressIds();
  const memory = options.memory ?? 64 * 1024 * 1024;
  const batchRows = options.batchRows ?? 16_384;
  const isSpan = options.coverage !== 'windows';
  const record: FlowRecord = {
    start: 0.5, // a fraction, so that the field holds a double from the beginning
    end: 0.5,
    src: 0.5,
    dst: 0.5,
    srcPort: -1,
    dstPort: -1,
    protocol: 0,
    action: 0,
    direction: 0,
    connections: 1,
    packets: 0.5,
    bytes: 0.5,
  };
  /** Connections, packets, bytes, first, last: doubles, which a property would hold as objects. */
  const sums = Float64Array.of(0, 0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
  const counts: FlowCounts = {
    records: 0,
    accepted: 0,
    denied: 0,
    undecided: 0,
    directedByRecord: 0,
    directedByService: 0,
    undirected: 0,
    get connections() {
      return sums[0] as number;
    },
    get packets() {
      return sums[1] as number;
    },
    get bytes() {
      return sums[2] as number;
    },
    get first() {
      return sums[3] as number;
    },
    get last() {
      return sums[4] as number;
    },
    repeated: 0,
    absurd: 0,
    ahead: 0,
    backwards: 0,
    rows: 0,
    problems: 0,
  };
  const skipped = new Map<string, number>();

  // --- feeds and what they delivered ---
  const feeds: Feed[] = [];
  const feedNumbers = new Map<string, number>();
  const spans: Spans[] = [];
  const gaps: FeedCoverage[] = [];
  /** By feed: a time known to be covered, so that most records add nothing. */
  const coveredFrom: number[] = [];
  const coveredUntil: number[] = [];
  let feed = -1;

  function numberOf(name: string): number {
    const known = feedNumbers.get(name);
    if (known !== undefined) return known;
    if (feeds.length >= MOST_FEEDS && name !== OTHER_FEEDS) return numberOf(OTHER_FEEDS);
    const number = feeds.length;
    feeds.push({ name, format: options.format });
    feedNumbers.set(name, number);
    spans.push([]);
    coveredFrom.push(0);
    coveredUntil.push(0);
    return number;
  }

  function cover(start: number, last: number): void {
    if (options.coverage === 'none') {
      coveredFrom[feed] = 0;
      coveredUntil[feed] = Number.POSITIVE_INFINITY;
      return;
    }
    const ofFeed = spans[feed] as Spans;
    if (isSpan) {
      addSpan(ofFeed, Math.floor(last), Math.floor(last) + 1, Number.POSITIVE_INFINITY);
      coveredFrom[feed] = ofFeed[0] as number;
      coveredUntil[feed] = ofFeed[1] as number;
      return;
    }
    const from = Math.floor(start / BUCKET_SECONDS) * BUCKET_SECONDS;
    const until = (Math.floor((last - start <= LONGEST_WINDOW ? last : start) / BUCKET_SECONDS) + 1) * BUCKET_SECONDS;
    addSpan(ofFeed, from, until, BRIDGE);
    coveredFrom[feed] = from;
    coveredUntil[feed] = until;
  }

  // --- rows ---
  const buckets = new Map<number, Bucket>();
  const free: Bucket[] = [];
  let current: Bucket = { rows: new RollupTable(), seen: null };
  /** Its time, UTC seconds; none when it was written out. */
  let currentFrom = Number.POSITIVE_INFINITY;
  let currentUntil = Number.NEGATIVE_INFINITY;
  let rows = current.rows;
  let newest = 0;
  const pending = new PendingRecords();
  let roomMadeAt = 0;
  /** Of the records that are being counted: how many by ACTION, and by BASIS. */
  const ofAction = new Int32Array(4);
  const ofBasis = new Int32Array(3);
  let batch: FlowBatch | null = null;
  const recycled: FlowBatch[] = [];
  let clock = now() / 1000;

  function bytesOf({ rows: table, seen }: Bucket): number {
    return table.byteLength + (seen?.byteLength ?? 0);
  }

  function switchTo(number: number): void {
    drain();
    rows.usedAt = counts.records;
    const known = buckets.get(number);
    if (known) current = known;
    else {
      if (buckets.size >= MOST_TABLES) makeRoom();
      current = free.pop() ?? { rows: new RollupTable(), seen: null };
      current.rows.bucket = number;
      buckets.set(number, current);
    }
    currentFrom = number * BUCKET_SECONDS;
    currentUntil = currentFrom + BUCKET_SECONDS;
    rows = current.rows;
    rows.usedAt = counts.records;
    if (number > newest) newest = number;
  }

  /**
   * Writes out what is done with, so that its memory, still near, serves the next bucket; and where tables have become too
   * large or too many, what was used longest ago.
   */
  function makeRoom(): void {
    let held = 0;
    for (const bucket of buckets.values()) {
      const { rows: table } = bucket;
      if (counts.records - table.usedAt > IDLE && table.bucket < newest - 2) writeOut(bucket);
      else held += bytesOf(bucket);
    }
    for (const bucket of free) held += bytesOf(bucket);
    if (held <= memory && buckets.size < MOST_TABLES) return;
    for (const bucket of free) held -= bytesOf(bucket);
    free.length = 0;
    for (const bucket of [...buckets.values()].sort((a, b) => a.rows.usedAt - b.rows.usedAt)) {
      if (held <= memory * 0.75 && buckets.size <= MOST_TABLES / 2) break;
      held -= bytesOf(bucket);
      writeOut(bucket);
    }
  }

  /** Takes a bucket's rows out of the roll-up. What comes later for it makes further rows of the same keys. */
  function writeOut(bucket: Bucket): void {
    const { rows: table, seen } = bucket;
    const seconds = table.bucket * BUCKET_SECONDS;
    for (let row = 0; row < table.size; ) {
      batch ??= recycled.pop() ?? emptyBatch(batchRows);
      const next = table.write(row, batch, seconds, ids);
      counts.rows += next - row;
      row = next;
      if (batch.length === batchRows) giveBatch();
    }
    buckets.delete(table.bucket);
    if (bucket === current) {
      currentFrom = Number.POSITIVE_INFINITY;
      currentUntil = Number.NEGATIVE_INFINITY;
    }
    if (bytesOf(bucket) > memory / 4 || free.length >= 4) return;
    table.clear();
    seen?.clear();
    free.push(bucket);
  }

  function giveBatch(): void {
    if (batch === null || batch.length === 0) return;
    const full = batch;
    batch = null;
    onFlush(full);
  }

  /** Counts the records that wait, all of the current bucket. */
  function drain(): void {
    const { length } = pending;
    if (length === 0) return;
    if (pending.isChecked) {
      current.seen ??= new RecordSet();
      current.seen.addAll(pending);
    } else pending.isRepeated.fill(0);
    rows.addAll(pending);
    const { words, doubles, basis, isRepeated } = pending;
    ofAction.fill(0);
    ofBasis.fill(0);
    let repeated = 0;
    let connections = sums[0] as number;
    let packets = sums[1] as number;
    let bytes = sums[2] as number;
    for (let i = 0; i < length; i++) {
      if (isRepeated[i] === 1) {
        repeated++;
        continue;
      }
      const action = actionIn(words[i * PENDING_WORDS + 2] as number);
      ofAction[action] = (ofAction[action] as number) + 1;
      const decidedBy = basis[i] as number;
      ofBasis[decidedBy] = (ofBasis[decidedBy] as number) + 1;
      const at = i * PENDING_DOUBLES;
      connections += doubles[at] as number;
      packets += doubles[at + 1] as number;
      bytes += doubles[at + 2] as number;
    }
    sums[0] = connections;
    sums[1] = packets;
    sums[2] = bytes;
    const accepted = ofAction[ACTION.accepted] as number;
    const denied = ofAction[ACTION.denied] as number;
    counts.repeated += repeated;
    counts.records += length - repeated;
    counts.accepted += accepted;
    counts.denied += denied;
    counts.undecided += length - repeated - accepted - denied;
    counts.directedByRecord += ofBasis[BASIS.record] as number;
    counts.directedByService += ofBasis[BASIS.service] as number;
    counts.undirected += ofBasis[BASIS.none] as number;
    pending.length = 0;
    if (rows.isCrowded) writeOut(current);
    if (counts.records - roomMadeAt >= ROOM_EVERY) {
      roomMadeAt = counts.records;
      makeRoom();
    }
  }

  function flush(): void {
    drain();
    for (const bucket of [...buckets.values()].sort((a, b) => a.rows.bucket - b.rows.bucket)) writeOut(bucket);
    giveBatch();
  }

  /** The numbers of addresses run out only when nobody holds one: rows are written, and the next record begins anew. */
  function forgetAddresses(): void {
    flush();
    ids.clear();
  }

  /** Notes two hashes of all values of the record. */
  function mark(at: number): void {
    const { start, src, dst, packets, bytes } = record;
    const offset = ((start - currentFrom) * 1e6) | 0;
    const length = ((record.end - start) * 1e3) | 0;
    const ports = (record.srcPort << 16) ^ record.dstPort;
    // The numbers of IPv6 addresses are those of IPv4 addresses in their low 32 bits.
    const families = (src >= FIRST_IPV6_ID ? 1 : 0) | (dst >= FIRST_IPV6_ID ? 2 : 0);
    const kind = (record.protocol << 8) | (record.action << 4) | (record.direction << 2) | families;
    const size = (bytes | 0) ^ (bytes > 0xffff_ffff ? Math.imul((bytes / 2 ** 32) | 0, 0x27d4eb2f) : 0);
    let low = Math.imul(src ^ feed, 0x9e3779b1) ^ Math.imul(ports, 0x85ebca6b);
    let high = Math.imul(dst ^ kind, 0x27d4eb2f) ^ Math.imul(ports, 0x165667b1);
    low = Math.imul(low ^ (low >>> 15) ^ dst, 0x2c1b3c6d) ^ Math.imul(size, 0xc2b2ae35);
    high = Math.imul(high ^ (high >>> 14) ^ src, 0x9e3779b1) ^ Math.imul(size, 0x297a2d39);
    low = Math.imul(low ^ (low >>> 13) ^ offset, 0x297a2d39) ^ Math.imul(length, 0x165667b1);
    high = Math.imul(high ^ (high >>> 12) ^ length, 0xc2b2ae35) ^ Math.imul(offset, 0x85ebca6b);
    low = Math.imul(low ^ (low >>> 16) ^ kind, 0x27d4eb2f) ^ packets;
    high = Math.imul(high ^ (high >>> 15) ^ feed, 0x2c1b3c6d) ^ Math.imul(packets, 0x9e3779b1);
    pending.words[at + 4] = low ^ (low >>> 13);
    pending.words[at + 5] = high ^ (high >>> 16);
  }

  function refuseTime(start: number): void {
    counts.absurd++;
    const year = Number.isFinite(start) ? ` (${describeTime(start)})` : '';
    problem(
      `the time of the record${year} is before 2000 or more than a day ahead of the clock: not taken`,
      sink.line,
      0,
    );
  }

  function problem(message: string, line: number, column: number): void {
    if (sink.isMuted) return;
    counts.problems++;
    onProblem(message, line, column);
    if (ids.isNearlyFull) forgetAddresses();
  }

  function add(): void {
    if (sink.isMuted) return;
    const { start, end } = record;
    if (!(start >= EARLIEST && start <= clock + LEEWAY)) {
      clock = now() / 1000;
      if (!(start >= EARLIEST && start <= clock + MOST_AHEAD)) {
        refuseTime(start);
        return;
      }
      if (start > clock + LEEWAY) counts.ahead++;
    }
    const isChecked = sink.isRepeatOne && !options.isOneFeed;
    if (pending.length === MOST_PENDING || isChecked !== pending.isChecked) drain();
    pending.isChecked = isChecked;
    if (start < currentFrom || start >= currentUntil) switchTo(Math.floor(start / BUCKET_SECONDS));
    if (end < start) counts.backwards++;
    const last = end > start && end <= clock + MOST_AHEAD ? end : start;
    if (feed < 0) feed = numberOf(options.feed);
    if ((isSpan ? last : start) < (coveredFrom[feed] as number) || last >= (coveredUntil[feed] as number))
      cover(start, last);
    if (start < (sums[3] as number)) sums[3] = start;
    if (last > (sums[4] as number)) sums[4] = last;

    const { action, srcPort, dstPort, protocol } = record;
    let { connections } = record;
    const direction = directionOf(record, services, ids);
    let basis: number = BASIS.none;
    let directed = 0;
    let src = record.src;
    let dst = record.dst;
    let port = dstPort;
    if (direction !== DIRECTION.unknown) {
      const isByRecord = record.direction !== DIRECTION.unknown;
      basis = isByRecord ? BASIS.record : BASIS.service;
      if (direction === DIRECTION.forward) directed = 1;
      else if (action !== ACTION.denied) {
        directed = 1;
        src = record.dst;
        dst = record.src;
        port = srcPort;
        // The answering half of a connection whose other half is a record of its own.
        if (!isByRecord) connections = 0;
      }
    }

    const n = pending.length++;
    const { words, doubles } = pending;
    const at = n * PENDING_WORDS;
    if (isChecked) mark(at);
    const isSrc6 = src >= FIRST_IPV6_ID;
    const isDst6 = dst >= FIRST_IPV6_ID;
    words[at] = src;
    words[at + 1] = dst;
    words[at + 2] = packWhat(port < 0 ? 0 : port, protocol, action, directed, isSrc6, isDst6);
    words[at + 3] = feed;
    doubles[n * PENDING_DOUBLES] = connections;
    doubles[n * PENDING_DOUBLES + 1] = record.packets;
    doubles[n * PENDING_DOUBLES + 2] = record.bytes;
    pending.basis[n] = basis;
    if ((isSrc6 || isDst6) && ids.isNearlyFull) forgetAddresses();
  }

  const sink: Rollup = {
    record,
    ids,
    get counts() {
      drain();
      return counts;
    },
    skipped,
    feeds,
    isMuted: false,
    isRepeatOne: false,
    line: 0,
    add,
    problem,
    skip(what) {
      if (sink.isMuted) return;
      const kind = skipped.has(what) || skipped.size < MOST_SKIPPED ? what : 'other';
      skipped.set(kind, (skipped.get(kind) ?? 0) + 1);
      if (ids.isNearlyFull) forgetAddresses();
    },
    feed(name) {
      if (!options.isOneFeed && !sink.isMuted) feed = numberOf(name);
    },
    numberOfFeed: (name) => (sink.isMuted ? -1 : numberOf(options.isOneFeed ? options.feed : name)),
    useFeed(number) {
      feed = number;
    },
    coverage(name, from, until, kind, lost) {
      if (sink.isMuted || !(until > from) || from < EARLIEST || until > clock + MOST_AHEAD) return;
      const number = numberOf(options.isOneFeed ? options.feed : name);
      if (kind === 'delivered') {
        addSpan(spans[number] as Spans, Math.floor(from), Math.ceil(until), isSpan ? Number.POSITIVE_INFINITY : BRIDGE);
        return;
      }
      const known = gaps.at(-1);
      if (gaps.length < MOST_GAPS || known === undefined)
        gaps.push({ feed: (feeds[number] as Feed).name, from, until, kind, lost });
      else
        gaps[gaps.length - 1] = {
          ...known,
          from: Math.min(known.from, from),
          until: Math.max(known.until, until),
          lost: known.lost === null || lost === null ? null : known.lost + lost,
        };
    },
    coverageSoFar() {
      const delivered = spans.flatMap((ofFeed, number) => {
        const found: FeedCoverage[] = [];
        for (let i = 0; i < ofFeed.length; i += 2)
          found.push({
            feed: (feeds[number] as Feed).name,
            from: ofFeed[i] as number,
            until: ofFeed[i + 1] as number,
            kind: 'delivered',
            lost: 0,
          });
        return found;
      });
      return [...delivered, ...gaps];
    },
    flush,
    flushBefore(seconds) {
      drain();
      for (const bucket of [...buckets.values()])
        if ((bucket.rows.bucket + 1) * BUCKET_SECONDS <= seconds) writeOut(bucket);
      giveBatch();
    },
    recycle(used) {
      if (recycled.length >= MOST_RECYCLED) return;
      used.length = 0;
      recycled.push(used);
    },
  };
  return sink;
}

function describeTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds} s since 1970` : date.toISOString();
}
