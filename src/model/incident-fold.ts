import { compareBy } from '../util/compare.ts';
import { SEVERITIES, type Severity } from './finding.ts';
import type { Cause } from './incident.ts';
import { groupCauses } from './incident-group.ts';
import type { Place } from './incident-place.ts';
import { type IncidentRecord, incidentId } from './incident-record.ts';
import { judgeIncident } from './incident-severity.ts';

/** What is known before a run. */
export interface KnownIncidents {
  /** Every one that is not resolved, and the resolved ones that a cause of now, or its key, belongs to. */
  readonly records: readonly IncidentRecord[];
  /** Causes told before, by id, with the key of their incident: all of the records, and all that come again. */
  readonly causes: ReadonlyMap<string, { readonly key: string; readonly cause: Cause }>;
  /** Says whether another incident has this short name. */
  isTaken(id: string): boolean;
}

export interface FoldInput {
  readonly known: KnownIncidents;
  /** What there is now; findings must be all of them. */
  readonly found: readonly Cause[];
  /** The findings are the whole answer; else those that are missing may only be hidden. */
  readonly isWhole: boolean;
  readonly place: (cause: Cause) => Place;
  readonly resolveAfterMs: number;
  /** UTC milliseconds. */
  readonly now: number;
}

/** What became of an incident; null: nothing that changes its state. */
export type IncidentNews = 'raised' | 'escalated' | 'reopened' | 'woken' | 'resolved' | null;

export interface FoldedIncident {
  readonly record: IncidentRecord;
  readonly news: IncidentNews;
  /** Causes that are new, or newer than before. */
  readonly causes: readonly Cause[];
}

/** An incident that keeps coming back must be gone for longer each time, up to this. */
const LONGEST_WAIT_MS = 7 * 86_400_000;
/** Doublings of the wait. */
const MOST_DOUBLINGS = 5;

/** How long every cause of an incident must be gone before it is over. */
export function waitOf(record: Pick<IncidentRecord, 'reopened'>, resolveAfterMs: number): number {
  return Math.max(
    resolveAfterMs,
    Math.min(resolveAfterMs * 2 ** Math.min(record.reopened, MOST_DOUBLINGS), LONGEST_WAIT_MS),
  );
}

/**
 * Brings incidents up to date with what there is now. Every cause of `found` is in exactly one incident of the answer or
 * of those known. The same again changes nothing but times.
 */
export function foldIncidents({ known, found, isWhole, place, resolveAfterMs, now }: FoldInput): FoldedIncident[] {
  const records = new Map(known.records.map((record) => [record.key, record]));
  const groups = groupCauses(found, {
    keyOf: (id) => known.causes.get(id)?.key,
    open: new Set(known.records.filter((record) => record.state !== 'resolved').map((record) => record.key)),
  });
  const before = causesByKey(known);
  const taken = new Set<string>();
  const folded: FoldedIncident[] = [];
  for (const key of new Set([...records.keys(), ...groups.keys()])) {
    const causes = groups.get(key) ?? [];
    const old = records.get(key);
    const fresh = causes.filter((cause) => isNewer(cause, known.causes.get(cause.id)?.cause));
    const unknown = causes.filter((cause) => !known.causes.has(cause.id));
    if (!old) {
      const record = raise(key, causes, { known, taken, place, now });
      folded.push({ record, news: 'raised', causes: fresh });
      continue;
    }
    const ids = new Set(causes.map((cause) => cause.id));
    const all = [...causes, ...(before.get(key) ?? []).filter(({ id }) => !ids.has(id))];
    const updated = update(old, { causes, unknown, all, place, now });
    const done = isWhole ? settle(updated, now, waitOf(old, resolveAfterMs)) : updated;
    if (done.news !== null || fresh.length > 0 || done.record !== old) folded.push({ ...done, causes: fresh });
  }
  return folded.sort(compareBy(({ record }) => record.key));
}

function causesByKey(known: KnownIncidents): Map<string, Cause[]> {
  const found = new Map<string, Cause[]>();
  for (const { key, cause } of known.causes.values()) {
    const list = found.get(key);
    if (list) list.push(cause);
    else found.set(key, [cause]);
  }
  return found;
}

function isNewer(cause: Cause, before: Cause | undefined): boolean {
  return (
    !before ||
    cause.lastSeen > before.lastSeen ||
    cause.severity !== before.severity ||
    cause.message !== before.message
  );
}

interface Raising {
  readonly known: KnownIncidents;
  readonly taken: Set<string>;
  readonly place: (cause: Cause) => Place;
  readonly now: number;
}

function raise(key: string, causes: readonly Cause[], { known, taken, place, now }: Raising): IncidentRecord {
  let attempt = 0;
  while (known.isTaken(incidentId(key, attempt)) || taken.has(incidentId(key, attempt))) attempt++;
  const id = incidentId(key, attempt);
  taken.add(id);
  const judged = judgeIncident(causes, place);
  return {
    ...{ id, key, state: 'open' as const, severity: judged.severity, severityReasons: judged.reasons },
    ...described(causes, place),
    causeCount: causes.length,
    firstSeen: Math.min(...causes.map((cause) => cause.firstSeen)),
    lastSeen: Math.max(...causes.map((cause) => cause.lastSeen)),
    ...{ snoozedUntil: null, by: null, note: null, openedAt: now, resolvedAt: null, quietUntil: null },
    ...{ reopened: 0, told: null, toldAt: null, waiting: [] },
  };
}

/** What is shown of an incident: the words of the cause that makes it as bad as it is, and where it is. */
function described(causes: readonly Cause[], place: (cause: Cause) => Place) {
  const worst = causes.toSorted(
    compareBy(
      (cause: Cause) => -SEVERITIES.indexOf(judgeIncident([cause], place).severity),
      (cause) => -SEVERITIES.indexOf(cause.severity),
      // What is there now says more than what was once seen.
      (cause) => (cause.from === 'finding' ? 0 : 1),
      (cause) => -cause.lastSeen,
      (cause) => cause.id,
    ),
  );
  const [first] = worst as [Cause, ...Cause[]];
  const places = causes.map(place);
  const own = place(worst.find((cause) => cause.endpoint !== null) ?? first);
  return {
    title: first.message,
    endpoint: worst.find((cause) => cause.endpoint !== null)?.endpoint ?? null,
    service: own.service,
    owner: own.owner ?? places.find(({ owner }) => owner !== null)?.owner ?? null,
    data: [...new Set(places.flatMap(({ data }) => data))].sort(),
    zones: [...new Set(places.flatMap(({ zones }) => zones))].sort(),
    kinds: [...new Set(causes.map((cause) => cause.kind))].sort(),
  };
}

interface Updating {
  /** Of now. */
  readonly causes: readonly Cause[];
  /** Those of now that were never told. */
  readonly unknown: readonly Cause[];
  /** Of now and before. */
  readonly all: readonly Cause[];
  readonly place: (cause: Cause) => Place;
  readonly now: number;
}

function update(
  old: IncidentRecord,
  { causes, unknown, all, place, now }: Updating,
): { record: IncidentRecord; news: IncidentNews } {
  let record = old;
  let news: IncidentNews = null;
  if (old.state === 'snoozed' && old.snoozedUntil !== null && old.snoozedUntil <= now) {
    record = { ...record, state: 'open', snoozedUntil: null, told: null };
    news = 'woken';
  }
  if (causes.length === 0) return { record, news };
  const lastSeen = Math.max(old.lastSeen, ...causes.map((cause) => cause.lastSeen));
  const firstSeen = Math.min(old.firstSeen, ...causes.map((cause) => cause.firstSeen));
  const seen = { lastSeen, firstSeen, causeCount: all.length };
  if (old.state === 'resolved') {
    const again = causes.some((cause) => cause.lastSeen > (old.resolvedAt ?? 0));
    const isQuiet = old.quietUntil !== null && old.quietUntil > now;
    if (unknown.length === 0 && (!again || isQuiet)) return { record: { ...old, ...seen }, news: null };
    const judged = judgeIncident(causes, place);
    const opened = {
      ...{ state: 'open' as const, severity: judged.severity, severityReasons: judged.reasons, openedAt: now },
      ...{ resolvedAt: null, quietUntil: null, snoozedUntil: null, by: null, note: null },
      ...{ told: null, waiting: [], reopened: old.reopened + 1 },
    } as const;
    return { record: { ...old, ...described(causes, place), ...seen, ...opened }, news: 'reopened' };
  }
  // Within one time it is open an incident never gets milder: what rises and falls is told once.
  const judged = judgeIncident(causes, place);
  const rank = (severity: Severity) => SEVERITIES.indexOf(severity);
  const isWorse = rank(judged.severity) > rank(old.severity);
  record = { ...record, ...seen };
  if (unknown.length > 0 || isWorse || causes.some((cause) => cause.message === old.title))
    record = { ...record, ...keepKnown(old, described(all, place)) };
  if (rank(judged.severity) >= rank(old.severity))
    record = { ...record, severity: judged.severity, severityReasons: judged.reasons };
  // Who acknowledged or snoozed it did not know of this.
  if (isWorse) record = { ...record, state: 'open', snoozedUntil: null };
  return { record, news: isWorse ? 'escalated' : news };
}

/** An owner or service that cannot be seen just now (a register that cannot be read) is still the last one known. */
function keepKnown<T extends Pick<IncidentRecord, 'service' | 'owner' | 'data' | 'zones'>>(
  old: IncidentRecord,
  now: T,
): T {
  return { ...now, service: now.service ?? old.service, owner: now.owner ?? old.owner };
}

/** An open incident is over once every cause has been gone for the wait; one that somebody took is theirs to close. */
function settle(
  updated: { record: IncidentRecord; news: IncidentNews },
  now: number,
  wait: number,
): { record: IncidentRecord; news: IncidentNews } {
  const { record } = updated;
  if (record.state !== 'open' && record.state !== 'snoozed') return updated;
  // What is told of days later (a log that came late) is open for as long as anything else.
  if (now - Math.max(record.lastSeen, record.openedAt) < wait) return updated;
  const resolved = { state: 'resolved', resolvedAt: now, quietUntil: null, snoozedUntil: null } as const;
  return { record: { ...record, ...resolved }, news: 'resolved' };
}
