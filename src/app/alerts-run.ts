import { randomBytes } from 'node:crypto';
import type { AlertMessage } from '../alerts/channel.ts';
import type { AnyChannel } from '../alerts/index.ts';
import { type AlertPlan, type PlannedMessage, planAlerts } from '../model/alert-plan.ts';
import { type AlertPolicy, DEFAULT_ALERTS } from '../model/alert-policy.ts';
import { lastDigestTime, startOfDay } from '../model/alert-times.ts';
import { endpointKey } from '../model/endpoint.ts';
import { UserError } from '../model/errors.ts';
import type { EventDraft } from '../model/event.ts';
import type { Cause } from '../model/incident.ts';
import { type FoldedIncident, foldIncidents, type KnownIncidents } from '../model/incident-fold.ts';
import { groupCauses } from '../model/incident-group.ts';
import { type IncidentRecord, toIncident } from '../model/incident-record.ts';
import type { Owner, RegisterProblem } from '../model/register.ts';
import type { AlertDelivery, AlertMarks, StoredIncidents } from '../store/incident-store.ts';
import type { Store } from '../store/store.ts';
import { uuidv7 } from '../util/uuid.ts';
import { readChannels } from './alerts-channels.ts';
import { type DeliverResult, deliverDue } from './alerts-deliver.ts';
import { type AnomalySource, type Gathered, gatherCauses } from './alerts-gather.ts';
import type { Context } from './context.ts';
import { openStateToWrite } from './state.ts';
import { VERSION } from './version.ts';

export interface AlertsRunOptions {
  /** Where unusual traffic comes from; default: the flows of the workspace. */
  readonly anomalies?: AnomalySource;
  /** Kinds of channels instead of those of src/alerts, for tests. */
  readonly kinds?: readonly AnyChannel[];
  /** 0 to 1; default: Math.random. */
  readonly random?: () => number;
  /** How long one attempt may take, milliseconds; default 10 s. */
  readonly attemptMs?: number;
}

/** What one run came to. */
export interface AlertsRun {
  /** Incidents whose state changed, by what became of them. */
  readonly raised: readonly IncidentRecord[];
  readonly escalated: readonly IncidentRecord[];
  readonly reopened: readonly IncidentRecord[];
  readonly resolved: readonly IncidentRecord[];
  /** Incidents that are not resolved. */
  readonly open: number;
  /** Messages that this run made. */
  readonly messages: readonly PlannedMessage[];
  /** Incidents that no channel takes. */
  readonly nobody: number;
  readonly delivered: Omit<DeliverResult, 'errors'>;
  /** By channel: why it failed. */
  readonly errors: ReadonlyMap<string, string>;
  /** What is wrong with the channels. */
  readonly problems: readonly RegisterProblem[];
  /** The first run that could tell anybody: what there was already became one summary. */
  readonly isFirst: boolean;
  readonly channels: number;
}

/** Others may write meanwhile (`alerts ack`): it begins again so often. */
const MOST_TRIES = 5;
/** Ids of incidents that one record of a first run names. */
const NAMED = 1_000;
/** Causes of each incident in a message about several. */
const CAUSES_IN_LIST = 5;
/** Sent messages, and the events that incidents rest on, are kept here so long; the ledger keeps them for good. */
const KEEP_MS = 90 * 86_400_000;

/**
 * One run of alerting: gathers causes, brings incidents up to date, puts what is to be told into the outbox, and sends what
 * is due. Safe to run again, to run twice at once (null: another run is at it), and to be killed at any moment.
 */
export async function runAlerts(context: Context, options: AlertsRunOptions = {}): Promise<AlertsRun | null> {
  const { takeRunLock } = await import('../store/run-lock.ts');
  await using store = await openStateToWrite(context);
  // The `@` keeps it from the names of scheduled runs.
  const lock = takeRunLock(context.state, '@alerts');
  if (!lock) return null;
  try {
    const anomalies = options.anomalies ?? (await import('./alerts-traffic.ts')).trafficAnomalies;
    const gathered = await gatherCauses(context, store, (await store.incidents.marks()).cursor, anomalies);
    const policy = gathered.register.alerts ?? DEFAULT_ALERTS;
    const channels = await readChannels(policy, options.kinds);
    const told = await tell(context, store, gathered, policy);
    const named = new Set(policy.channels.map((channel) => channel.name));
    const random = options.random ?? Math.random;
    const { attemptMs } = options;
    const { errors, ...delivered } = await deliverDue(context, store, {
      ...{ channels, named, random },
      ...(attemptMs !== undefined && { attemptMs }),
    });
    await store.incidents.forgetOld(context.now() - KEEP_MS);
    return {
      ...told,
      delivered,
      errors,
      problems: channels.problems,

      channels: policy.channels.length,
    };
  } finally {
    lock.release();
  }
}

type Told = Omit<AlertsRun, 'delivered' | 'errors' | 'problems' | 'channels'>;

/** Brings incidents up to date and fills the outbox, in one transaction. */
async function tell(context: Context, store: Store, gathered: Gathered, policy: AlertPolicy): Promise<Told> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const marks = await store.incidents.marks();
    const stored = await loadKnown(store, gathered.found);
    const now = context.now();
    const known = knownOf(stored, await store.incidents.ids());
    const folded = foldIncidents({
      ...{ known, found: gathered.found, isWhole: gathered.isWhole, now, place: gathered.places.of },
      resolveAfterMs: policy.resolveAfterMs,
    });
    const records = new Map(stored.records.map((record) => [record.id, record]));
    for (const { record } of folded) records.set(record.id, record);
    const isFirst = marks.begunAt === null && policy.channels.length > 0;
    const digestAt = lastDigestTime(policy, now);
    const isDigestDue = marks.begunAt !== null && digestAt !== null && digestAt > (marks.digestAt ?? marks.begunAt);
    const plan = await planFor(store, gathered, policy, { records, folded, isFirst, isDigestDue, now });
    for (const record of plan.records) records.set(record.id, record);
    const causes = causesOf(stored, folded);
    const touched = new Set([...folded.map(({ record }) => record.id), ...plan.records.map(({ id }) => id)]);
    const written = await store.incidents.write(
      {
        version: marks.version,
        records: [...touched].map((id) => records.get(id) as IncidentRecord),
        causes: folded.flatMap(({ record, causes: fresh }) => fresh.map((cause) => ({ incident: record.id, cause }))),
        deliveries: plan.messages.map((message) =>
          deliveryOf(message, { records, causes, policy, now, workspace: gathered.register }),
        ),
        marks: {
          cursor: gathered.cursor,
          ...(isFirst && { begunAt: now, digestAt }),
          ...(isDigestDue && { digestAt }),
        },
        events: eventsOf(context, folded, marks, now),
      },
      now,
    );
    if (!written) continue;
    const of = (news: FoldedIncident['news']) =>
      folded.flatMap((one) => (one.news === news ? [records.get(one.record.id) as IncidentRecord] : []));
    return {
      ...{ raised: of('raised'), escalated: of('escalated'), reopened: of('reopened'), resolved: of('resolved') },
      open: [...records.values()].filter((record) => record.state !== 'resolved').length,
      ...{ messages: plan.messages, nobody: plan.nobody, isFirst },
    };
  }
  throw new UserError('incidents were changed by others again and again while this run worked', {
    hint: 'Nothing was told. Run it again: quietdoor alerts run',
  });
}

/** Open incidents, and those resolved ones that what there is now belongs to. */
async function loadKnown(store: Store, found: readonly Cause[]): Promise<StoredIncidents> {
  const ids = found.map((cause) => cause.id);
  const first = await store.incidents.load(ids, []);
  const groups = groupCauses(found, grouped(first));
  const known = new Set(first.records.map((record) => record.key));
  const missing = [...groups.keys()].filter((key) => !known.has(key));
  return missing.length === 0 ? first : store.incidents.load(ids, missing);
}

function grouped({ records, causes }: StoredIncidents) {
  const keys = new Map(records.map((record) => [record.id, record.key]));
  const keyOf = new Map(causes.map(({ incident, cause }) => [cause.id, keys.get(incident)]));
  return {
    keyOf: (id: string) => keyOf.get(id),
    open: new Set(records.filter(({ state }) => state !== 'resolved').map(({ key }) => key)),
  };
}

function knownOf({ records, causes }: StoredIncidents, ids: ReadonlySet<string>): KnownIncidents {
  const keys = new Map(records.map((record) => [record.id, record.key]));
  return {
    records,
    causes: new Map(causes.map(({ incident, cause }) => [cause.id, { key: keys.get(incident) ?? '', cause }])),
    isTaken: (id) => ids.has(id),
  };
}

interface Planning {
  readonly records: ReadonlyMap<string, IncidentRecord>;
  readonly folded: readonly FoldedIncident[];
  readonly isFirst: boolean;
  readonly isDigestDue: boolean;
  readonly now: number;
}

async function planFor(
  store: Store,
  { register }: Gathered,
  policy: AlertPolicy,
  { records, folded, isFirst, isDigestDue, now }: Planning,
): Promise<AlertPlan> {
  // Without a channel nobody was told, so that the first one begins with a summary.
  if (policy.channels.length === 0) return { messages: [], records: [], nobody: 0 };
  const news = new Map(folded.map((one) => [one.record.id, one.news]));
  const counts = await store.incidents.deliveredSince(startOfDay(now, policy.timeZone));
  return planAlerts({
    records: [...records.values()].filter(({ id, state }) => state !== 'resolved' || news.get(id) === 'resolved'),
    ...{
      news,
      policy,
      owners: register.owners,
      windows: await store.incidents.windows(now),
      isFirst,
      isDigestDue,
      now,
    },
    used: ({ channel, owner }, isUrgent) =>
      counts.find((one) => one.channel === channel && one.owner === owner && one.isUrgent === isUrgent) ?? {
        messages: 0,
        hasSummary: false,
      },
  });
}

/** Causes by incident id, the newest word of each. */
function causesOf(stored: StoredIncidents, folded: readonly FoldedIncident[]): ReadonlyMap<string, readonly Cause[]> {
  const found = new Map<string, Map<string, Cause>>();
  const add = (incident: string, cause: Cause) => {
    const causes = found.get(incident) ?? new Map<string, Cause>();
    found.set(incident, causes.set(cause.id, cause));
  };
  for (const { incident, cause } of stored.causes) add(incident, cause);
  for (const { record, causes } of folded) for (const cause of causes) add(record.id, cause);
  return new Map([...found].map(([id, causes]) => [id, [...causes.values()]]));
}

interface Writing {
  readonly records: ReadonlyMap<string, IncidentRecord>;
  readonly causes: ReadonlyMap<string, readonly Cause[]>;
  readonly policy: AlertPolicy;
  readonly now: number;
  readonly workspace: { readonly name: string; readonly owners: readonly Owner[] };
}

function deliveryOf(planned: PlannedMessage, { records, causes, policy, now, workspace }: Writing): AlertDelivery {
  const id = uuidv7(now, randomBytes(10));
  const email = workspace.owners.find((owner) => owner.name === planned.owner)?.email ?? null;
  const incidents = planned.incidents.map((incident) => {
    const whole = toIncident(records.get(incident) as IncidentRecord, causes.get(incident) ?? []);
    return planned.incidents.length === 1 ? whole : { ...whole, causes: whole.causes.slice(0, CAUSES_IN_LIST) };
  });
  const message: AlertMessage = {
    ...{ id, kind: planned.kind, at: now, workspace: workspace.name, version: VERSION, incidents, more: planned.more },
    ...(planned.owner !== null && email !== null && { recipients: [email] }),
    ...(policy.links !== null && { links: policy.links }),
  };
  return {
    ...{ id, channel: planned.channel, owner: planned.owner, kind: planned.kind },
    ...{ isUrgent: planned.isUrgent, counts: planned.counts, createdAt: now, state: 'waiting', attempts: 0 },
    ...{ nextAttempt: now, settledAt: null, error: null, incidents: planned.incidents },
    message: JSON.stringify(message),
  };
}

/** Records of what became of incidents. What a first run finds is one record: it did not happen then. */
function eventsOf(
  context: Context,
  folded: readonly FoldedIncident[],
  { cursor }: AlertMarks,
  observedAt: number,
): EventDraft[] {
  const draft = (type: EventDraft['type'], subject: string, body: EventDraft['body']): EventDraft => {
    return { type, observedAt, actor: context.actor, subject, body };
  };
  if (cursor === null && folded.length > 1) {
    const incidents = folded.slice(0, NAMED).map(({ record }) => record.id);
    const title = `${folded.length} incidents were there at the first run`;
    return [draft('alert.raised', 'alerts', { count: folded.length, firstRun: true, incidents, title })];
  }
  return folded.flatMap(({ record, news }) => {
    if (news === null) return [];
    const { id, severity, title, causeCount: causes, owner } = record;
    const subject = record.endpoint ? endpointKey(record.endpoint) : id;
    if (news === 'resolved')
      return [draft('alert.resolved', subject, { incident: id, note: 'every cause is gone', severity, title })];
    return [draft('alert.raised', subject, { causes, incident: id, news, owner, severity, title })];
  });
}
