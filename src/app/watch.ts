import { setTimeout as sleep } from 'node:timers/promises';
import type { TracedLook } from '../collectors/linux/targeted-look-types.ts';
import { UserError } from '../model/errors.ts';
import type { Event, EventDraft } from '../model/event.ts';
import { type Listener, listenerKey } from '../model/listener.ts';
import { createNoticeFolder, type Notice } from '../model/notices.ts';
import type { UnnamedObservation } from '../model/observation.ts';
import type { RegisterStanding, WatchEntry, WatchedListener, WatchMessage } from '../model/watch.ts';
import { takeRunLock } from '../store/run-lock.ts';
import { type Context, thisHost } from './context.ts';
import { openStateToWrite } from './state.ts';
import { createFirewallWatch } from './watch-firewall.ts';
import {
  bootId,
  gapSince,
  type Heartbeat,
  type MissedTime,
  missedBetween,
  readClocks,
  readHeartbeat,
  writeHeartbeat,
} from './watch-gaps.ts';
import { type JobEnd, runJob, versionsJob, type WatchJob, watchJobs } from './watch-jobs.ts';
import { createPicture, type WatchedSighting } from './watch-picture.ts';
import { createPolling } from './watch-polling.ts';
import { createWatchRecorder } from './watch-recorder.ts';
import { createWatchRegister } from './watch-register.ts';
import { serviceManager } from './watch-service.ts';
import { openTraceWatch, type TraceWatch } from './watch-trace.ts';

export interface WatchOptions {
  /** Hash the binaries behind listeners, as `scan` does. */
  readonly hashes: boolean;
  /** Use the kernel's trace where it is there. */
  readonly trace: boolean;
  /** Run what the schedule says is due. */
  readonly schedule: boolean;
  /** Sign the ledger every hour and at the end. */
  readonly checkpoint: boolean;
  /** Ends by itself after so long; absent: runs until stopped. */
  readonly forMs?: number;
  /** Aborted with the reason in words when somebody wants it to end. */
  readonly signal: AbortSignal;
  readonly tell: (entry: WatchEntry) => void;
}

export interface WatchEnd {
  readonly because: string;
  /** The last look could not see everything. */
  readonly hasGaps: boolean;
}

/** Shortest time between looks: alone they are all there is; beside a trace they are for UDP and for what it lost. */
const POLL_MS = { alone: 1_000, besideTrace: 5_000 };
const FLUSH_MS = 200;
/** It writes little at a time, for months. */
const STORE_CACHE_KB = 2_048;
const CLOCK_MS = 1_000;
const HEARTBEAT_MS = 10_000;
const REGISTER_MS = 5_000;

/**
 * Watches this machine until it is stopped: tells of what opens, closes and changes, of packet filters, and of every time in
 * which nothing was watched, and records all of it. Throws UserError where that cannot be begun.
 */
export async function watch(context: Context, options: WatchOptions): Promise<WatchEnd> {
  // The store first: a watch that cannot record is said at once.
  await using store = await openStateToWrite(context, { cacheKb: STORE_CACHE_KB });
  const lock = takeRunLock(context.state, '@watch');
  if (lock === null)
    throw new UserError(`another watch runs on ${context.state}`, {
      hint: 'One is enough: it sees every network namespace. Stop it first, or name another state with --state.',
    });
  try {
    return await new Watching(context, options, store).run();
  } finally {
    lock.release();
  }
}

type Store = Awaited<ReturnType<typeof openStateToWrite>>;

const elapsed = () => performance.now();

class Watching {
  readonly #context: Context;
  readonly #options: WatchOptions;
  readonly #store: Store;
  readonly #host: string;
  readonly #picture = createPicture();
  readonly #notices = createNoticeFolder<WatchedListener>();
  readonly #stop = new AbortController();
  readonly #startedAt: number;
  readonly #boot = bootId();
  readonly #register: ReturnType<typeof createWatchRegister>;
  readonly #recorder: ReturnType<typeof createWatchRecorder>;
  readonly #polling: ReturnType<typeof createPolling>;
  readonly #firewall: ReturnType<typeof createFirewallWatch>;
  readonly #service: ReturnType<typeof serviceManager>;
  #trace: TraceWatch | null = null;
  #look: UnnamedObservation | null = null;
  #because = 'it ended';
  /** Since when, and why, looks fail. */
  #blind: { readonly since: number; readonly because: string } | null = null;
  #unplaced = 0;
  #toldGaps = new Set<string>();

  constructor(context: Context, options: WatchOptions, store: Store) {
    const host = thisHost(context.env);
    this.#context = context;
    this.#options = options;
    this.#store = store;
    this.#host = host;
    this.#startedAt = context.now();
    this.#register = createWatchRegister(context, store, () => this.#lastLook());
    this.#recorder = createWatchRecorder({
      ...{ context, store, elapsed },
      gap: (because, from, lost) => this.#gapDraft({ because, from, lost }),
    });
    this.#polling = createPolling({
      ...{ hostName: host, hashes: options.hashes, now: context.now, elapsed },
      minMs: () => (this.#trace === null ? POLL_MS.alone : POLL_MS.besideTrace),
    });
    this.#firewall = createFirewallWatch({ context, store, host, elapsed, listeners: () => this.#picture.listeners() });
    this.#service = serviceManager(context.env);
  }

  async run(): Promise<WatchEnd> {
    const { signal, forMs } = this.#options;
    const stop = (because: string) => {
      this.#because = because;
      this.#stop.abort();
    };
    if (signal.aborted) stop(String(signal.reason));
    signal.addEventListener('abort', () => stop(String(signal.reason)), { once: true });
    const timer = forMs === undefined ? undefined : setTimeout(() => stop('its time was over'), forMs);
    try {
      await this.#begin();
      const loops = this.#loops();
      // What breaks one breaks the watch: half a watch would look like a whole one.
      await Promise.all(loops.map((loop) => loop.finally(() => this.#stop.abort())));
      return await this.#end();
    } finally {
      clearTimeout(timer);
      this.#stop.abort();
      await this.#trace?.close();
    }
  }

  /** Opens the trace, then looks for the first time, so that nothing falls in between. */
  async #begin(): Promise<void> {
    const now = this.#context.now();
    const missed = gapSince(readHeartbeat(this.#context.state), now, this.#boot);
    this.#beat(false);
    const method = await this.#openTrace();
    await this.#register.refresh();
    const { together: look } = await this.#polling.look();
    this.#look = look;
    this.#picture.look(look);
    const by = this.#context.actor;
    const body = { by, method, interval: this.#polling.pauseMs() };
    const drafts: EventDraft[] = [this.#draft('watch.started', now, body)];
    if (missed !== null) drafts.push(this.#gapDraft({ ...missed, from: now - missed.seconds * 1000, to: now }));
    await this.#store.appendEvents(drafts, this.#context.now());
    const events = await this.#recordFirstLook(look);
    const scopes = new Set(look.listeners.map((l) => l.scope)).size;
    const services = look.listeners.filter((l) => l.role === 'service').length;
    this.#message({ kind: 'started', host: this.#host, listeners: services, scopes, method });
    if (missed !== null) this.#message({ kind: 'gap', ...missed });
    this.#tellRegister();
    this.#tellUnseen(look);
    const { unavailable } = this.#firewall;
    if (unavailable !== null)
      this.#message({ kind: 'unseen', message: `Packet filters are not watched: ${unavailable}.` });
    this.#catchUp(events);
    this.#service.ready(`watching ${services} listeners by ${method}`);
  }

  async #recordFirstLook(look: UnnamedObservation): Promise<readonly Event[]> {
    const [last] = await this.#store.events({ limit: 1 });
    const problem = await this.#recorder.flush(look, () => this.#picture.listeners(), true);
    if (problem !== null) throw new UserError(problem);
    const types = ['listener.opened', 'listener.closed', 'listener.changed'] as const;
    const events = await this.#store.events({
      types,
      subjectPrefix: `${this.#host}:`,
      since: look.observedAt,
      limit: 1_000,
    });
    return events.filter((event) => event.sequence > (last?.sequence ?? 0));
  }

  /** Tells what became different while nobody watched. */
  #catchUp(events: readonly Event[]): void {
    const count = (type: Event['type']) => events.filter((e) => e.type === type && e.body.firstLook !== true).length;
    const [opened, closed] = [count('listener.opened'), count('listener.closed')];
    const changed = count('listener.changed');
    if (opened + closed + changed === 0) return;
    this.#message({ kind: 'caught-up', opened, closed, changed });
    const news = new Set(
      events
        .filter((e) => e.type === 'listener.opened' && e.body.firstLook !== true)
        .map((e) => `${e.subject} ${e.body.address}`),
    );
    for (const listener of this.#picture.listeners()) {
      const { scope, port, transport, address } = listener;
      const subject =
        scope === 'host' ? `${this.#host}:${port}/${transport}` : `${this.#host}:${port}/${transport}@${scope}`;
      if (news.has(`${subject} ${address}`))
        this.#happened([{ kind: 'opened', at: this.#context.now(), listener }], false);
    }
  }

  #loops(): readonly Promise<void>[] {
    const loops = [
      this.#repeat(
        () => this.#polling.pauseMs(),
        () => this.#poll(),
      ),
      this.#repeat(
        () => FLUSH_MS,
        () => this.#flush(),
      ),
      this.#watchClocks(),
      this.#repeat(
        () => HEARTBEAT_MS,
        async () => this.#beat(false),
      ),
      this.#repeat(
        () => REGISTER_MS,
        async () => {
          if ((await this.#register.refresh()) !== null || this.#register.problem() !== null) this.#tellRegister();
        },
      ),
      ...watchJobs(this.#options).map((job) => this.#repeatJob(job, () => job.name !== 'alerts' || this.#hasAlerts())),
      this.#repeatJob(versionsJob(this.#options.hashes), () => this.#recorder.lacksVersions()),
    ];
    if (this.#trace !== null) loops.push(this.#followTrace(this.#trace));
    if (this.#firewall.unavailable === null) loops.push(this.#followFirewall());
    const { watchdogMs } = this.#service;
    if (watchdogMs !== null)
      loops.push(
        this.#repeat(
          () => watchdogMs,
          async () => this.#service.alive(),
        ),
      );
    return loops;
  }

  async #repeat(pauseMs: () => number, run: () => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#pause(pauseMs());
      if (!signal.aborted) await run();
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stop.signal }).catch(() => {});
  }

  async #openTrace(): Promise<string> {
    if (!this.#options.trace) return 'polling (as asked)';
    const { createTargetedLook } = await import('../collectors/linux/targeted-look.ts');
    const opened = await openTraceWatch(
      createTargetedLook({ host: this.#host, now: this.#context.now, known: () => this.#picture.listeners() }),
    );
    if ('unavailable' in opened) return `polling (no trace: ${opened.unavailable})`;
    this.#trace = opened;
    return "the kernel's trace (TCP) and polling";
  }

  async #followTrace(trace: TraceWatch): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#stop.signal.addEventListener('abort', () => resolve(), { once: true });
      if (this.#stop.signal.aborted) resolve();
    });
    const lost = this.#repeat(
      () => CLOCK_MS,
      async () => this.#tellLost(await trace.newlyLost(elapsed())),
    );
    const run = trace
      .run((look) => this.#traced(look))
      .then(() => {
        if (this.#stop.signal.aborted) return;
        this.#trace = null;
        this.#gap({ because: 'the trace broke off; polling goes on', lost: 0 });
      });
    await closed;
    await trace.close();
    await Promise.all([run, lost]);
    this.#tellLost(await trace.newlyLost(Number.POSITIVE_INFINITY));
  }

  #traced(look: TracedLook): void {
    this.#happened(this.#picture.traced(look));
    for (const { listener } of look.listeners) this.#polling.readSoon(listener.scope);
    this.#unplaced += look.unplaced.length;
  }

  #tellLost(lost: number): void {
    const unplaced = this.#unplaced;
    this.#unplaced = 0;
    if (lost > 0) this.#gap({ because: 'events of the trace were lost; the next look shows what is open', lost });
    if (unplaced > 0)
      this.#gap({ because: 'something listened on a port that could not be told any more', lost: unplaced });
  }

  async #poll(): Promise<void> {
    try {
      const { round, together: look } = await this.#polling.look();
      if (round.coverage.length === 0) return this.#failed(round.gaps[0]?.message ?? 'nothing could be looked at');
      this.#look = look;
      this.#seesAgain();
      this.#happened(this.#picture.look(round));
      this.#tellUnseen(look);
    } catch (error) {
      this.#failed((error as Error).message);
    }
  }

  #failed(because: string): void {
    if (this.#blind !== null) return;
    this.#blind = { since: this.#context.now(), because };
    this.#message({ kind: 'gap', because: `a look failed: ${because}` });
  }

  #seesAgain(): void {
    if (this.#blind === null) return;
    const { since, because } = this.#blind;
    this.#blind = null;
    const seconds = Math.round((this.#context.now() - since) / 1000);
    this.#gap({ because: `looks failed: ${because}`, seconds });
  }

  async #followFirewall(): Promise<void> {
    let isFailing = false;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const change = await this.#firewall.look();
        isFailing = false;
        if (change !== null) this.#message({ kind: 'firewall', ...change });
        for (const problem of this.#firewall.problems()) this.#unseen(`Packet filters: ${problem}`);
      } catch (error) {
        if (!isFailing) this.#gap({ because: `packet filters could not be looked at: ${(error as Error).message}` });
        isFailing = true;
      }
      await this.#pause(this.#firewall.pauseMs());
    }
  }

  async #watchClocks(): Promise<void> {
    let before = readClocks();
    await this.#repeat(
      () => CLOCK_MS,
      async () => {
        const now = readClocks();
        const missed = missedBetween(before, now, CLOCK_MS);
        before = now;
        if (missed !== null) this.#gap(missed);
        for (const notice of this.#notices.tick(this.#context.now())) this.#tell(notice);
      },
    );
  }

  async #flush(): Promise<void> {
    const look = this.#lastLook();
    const problem = await this.#recorder.flush(look, () => this.#picture.listeners());
    if (problem !== null) this.#message({ kind: 'gap', because: `not recorded for now: ${problem}` });
  }

  /** `isWanted` is asked each time: what it asks for may come, or go, while the watch runs. */
  async #repeatJob(job: WatchJob, isWanted: () => boolean): Promise<void> {
    await this.#pause(job.afterMs);
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const isNow = isWanted();
      if (isNow) this.#ended(await runJob(this.#context, job, signal), signal.aborted);
      await this.#pause(isNow ? job.everyMs : REGISTER_MS);
    }
  }

  #ended({ job, exit, said, startedAt, finishedAt }: JobEnd, wasStopped: boolean): void {
    if (wasStopped || (exit !== null && job.fine.includes(exit))) return;
    const words = exit === null ? 'was ended' : `failed with exit code ${exit}`;
    this.#message({ kind: 'job', job: job.name, message: said === '' ? words : `${words}: ${said}` });
    const body = { started: startedAt, finished: finishedAt, exit: exit ?? 2, run: [...job.args], said };
    this.#recorder.append({ ...this.#draft('schedule.ran', finishedAt, body), subject: `watch:${job.name}` });
  }

  /** Takes in what happened: to be recorded, and to be told. */
  #happened(sightings: readonly WatchedSighting[], record = true): void {
    if (sightings.length === 0) return;
    if (record) this.#recorder.saw(sightings.map(({ kind, at, listener }) => ({ kind, at, listener })));
    for (const { kind, at, listener, changes } of sightings) {
      const { process: p } = listener;
      const input = { kind, at, key: listenerKey(listener), what: { listener, ...(changes && { changes }) } };
      const program = p?.exe?.split('/').at(-1) ?? p?.name ?? 'a program that was not visible';
      const identity = p?.exe === undefined ? {} : { identity: `${p.exe}|${p.user ?? p.uid ?? ''}` };
      for (const notice of this.#notices.add({ ...input, program, ...identity })) this.#tell(notice);
    }
  }

  #tell(notice: Notice<WatchedListener>): void {
    const about = notice.kind === 'many' ? notice.examples.map((w) => w.listener) : [notice.what.listener];
    this.#options.tell({ kind: 'notice', at: notice.at, notice, standings: about.map((l) => this.#standing(l)) });
  }

  #standing(listener: Listener): RegisterStanding {
    return this.#register.standing(listener);
  }

  #message(message: WatchMessage, at = this.#context.now()): void {
    this.#options.tell({ kind: 'message', at, message });
  }

  #tellRegister(): void {
    const register = this.#register.current();
    const problem = this.#register.problem();
    if (register === null) {
      this.#unseen(`The register could not be read: ${problem}`);
      return;
    }
    const problems = register.problems.filter((p) => p.severity === 'error').length;
    const { digest } = register;
    this.#message({ kind: 'register', entries: register.entries.length, problems, digest });
  }

  #tellUnseen(look: UnnamedObservation): void {
    for (const gap of look.gaps) this.#unseen(gap.message, gap.remedy, `${gap.code} ${gap.subject}`);
  }

  /** Tells once what cannot be seen. */
  #unseen(message: string, remedy?: string, identity = message): void {
    if (this.#toldGaps.has(identity) || this.#toldGaps.size > 1_000) return;
    this.#toldGaps.add(identity);
    this.#message({ kind: 'unseen', message, ...(remedy !== undefined && { remedy }) });
  }

  #gap(gap: Partial<MissedTime> & { readonly because: string; readonly lost?: number }): void {
    this.#message({ kind: 'gap', ...gap });
    this.#recorder.append(this.#gapDraft(gap));
  }

  #gapDraft(body: EventDraft['body']): EventDraft {
    return this.#draft('watch.gap', this.#context.now(), body);
  }

  #draft(type: EventDraft['type'], observedAt: number, body: EventDraft['body']): EventDraft {
    return { type, observedAt, actor: 'collector:local', subject: this.#host, body };
  }

  #beat(stopped: boolean): void {
    const beat: Heartbeat = {
      ...{ schemaVersion: 1, startedAt: this.#startedAt, beatAt: this.#context.now(), stopped, boot: this.#boot },
    };
    try {
      writeHeartbeat(this.#context.state, beat);
    } catch {
      // A full disk: the recorder says so, and the gap that the next start sees is longer, not shorter.
    }
  }

  #hasAlerts(): boolean {
    return this.#register.current()?.alerts !== undefined;
  }

  #lastLook(): UnnamedObservation {
    if (this.#look === null) throw new Error('nothing was looked at yet');
    return this.#look;
  }

  async #end(): Promise<WatchEnd> {
    this.#service.stopping();
    const because = this.#because;
    for (const notice of this.#notices.flush(this.#context.now())) this.#tell(notice);
    this.#recorder.append(this.#draft('watch.stopped', this.#context.now(), { because }));
    const problem = await this.#recorder.flush(this.#lastLook(), () => this.#picture.listeners(), true);
    if (problem !== null) this.#message({ kind: 'gap', because: `not recorded: ${problem}` });
    this.#beat(problem === null);
    for (const job of watchJobs(this.#options)) if (job.atStop) this.#ended(await runJob(this.#context, job), false);
    this.#message({ kind: 'stopped', because });
    return { because, hasGaps: this.#lastLook().gaps.length > 0 };
  }
}
