import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostResult } from './host-result.ts';
import { observationOfAddress } from './network-observation.ts';

const one = (port: number) => [{ from: port, to: port }];
const RESULT: HostResult = {
  address: '10.0.0.5',
  startedAt: 1_000,
  durationMs: 20,
  answered: true,
  ports: { open: one(22), closed: [{ from: 23, to: 25 }], filtered: one(80), unreachable: one(81) },
  notAsked: [],
  refusal: '',
};
const NOTHING = { open: [], closed: [], filtered: [], unreachable: [] };

test('a host that answers covers what was decided, of both transports', () => {
  const o = observationOfAddress(
    {
      tcp: RESULT,
      udp: { open: [{ port: 53, answer: { service: 'domain' } }], closed: [123], openFiltered: [161, 162] },
      answers: new Map([[22, { service: 'ssh' }]]),
      names: ['db-1'],
    },
    'network:scanner-1',
  );
  const where = { host: '10.0.0.5', scope: 'unknown', addresses: ['10.0.0.5'] };
  assert.deepEqual(o.coverage, [
    {
      ...where,
      transports: ['tcp'],
      ports: [
        { from: 22, to: 25 },
        { from: 80, to: 81 },
      ],
    },
    {
      ...where,
      transports: ['udp'],
      ports: [
        { from: 53, to: 53 },
        { from: 123, to: 123 },
      ],
    },
  ]);
  assert.deepEqual(
    o.listeners.map((l) => [l.transport, l.port, l.scope, l.bind, l.process, l.answer?.service]),
    [
      ['tcp', 22, 'unknown', 'private', null, 'ssh'],
      ['udp', 53, 'unknown', 'private', null, 'domain'],
    ],
  );
  assert.deepEqual(
    o.outcomes?.map(({ outcome, transport, ports }) => [outcome, transport, ports]),
    [
      ['closed', 'tcp', [{ from: 23, to: 25 }]],
      ['filtered', 'tcp', one(80)],
      ['unreachable', 'tcp', one(81)],
      ['closed', 'udp', one(123)],
      ['open|filtered', 'udp', [{ from: 161, to: 162 }]],
    ],
  );
  assert.deepEqual(o.gaps, []);
  assert.deepEqual(o.host, { name: '10.0.0.5', addresses: ['10.0.0.5'], tags: [], names: ['db-1'] });
});

const SILENT: { name: string; tcp: Partial<HostResult>; gaps: string[]; covers: boolean }[] = [
  { name: 'says nothing', tcp: { ports: { ...NOTHING, filtered: one(22) } }, gaps: ['host-silent'], covers: false },
  {
    name: 'is unreachable',
    tcp: { ports: { ...NOTHING, unreachable: one(22) } },
    gaps: ['host-silent'],
    covers: false,
  },
  { name: 'was left early', tcp: { ports: NOTHING, notAsked: one(22) }, gaps: ['host-silent'], covers: false },
  {
    name: 'could not be asked everything',
    tcp: { answered: true, ports: { ...NOTHING, closed: one(22) }, notAsked: one(23), refusal: 'EPERM' },
    gaps: ['ports-not-asked'],
    covers: true,
  },
];
for (const { name, tcp, gaps, covers } of SILENT)
  test(`a host that ${name} closes nothing that nobody saw`, () => {
    const o = observationOfAddress(
      { tcp: { ...RESULT, answered: false, ...tcp }, answers: new Map(), names: [] },
      'network:scanner-1',
    );
    assert.deepEqual(
      o.gaps.map(({ code }) => code),
      gaps,
    );
    assert.equal(o.coverage.length > 0, covers);
    for (const { ports } of o.coverage) assert.deepEqual(ports, one(22));
  });
