/**
 * Traffic by a statistical model: each port has a rate by hour of the week, times correlated noise, drawn from a negative
 * binomial distribution. It knows trends, cron jobs, churning addresses, promiscuous ports, a holiday, a feed gap, a clock
 * that is moved, new subnets, lasting changes and benign doublings. Detection was tuned on it, on the seeds the bench names.
 */
import { ACTION, BUCKET_SECONDS } from '../src/model/flow.ts';
import { type Random, randomOf } from './random.ts';
import {
  addEdit,
  assemble,
  bucketOf,
  DAYS,
  type Edits,
  type Estate,
  type Event,
  hourOfWeek,
  ip,
  ipv4Table,
  isWeekend,
  type PortNature,
  portKey,
  putLabels,
  type Row,
} from './traffic-estate.ts';

export interface GeneratorOptions {
  readonly seed: number;
  readonly ports: number;
  readonly historyDays: number;
  readonly days: number;
  /** Anomalies of each kind. */
  readonly each: number;
}

const START = Date.UTC(2026, 8, 7) / 1_000; // a Monday
const CLASSES = ['busy', 'medium', 'office', 'sparse', 'cron', 'quiet', 'dead'] as const;
const SHARES = [0.15, 0.2, 0.2, 0.18, 0.1, 0.1, 0.07];

interface Model extends PortNature {
  readonly class: (typeof CLASSES)[number];
  readonly base: number;
  readonly r: number;
  readonly correlation: number;
  readonly correlated: number;
  readonly trend: number;
  readonly churns: boolean;
  readonly cronEvery: number;
  readonly cronAt: number;
  readonly spread: number;
  readonly weekend: number;
  readonly phase: number;
}

export function generatedEstate(options: GeneratorOptions): Estate {
  const { seed, ports, historyDays, days, each } = options;
  const random = randomOf(seed, 1);
  const buckets = DAYS(historyDays + days);
  const from = START + historyDays * 86_400;
  const until = START + (historyDays + days) * 86_400;
  const dstAt = random.chance(0.5) ? DAYS(historyDays - 2) : DAYS(historyDays + 2);
  const shift = random.chance(0.5) ? 1 : -1;
  const shiftAt = (bucket: number) => (bucket >= dstAt ? shift : 0);
  const models = Array.from({ length: ports }, (_, n) => modelOf(n, ports, randomOf(seed, 2, n), shiftAt));
  const holiday = historyDays + 3; // a Thursday
  const isHoliday = (bucket: number) => Math.floor(bucket / DAYS(1)) === holiday;
  const gapAt = bucketOf(from + 1.4 * 86_400, START);
  const isGap = (bucket: number) => bucket >= gapAt && bucket < gapAt + 8;
  const edits: Edits = new Map();
  const events: Event[] = [
    { what: 'holiday', ports: null, from: from + 3 * 86_400, to: from + 4 * 86_400 },
    { what: 'feed gap', ports: null, from: START + gapAt * BUCKET_SECONDS, to: START + (gapAt + 8) * BUCKET_SECONDS },
  ];
  const reserved = new Set<number>();
  events.push(onboarding(models, random, edits, bucketOf(from + 4.4 * 86_400, START), buckets));
  for (const event of lastingChanges(models, random, edits, reserved, bucketOf(from, START), buckets))
    events.push(event);
  doublings(models, random, edits, reserved, bucketOf(from, START), (b) => isHoliday(b) || isGap(b));
  const labels = putLabels({
    ...{ random, natures: models, historyFrom: START, from, until, each, edits, reserved },
    isTaken: (bucket) => isHoliday(bucket) || isGap(bucket),
  });
  return {
    ...{ name: 'statistical', seed, historyFrom: START, from, until, ports, table: ipv4Table, labels, events },
    keyOf: portKey,
    traffic: (n) => {
      const own = randomOf(seed, 3, n);
      const model = models[n] as Model;
      const rows = rowsOf(model, own, shiftAt, (b) => (isHoliday(b) ? 0.12 : 1));
      return assemble(n, START, buckets, (b) => (isGap(b) ? drop(rows(b)) : rows(b)), edits.get(n), own);
    },
  };
}

const drop = (_: Row[]): Row[] => [];

function modelOf(n: number, ports: number, random: Random, shiftAt: (b: number) => number): Model {
  let left = (n + 0.5) / ports;
  let at = 0;
  while (left > (SHARES[at] as number)) left -= SHARES[at++] as number;
  const kind = CLASSES[at] as Model['class'];
  const base = {
    ...{ busy: random.between(150, 1_500), medium: random.between(15, 120), office: random.between(8, 80) },
    ...{
      sparse: Math.exp(random.between(Math.log(0.01), Math.log(1))),
      cron: random.whole(2, 40),
      quiet: 0.001,
      dead: 0,
    },
  }[kind];
  const network = random.whole(0, 200);
  const pool = kind === 'dead' ? 0 : kind === 'quiet' ? 2 : random.whole(3, kind === 'busy' ? 12 : 8);
  const sources = Array.from({ length: pool }, (_, i) => ip(10, 100 + (i % 3), network, 10 + i * 3));
  const isPromiscuous = kind !== 'dead' && kind !== 'quiet' && random.chance(0.06);
  const cronEvery = random.pick([3, 6, 12, 288, 288]);
  const model = {
    ...{ class: kind, base, sources, isPromiscuous, cronEvery, bytesEach: Math.exp(random.between(6, 11)) },
    ...{ r: random.between(5, 40), correlation: random.pick([0, 0.9, 0.97]), correlated: random.between(0.05, 0.25) },
    ...{ trend: random.chance(0.2) ? random.between(-0.01, 0.015) : 0, churns: random.chance(0.15) },
    ...{ cronAt: random.whole(0, cronEvery - 1), spread: random.between(0.3, 1) },
    ...{ weekend: random.chance(0.5) ? random.between(0.3, 1) : 1, phase: random.between(0, 24) },
    usual: (bucket: number) => rateAt(model, bucket, shiftAt(bucket)),
    isEmpty: (bucket: number) => {
      for (let d = -24; d <= 24; d += 6) if (rateAt(model, bucket + d, shiftAt(bucket + d)) > 0) return false;
      return true;
    },
  };
  return model;
}

/** Connections per bucket by the hour of the week. */
function rateAt(model: Model, bucket: number, shift: number): number {
  const hour = hourOfWeek(bucket, START, shift);
  const minute = (bucket % 12) / 12;
  const ofDay = (hour % 24) + minute;
  switch (model.class) {
    case 'office': {
      if (isWeekend(hour) || ofDay < 7 || ofDay >= 19) return 0;
      return model.base * Math.min(1, (ofDay - 6.9) / 2, (19.1 - ofDay) / 2);
    }
    case 'cron':
      return (bucket + shift * 12) % model.cronEvery === model.cronAt ? model.base : 0;
    case 'busy':
    case 'medium': {
      const day = 1 + 0.5 * Math.sin(((ofDay - model.phase) / 24) * 2 * Math.PI);
      return model.base * day * (isWeekend(hour) ? model.weekend : 1);
    }
    default:
      return model.base;
  }
}

/** Makes the rows of buckets, in order. */
function rowsOf(
  model: Model,
  random: Random,
  shiftAt: (b: number) => number,
  calm: (b: number) => number,
): (bucket: number) => Row[] {
  let noise = 0;
  const step = Math.sqrt(1 - model.correlation ** 2);
  const weights = model.sources.map((_, i) => 1 / (i + 1));
  const total = weights.reduce((a, b) => a + b, 0);
  return (bucket) => {
    noise = model.correlation * noise + step * random.normal();
    const rate = rateAt(model, bucket, shiftAt(bucket));
    if (rate === 0) return [];
    const human = model.class === 'cron' || model.class === 'quiet' ? 1 : calm(bucket);
    const trend = (1 + model.trend) ** (bucket / 288);
    const mean = rate * human * trend * Math.exp(model.correlation > 0 ? model.correlated * noise : 0);
    const shape = model.class === 'sparse' ? Math.min(2, model.r / 8) : model.class === 'cron' ? 200 : model.r;
    const x = random.poisson((mean * random.gamma(shape)) / shape);
    if (x === 0) return [];
    const bytes = model.bytesEach * Math.exp((model.spread * random.normal()) / Math.sqrt(x));
    const day = Math.floor(bucket / 288);
    const counts = new Map<number, number>();
    const sourceOf = (i: number) => {
      const source = model.sources[i] as number;
      return model.churns ? ((source & 0xffffff00) | (1 + ((source + day * 7) % 250))) >>> 0 : source;
    };
    if (x <= 2 * weights.length)
      for (let k = 0; k < x; k++) {
        let u = random.next() * total;
        let i = 0;
        while (i < weights.length - 1 && u > (weights[i] as number)) u -= weights[i++] as number;
        counts.set(sourceOf(i), (counts.get(sourceOf(i)) ?? 0) + 1);
      }
    else {
      let left = x;
      weights.forEach((w, i) => {
        const n = i === weights.length - 1 ? left : Math.min(left, random.poisson((x * w) / total));
        left -= n;
        if (n > 0) counts.set(sourceOf(i), (counts.get(sourceOf(i)) ?? 0) + n);
      });
    }
    if (model.isPromiscuous && random.chance(Math.min(0.02, x / 50))) counts.set(stranger(random), 1);
    return [...counts].map(([source, connections]) => ({
      ...{ source, action: ACTION.accepted, connections, bytes: bytes * connections },
    }));
  };
}

const stranger = (random: Random) => ip(random.whole(20, 60), random.whole(0, 255), random.whole(0, 255), 9);

/** Four new subnets begin to use forty ports within an hour and a half, and stay. */
function onboarding(models: readonly Model[], random: Random, edits: Edits, at: number, buckets: number): Event {
  const networks = Array.from({ length: 4 }, (_, i) => ip(10, 200, 40 + i, 0));
  const ports = new Set<number>();
  const wanted = Math.min(40, Math.floor(models.length / 6));
  for (let tries = 0; ports.size < wanted && tries < 10_000; tries++) {
    const n = random.whole(0, models.length - 1);
    if ((models[n] as Model).base >= 8 && (models[n] as Model).class !== 'cron') ports.add(n);
  }
  for (const port of ports)
    for (const network of networks) {
      const host = network + random.whole(1, 250);
      const bytes = (models[port] as Model).bytesEach;
      for (let b = at + random.whole(0, 18); b < buckets; b += random.whole(6, 60))
        if ((models[port] as Model).usual(b) > 0)
          addEdit(edits, port, b, (rows) => [
            ...rows,
            { source: host, action: ACTION.accepted, connections: 1, bytes },
          ]);
    }
  return { what: 'onboarding', ports, from: START + at * BUCKET_SECONDS, to: START + buckets * BUCKET_SECONDS };
}

/** Three ports that more than double for good, two that fall silent for good: one card each may tell it. */
function lastingChanges(
  models: readonly Model[],
  random: Random,
  edits: Edits,
  reserved: Set<number>,
  first: number,
  buckets: number,
): Event[] {
  const events: Event[] = [];
  for (let k = 0; k < 5; k++) {
    const port = pickBusy(models, random, reserved);
    const at = first + DAYS(1) + random.whole(0, DAYS(1));
    for (let b = at; b < buckets; b++)
      addEdit(edits, port, b, (rows) =>
        k < 3 ? rows.map((r) => ({ ...r, connections: Math.round(r.connections * 2.2), bytes: r.bytes * 2.2 })) : [],
      );
    const what = k < 3 ? 'more for good' : 'silent for good';
    events.push({
      ...{ what, ports: new Set([port]), from: START + at * BUCKET_SECONDS, to: START + buckets * BUCKET_SECONDS },
    });
  }
  return events;
}

/** Four busy ports double for an hour or two, for a good reason. A card of it is false. */
function doublings(
  models: readonly Model[],
  random: Random,
  edits: Edits,
  reserved: Set<number>,
  first: number,
  isTaken: (b: number) => boolean,
): void {
  for (let k = 0; k < 4; k++) {
    const port = pickBusy(models, random, reserved);
    let at = 0;
    do at = first + random.whole(0, DAYS(6));
    while (isTaken(at));
    const end = at + random.whole(12, 24);
    for (let b = at; b < end; b++)
      addEdit(edits, port, b, (rows) =>
        rows.map((r) => ({ ...r, connections: Math.round(r.connections * 2), bytes: r.bytes * 2 })),
      );
  }
}

function pickBusy(models: readonly Model[], random: Random, reserved: Set<number>): number {
  for (;;) {
    const n = random.whole(0, models.length - 1);
    const model = models[n] as Model;
    if (reserved.has(n) || (model.class !== 'busy' && model.class !== 'medium')) continue;
    reserved.add(n);
    return n;
  }
}
