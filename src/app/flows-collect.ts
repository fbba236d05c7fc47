import { type ConntrackFacts, readConntrackFacts } from '../collectors/flows/conntrack-facts.ts';
import { type ConntrackLive, openConntrackLive } from '../collectors/flows/conntrack-live.ts';
import { type NetflowSocket, openNetflowSocket } from '../collectors/flows/netflow-socket.ts';
import { conntrackText } from '../flows/conntrack-text.ts';
import type { ServiceIndex } from '../flows/direction.ts';
import type { FlowFormat, FlowFormatOptions } from '../flows/flow-format.ts';
import { createNetflowReader, type NetflowReader } from '../flows/netflow.ts';
import type { ExporterHealth } from '../flows/netflow-exporter.ts';
import { parseAddress } from '../model/address.ts';
import { type AddressSet, has } from '../model/address-set.ts';
import { UserError } from '../model/errors.ts';
import type { EventDraft } from '../model/event.ts';
import { BUCKET_SECONDS } from '../model/flow.ts';
import type { FlowStore } from '../store/flow-store.ts';
import { takeRunLock } from '../store/run-lock.ts';
import type { Store } from '../store/store.ts';
import { type Context, thisHost } from './context.ts';
import { type CollectState, readCollectState, writeCollectState } from './flow-collect-state.ts';
import { FollowedFile } from './flow-follow.ts';
import { LiveFlows } from './flow-live.ts';
import { loadServices } from './flow-services.ts';
import { openStateToWrite } from './state.ts';

export interface CollectRequest {
  /** Null: connection tracking is not listened to. */
  readonly conntrack: { readonly withBytes: boolean; readonly command?: readonly [string, ...string[]] } | null;
  readonly netflow: readonly { readonly address: string; readonly port: number }[];
  /** Exporters that are read; null: all. */
  readonly from: AddressSet | null;
  /** Times of exporters count as they are, however wrong their clocks seem. */
  readonly trustClocks: boolean;
  readonly follow: readonly { readonly file: string; readonly format: FlowFormat }[];
  readonly fromStart: boolean;
  readonly formatOptions: Omit<FlowFormatOptions, 'reference'>;
  /** Seconds between two states that are told. */
  readonly statusSeconds: number;
}

/** How a collection is doing. Numbers since its start. */
export interface CollectStatus {
  /** UTC milliseconds. */
  readonly at: number;
  readonly sources: readonly SourceStatus[];
  readonly exporters: readonly ExporterHealth[];
}

export interface SourceStatus {
  readonly source: string;
  readonly records: number;
  readonly connections: number;
  /** Rows on disk; parts that wait for it. */
  readonly rows: number;
  readonly waiting: number;
  /** Events, datagrams or records known to be lost. */
  readonly lost: number;
  readonly problems: number;
}

export interface CollectHooks {
  /** Ends the collection; what was taken in is written first. */
  readonly signal: AbortSignal;
  readonly onStarted: (sources: readonly string[]) => void;
  readonly onStatus: (status: CollectStatus) => void;
  readonly onWarning: (text: string) => void;
}

/** After a bucket is over, what is still on its way has that long. */
const GRACE_SECONDS = 10;
const TICK_MS = 1_000;
/** Listeners and the register are read again so often. */
const SERVICES_SECONDS = 300;
const MOST_PROBLEMS_TOLD = 20;
const LOCK = '@flows-collect';

/**
 * Collects flows from live sources until it is told to stop: every bucket that is over goes to the store of flows, with what
 * was covered. What is missing is told, and recorded as an event. Throws UserError where a source cannot be opened.
 */
export async function collectFlows(
  context: Context,
  request: CollectRequest,
  hooks: CollectHooks,
): Promise<CollectStatus> {
  const { openFlowStore } = await import('../store/flows.ts');
  await using store = await openStateToWrite(context);
  const lock = takeRunLock(context.state, LOCK);
  if (lock === null)
    throw new UserError(`another "flows collect" runs on ${context.state}`, {
      hint: 'One takes several sources at once. Stop it first, or name another state with --state.',
    });
  try {
    await using flows = await openFlowStore(context.state, store, 'write');
    return await new Collection(context, request, hooks, store, flows).run();
  } finally {
    lock.release();
  }
}

/** What a part of the collection does at each tick and at the end. */
interface Source {
  readonly name: string;
  status(): SourceStatus;
  /** `boundary`: UTC seconds, buckets that end there or before are over; null: none ended since the last time. */
  tick(boundary: number | null): Promise<void> | void;
  stop(): Promise<void>;
}

class Collection {
  readonly #context: Context;
  readonly #request: CollectRequest;
  readonly #hooks: CollectHooks;
  readonly #store: Store;
  readonly #flows: FlowStore;
  readonly #state: CollectState;
  readonly #sources: Source[] = [];
  readonly #exporters: NetflowReader[] = [];
  #services: ServiceIndex = { find: () => 0 };
  #servicesAt = 0;
  #problemsTold = 0;
  #lastBoundary: number;
  #events: EventDraft[] = [];

  constructor(context: Context, request: CollectRequest, hooks: CollectHooks, store: Store, flows: FlowStore) {
    this.#context = context;
    this.#request = request;
    this.#hooks = hooks;
    this.#store = store;
    this.#flows = flows;
    this.#state = readCollectState(context.state);
    this.#lastBoundary = Math.floor((this.#seconds - GRACE_SECONDS) / BUCKET_SECONDS) * BUCKET_SECONDS;
  }

  async run(): Promise<CollectStatus> {
    await this.#loadServices();
    const wasClean = this.#state.isClean;
    try {
      await this.#open(wasClean);
      this.#state.isClean = false;
      this.#save();
      this.#hooks.onStarted(this.#sources.map(({ name }) => name));
      await this.#loop();
    } finally {
      await this.#stop();
    }
    return this.#status();
  }

  get #seconds(): number {
    return this.#context.now() / 1000;
  }

  async #open(wasClean: boolean): Promise<void> {
    const { conntrack, netflow, follow } = this.#request;
    for (const place of netflow) this.#sources.push(await this.#openNetflow(place, wasClean));
    if (conntrack) this.#sources.push(await this.#openConntrack(conntrack, wasClean));
    for (const { file, format } of follow) this.#sources.push(await this.#openFollowed(file, format));
  }

  async #loop(): Promise<void> {
    const { signal, onStatus } = this.#hooks;
    let told = performance.now();
    while (!signal.aborted) {
      await pause(TICK_MS, signal);
      await this.#tick();
      if (performance.now() - told < this.#request.statusSeconds * 1000) continue;
      told = performance.now();
      onStatus(this.#status());
    }
  }

  async #tick(): Promise<void> {
    const boundary = Math.floor((this.#seconds - GRACE_SECONDS) / BUCKET_SECONDS) * BUCKET_SECONDS;
    const isOver = boundary !== this.#lastBoundary;
    if (isOver) this.#lastBoundary = boundary;
    for (const source of this.#sources) await source.tick(isOver ? boundary : null);
    await this.#writeEvents();
    if (this.#seconds - this.#servicesAt > SERVICES_SECONDS) await this.#loadServices();
  }

  async #stop(): Promise<void> {
    for (const source of this.#sources) await source.stop();
    await this.#writeEvents();
    this.#state.isClean = this.#sources.every((source) => source.status().waiting === 0);
    this.#save();
  }

  #status(): CollectStatus {
    return {
      at: this.#context.now(),
      sources: this.#sources.map((source) => source.status()),
      exporters: this.#exporters.flatMap((reader) => reader.health()),
    };
  }

  async #loadServices(): Promise<void> {
    this.#servicesAt = this.#seconds;
    try {
      this.#services = await loadServices(this.#context, this.#store);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#hooks.onWarning(`directions are decided by what was known before: ${error.message}`);
    }
  }

  #save(): void {
    try {
      writeCollectState(this.#context.state, this.#state);
    } catch (error) {
      this.#hooks.onWarning((error as Error).message);
    }
  }

  #problem(text: string): void {
    this.#problemsTold++;
    if (this.#problemsTold < MOST_PROBLEMS_TOLD) this.#hooks.onWarning(text);
    if (this.#problemsTold === MOST_PROBLEMS_TOLD) this.#hooks.onWarning(`${text}; further problems are only counted`);
  }

  /** Writes down that something is missing. UTC seconds. */
  #gapEvent(feed: string, from: number, until: number, lost: number | null, because: string): void {
    this.#hooks.onWarning(`${feed}: ${lost === null ? 'flows are' : `${lost} records are`} missing: ${because}`);
    const last = this.#events.at(-1);
    if (last?.subject === feed && last.body.because === because && this.#events.length > 0) {
      const before = last.body.lost;
      const sum = lost === null || typeof before !== 'number' ? undefined : before + lost;
      this.#events[this.#events.length - 1] = { ...last, body: { ...last.body, until, lost: sum } };
      return;
    }
    this.#events.push({
      type: 'flows.gap',
      observedAt: this.#context.now(),
      actor: 'collector:flows',
      subject: feed,
      body: { because, from, until, lost: lost ?? undefined },
    });
    // The ledger cannot be written to: the first ones say most.
    if (this.#events.length > 1_000) this.#events.length = 1_000;
  }

  async #writeEvents(): Promise<void> {
    if (this.#events.length === 0) return;
    const events = this.#events;
    try {
      await this.#store.appendEvents(events, this.#context.now());
      this.#events = this.#events.slice(events.length);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#problem(`${error.message}; what is missing is recorded when that works again`);
    }
  }

  #live(format: string, feed: string | null, source: string): LiveFlows {
    const live = new LiveFlows({
      flows: this.#flows,
      services: { find: (...args) => this.#services.find(...args) },
      ...{ format, feed, source },
      now: this.#context.now,
      onWarning: this.#hooks.onWarning,
      onProblem: (text) => this.#problem(`${source}: ${text}`),
      onAppended: (part) => {
        for (const { name } of part.feeds)
          this.#state.feeds[name] = Math.max(this.#state.feeds[name] ?? 0, Math.floor(part.until));
        this.#save();
      },
      onDropped: ({ from, until, connections, because }) =>
        this.#gapEvent(feed ?? source, from, until, connections, because),
    });
    return live;
  }

  /** The time since a feed was last recorded is a gap: nobody listened. */
  #sinceLastRun(live: LiveFlows, feed: string, wasClean: boolean): void {
    const until = this.#state.feeds[feed];
    const now = this.#seconds;
    if (until === undefined || until >= now) return;
    live.cover(feed, until, now, 'gap', null);
    this.#gapEvent(feed, until, now, null, wasClean ? 'nothing was collected' : 'the collector ended without warning');
  }

  async #openConntrack(options: NonNullable<CollectRequest['conntrack']>, wasClean: boolean): Promise<Source> {
    const { onWarning } = this.#hooks;
    const feed = `conntrack:${thisHost(this.#context.env)}`;
    const live = this.#live('conntrack', feed, 'conntrack');
    let lines = 0;
    let startListing = false;
    let isTracking = true;
    let lookedAt = this.#seconds;
    let events = 0;
    const parser = conntrackText.open(
      {
        ...live.sink,
        // What is in the table at the start began before: it is seen, and not counted as a new connection.
        add: () => {
          if (startListing) live.sink.record.connections = 0;
          live.sink.add();
        },
        // Losses are counted by the kernel.
        coverage: () => {},
      },
      this.#formatOptions(),
    );
    let deliveredFrom = this.#seconds;
    const opened = await openConntrackLive({
      withBytes: options.withBytes,
      ...(options.command && { command: options.command }),
      now: this.#context.now,
      onEvents: (bytes, from, to) => {
        const read = parser.lines(bytes, from, to, lines + 1);
        lines += read;
        events += read;
        live.relieve();
      },
      onListed: (bytes, from, to, isStart) => {
        const dated = withTime(bytes, from, to, this.#seconds);
        startListing = isStart;
        parser.lines(dated, 0, dated.length, 1);
        startListing = false;
        live.relieve();
      },
      onLoss: ({ from, until, lost, because }) => {
        live.cover(feed, from, until, 'gap', lost);
        this.#gapEvent(feed, from, until, lost, because);
        deliveredFrom = until;
      },
      onDelivered: (until) => {
        if (isTracking) live.cover(feed, deliveredFrom, until, 'delivered', 0);
        deliveredFrom = until;
      },
      onWarning,
    });
    if ('reason' in opened)
      throw new UserError(`connection tracking cannot be listened to: ${opened.reason}`, {
        hint: 'It needs root (CAP_NET_ADMIN) and the program conntrack (Debian, Ubuntu: apt install conntrack).',
      });
    const listening: ConntrackLive = opened;
    this.#sinceLastRun(live, feed, wasClean);
    const facts = await readConntrackFacts();
    for (const line of adviceOn(facts, options.withBytes)) onWarning(line);
    isTracking = facts.isTracking !== 'no';
    return {
      name: `conntrack (${options.withBytes ? 'new and ended connections' : 'new connections'})`,
      status: () => statusOf('conntrack', live, listening.lost),
      tick: async (boundary) => {
        if (events > 0) isTracking = true;
        // A rule may come, or go.
        if (this.#seconds - lookedAt > 60 && events === 0) {
          lookedAt = this.#seconds;
          isTracking = (await readConntrackFacts()).isTracking !== 'no';
        }
        if (boundary !== null) {
          events = 0;
          live.close(boundary);
        }
        await live.writer.write(false);
      },
      stop: async () => {
        await listening.stop();
        parser.end();
        live.close(Number.POSITIVE_INFINITY);
        await live.writer.write(true);
        if (live.writer.waiting > 0) onWarning('conntrack: rows that could not be written are lost');
      },
    };
  }

  async #openNetflow(place: { address: string; port: number }, wasClean: boolean): Promise<Source> {
    const { onWarning } = this.#hooks;
    const { from, trustClocks } = this.#request;
    let source = 'netflow';
    const live = this.#live('netflow', null, source);
    const reader = createNetflowReader(live.sink, trustClocks ? { clockTolerance: Number.POSITIVE_INFINITY } : {});
    const isKnown = new Set<string>();
    const told = new Set<string>();
    const wanted = new Map<string, boolean>();
    const socket: NetflowSocket = await openNetflowSocket({
      ...place,
      ...(from && { isWanted: (address) => isWanted(wanted, from, address) }),
      onDatagram: (bytes, address) => {
        if (!isKnown.has(address) && isKnown.size < 10_000) {
          isKnown.add(address);
          this.#sinceLastRun(live, `netflow:${address}`, wasClean);
        }
        reader.datagram(bytes, bytes.length, address, this.#seconds);
        live.relieve();
      },
      onError: (error) => onWarning(`${source}: ${error.message}`),
    });
    this.#exporters.push(reader);
    const at = socket.address.includes(':') ? `[${socket.address}]:${socket.port}` : `${socket.address}:${socket.port}`;
    source = `netflow ${at}`;
    let drops = 0;
    let lookedAt = this.#seconds;
    const look = (): void => {
      const now = this.#seconds;
      const lost = (socket.drops() ?? drops) - drops;
      drops += lost;
      // Which exporters sent them is told by their sequence numbers.
      if (lost > 0) this.#gapEvent(source, lookedAt, now, lost, 'datagrams came faster than they were read');
      lookedAt = now;
      for (const { exporter, sampling } of reader.health()) {
        if (sampling === null || sampling <= 1 || told.has(exporter) || told.size > 1_000) continue;
        told.add(exporter);
        onWarning(`exporter ${exporter} looks at one packet in ${sampling}: packets and bytes are as it reports them`);
      }
    };
    return {
      name: source,
      status: () => {
        const lost = reader.health().reduce((sum, one) => sum + one.lostRecords + one.lostDatagrams, 0);
        return statusOf(source, live, lost);
      },
      tick: async (boundary) => {
        look();
        if (boundary !== null) {
          reader.report(this.#seconds);
          live.close(boundary);
        }
        await live.writer.write(false);
      },
      stop: async () => {
        look();
        await socket.close();
        reader.report(this.#seconds, true);
        live.close(Number.POSITIVE_INFINITY);
        await live.writer.write(true);
        if (live.writer.waiting > 0) onWarning(`${source}: rows that could not be written are lost`);
      },
    };
  }

  /** Dates without a year, and listings without a time, go with the clock. */
  #formatOptions(): FlowFormatOptions {
    const { now } = this.#context;
    return {
      ...this.#request.formatOptions,
      get reference() {
        return now();
      },
    };
  }

  async #openFollowed(file: string, format: FlowFormat): Promise<Source> {
    const { fromStart } = this.#request;
    const followed = new FollowedFile({
      ...{ file, format, fromStart },
      formatOptions: this.#formatOptions(),
      position: this.#state.follow[file] ?? null,
      flows: this.#flows,
      services: { find: (...args) => this.#services.find(...args) },
      now: this.#context.now,
      keep: (position) => {
        this.#state.follow[file] = position;
        writeCollectState(this.#context.state, this.#state);
      },
      onWarning: this.#hooks.onWarning,
      onProblem: (text) => this.#problem(text),
      onGap: ({ from, until, because }) => this.#gapEvent(`follow:${file}`, from, until, null, because),
    });
    await followed.start();
    return {
      name: `${file} (${format.name})`,
      status: () => {
        const { counts } = followed.rollup;
        const { records, connections, rows, problems } = counts;
        return { source: file, records, connections, rows, waiting: 0, lost: 0, problems };
      },
      tick: async (boundary) => {
        await followed.read();
        if (boundary !== null) await followed.append();
      },
      stop: async () => {
        await followed.read();
        await followed.append();
        followed.close();
      },
    };
  }
}

function statusOf(source: string, { rollup, writer }: LiveFlows, lost: number): SourceStatus {
  const { records, connections, problems } = rollup.counts;
  return { source, records, connections, rows: writer.rows, waiting: writer.waiting, lost, problems };
}

/** What a person should know before waiting for events that cannot come. */
function adviceOn(facts: ConntrackFacts, withBytes: boolean): string[] {
  const advice: string[] = [];
  if (facts.isTracking === 'no')
    advice.push(
      'no rule of the packet filter here uses connection tracking, so the kernel tracks nothing and no flow will come; a rule such as "ct state established,related accept" makes it track',
    );
  if (facts.isTracking === 'unknown')
    advice.push(
      'whether a rule of the packet filter makes the kernel track connections is not known: nft did not answer',
    );
  if (withBytes && facts.accounting === false)
    advice.push(
      'packets and bytes are not counted (nf_conntrack_acct is 0): --enable-accounting shows how to change that',
    );
  if (withBytes && facts.timestamps === false)
    advice.push('ends of connections do not say when they began (nf_conntrack_timestamp is 0): --enable-accounting');
  if (facts.count !== null && facts.most !== null && facts.count > facts.most * 0.9)
    advice.push(
      `the table of connections is nearly full (${facts.count} of ${facts.most}): the kernel will refuse new ones`,
    );
  return advice;
}

/** Puts the time before each line of a listing, which says none. */
function withTime(bytes: Uint8Array, from: number, to: number, seconds: number): Uint8Array {
  const stamp = `[${seconds.toFixed(6)}]\t`;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
  return Buffer.from(text.replace(/^(?=.)/gm, stamp), 'latin1');
}

function isWanted(known: Map<string, boolean>, from: AddressSet, address: string): boolean {
  let wanted = known.get(address);
  if (wanted === undefined) {
    const parsed = parseAddress(address);
    wanted = parsed !== null && has(from, parsed);
    if (known.size < 10_000) known.set(address, wanted);
  }
  return wanted;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
