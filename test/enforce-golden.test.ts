import assert from 'node:assert/strict';
import { test } from 'node:test';
import { targets } from '../src/enforce/index.ts';
import type { EnforceInput } from '../src/enforce/target.ts';
import { accessOf, address, HOST_ACCESS, inputOf } from './enforce-sample.ts';
import { assertGolden } from './golden.ts';

const POD_ACCESS = [
  accessOf({
    entry: 'orders-api',
    scope: 'pod:orders/api-*',
    workload: { kubernetes: 'orders/deployment/api', 'kubernetes-labels': 'app=api,tier=backend' },
    ports: [
      { from: 8080, to: 8080 },
      { from: 9000, to: 9009 },
    ],
    sources: ['10.0.0.0/8', 'fd00::/8'],
  }),
  accessOf({
    ...{ entry: 'orders-db', scope: 'pod:orders/pg-*', workload: { 'kubernetes-labels': 'app=pg' }, sources: [] },
    ports: [{ from: 5432, to: 5432 }],
  }),
];

const CLOUD_ACCESS = HOST_ACCESS.filter((access) => access.transport !== 'sctp');
const ADDRESSES = [address('10.20.0.5'), address('fd00:20::5'), address('fe80::1')];

const cases: ReadonlyArray<readonly [target: string, name: string, input: EnforceInput]> = [
  ['nftables', 'enforce', inputOf(HOST_ACCESS)],
  ['nftables', 'log', inputOf(HOST_ACCESS, { mode: 'log', logAccepted: true })],
  ['nftables', 'observe', inputOf(HOST_ACCESS, { mode: 'observe' })],
  ['iptables', 'enforce', inputOf(HOST_ACCESS, { logAccepted: true })],
  ['iptables', 'observe', inputOf(HOST_ACCESS, { mode: 'observe' })],
  ['ansible', 'enforce', inputOf(HOST_ACCESS)],
  ['terraform', 'enforce', inputOf(CLOUD_ACCESS, { addresses: ADDRESSES })],
  ['networkpolicy', 'enforce', inputOf(POD_ACCESS)],
];

for (const [id, name, input] of cases)
  test(`${id}, ${name}: the files are those of fixtures/enforce`, () => {
    const target = targets.find((t) => t.id === id);
    assert.ok(target);
    const output = target.generate(input);
    assert.deepEqual(output.cannot, []);
    assert.deepEqual(target.generate(structuredClone(input)), output, 'the same input gives the same bytes');
    assert.deepEqual(
      output.files.map((file) => file.path),
      output.files.map((file) => file.path).toSorted(),
    );
    for (const file of output.files) assertGolden(`enforce/${id}-${name}/${file.path}`, file.text);
    for (const file of output.readBack) assertGolden(`enforce/${id}-${name}/read-back/${file.name}`, file.text);
    assertGolden(`enforce/${id}-${name}/how-to.txt`, `${output.howTo.join('\n')}\n`);
  });
