import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomOf } from '../../bench/random.ts';
import { assembleFor, ip, ipv4Table, type Row } from '../../bench/traffic-estate.ts';
import { assertGolden } from '../../test/golden.ts';
import type { Anomaly } from '../model/anomaly.ts';
import { ACTION } from '../model/flow.ts';
import type { Card } from './card.ts';
import { describeCard } from './describe.ts';
import { cardsOf, endOfFirstPass, judge, lookAt, openRun } from './detect.ts';
import { DAY_BUCKETS, type PortTraffic } from './history.ts';
import { DEFAULTS } from './parameters.ts';

const START = Date.UTC(2026, 8, 7) / 1_000; // a Monday
const TODAY = 28 * DAY_BUCKETS;
const NOON = TODAY + 144;
const PORTS = 24;

type Change = (port: number, bucket: number, rows: Row[]) => Row[];

/** An estate of ports with steady traffic of three sources each, and what is done to it. */
function estate(change: Change, days = 1): PortTraffic[] {
  return Array.from({ length: PORTS }, (_, n) => {
    const random = randomOf(5, n);
    const network = ip(10, 20, n, 0);
    return assembleFor(
      { destination: `10.0.0.${1 + (n >> 2)}`, protocol: 6, port: 8_000 + (n & 3) },
      START,
      TODAY + days * DAY_BUCKETS,
      (bucket) => {
        const rows = [1, 2, 3].map((i) => {
          const connections = random.poisson(15);
          return { source: network + i, action: ACTION.accepted, connections, bytes: connections * 3_000 };
        });
        return change(n, bucket, rows);
      },
      undefined,
      random,
    );
  });
}

function cards(ports: readonly PortTraffic[], days = 1): Card[] {
  const from = START + 28 * 86_400;
  const run = openRun(START, from, from + days * 86_400, ipv4Table, DEFAULTS);
  for (const port of ports) lookAt(run, port);
  endOfFirstPass(run);
  for (const port of ports) judge(run, port);
  return cardsOf(run);
}

const told = (found: readonly Card[]) =>
  found.map((c) => `${c.kind} ${c.port ? `${c.port.destination}:${c.port.port}` : c.ports.length}`);
const named = (found: readonly Card[]): Anomaly[] =>
  found.map((c) => describeCard(c, ipv4Table, (a) => (a === '10.0.0.1' ? 'db-1' : a)));
const stranger = ip(198, 51, 100, 7);
const visit = (source: number, action: number = ACTION.accepted): Row => ({
  source,
  action,
  connections: 1,
  bytes: 100,
});
const isIn = (bucket: number, from: number, length: number) => bucket >= from && bucket < from + length;

test('a feed that stops is one card, and no port fell silent', () => {
  const found = cards(estate((_, b, rows) => (isIn(b, NOON, 9) ? [] : rows)));
  assert.deepEqual(told(found), ['feed-silent 0']);
});

test('very many ports that fall silent while others go on are one card', () => {
  const found = cards(estate((n, b, rows) => (n < 18 && isIn(b, NOON, 96) ? [] : rows)));
  assert.deepEqual(told(found), ['estate-quiet 18']);
});

test('one port that falls silent is a card of its own', () => {
  const found = cards(estate((n, b, rows) => (n === 3 && isIn(b, NOON, 12) ? [] : rows)));
  assert.deepEqual(told(found), ['unexpected-silence 10.0.0.1:8003']);
});

test('one source on many ports is one card, whatever else it looks like', () => {
  const found = cards(
    estate((n, b, rows) => (n < 20 && b === NOON + (n & 1) ? [...rows, visit(stranger, 1 + (n % 2))] : rows)),
  );
  assert.deepEqual(told(found), ['port-sweep 20']);
  assert.equal(found[0]?.source, stranger);
});

test('a source that always visits all ports is no sweep', () => {
  const found = cards(estate((_, b, rows) => (b % 12 === 0 ? [...rows, visit(stranger)] : rows)));
  assert.deepEqual(found, []);
});

test('new networks that come to the same ports within an hour are one card', () => {
  const change: Change = (n, b, rows) => {
    const begins = NOON + (n % 7);
    if (n >= 10 || b < begins) return rows;
    return [...rows, visit(ip(10, 99, 1, 10 + n)), visit(ip(10, 99, 2, 10 + n))];
  };
  assert.deepEqual(told(cards(estate(change))), ['first-seen-source 10']);
});

test('a lasting change is one card in five days', () => {
  const change: Change = (n, b, rows) =>
    n === 5 && b >= NOON ? rows.map((r) => ({ ...r, connections: r.connections * 3, bytes: r.bytes * 3 })) : rows;
  assert.deepEqual(told(cards(estate(change, 5), 5)), ['traffic-spike 10.0.0.2:8001']);
});

test('many ports that are used far more at once are one card', () => {
  const change: Change = (_, b, rows) =>
    isIn(b, NOON, 6) ? rows.map((r) => ({ ...r, connections: r.connections * 4, bytes: r.bytes * 4 })) : rows;
  assert.deepEqual(told(cards(estate(change))), [`traffic-spike ${PORTS}`]);
});

const mixed: Change = (n, b, rows) => {
  if (n === 0 && isIn(b, NOON, 3)) return [...rows, { source: stranger, action: 1, connections: 300, bytes: 900_000 }];
  if (n === 2 && isIn(b, NOON + 20, 2))
    return [...rows, { source: stranger, action: 2, connections: 60, bytes: 3_600 }];
  if (n === 6 && isIn(b, NOON, 12)) return [];
  return rows;
};

test('cards say what was expected, what was seen, how surprising that is and since when', () => {
  assertGolden('detection/cards.json', `${JSON.stringify(named(cards(estate(mixed))), null, 2)}\n`);
});

test('the order of ports makes no difference, nor does a second look', () => {
  const ports = estate(mixed);
  const first = named(cards(ports));
  const byId = (a: Anomaly, b: Anomaly) => (a.id < b.id ? -1 : 1);
  assert.deepEqual(named(cards(ports.toReversed())).sort(byId), first.toSorted(byId));
  assert.deepEqual(named(cards(estate(mixed))), first);
  assert.equal(new Set(first.map((a) => a.id)).size, first.length);
});

test('histories with holes of any shape are judged without a word about the holes', () => {
  const random = randomOf(11);
  const ports = estate((_, __, rows) => rows);
  for (const { history } of ports)
    for (let hole = 0; hole < 60; hole++) {
      const from = random.whole(0, TODAY + DAY_BUCKETS - 1);
      const to = from + random.whole(1, 200);
      for (const values of [history.accepted, history.denied, history.bytes, history.sources])
        values.fill(Number.NaN, from, to);
    }
  assert.deepEqual(told(cards(ports)), []);
});
