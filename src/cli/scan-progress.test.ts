import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progressLine } from './scan-progress.ts';

const STATE = { decided: 2_500, ports: 10_000, hostsDone: 12, hosts: 254, open: 17, probes: 3_000 };

for (const [name, state, elapsedMs, want] of [
  ['with the time left', STATE, 30_000, '12 hosts of 254, 25 % of ports, 17 open ports, 100/s, 1 min 30 s left'],
  ['hours', { ...STATE, decided: 100 }, 120_000, '12 hosts of 254, 1 % of ports, 17 open ports, 25/s, 3 h 18 min left'],
  ['too early', { ...STATE, decided: 50 }, 30_000, '12 hosts of 254, 0 % of ports, 17 open ports, 100/s'],
  [
    'at the end',
    { ...STATE, decided: 10_000 },
    30_000,
    '12 hosts of 254, 100 % of ports, 17 open ports, 100/s, 0 s left',
  ],
] as const)
  test(`progress ${name}`, () => assert.equal(progressLine(state, elapsedMs), want));
