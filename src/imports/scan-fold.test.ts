import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newScanFold, type SeenPort } from './scan-fold.ts';

const seen = (address: string, port: number, more: Partial<SeenPort> = {}): SeenPort => ({
  address,
  port,
  transport: 'tcp',
  state: 'open',
  at: 1_000,
  ...more,
});

test('fold: the records of an address become one observation from the first to the last', () => {
  const fold = newScanFold('masscan', 'root', () => 5);
  for (const s of [seen('10.0.0.1', 22), seen('10.0.0.2', 22), seen('10.0.0.1', 80, { at: 3_000 })])
    assert.deepEqual([...fold.add(s)], []);
  assert.deepEqual(
    [...fold.end()].map((o) => [o.host.name, o.observedAt, o.durationMs, o.listeners.map((l) => l.port)]),
    [
      ['10.0.0.1', 1_000, 2_000, [22, 80]],
      ['10.0.0.2', 1_000, 0, [22]],
    ],
  );
  assert.deepEqual([...fold.end()], []);
});

test('fold: what one record says of a port completes another; TLS and open win', () => {
  const fold = newScanFold('masscan', 'root', () => 5);
  for (const answer of [
    { service: 'http', encryption: 'none' },
    { encryption: 'tls' },
    { service: 'x', banner: 'b' },
  ] as const)
    fold.add(seen('10.0.0.1', 443, { answer }));
  fold.add(seen('10.0.0.1', 22, { state: 'closed' }));
  fold.add(seen('10.0.0.1', 22));
  const [o] = [...fold.end()];
  assert.deepEqual(
    o?.listeners.map((l) => [l.port, l.answer]),
    [
      [443, { service: 'http', encryption: 'tls', banner: 'b' }],
      [22, undefined],
    ],
  );
  assert.equal(o?.outcomes, undefined);
});

test('fold: when memory is full it gives out what it has, and each part covers its own ports', () => {
  const fold = newScanFold('masscan', 'root', () => 5, 3);
  const out = [1, 2, 3, 4].flatMap((port) => [...fold.add(seen('10.0.0.1', port))]);
  out.push(...fold.end());
  assert.deepEqual(
    out.map((o) => o.coverage.flatMap((c) => c.ports)),
    [[{ from: 1, to: 3 }], [{ from: 4, to: 4 }]],
  );
});
