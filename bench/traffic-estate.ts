/** What generators of traffic have in common: an estate of ports, what was put into it, and how a port's flows are made. */

import type { PortKey } from '../src/detection/card.ts';
import { DAY_BUCKETS, DAY_SECONDS, type PortTraffic, type SourceTable } from '../src/detection/history.ts';
import { ACTION, BUCKET_SECONDS } from '../src/model/flow.ts';
import { getOrMake } from '../src/util/get-or-make.ts';
import type { Random } from './random.ts';

export const LABEL_KINDS = [
  'quiet spike',
  'denied burst',
  'off-hours',
  'fan-in',
  'scan',
  'new source',
  'bytes spike',
  'drop',
  'revived',
  'busy spike',
  'sustained',
] as const;
export type LabelKind = (typeof LABEL_KINDS)[number];

/** An anomaly that was put in. Ports by number, times in UTC seconds. */
export interface Label {
  readonly kind: LabelKind;
  readonly ports: readonly number[];
  readonly source: number;
  readonly from: number;
  readonly to: number;
}

/** Something ordinary that one card may tell: a holiday, a feed gap, a move, a lasting change. More than one is false. */
export interface Event {
  readonly what: string;
  /** Ports it may be about; null: all of them. */
  readonly ports: ReadonlySet<number> | null;
  readonly from: number;
  readonly to: number;
}

export interface Row {
  source: number;
  action: number;
  connections: number;
  bytes: number;
}

/** Changes the rows of a bucket of a port. */
export type Edit = (rows: Row[], random: Random) => Row[];

export interface Estate {
  readonly name: string;
  readonly seed: number;
  /** UTC seconds: first day of the history, first day that is judged, end. */
  readonly historyFrom: number;
  readonly from: number;
  readonly until: number;
  readonly ports: number;
  readonly table: SourceTable;
  readonly labels: readonly Label[];
  readonly events: readonly Event[];
  /** Address, protocol and port of a port by its number. */
  keyOf(port: number): PortKey;
  /** Makes the traffic of a port: the same each time. */
  traffic(port: number): PortTraffic;
}

export const ipv4Table: SourceTable = {
  address: (n) => `${n >>> 24}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`,
  network: (n) => n >>> 8,
  networkText: (n) => `${(n << 8) >>> 24}.${(n >>> 8) & 255}.${n & 255}.0/24`,
};

export const ip = (a: number, b: number, c: number, d: number) => ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;

/** Address and port of a port by its number: eight ports a host. */
export function portKey(n: number): PortKey {
  const host = n >> 3;
  return {
    destination: ipv4Table.address(ip(10, 50, host >> 8, host & 255)),
    protocol: 6,
    port: [22, 80, 443, 1433, 5432, 6379, 8080, 9200][n & 7] as number,
  };
}

/** A source of a network that nobody has seen. */
export function strangeSource(random: Random): number {
  return ip(random.whole(80, 190), random.whole(0, 255), random.whole(0, 255), random.whole(1, 254));
}

/** Edits by port and bucket (number from the estate's begin). */
export type Edits = Map<number, Map<number, Edit[]>>;

export function addEdit(edits: Edits, port: number, bucket: number, edit: Edit): void {
  const own = getOrMake(edits, port, () => new Map<number, Edit[]>());
  getOrMake(own, bucket, () => []).push(edit);
}

/** Makes a port's traffic of its rows by bucket. */
export function assemble(
  port: number,
  historyFrom: number,
  buckets: number,
  rowsOf: (bucket: number) => Row[],
  edits: Map<number, Edit[]> | undefined,
  random: Random,
): PortTraffic {
  return assembleFor(portKey(port), historyFrom, buckets, rowsOf, edits, random);
}

/** The same for a port that is named. */
export function assembleFor(
  key: PortKey,
  historyFrom: number,
  buckets: number,
  rowsOf: (bucket: number) => Row[],
  edits: Map<number, Edit[]> | undefined,
  random: Random,
): PortTraffic {
  const dense = () => new Float32Array(buckets);
  const history = {
    ...{ ...key, from: historyFrom },
    ...{ accepted: dense(), denied: dense(), bytes: dense(), sources: dense() },
  };
  let room = 1_024;
  let visits = emptyVisits(room);
  for (let bucket = 0; bucket < buckets; bucket++) {
    let rows = rowsOf(bucket);
    for (const edit of edits?.get(bucket) ?? []) rows = edit(rows, random);
    if (rows.length === 0) continue;
    const seen = new Set<number>();
    for (const row of rows) {
      if (row.connections <= 0) continue;
      if (visits.length === room) {
        room *= 2;
        visits = grown(visits, room);
      }
      const i = visits.length++;
      visits.bucket[i] = historyFrom + bucket * BUCKET_SECONDS;
      visits.source[i] = row.source;
      visits.action[i] = row.action;
      visits.connections[i] = row.connections;
      visits.packets[i] = Math.max(row.connections, Math.round(row.bytes / 800));
      visits.bytes[i] = Math.round(row.bytes);
      if (row.action === ACTION.denied) {
        history.denied[bucket] = (history.denied[bucket] as number) + row.connections;
        continue;
      }
      history.accepted[bucket] = (history.accepted[bucket] as number) + row.connections;
      history.bytes[bucket] = (history.bytes[bucket] as number) + Math.round(row.bytes);
      seen.add(row.source);
    }
    history.sources[bucket] = seen.size;
  }
  return { history, visits, earlier: null, isDirected: true, knownSince: historyFrom };
}

function emptyVisits(room: number) {
  return {
    ...{ length: 0, bucket: new Uint32Array(room), source: new Uint32Array(room), action: new Uint8Array(room) },
    ...{ connections: new Float64Array(room), packets: new Float64Array(room), bytes: new Float64Array(room) },
  };
}

function grown(old: ReturnType<typeof emptyVisits>, room: number): ReturnType<typeof emptyVisits> {
  const visits = emptyVisits(room);
  for (const name of ['bucket', 'source', 'action', 'connections', 'packets', 'bytes'] as const)
    visits[name].set(old[name] as never);
  visits.length = old.length;
  return visits;
}

/** What a generator tells about a port so that labels can be put where they are meant. */
export interface PortNature {
  readonly class: string;
  /** Connections usual in that bucket. */
  usual(bucket: number): number;
  /** True where that bucket, and the hour around it, is empty every week. */
  isEmpty(bucket: number): boolean;
  /** Sources that are known at the port. */
  readonly sources: readonly number[];
  /** Bytes per connection, about. */
  readonly bytesEach: number;
  readonly isPromiscuous: boolean;
}

export interface LabelPlan {
  readonly random: Random;
  readonly natures: readonly PortNature[];
  readonly historyFrom: number;
  readonly from: number;
  readonly until: number;
  /** Of each kind; of scans half as many. */
  readonly each: number;
  /** Buckets in which nothing is put (holiday, gap). */
  readonly isTaken: (bucket: number) => boolean;
  readonly edits: Edits;
  /** Ports that are used for something else. */
  readonly reserved: ReadonlySet<number>;
}

/** Puts anomalies of every kind in, at places that suit them, never two within a day on one port. */
export function putLabels(plan: LabelPlan): Label[] {
  const labels: Label[] = [];
  const busyUntil = new Map<number, [number, number][]>();
  for (const kind of LABEL_KINDS)
    for (let i = 0; i < (kind === 'scan' ? Math.ceil(plan.each / 2) : plan.each); i++) {
      const label = kind === 'scan' ? putScan(plan) : putOne(plan, kind, busyUntil);
      if (label) labels.push(label);
    }
  return labels;
}

function putScan(plan: LabelPlan): Label {
  const { random, natures, edits, historyFrom, from, until } = plan;
  let bucket = 0;
  do bucket = bucketOf(random.between(from, until - 7_200), historyFrom);
  while (plan.isTaken(bucket));
  const wanted = Math.min(Math.floor(natures.length * 0.8), random.whole(20, 60));
  const ports = new Set<number>();
  while (ports.size < wanted) ports.add(random.whole(0, natures.length - 1));
  const source = random.chance(0.5) ? strangeSource(random) : ip(10, 60, random.whole(0, 30), random.whole(1, 254));
  for (const port of ports) {
    const action = random.chance(0.5) ? ACTION.denied : ACTION.accepted;
    const bytes = random.whole(40, 2_000);
    addEdit(edits, port, bucket + random.whole(0, 1), (rows) => [...rows, { source, action, connections: 1, bytes }]);
  }
  return {
    kind: 'scan',
    ports: [...ports],
    source,
    from: timeAt(bucket, historyFrom),
    to: timeAt(bucket + 2, historyFrom),
  };
}

function putOne(plan: LabelPlan, kind: LabelKind, taken: Map<number, [number, number][]>): Label | null {
  const { random, natures, edits, historyFrom, from, until } = plan;
  for (let attempt = 0; attempt < 4_000; attempt++) {
    const port = random.whole(0, natures.length - 1);
    if (plan.reserved.has(port)) continue;
    const nature = natures[port] as PortNature;
    const bucket = bucketOf(random.between(from + 3_600, until - 8 * 3_600), historyFrom);
    const time = timeAt(bucket, historyFrom);
    if ((taken.get(port) ?? []).some(([a, b]) => time < b + DAY_SECONDS && time > a - DAY_SECONDS)) continue;
    if (kind === 'revived' && taken.has(port)) continue; // after the first time it is dead no more
    const made = shape(kind, nature, bucket, random);
    if (!made) continue;
    let isFree = true;
    for (let b = bucket - 12; b < bucket + made.buckets + 12; b++) if (plan.isTaken(b)) isFree = false;
    if (!isFree) continue;
    for (let b = bucket; b < bucket + made.buckets; b++) addEdit(edits, port, b, made.edit);
    const to = timeAt(bucket + made.buckets, historyFrom);
    const own = taken.get(port);
    if (own) own.push([time, to]);
    else taken.set(port, [[time, to]]);
    return { kind, ports: [port], source: made.source ?? -1, from: time, to };
  }
  return null;
}

interface Shape {
  readonly buckets: number;
  readonly edit: Edit;
  readonly source?: number;
}

/** How an anomaly of a kind looks at a port; null: it does not suit the port or the time. */
function shape(kind: LabelKind, nature: PortNature, bucket: number, random: Random): Shape | null {
  const usual = nature.usual(bucket);
  const known = nature.sources.length > 0 ? random.pick(nature.sources) : ip(10, 60, 1, 1);
  const extra = (source: number, connections: number, action: number = ACTION.accepted): Edit => {
    const bytes = connections * nature.bytesEach;
    return (rows) => [...rows, { source, action, connections, bytes }];
  };
  const times = (factor: number): Edit => {
    return (rows) =>
      rows.map((r) =>
        r.action === ACTION.denied
          ? r
          : { ...r, connections: Math.round(r.connections * factor), bytes: r.bytes * factor },
      );
  };
  switch (kind) {
    case 'quiet spike':
      if (nature.class !== 'quiet' && nature.class !== 'sparse') return null;
      return { buckets: random.whole(1, 3), edit: extra(known, random.whole(20, 100)) };
    case 'denied burst':
      return { buckets: random.whole(1, 3), edit: extra(known, random.whole(30, 200), ACTION.denied) };
    case 'off-hours':
      if (nature.class !== 'office' || !nature.isEmpty(bucket)) return null;
      return { buckets: random.whole(1, 3), edit: extra(known, random.whole(3, 10)) };
    case 'fan-in': {
      if (usual < 3) return null;
      const n = Math.round(3 * nature.sources.length + random.whole(20, 40));
      const sources = Array.from({ length: n }, () => strangeSource(random));
      return {
        buckets: random.whole(1, 2),
        edit: (rows) => [
          ...rows,
          ...sources.map((source) => ({ source, action: ACTION.accepted, connections: 1, bytes: nature.bytesEach })),
        ],
      };
    }
    case 'new source': {
      if (nature.isPromiscuous || nature.class === 'dead' || nature.class === 'quiet') return null;
      const source = strangeSource(random);
      return { buckets: random.whole(1, 4), edit: extra(source, random.whole(1, 5)), source };
    }
    case 'bytes spike': {
      if (usual < 5) return null;
      const factor = random.between(20, 100);
      return { buckets: random.whole(1, 3), edit: (rows) => rows.map((r) => ({ ...r, bytes: r.bytes * factor })) };
    }
    case 'drop':
      if (usual < 8) return null;
      return {
        buckets: random.whole(6, 24),
        edit: (rows) => rows.filter((r) => r.action === ACTION.denied),
      };
    case 'revived':
      return nature.class === 'dead' ? { buckets: random.whole(1, 3), edit: extra(known, random.whole(1, 5)) } : null;
    case 'busy spike':
      if (usual < 20) return null;
      return { buckets: random.whole(2, 6), edit: times(random.between(2.5, 5)) };
    case 'sustained':
      if (usual < 20 || nature.usual(bucket + 71) < 20 || nature.usual(bucket + 36) < 20) return null;
      return { buckets: 72, edit: times(1.7) };
    default:
      return null;
  }
}

export const timeAt = (bucket: number, historyFrom: number) => historyFrom + bucket * BUCKET_SECONDS;
export const bucketOf = (time: number, historyFrom: number) => Math.floor((time - historyFrom) / BUCKET_SECONDS);
/** Hour of the week (0: Monday 00:00), of a bucket; `shift` in hours. */
export function hourOfWeek(bucket: number, historyFrom: number, shift: number): number {
  const hours = Math.floor((historyFrom + bucket * BUCKET_SECONDS) / 3_600) + shift;
  return (((hours - 96) % 168) + 168) % 168; // 1970-01-05 was a Monday
}
export const isWeekend = (hour: number) => hour >= 120;
export const DAYS = (n: number) => n * DAY_BUCKETS;
