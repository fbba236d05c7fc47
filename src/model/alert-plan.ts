import { compareBy } from '../util/compare.ts';
import { getOrMake } from '../util/get-or-make.ts';
import type { AlertPolicy } from './alert-policy.ts';
import { readTarget, type Target, targetKey, targetsOf } from './alert-routes.ts';
import { isQuiet } from './alert-times.ts';
import { isAtLeast, SEVERITIES } from './finding.ts';
import type { IncidentNews } from './incident-fold.ts';
import type { IncidentRecord } from './incident-record.ts';
import { type MaintenanceWindow, maintenanceOf } from './maintenance.ts';
import type { Owner } from './register.ts';

/** A message that is to be sent, before it has an id. */
export interface PlannedMessage extends Target {
  readonly kind: 'raised' | 'reminded' | 'resolved' | 'digest' | 'summary';
  /** Ids, the worst first. */
  readonly incidents: readonly string[];
  /** Incidents that it stands for beside those. */
  readonly more: number;
  /** Critical: by the cap of its own. */
  readonly isUrgent: boolean;
  /** Counts for the cap of the day. */
  readonly counts: boolean;
}

/** Messages of today that count for the cap, by target. */
export interface UsedToday {
  readonly messages: number;
  readonly hasSummary: boolean;
}

export interface PlanInput {
  /** Every incident that is not resolved, and those that were resolved just now. */
  readonly records: readonly IncidentRecord[];
  /** By id. */
  readonly news: ReadonlyMap<string, IncidentNews>;
  readonly policy: AlertPolicy;
  readonly owners: readonly Owner[];
  readonly windows: readonly MaintenanceWindow[];
  /** Nobody was ever told of anything: what there is already becomes one summary. */
  readonly isFirst: boolean;
  readonly isDigestDue: boolean;
  readonly used: (target: Target, isUrgent: boolean) => UsedToday;
  /** UTC milliseconds. */
  readonly now: number;
}

export interface AlertPlan {
  readonly messages: readonly PlannedMessage[];
  /** Records that differ now. */
  readonly records: readonly IncidentRecord[];
  /** Incidents that nobody can be told of: no channel takes them. */
  readonly nobody: number;
}

/** Incidents that one summary, and one digest, spell out. */
const IN_SUMMARY = 20;
const IN_DIGEST = 100;

interface Telling {
  readonly kind: 'raised' | 'reminded' | 'resolved';
  readonly id: string;
}

/**
 * Works out who is to be told what now. Nothing is told twice to one target, and no more than the cap allows: the last
 * message of a day is a summary of what is left, and what comes after it waits for the next day.
 */
export function planAlerts(input: PlanInput): AlertPlan {
  const { policy, now } = input;
  const records = new Map(input.records.map((record) => [record.id, record]));
  const byTarget = new Map<string, Telling[]>();
  const atOnce: PlannedMessage[] = [];
  const add = (key: string, telling: Telling) => getOrMake(byTarget, key, () => []).push(telling);
  const set = (record: IncidentRecord) => records.set(record.id, record);
  let nobody = 0;
  for (const record of input.records) {
    if (isIgnored(record, policy)) continue;
    const keys = targetsOf(record, policy, input.owners).map(targetKey);
    if (record.state === 'resolved') {
      if (isWorthTelling(record, input) && policy.tellResolved && !isQuiet(policy, record.severity, now))
        for (const key of keys) if (!record.waiting.includes(key)) add(key, { kind: 'resolved', id: record.id });
      set({ ...record, waiting: [] });
      continue;
    }
    if (record.state !== 'open') {
      set({ ...record, waiting: [] });
      continue;
    }
    if (isHeld(record, input) || input.isFirst) continue;
    if (isNews(record, policy)) {
      if (keys.length === 0) {
        nobody++;
        continue;
      }
      set({ ...record, told: record.severity, toldAt: now, waiting: [...new Set([...record.waiting, ...keys])] });
    } else if (isReminderDue(record, policy, now))
      for (const key of keys) add(key, { kind: 'reminded', id: record.id });
  }
  for (const record of records.values())
    for (const key of record.state === 'open' && !isHeld(record, input) ? record.waiting : [])
      if (policy.channels.some(({ name }) => name === readTarget(key).channel))
        add(key, { kind: 'raised', id: record.id });
      else set(without(records.get(record.id) as IncidentRecord, key));
  for (const [key, tellings] of byTarget) atOnce.push(...drain(key, tellings, records, input));
  const lists = input.isFirst
    ? wholeLists('summary', IN_SUMMARY, records, input, () => true)
    : input.isDigestDue
      ? wholeLists('digest', IN_DIGEST, records, input, (record) => !isAtLeast(record.severity, policy.severity))
      : [];
  const before = new Map(input.records.map((record) => [record.id, record]));
  return {
    messages: [...atOnce, ...lists],
    records: [...records.values()].filter((record) => !isSame(record, before.get(record.id) as IncidentRecord)),
    nobody,
  };
}

function isSame(a: IncidentRecord, b: IncidentRecord): boolean {
  return a.told === b.told && a.toldAt === b.toldAt && a.waiting.join('\n') === b.waiting.join('\n');
}

function isIgnored({ kinds }: IncidentRecord, { ignore }: AlertPolicy): boolean {
  return kinds.length > 0 && kinds.every((kind) => ignore.includes(kind));
}

function isHeld(record: IncidentRecord, { policy, windows, now }: PlanInput): boolean {
  return isQuiet(policy, record.severity, now) || maintenanceOf(windows, record, now) !== undefined;
}

/** Bad enough to be told at once, and not told yet, or of something milder. */
function isNews({ severity, told }: IncidentRecord, policy: AlertPolicy): boolean {
  if (!isAtLeast(severity, policy.severity)) return false;
  return told === null || SEVERITIES.indexOf(severity) > SEVERITIES.indexOf(told);
}

function isReminderDue({ severity, toldAt, waiting }: IncidentRecord, policy: AlertPolicy, now: number): boolean {
  const { remindMs } = policy;
  if (remindMs === null || toldAt === null || waiting.length > 0) return false;
  if (!isAtLeast(severity, 'high') || !isAtLeast(severity, policy.severity)) return false;
  return now - toldAt >= remindMs;
}

/** Resolved just now, and people were told at once that it is there. */
function isWorthTelling(record: IncidentRecord, { news, policy }: PlanInput): boolean {
  return news.get(record.id) === 'resolved' && record.told !== null && isAtLeast(record.told, policy.severity);
}

function without(record: IncidentRecord, key: string): IncidentRecord {
  return { ...record, waiting: record.waiting.filter((waiting) => waiting !== key) };
}

/** Turns what one target is to be told into messages, as many as the cap still allows. Marks what is told. */
function drain(
  key: string,
  tellings: readonly Telling[],
  records: Map<string, IncidentRecord>,
  { policy, used, now }: PlanInput,
): PlannedMessage[] {
  const target = readTarget(key);
  const messages: PlannedMessage[] = [];
  for (const isUrgent of [true, false]) {
    const mine = tellings
      .filter(({ id }) => (records.get(id)?.severity === 'critical') === isUrgent)
      .sort(
        compareBy(
          ({ kind }) => ['raised', 'reminded', 'resolved'].indexOf(kind),
          ({ id }) => worstFirst(records.get(id) as IncidentRecord),
          ({ id }) => id,
        ),
      );
    const today = used(target, isUrgent);
    // The last one of the day is the summary.
    const room = Math.max(0, policy.dailyCap - 1 - (today.messages - (today.hasSummary ? 1 : 0)));
    const common = { ...target, isUrgent, counts: true };
    const told = (id: string) => {
      const record = records.get(id) as IncidentRecord;
      records.set(id, { ...without(record, key), ...(record.state === 'open' && { toldAt: now }) });
    };
    for (const { kind, id } of mine.slice(0, room)) {
      messages.push({ ...common, kind, incidents: [id], more: 0 });
      told(id);
    }
    const rest = mine.slice(room).filter(({ kind }) => kind === 'raised');
    if (rest.length === 0 || today.hasSummary) continue;
    const incidents = rest.slice(0, IN_SUMMARY).map(({ id }) => id);
    messages.push({ ...common, kind: 'summary', incidents, more: rest.length - incidents.length });
    for (const { id } of rest) told(id);
  }
  return messages;
}

/** One message per target with every open incident that was not told yet and is wanted. Marks them as told. */
function wholeLists(
  kind: 'summary' | 'digest',
  most: number,
  records: Map<string, IncidentRecord>,
  input: PlanInput,
  isWanted: (record: IncidentRecord) => boolean,
): PlannedMessage[] {
  const lists = new Map<string, string[]>();
  const sorted = [...records.values()].sort(compareBy(worstFirst, ({ id }) => id));
  for (const record of sorted) {
    const isOpen = record.state === 'open' && record.told === null && isAtLeast(record.severity, 'low');
    if (!isOpen || !isWanted(record) || isIgnored(record, input.policy)) continue;
    if (maintenanceOf(input.windows, record, input.now)) continue;
    const keys = targetsOf(record, input.policy, input.owners).map(targetKey);
    for (const key of keys) getOrMake(lists, key, () => []).push(record.id);
    if (keys.length > 0) records.set(record.id, { ...record, told: record.severity, toldAt: input.now });
  }
  return [...lists].map(([key, ids]) => ({
    ...readTarget(key),
    ...{ kind, incidents: ids.slice(0, most), more: Math.max(0, ids.length - most) },
    ...{ isUrgent: false, counts: false },
  }));
}

function worstFirst({ severity }: IncidentRecord): number {
  return -SEVERITIES.indexOf(severity);
}
