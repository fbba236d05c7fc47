import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessOf, address, inputOf } from '../../test/enforce-sample.ts';
import { PRIVATE_BLOCKS } from '../model/address.ts';
import { fromCidrs } from '../model/address-set-text.ts';
import { targets } from './index.ts';
import type { EnforceInput } from './target.ts';

function cannotOf(id: string, input: EnforceInput): readonly string[] {
  return targets.find((target) => target.id === id)?.generate(input).cannot ?? [];
}

const base = { entry: 'x', sources: ['10.0.0.0/8'] };
const pod = { ...base, scope: 'pod:orders/api-*', workload: { 'kubernetes-labels': 'app=api' } };
const many = Array.from({ length: 1001 }, (_, i) => `10.${Math.floor(i / 100)}.${(i % 100) * 2}.1`);

const cases: ReadonlyArray<readonly [what: string, target: string, input: EnforceInput, cannot: RegExp | null]> = [
  ['IP protocols without ports', 'nftables', inputOf([accessOf({ ...base, transport: 'raw' })]), /x is about raw/],
  ['UDP-Lite', 'iptables', inputOf([accessOf({ ...base, transport: 'udplite' })]), /x is about udplite/],
  [
    'the same of a container',
    'nftables',
    inputOf([accessOf({ ...base, transport: 'raw', scope: 'container:c' })]),
    null,
  ],
  [
    'SCTP',
    'terraform',
    inputOf([accessOf({ ...base, transport: 'sctp' })]),
    /security groups know ports of TCP and UDP/,
  ],
  ['looking only', 'terraform', inputOf([accessOf(base)], { mode: 'observe' }), /cannot observe/],
  ['looking only', 'networkpolicy', inputOf([accessOf(pod)], { mode: 'log' }), /cannot log/],
  ['more rules than AWS takes', 'terraform', inputOf([accessOf({ ...base, sources: many })]), /1005 rules are needed/],
  [
    'addresses that are not known',
    'terraform',
    inputOf([accessOf({ ...base, within: fromCidrs(PRIVATE_BLOCKS) })]),
    /none of them is known/,
  ],
  [
    ...(['one of two addresses', 'terraform'] as const),
    inputOf([accessOf({ ...base, addresses: [address('10.0.0.5')] })], {
      addresses: ['10.0.0.5', '10.0.0.6'].map(address),
    }),
    /cannot tell them apart/,
  ],
  [
    ...(['all addresses of a family', 'terraform'] as const),
    inputOf([accessOf({ ...base, within: fromCidrs(PRIVATE_BLOCKS) })], {
      addresses: ['10.0.0.5', '2001:db8::1', 'fe80::1'].map(address),
    }),
    null,
  ],
  ['pods without labels', 'networkpolicy', inputOf([accessOf({ ...pod, workload: {} })]), /does not say which labels/],
  [
    'labels that are none',
    'networkpolicy',
    inputOf([accessOf({ ...pod, workload: { 'kubernetes-labels': 'app' } })]),
    /does not say which labels/,
  ],
  [
    'a label twice',
    'networkpolicy',
    inputOf([accessOf({ ...pod, workload: { 'kubernetes-labels': 'a=1,a=2' } })]),
    /does not say which labels/,
  ],
  ['any namespace', 'networkpolicy', inputOf([accessOf({ ...pod, scope: 'pod:*' })]), /for one namespace/],
  [
    'one address of a pod',
    'networkpolicy',
    inputOf([accessOf({ ...pod, addresses: [address('10.0.0.5')] })]),
    /cannot tell those of a pod apart/,
  ],
  ['pods', 'networkpolicy', inputOf([accessOf(pod)]), null],
];

for (const [what, id, input, cannot] of cases)
  test(`${id}: ${what} ${cannot ? 'cannot be expressed, and it says so' : 'can be expressed'}`, () => {
    const said = cannotOf(id, input);
    if (cannot) assert.match(said.join('\n'), cannot);
    else assert.deepEqual(said, []);
  });

for (const scope of ['container:web', 'pod:orders/api', 'any'])
  test(`rules of a host say that ${scope} is not all covered`, () => {
    const howTo = (id: string) =>
      targets
        .find((t) => t.id === id)
        ?.generate(inputOf([accessOf({ ...base, scope })]))
        .howTo.join('\n') ?? '';
    for (const id of ['nftables', 'iptables', 'ansible'])
      assert.match(howTo(id), /overed.*: entry x is about .*stay as open as they are/, id);
    // A security group stands in front of published ports, too.
    assert.doesNotMatch(howTo('terraform'), /stay as open/);
    if (scope !== 'any') assert.match(howTo('terraform'), /Kept out: entry x is about .*published ports/);
  });

test('ten thousand blocks of one entry take no time', () => {
  const sources = Array.from({ length: 10_000 }, (_, i) => `10.${i >> 8}.${i & 255}.1`);
  for (const target of targets) {
    const started = process.hrtime.bigint();
    target.generate(
      inputOf([
        accessOf({
          entry: 'x',
          sources,
          scope: target.id === 'networkpolicy' ? pod.scope : 'host',
          workload: pod.workload,
        }),
      ]),
    );
    assert.ok(Number(process.hrtime.bigint() - started) / 1e9 < 2, target.id);
  }
});
