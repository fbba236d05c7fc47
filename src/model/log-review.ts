import { compareText } from '../util/compare.ts';
import { count } from '../util/words.ts';
import type { Anomaly } from './anomaly.ts';
import type { Event, EventType } from './event.ts';
import type { Incident } from './incident.ts';

/** What a person says of an item: it is as it should be, somebody will look further, or it is an incident. */
export const REVIEW_DECISIONS = ['normal', 'follow-up', 'incident'] as const;
export type ReviewDecision = (typeof REVIEW_DECISIONS)[number];

/** Something of the period that a person has to look at. */
export interface ReviewItem {
  /** Stable within the sitting. */
  readonly id: string;
  readonly kind: 'follow-up' | 'alert' | 'pattern' | 'event';
  /** Type of the events, kind of the anomaly. */
  readonly what: string;
  /** Endpoint, host or entry that it is about. */
  readonly subject: string;
  /** A sentence. */
  readonly message: string;
  readonly count: number;
  /** UTC milliseconds. */
  readonly first: number;
  readonly last: number;
  /** Records of the ledger that it stands for, the first few. */
  readonly records: readonly number[];
}

/** What a sitting is about. */
export interface ReviewQueue {
  /** UTC milliseconds, [from, until). */
  readonly from: number;
  readonly until: number;
  /** First and last record of the ledger in it; null: there was none. */
  readonly records: { readonly first: number; readonly last: number } | null;
  readonly items: readonly ReviewItem[];
  /** Records that need no decision each, by type: they say that the machine worked. */
  readonly routine: ReadonlyArray<{ readonly type: string; readonly count: number }>;
}

/** A sitting that was signed. */
export interface ReviewSitting {
  /** Its record in the ledger. */
  readonly record: number;
  readonly by: string;
  /** UTC milliseconds: when it was signed, and what it covers. */
  readonly at: number;
  readonly from: number;
  readonly until: number;
  readonly items: number;
  readonly followUps: number;
}

/** Where the review of the log stands: what the check judges. */
export interface LogReviewState {
  /** Days between sittings; null: none is demanded. */
  readonly everyDays: number | null;
  readonly last: ReviewSitting | null;
  /** UTC milliseconds of the first record; null: there is none. */
  readonly since: number | null;
}

/** Records that say that the machine worked; incidents have items of their own. */
const ROUTINE: ReadonlySet<EventType> = new Set<EventType>([
  'observation.recorded',
  'flows.imported',
  'flows.expired',
  'watch.started',
  'log.reviewed',
  'alert.raised',
  'alert.acknowledged',
  'alert.snoozed',
  'alert.resolved',
]);
/** A run that did its work: clean, findings, gaps. */
const DONE = new Set([0, 1, 3]);
/** Ports that came and went are told by port; above so many per host, by host. */
const MANY_PORTS = 25;
const MAX_RECORDS = 20;

type ReviewedIncident = Pick<
  Incident,
  'id' | 'title' | 'severity' | 'state' | 'by' | 'causeCount' | 'firstSeen' | 'lastSeen'
>;

export interface ReviewInput {
  readonly from: number;
  readonly until: number;
  /** Records of the period, any order. */
  readonly events: readonly Event[];
  /** Incidents that were seen in it. */
  readonly incidents: readonly ReviewedIncident[];
  readonly anomalies: readonly Anomaly[];
  /** What the last sitting left to be followed up. */
  readonly followUps: readonly ReviewItem[];
  /** What an event says, as a phrase. */
  readonly words: (event: Event) => string;
}

/** Makes the queue of a sitting: what was followed up first, then alerts, patterns and groups of events; sorted, the same for the same input. */
export function reviewQueue(input: ReviewInput): ReviewQueue {
  const sequences = input.events.map((event) => event.sequence);
  const routine = new Map<string, number>();
  const groups = new Map<string, Event[]>();
  const ports = portsByHost(input.events);
  for (const event of input.events) {
    if (isRoutine(event)) routine.set(event.type, (routine.get(event.type) ?? 0) + 1);
    else {
      const key = groupKey(event, ports);
      const group = groups.get(key);
      if (group) group.push(event);
      else groups.set(key, [event]);
    }
  }
  const items = [
    ...input.followUps.map((item) => ({
      ...item,
      id: `follow-up:${item.id.replace(/^follow-up:/, '')}`,
      kind: 'follow-up' as const,
    })),
    ...input.incidents.map(ofIncident),
    ...input.anomalies.map(ofAnomaly),
    ...[...groups].map(([key, events]) => ofEvents(key, events, input.words)),
  ];
  const rank = { 'follow-up': 0, alert: 1, pattern: 2, event: 3 };
  return {
    from: input.from,
    until: input.until,
    records: sequences.length === 0 ? null : { first: least(sequences), last: -least(sequences.map((s) => -s)) },
    items: items.sort((a, b) => rank[a.kind] - rank[b.kind] || compareText(a.what, b.what) || compareText(a.id, b.id)),
    routine: [...routine].map(([type, n]) => ({ type, count: n })).sort((a, b) => compareText(a.type, b.type)),
  };
}

function isRoutine(event: Event): boolean {
  if (event.type === 'schedule.ran') return typeof event.body.exit === 'number' && DONE.has(event.body.exit);
  return ROUTINE.has(event.type);
}

const isPort = (event: Event): boolean => event.type.startsWith('listener.');

/** `db-1` of `db-1:5432/tcp@scope`; IPv6 hosts have colons of their own. */
function hostOf(subject: string): string {
  return subject.replace(/:\d+\/[a-z]+(@.*)?$/, '');
}

function portsByHost(events: readonly Event[]): ReadonlyMap<string, ReadonlySet<string>> {
  const hosts = new Map<string, Set<string>>();
  for (const event of events.filter(isPort)) {
    const host = hostOf(event.subject);
    const ports = hosts.get(host) ?? new Set();
    hosts.set(host, ports.add(event.subject));
  }
  return hosts;
}

/** Opens, closes and changes of one port are one item; of a host with very many, one item by type. */
function groupKey(event: Event, ports: ReadonlyMap<string, ReadonlySet<string>>): string {
  if (!isPort(event)) return `${event.type} ${event.subject}`;
  const host = hostOf(event.subject);
  if ((ports.get(host)?.size ?? 0) > MANY_PORTS) {
    return `${event.type}${event.body.firstLook === true ? ' first-look' : ''} ${host}`;
  }
  return `listener ${event.subject}`;
}

function ofEvents(key: string, unsorted: readonly Event[], words: (event: Event) => string): ReviewItem {
  const events = [...unsorted].sort((a, b) => a.sequence - b.sequence);
  const newest = events.at(-1) as Event;
  const types = [...new Set(events.map((event) => event.type))].sort();
  const subjects = new Set(events.map((event) => event.subject));
  const subject = subjects.size === 1 ? newest.subject : hostOf(newest.subject);
  const counted = types
    .map((type) => `${type.replace('listener.', '')} ${events.filter((event) => event.type === type).length}×`)
    .join(', ');
  const message =
    subjects.size > 1
      ? `${subject}: ${count(subjects.size, 'port')} ${counted}; last ${newest.subject}: ${words(newest)}`
      : events.length > 1
        ? `${subject}: ${counted}; last: ${words(newest)}`
        : `${subject}: ${words(newest)}`;
  return {
    id: `event:${key}`,
    kind: 'event',
    what: types.length === 1 ? (types[0] as string) : 'listener',
    subject,
    message,
    count: events.length,
    first: least(events.map((event) => event.observedAt)),
    last: -least(events.map((event) => -event.observedAt)),
    records: events.slice(0, MAX_RECORDS).map((event) => event.sequence),
  };
}

function ofIncident(incident: ReviewedIncident): ReviewItem {
  const by = incident.by === null ? '' : ` by ${incident.by}`;
  return {
    id: `alert:${incident.id}`,
    kind: 'alert',
    what: incident.severity,
    subject: incident.id,
    message: `${incident.title} (${incident.severity}, ${incident.state}${by})`,
    count: incident.causeCount,
    first: incident.firstSeen,
    last: incident.lastSeen,
    records: [],
  };
}

function ofAnomaly(anomaly: Anomaly): ReviewItem {
  const { endpoint } = anomaly;
  return {
    id: `pattern:${anomaly.id}`,
    kind: 'pattern',
    what: anomaly.kind,
    subject: endpoint ? `${endpoint.host}:${endpoint.port}/${endpoint.transport}` : (anomaly.source ?? 'estate'),
    message: anomaly.message,
    count: 1,
    first: Date.parse(anomaly.from),
    last: Date.parse(anomaly.to),
    records: [],
  };
}

function least(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}
