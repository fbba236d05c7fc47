import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEvaluator } from './evaluate.ts';
import { readRuleset } from './read.ts';

function ne(protocol: string, field: string, right: unknown) {
  return { match: { op: '!=', left: { payload: { protocol, field } }, right } };
}

/** What the engine makes of packets to a chain that drops all but what one rule accepts. */
function verdict(expr: readonly object[], sourcePort: number, destinationPort: number) {
  const of = { family: 'inet', table: 't' };
  const nftables = [
    { metainfo: { version: '1.0.6' } },
    { table: { family: 'inet', name: 't', handle: 1 } },
    { chain: { ...of, name: 'c', handle: 1, type: 'filter', hook: 'input', prio: 0, policy: 'drop' } },
    { rule: { ...of, chain: 'c', handle: 2, expr: [...expr, { accept: null }] } },
  ];
  const ruleset = readRuleset([{ name: 'nft.json', text: JSON.stringify({ nftables }) }]);
  const address = { family: 'ipv4', value: 0x0a000001 } as const;
  const packet = { transport: 'tcp', source: address, destination: { ...address, value: 0x0a000002 } } as const;
  return createEvaluator(ruleset).trace({ ...packet, sourcePort, destinationPort, iif: 'eth0', scope: 'host' }).verdict;
}

const PORTS = [ne('tcp', 'sport', 1024), ne('tcp', 'dport', 80)];

const cases: readonly [name: string, expr: readonly object[], source: number, destination: number, want: string][] = [
  ['both differ', PORTS, 5, 6, 'admitted'],
  ['one differs: the kernel lets it in, the listing says otherwise', PORTS, 1024, 6, 'undecided'],
  ['the other one differs', PORTS, 5, 80, 'undecided'],
  ['none differs', PORTS, 1024, 80, 'refused'],
  [
    'another statement between them',
    [PORTS[0] as object, { counter: { packets: 0, bytes: 0 } }, PORTS[1] as object],
    1024,
    6,
    'refused',
  ],
  ['a set is not merged', [ne('tcp', 'sport', { set: [1024, 1025] }), PORTS[1] as object], 1024, 6, 'refused'],
  ['fields of two headers', [ne('ip', 'saddr', '10.0.0.1'), PORTS[1] as object], 5, 6, 'refused'],
];

for (const [name, expr, source, destination, want] of cases)
  test(`comparisons that nft merges: ${name}`, () => {
    assert.equal(verdict(expr, source, destination), want);
  });
