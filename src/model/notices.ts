import { createDueQueue } from '../util/due-queue.ts';

/** An endpoint opened, closed or changed. `T`: whatever the notice is to carry of it. */
export interface NoticeInput<T> {
  readonly kind: 'opened' | 'closed' | 'changed';
  /** UTC milliseconds. Times may come out of order by a little; they count as not before the one before. */
  readonly at: number;
  /** The endpoint and its address. */
  readonly key: string;
  /** Name of the program: many of one are told together. */
  readonly program: string;
  /** What must not differ for a close and an open to be a restart. Absent: not visible, which is no difference. */
  readonly identity?: string;
  readonly what: T;
}

/** What a notice is the first to tell of. All that was put in is told once, or was a quiet restart. */
export interface Told {
  readonly opens: number;
  readonly closes: number;
  readonly changes: number;
}

/** What a person is told. `at`: UTC milliseconds of what happened; of a fold the time it was made. */
export type Notice<T> = { readonly at: number; readonly told: Told } & (
  | { readonly kind: 'opened'; readonly what: T }
  /** `openMs`: how long it had been open; null where it was before anybody watched. */
  | { readonly kind: 'closed'; readonly what: T; readonly openMs: number | null }
  | { readonly kind: 'changed'; readonly what: T }
  /** Closed, and opened again within seconds by another program. */
  | { readonly kind: 'replaced'; readonly what: T; readonly before: T }
  /** `over`: it has been quiet since; else single openings are not told until it is. */
  | {
      readonly kind: 'flapping';
      readonly what: T;
      readonly from: number;
      readonly opens: number;
      readonly closes: number;
      readonly changes: number;
      readonly isOpen: boolean;
      readonly over: boolean;
    }
  /** One program (null: several) opened and closed so many that they are not told one by one until it is quiet. */
  | {
      readonly kind: 'many';
      readonly program: string | null;
      readonly from: number;
      readonly opens: number;
      readonly closes: number;
      readonly changes: number;
      /** A few of them, the first ones. */
      readonly examples: readonly T[];
      readonly over: boolean;
    }
);

export interface NoticeRules {
  /** Closed and opened again by the same program within this time is a restart, and quiet. */
  readonly restartMs: number;
  /** So many openings of one endpoint within `windowMs` are flapping; it is over after `settleMs` without any. */
  readonly flapAfter: number;
  readonly windowMs: number;
  readonly settleMs: number;
  /** So many notices of one program within `settleMs` are told together from then on; of all programs, ten times as many. */
  readonly manyAfter: number;
  /** Endpoints remembered at most. Of further ones the oldest are told at once. */
  readonly maxTracked: number;
}

export const NOTICE_RULES: NoticeRules = {
  restartMs: 5_000,
  flapAfter: 6,
  windowMs: 600_000,
  settleMs: 60_000,
  manyAfter: 40,
  maxTracked: 5_000,
};

/** Folds what happened into what people are told. Pure: time comes with what is put in. */
export interface NoticeFolder<T> {
  readonly add: (input: NoticeInput<T>) => Notice<T>[];
  /** Tells what is due at `now`; how often it is called changes nothing but when that is said. */
  readonly tick: (now: number) => Notice<T>[];
  /** Tells everything that waits, as at the end of watching. */
  readonly flush: (now: number) => Notice<T>[];
  /** What was a quiet restart. */
  readonly quiet: () => Told;
  readonly tracked: () => number;
  /** Things that it remembers to do; bounded as what is tracked is. */
  readonly waiting: () => number;
}

type Count = { -readonly [K in keyof Told]: number };

/** An endpoint of which something happened lately. */
interface Track<T> {
  readonly key: string;
  program: string;
  identity: string | undefined;
  what: T;
  isOpen: boolean;
  openedAt: number | null;
  /** Closed, and not told: it may come back. */
  closedAt: number | null;
  flapping: boolean;
  /** Since when `count` counts. */
  from: number;
  last: number;
  count: Count;
  untold: Count;
  /** Times of the latest openings, at most `flapAfter`. */
  recent: number[];
  /** Times at which the queue has it looked at: none is added behind one that comes sooner. */
  readonly planned: Set<number>;
}

/** A program of which many notices came lately, or all of them together. */
interface Crowd<T> {
  readonly program: string | null;
  readonly after: number;
  recent: number[];
  many: boolean;
  from: number;
  last: number;
  count: Count;
  untold: Count;
  examples: T[];
  due: number;
}

const EXAMPLES = 5;
const EVERYBODY = 10;

type Due<T> = { readonly track: Track<T> } | { readonly crowd: Crowd<T> };

export function createNoticeFolder<T>(rules: NoticeRules = NOTICE_RULES): NoticeFolder<T> {
  const { restartMs, flapAfter, windowMs, settleMs, manyAfter, maxTracked } = rules;
  const tracks = new Map<string, Track<T>>();
  const crowds = new Map<string, Crowd<T>>();
  const everybody = newCrowd<T>(null, manyAfter * EVERYBODY);
  const queue = createDueQueue<Due<T>>();
  const quiet = none();
  let clock = Number.NEGATIVE_INFINITY;
  let out: Notice<T>[] = [];
  /** Plans of endpoints that were forgotten, at most: they keep what they name. */
  let stale = 0;

  /** When something is to be done about an endpoint next. */
  const dueOf = (t: Track<T>): number => {
    if (t.flapping) return Math.min(t.last + settleMs, t.from + windowMs);
    return t.closedAt === null ? t.last + windowMs : t.closedAt + restartMs;
  };
  const plan = (t: Track<T>) => {
    const due = dueOf(t);
    // What is due later than planned is put off when that time comes, so that the queue stays short.
    for (const planned of t.planned) if (planned <= due) return;
    t.planned.add(due);
    queue.add(due, { track: t });
  };
  const planCrowd = (c: Crowd<T>) => {
    const due = c.many ? Math.min(c.last + settleMs, c.from + windowMs) : c.last + settleMs;
    if (due >= c.due) return;
    c.due = due;
    queue.add(due, { crowd: c });
  };

  const takeUntold = (of: { untold: Count }): Told => {
    const told = of.untold;
    of.untold = none();
    return told;
  };

  /** Says whether a crowd is told together; counts this one of it. */
  const joins = (c: Crowd<T>, at: number, told: Told, what: T): boolean => {
    const begins = !c.many;
    if (begins) {
      c.recent.push(at);
      if (c.recent.length > c.after) c.recent.shift();
      c.last = at;
      if (c.recent.length < c.after || at - (c.recent[0] as number) > settleMs) {
        planCrowd(c);
        return false;
      }
      Object.assign(c, { many: true, from: at, count: none(), examples: [] });
    }
    add(c.count, told);
    add(c.untold, told);
    c.last = at;
    if (c.examples.length < EXAMPLES && told.opens > 0) c.examples.push(what);
    if (begins) tellCrowd(c, at, false);
    planCrowd(c);
    return true;
  };

  const tellCrowd = (c: Crowd<T>, at: number, over: boolean) => {
    const { program, from, count, examples } = c;
    out.push({ kind: 'many', at, program, from, ...count, examples: [...examples], over, told: takeUntold(c) });
  };

  /** Tells one by one, unless there are too many of the program, or of all. */
  const tell = (t: Track<T>, notice: Notice<T> & { readonly what: T }) => {
    let crowd = crowds.get(t.program);
    // Names are given by the programs themselves; of ever new ones the crowd of everybody tells.
    if (crowd === undefined && crowds.size < maxTracked) {
      crowd = newCrowd<T>(t.program, manyAfter);
      crowds.set(t.program, crowd);
    }
    if (crowd !== undefined && joins(crowd, clock, notice.told, notice.what)) return;
    if (joins(everybody, clock, notice.told, notice.what)) return;
    out.push(notice);
  };

  const tellFlapping = (t: Track<T>, at: number, over: boolean) => {
    const { what, from, count, isOpen } = t;
    tell(t, { kind: 'flapping', at, what, from, ...count, isOpen, over, told: takeUntold(t) });
  };

  const tellClosed = (t: Track<T>) => {
    const at = t.closedAt as number;
    t.closedAt = null;
    const openMs = t.openedAt === null ? null : Math.max(0, at - t.openedAt);
    tell(t, { kind: 'closed', at, what: t.what, openMs, told: takeUntold(t) });
  };

  const forget = (t: Track<T>) => {
    if (t.flapping) tellFlapping(t, clock, true);
    else if (t.closedAt !== null) tellClosed(t);
    add(quiet, t.untold);
    stale += t.planned.size;
    t.planned.clear();
    tracks.delete(t.key);
    if (stale > maxTracked && 2 * stale > queue.size()) {
      queue.keepOnly((item, due) => ('track' in item ? item.track.planned.has(due) : item.crowd.due === due));
      stale = 0;
    }
  };

  const reach = (t: Track<T>, due: number) => {
    if (!t.planned.delete(due)) return;
    if (dueOf(t) > due) return plan(t);
    if (t.flapping) {
      const over = due >= t.last + settleMs;
      tellFlapping(t, due, over);
      t.flapping = !over;
      t.from = due;
      t.count = none();
      if (over) t.recent = [];
    } else if (t.closedAt !== null) tellClosed(t);
    else return forget(t);
    plan(t);
  };

  const reachCrowd = (c: Crowd<T>, due: number) => {
    if (c.due !== due) return;
    c.due = Number.POSITIVE_INFINITY;
    const over = due >= c.last + settleMs;
    if (!over && (!c.many || due < c.from + windowMs)) return planCrowd(c);
    if (c.many) tellCrowd(c, due, over);
    if (over) {
      c.many = false;
      c.recent = [];
      if (c.program !== null) crowds.delete(c.program);
      return;
    }
    Object.assign(c, { from: due, count: none(), examples: [] });
    planCrowd(c);
  };

  const advance = (now: number) => {
    for (let next = queue.take(now); next !== undefined; next = queue.take(now)) {
      clock = Math.max(clock, next.due);
      if ('track' in next.item) reach(next.item.track, next.due);
      else reachCrowd(next.item.crowd, next.due);
    }
    clock = Math.max(clock, now);
  };

  const opened = (t: Track<T>, at: number, { program, identity, what }: NoticeInput<T>) => {
    const before = t.what;
    const isSame = t.identity === undefined || identity === undefined || t.identity === identity;
    const isBack = t.closedAt !== null;
    const wasOpen = t.isOpen;
    Object.assign(t, { program, what, identity: identity ?? t.identity, isOpen: true, closedAt: null });
    if (!wasOpen) t.openedAt = at;
    t.count.opens++;
    t.untold.opens++;
    t.recent.push(at);
    if (t.recent.length > flapAfter) t.recent.shift();
    if (t.flapping) return;
    if (t.recent.length === flapAfter && at - (t.recent[0] as number) <= windowMs) {
      t.flapping = true;
      tellFlapping(t, at, false);
    } else if (!isBack) tell(t, { kind: 'opened', at, what, told: takeUntold(t) });
    else if (!isSame) tell(t, { kind: 'replaced', at, what, before, told: takeUntold(t) });
  };

  const closed = (t: Track<T>, at: number) => {
    t.isOpen = false;
    t.count.closes++;
    t.untold.closes++;
    if (!t.flapping) t.closedAt = at;
  };

  const collect = (): Notice<T>[] => {
    const told = out;
    out = [];
    return told;
  };

  return {
    add: (input) => {
      advance(input.at);
      const at = clock;
      let t = tracks.get(input.key);
      if (t === undefined) {
        t = newTrack(input, at);
        tracks.set(input.key, t);
        if (tracks.size > maxTracked) forget(tracks.values().next().value as Track<T>);
      }
      t.last = at;
      if (input.kind === 'opened') opened(t, at, input);
      else if (input.kind === 'closed') closed(t, at);
      else {
        t.what = input.what;
        t.program = input.program;
        t.identity = input.identity ?? t.identity;
        t.count.changes++;
        t.untold.changes++;
        if (!t.flapping) tell(t, { kind: 'changed', at, what: input.what, told: takeUntold(t) });
      }
      plan(t);
      return collect();
    },
    tick: (now) => {
      advance(now);
      return collect();
    },
    flush: (now) => {
      advance(now);
      for (const t of [...tracks.values()]) forget(t);
      for (const c of [...crowds.values(), everybody]) {
        if (c.many && c.untold.opens + c.untold.closes + c.untold.changes > 0) tellCrowd(c, clock, true);
        c.many = false;
        c.due = Number.NEGATIVE_INFINITY;
      }
      crowds.clear();
      return collect();
    },
    quiet: () => ({ ...quiet }),
    tracked: () => tracks.size,
    waiting: () => queue.size() + crowds.size,
  };
}

function newTrack<T>({ key, program, identity, what, kind }: NoticeInput<T>, at: number): Track<T> {
  return {
    ...{ key, program, identity, what },
    // Whoever closes or changes was open before.
    isOpen: kind !== 'opened',
    openedAt: null,
    closedAt: null,
    flapping: false,
    ...{ from: at, last: at, count: none(), untold: none(), recent: [] },
    planned: new Set(),
  };
}

function newCrowd<T>(program: string | null, after: number): Crowd<T> {
  return {
    ...{ program, after, recent: [], many: false, examples: [] },
    ...{ from: 0, last: 0, count: none(), untold: none() },
    due: Number.POSITIVE_INFINITY,
  };
}

function none(): Count {
  return { opens: 0, closes: 0, changes: 0 };
}

function add(to: Count, more: Told): void {
  to.opens += more.opens;
  to.closes += more.closes;
  to.changes += more.changes;
}
