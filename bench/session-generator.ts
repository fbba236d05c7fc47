/**
 * Traffic by what happens, not by rates: people come to work, begin sessions and take breaks; servers talk in bursts whose
 * lengths have heavy tails, so that their sum is self-similar; jobs run by the clock with jitter and retry when they fail;
 * services are restarted and clients reconnect at once; clients sit behind pools of translated addresses. It was
 * written to show whether what was tuned on the other generator holds elsewhere; a few seeds were looked at for tuning since.
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
import type { GeneratorOptions } from './traffic-generator.ts';

const START = Date.UTC(2026, 2, 2) / 1_000; // a Monday
const ROLES = ['web', 'web', 'web', 'app', 'app', 'db', 'db', 'batch', 'admin', 'probe', 'idle'] as const;
type Role = (typeof ROLES)[number];

/** Connections by source, by bucket. */
type Happened = Map<number, number>[];

interface World {
  readonly seed: number;
  readonly buckets: number;
  readonly holiday: number;
  readonly shiftAt: (bucket: number) => number;
}

export function sessionEstate(options: GeneratorOptions): Estate {
  const { seed, ports, historyDays, days, each } = options;
  const random = randomOf(seed, 11);
  const buckets = DAYS(historyDays + days);
  const from = START + historyDays * 86_400;
  const until = from + days * 86_400;
  const clockMoves = DAYS(historyDays + 1);
  const world: World = {
    ...{ seed, buckets, holiday: historyDays + 2 },
    shiftAt: (bucket) => (bucket >= clockMoves ? 1 : 0),
  };
  const roles = Array.from({ length: ports }, (_, n) => ROLES[n % ROLES.length] as Role);
  const natures = roles.map((role, n) => natureOf(role, n, world, bucketOf(from, START)));
  const edits: Edits = new Map();
  const gapAt = bucketOf(from + 5.45 * 86_400, START);
  const isLost = (port: number, bucket: number) => port % 3 === 1 && bucket >= gapAt && bucket < gapAt + 7;
  const moved = moveIn(natures, random, edits, bucketOf(from + 3.4 * 86_400, START), buckets);
  const events: Event[] = [
    { what: 'holiday', ports: null, from: from + 2 * 86_400, to: from + 3 * 86_400 },
    {
      what: 'part of the feed lost',
      ports: null,
      from: START + gapAt * BUCKET_SECONDS,
      to: START + (gapAt + 7) * BUCKET_SECONDS,
    },
    moved,
  ];
  const isTaken = (bucket: number) =>
    Math.floor(bucket / DAYS(1)) === world.holiday || (bucket >= gapAt - 12 && bucket < gapAt + 19);
  const labels = putLabels({
    ...{ random, natures, historyFrom: START, from, until, each, edits, isTaken, reserved: new Set<number>() },
  });
  return {
    ...{ name: 'sessions', seed, historyFrom: START, from, until, ports, table: ipv4Table, labels, events },
    keyOf: portKey,
    traffic: (n) => {
      const own = randomOf(seed, 13, n);
      const happened = happen(roles[n] as Role, n, world);
      const rows = (bucket: number) => (isLost(n, bucket) ? [] : rowsOf(happened[bucket], own, n));
      return assemble(n, START, buckets, rows, edits.get(n), own);
    },
  };
}

/** Bytes of a connection have a heavy tail. */
function rowsOf(counts: Map<number, number> | undefined, random: Random, n: number): Row[] {
  if (!counts) return [];
  const each = 500 * (1 + (n % 17)) ** 1.5;
  return [...counts].map(([source, connections]) => {
    let bytes = connections * each;
    if (random.chance(Math.min(0.5, connections * 0.01))) bytes += each * Math.min(200, random.pareto(1.5, 3));
    return { source, action: ACTION.accepted, connections, bytes };
  });
}

function put(happened: Happened, bucket: number, source: number, connections: number): void {
  if (bucket < 0 || bucket >= happened.length || connections <= 0) return;
  const counts = happened[bucket] as Map<number, number>;
  counts.set(source, (counts.get(source) ?? 0) + connections);
}

function happen(role: Role, n: number, world: World): Happened {
  const random = randomOf(world.seed, 12, n);
  const happened: Happened = Array.from({ length: world.buckets }, () => new Map());
  if (role === 'web') people(happened, n, random, world, random.whole(15, 120), random.between(0.5, 4));
  if (role === 'app') bursts(happened, n, random, random.whole(6, 25), random.between(1, 12));
  if (role === 'db') {
    pools(happened, n, random, random.whole(3, 10), random.between(1, 8));
    bursts(happened, n, random, random.whole(2, 6), random.between(1, 5));
    job(happened, n, random, world, random.whole(0, 287), 288, random.whole(1, 6));
  }
  if (role === 'batch')
    job(happened, n, random, world, random.whole(0, 50), random.pick([12, 36, 288]), random.whole(3, 60));
  if (role === 'admin') people(happened, n, random, world, random.whole(1, 4), 0.08);
  if (role === 'probe') probes(happened, n, random);
  if (role === 'web' || role === 'app' || role === 'db') restarts(happened, random);
  return happened;
}

/** Every other service is closed at night and on weekends; others have somebody who works late, now and then. */
const hasHours = (n: number) => n % 2 === 0;

/** People with working days. Some sit behind a pool of translated addresses, some get another address every day. */
function people(h: Happened, n: number, random: Random, world: World, users: number, activity: number): void {
  const places = Array.from({ length: random.whole(2, 5) }, () => ip(10, 20 + (n % 7), random.whole(0, 60), 0));
  const days = world.buckets / DAYS(1);
  for (let user = 0; user < users; user++) {
    const isStrict = hasHours(n);
    const place = random.pick(places);
    const habit = random.normal() * 0.8;
    const isNight = random.chance(0.03) && !isStrict;
    const eager = random.pareto(1.7, 0.5);
    for (let day = 0; day < days; day++) {
      const midnight = DAYS(day);
      const isFree = isWeekend(hourOfWeek(midnight + 144, START, 0)) || day === world.holiday;
      if (!random.chance(isFree ? (isStrict ? 0 : 0.03) : 0.86)) continue;
      const start = midnight + Math.round((8.6 + habit + 0.4 * random.normal() - world.shiftAt(midnight + 100)) * 12);
      const end = start + Math.round((8.6 + 0.8 * random.normal() + (isNight && random.chance(0.3) ? 4 : 0)) * 12);
      const host = random.chance(0.3) ? place + random.whole(1, 14) : place + 20 + ((user * 7 + day * 13) % 200);
      const sessions = random.poisson(4 * Math.min(3, eager));
      for (let s = 0; s < sessions; s++) {
        const from = start + random.whole(0, Math.max(1, end - start));
        const length = Math.min(30, Math.round(random.pareto(1.4, 1)));
        for (let b = from; b < Math.min(end, from + length); b++) {
          const isLunch = b - midnight > 144 && b - midnight < 156;
          put(h, b, host, random.poisson(activity * (isLunch ? 0.4 : 1)));
        }
      }
    }
  }
}

/** Servers that talk and are silent by turns; both last for times with a heavy tail. */
function bursts(h: Happened, n: number, random: Random, servers: number, rate: number): void {
  const network = ip(10, 40, n % 90, 0);
  for (let server = 0; server < servers; server++) {
    const own = rate * random.between(0.3, 2);
    let isOn = random.chance(0.5);
    for (let b = 0; b < h.length; ) {
      const length = Math.min(200, Math.ceil(random.pareto(1.3, isOn ? 3 : 2)));
      if (isOn)
        for (let i = b; i < Math.min(h.length, b + length); i++) put(h, i, network + 10 + server, random.poisson(own));
      b += length;
      isOn = !isOn;
    }
  }
}

/** Pools of connections that are renewed all the time. */
function pools(h: Happened, n: number, random: Random, servers: number, rate: number): void {
  const network = ip(10, 41, n % 90, 0);
  for (let server = 0; server < servers; server++) {
    const own = rate * random.between(0.5, 1.5);
    for (let b = 0; b < h.length; b++) put(h, b, network + 10 + server, random.poisson(own));
  }
}

/** A job by the clock, late by up to two buckets; one in fifteen runs fails and is tried again for a while. */
function job(h: Happened, n: number, random: Random, world: World, at: number, every: number, size: number): void {
  const source = ip(10, 42, n % 50, 7);
  for (let b = at; b < h.length; b += every) {
    const start = b + random.whole(0, 2) - world.shiftAt(b) * 12;
    put(h, start, source, size + random.poisson(size * 0.1));
    if (random.chance(1 / 15)) for (let k = 1; k <= random.whole(1, 5); k++) put(h, start + k, source, size);
  }
}

/** A health check, and somebody who looks once in a while. */
function probes(h: Happened, n: number, random: Random): void {
  const isQuiet = n % 2 === 0;
  for (let b = 0; b < h.length; b++) {
    if (!isQuiet) put(h, b, ip(10, 43, 0, 5), random.chance(0.98) ? 1 : 2);
    if (random.chance(0.002)) put(h, b, ip(10, 43, 1, random.whole(1, 30)), random.whole(1, 3));
  }
}

/** Restarts: nothing for five or ten minutes, then everybody at once. */
function restarts(h: Happened, random: Random): void {
  for (let b = random.whole(0, DAYS(12)); b < h.length - 3; b += DAYS(1) + random.whole(0, DAYS(14))) {
    const down = random.whole(1, 2);
    for (let k = 0; k < down; k++) h[b + k] = new Map();
    const counts = h[b + down] as Map<number, number>;
    for (const [source, connections] of counts) counts.set(source, connections * 2 + 1);
  }
}

function natureOf(role: Role, n: number, world: World, historyEnd: number): PortNature {
  const happened = happen(role, n, world);
  const sums = new Float64Array(168);
  const sources = new Set<number>();
  for (let b = 0; b < historyEnd; b++) {
    const hour = hourOfWeek(b, START, 0);
    for (const [source, connections] of happened[b] as Map<number, number>) {
      sums[hour] = (sums[hour] as number) + connections;
      if (sources.size < 50) sources.add(source);
    }
  }
  const weeks = historyEnd / DAYS(7);
  const usual = (b: number) => (sums[hourOfWeek(b, START, world.shiftAt(b))] as number) / weeks / 12;
  const total = sums.reduce((a, b) => a + b, 0) / historyEnd;
  const isEmpty = (b: number) => hasHours(n) && [-24, -12, 0, 12, 24].every((d) => usual(b + d) === 0);
  return {
    class: role === 'idle' ? 'dead' : role === 'web' ? 'office' : total < 1 ? 'quiet' : 'busy',
    ...{ usual, isEmpty, sources: [...sources], bytesEach: 500 * (1 + (n % 17)) ** 1.5, isPromiscuous: false },
  };
}

/** A new building: three networks that begin to use many web ports over four hours of a morning. */
function moveIn(natures: readonly PortNature[], random: Random, edits: Edits, at: number, buckets: number): Event {
  const ports = new Set<number>();
  natures.forEach((nature, n) => {
    if (nature.class === 'office' && random.chance(0.4)) ports.add(n);
  });
  for (const port of ports)
    for (let network = 0; network < 3; network++) {
      const host = ip(10, 210, 7 + network, random.whole(1, 250));
      const bytes = (natures[port] as PortNature).bytesEach;
      for (let b = at + random.whole(0, 48); b < buckets; b += random.whole(3, 40))
        if ((natures[port] as PortNature).usual(b) > 1)
          addEdit(edits, port, b, (rows) => [
            ...rows,
            { source: host, action: ACTION.accepted, connections: 1, bytes },
          ]);
    }
  return { what: 'move', ports, from: START + at * BUCKET_SECONDS, to: START + buckets * BUCKET_SECONDS };
}
