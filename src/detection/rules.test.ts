import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomOf } from '../../bench/random.ts';
import { assembleFor, ip, ipv4Table, type Row } from '../../bench/traffic-estate.ts';
import { ACTION } from '../model/flow.ts';
import { baselineRoom, learnPort } from './baseline.ts';
import { DAY_BUCKETS, type PortTraffic } from './history.ts';
import { DEFAULTS } from './parameters.ts';
import { scorePort } from './score.ts';
import type { PortSignal } from './signal.ts';

const START = Date.UTC(2026, 8, 7) / 1_000; // a Monday
const KEY = { destination: '10.0.0.1', protocol: 6, port: 443 };
const known = ip(10, 1, 1, 5);
const TODAY = 28 * DAY_BUCKETS;

/** Makes a port: `usual` connections per bucket by bucket (with noise), and what is done to the day that is judged. */
function portOf(usual: (bucket: number) => number, change: (rows: Row[], bucket: number) => Row[]): PortTraffic {
  const random = randomOf(7);
  const rows = (bucket: number): Row[] => {
    const connections = random.poisson(usual(bucket));
    const own: Row[] = [];
    for (let i = 0; i < 4; i++) {
      const n = Math.floor(connections / 4) + (i < connections % 4 ? 1 : 0);
      if (n > 0) own.push({ source: known + i, action: ACTION.accepted, connections: n, bytes: n * 2_000 });
    }
    return bucket < TODAY ? own : change(own, bucket - TODAY);
  };
  return assembleFor(KEY, START, TODAY + DAY_BUCKETS, rows, undefined, random);
}

function signalsOf(traffic: PortTraffic, day = 28): PortSignal[] {
  const at = START + day * 86_400;
  const baseline = learnPort(traffic, at, null, ipv4Table, DEFAULTS, baselineRoom(DEFAULTS));
  const span = { from: at, until: at + 86_400, gaps: null };
  return scorePort(traffic, baseline, span, ipv4Table, DEFAULTS, { bySource: new Map() });
}

const hourOf = (bucket: number) => Math.floor((bucket % DAY_BUCKETS) / 12);
const isWorkingTime = (bucket: number) =>
  Math.floor(bucket / DAY_BUCKETS) % 7 < 5 && hourOf(bucket) >= 8 && hourOf(bucket) < 18;
const steady = () => 60;
const office = (bucket: number) => (isWorkingTime(bucket) ? 40 : 0);
const sparse = () => 0.01;
const none = () => 0;
const job = (bucket: number) => (bucket % DAY_BUCKETS === JOB ? 40 : 0);
const at = (bucket: number, length: number, what: (rows: Row[]) => Row[]) => (rows: Row[], b: number) =>
  b >= bucket && b < bucket + length ? what(rows) : rows;
const times = (factor: number) => (rows: Row[]) =>
  rows.map((r) => ({ ...r, connections: Math.round(r.connections * factor), bytes: r.bytes * factor }));
const plus = (row: Partial<Row>) => (rows: Row[]) => [
  ...rows,
  { source: known, action: ACTION.accepted, connections: 1, bytes: 2_000, ...row },
];
const same = (rows: Row[]) => rows;
/** Two o'clock in the afternoon of the judged Monday, and three in the morning. */
const DAY = 14 * 12;
const NIGHT = 3 * 12;
const JOB = NIGHT + 8;

const CASES: readonly { name: string; traffic: PortTraffic; want: readonly string[] }[] = [
  { name: 'a usual day', traffic: portOf(steady, same), want: [] },
  { name: 'a usual day of an office', traffic: portOf(office, same), want: [] },
  { name: 'a usual day of a sparse port', traffic: portOf(sparse, same), want: [] },
  { name: 'a spike on a busy port', traffic: portOf(steady, at(DAY, 3, times(3))), want: ['traffic-spike'] },
  { name: 'a third more is no spike', traffic: portOf(steady, at(DAY, 3, times(1.33))), want: [] },
  { name: 'half as much again for hours', traffic: portOf(steady, at(DAY, 72, times(1.7))), want: ['traffic-spike'] },
  {
    name: 'a pulse on a sparse port',
    traffic: portOf(sparse, at(DAY, 1, plus({ connections: 30 }))),
    want: ['traffic-spike'],
  },
  { name: 'two connections on a sparse port', traffic: portOf(sparse, at(DAY, 1, plus({ connections: 2 }))), want: [] },
  {
    name: 'a job of every night that is tried three times',
    traffic: portOf(job, at(JOB + 1, 2, plus({ connections: 40 }))),
    want: [],
  },
  {
    name: 'a job of every night, four times as much at once',
    traffic: portOf(job, at(JOB, 1, plus({ connections: 120 }))),
    want: ['traffic-spike'],
  },
  {
    name: 'overtime that goes on from the working day',
    traffic: portOf(office, at(18 * 12, 5 * 12, plus({ connections: 3 }))),
    want: [],
  },
  {
    name: 'the evening, long after the working day',
    traffic: portOf(office, at(21 * 12, 12, plus({ connections: 3 }))),
    want: ['off-hours'],
  },
  {
    name: 'silence',
    traffic: portOf(
      steady,
      at(DAY, 8, () => []),
    ),
    want: ['unexpected-silence'],
  },
  {
    name: 'one silent bucket',
    traffic: portOf(
      steady,
      at(DAY, 1, () => []),
    ),
    want: [],
  },
  {
    name: 'a restart with clients that come back at once',
    traffic: portOf(steady, (rows, b) => (b === DAY ? [] : b === DAY + 1 ? times(2)(rows) : rows)),
    want: [],
  },
  {
    name: 'an office that is silent at night',
    traffic: portOf(
      office,
      at(NIGHT, 24, () => []),
    ),
    want: [],
  },
  { name: 'traffic at night', traffic: portOf(office, at(NIGHT, 1, plus({ connections: 4 }))), want: ['off-hours'] },
  { name: 'one connection at night', traffic: portOf(office, at(NIGHT, 1, plus({ connections: 1 }))), want: [] },
  {
    name: 'work that begins an hour early (the clock was moved)',
    traffic: portOf(
      office,
      at(7 * 12, 12, (rows) => plus({ connections: 40 })(rows)),
    ),
    want: [],
  },
  {
    name: 'work that begins an hour late',
    traffic: portOf(
      office,
      at(8 * 12, 12, () => []),
    ),
    want: [],
  },
  { name: 'a port that was never used', traffic: portOf(none, at(DAY, 1, plus({}))), want: ['dormant-port-active'] },
  {
    name: 'refused connections',
    traffic: portOf(steady, at(DAY, 1, plus({ connections: 40, action: ACTION.denied }))),
    want: ['denied-burst'],
  },
  {
    name: 'ten refused connections',
    traffic: portOf(steady, at(DAY, 1, plus({ connections: 10, action: ACTION.denied }))),
    want: [],
  },
  {
    name: 'much more bytes each',
    traffic: portOf(
      steady,
      at(DAY, 2, (rows) => rows.map((r) => ({ ...r, bytes: r.bytes * 60 }))),
    ),
    want: ['bytes-spike'],
  },
  {
    name: 'many sources',
    traffic: portOf(
      steady,
      at(DAY, 1, (rows) => [
        ...rows,
        ...Array.from({ length: 40 }, (_, i) => ({
          source: known + 10 + i,
          action: ACTION.accepted,
          connections: 1,
          bytes: 2_000,
        })),
      ]),
    ),
    want: ['source-fan-in'],
  },
  {
    name: 'a source of another network',
    traffic: portOf(steady, at(DAY, 1, plus({ source: ip(203, 0, 113, 9) }))),
    want: ['first-seen-source'],
  },
  {
    name: 'another source of a known network',
    traffic: portOf(steady, at(DAY, 1, plus({ source: ip(10, 1, 1, 200) }))),
    want: [],
  },
  {
    name: 'a refused source of another network',
    traffic: portOf(steady, at(DAY, 1, plus({ source: ip(203, 0, 113, 9), action: ACTION.denied }))),
    want: [],
  },
];

for (const { name, traffic, want } of CASES)
  test(`rules: ${name}`, () => {
    assert.deepEqual([...new Set(signalsOf(traffic).map((s) => s.kind))], want);
  });

test('a pulse of a port that was never used is told whole, up to a long pause', () => {
  const burst = (length: number) => at(DAY, length, plus({ connections: 100 }));
  const told = (change: (rows: Row[], bucket: number) => Row[]) =>
    signalsOf(portOf(none, change)).map(({ from, to, raised, seen }) => [
      ...[from, to, raised].map((time) => (time - START) / 300 - TODAY - DAY),
      seen,
    ]);
  assert.deepEqual(told(burst(1)), [[0, 1, 1, 100]]);
  assert.deepEqual(told(burst(4)), [[0, 4, 1, 400]]);
  // What comes after a pause of more than an hour is another matter.
  const again = at(DAY + 20, 2, plus({ connections: 7 }));
  assert.deepEqual(
    told((rows, b) => again(burst(4)(rows, b), b)),
    [[0, 4, 1, 400]],
  );
  // A first touch and the use that follows it are one pulse.
  const touch = at(DAY, 1, plus({}));
  const first = told((rows, b) => at(DAY + 3, 2, plus({ connections: 50 }))(touch(rows, b), b))[0];
  assert.deepEqual(first, [0, 5, 1, 101]);
});

test('what is unknown is neither silence nor zero', () => {
  const traffic = portOf(steady, (rows, b) => (b >= DAY && b < DAY + 24 ? [] : rows));
  const { accepted, denied, bytes, sources } = traffic.history;
  for (const values of [accepted, denied, bytes, sources]) values.fill(Number.NaN, TODAY + DAY, TODAY + DAY + 24);
  assert.deepEqual(signalsOf(traffic), []);
});

test('a port that is known for ten days is learned: only what is far out is told', () => {
  const told = (factor: number) => {
    const traffic = portOf(steady, at(DAY, 3, times(factor)));
    for (const values of Object.values(traffic.history))
      if (values instanceof Float32Array) values.fill(Number.NaN, 0, TODAY - 10 * DAY_BUCKETS);
    return signalsOf({ ...traffic, knownSince: START + 18 * 86_400 }).map((s) => `${s.kind} ${s.isLearning}`);
  };
  assert.deepEqual(told(2), []);
  assert.deepEqual([...new Set(told(8))], ['traffic-spike true']);
});

test('a lasting change is told on its first day and is normal on the third', () => {
  const random = randomOf(3);
  const rows = (bucket: number): Row[] => [
    { source: known, action: ACTION.accepted, connections: random.poisson(bucket < TODAY ? 60 : 150), bytes: 10_000 },
  ];
  const traffic = assembleFor(KEY, START, TODAY + 4 * DAY_BUCKETS, rows, undefined, random);
  assert.ok(signalsOf(traffic, 28).some((s) => s.kind === 'traffic-spike'));
  assert.deepEqual(signalsOf(traffic, 30), []);
});
