import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { reverify } from '../src/app/firewall-reverify.ts';
import { targets } from '../src/enforce/index.ts';
import type { ApprovedAccess, EnforceInput, EnforceMode } from '../src/enforce/target.ts';
import { PRIVATE_BLOCKS } from '../src/model/address.ts';
import { type AddressSet, ALL, difference, EMPTY, union } from '../src/model/address-set.ts';
import { fromCidrs } from '../src/model/address-set-text.ts';
import { mergePorts } from '../src/model/port-ranges.ts';
import { accessOf, address, inputOf } from './enforce-sample.ts';

const ADDRESSES = ['10.20.0.5', '10.20.0.6', '192.0.2.7', 'fd00:20::5', '2001:db8::5'].map(address);

const ipv4Block = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 32 })).map(([value, prefix]): AddressSet => {
  const size = 2 ** (32 - prefix);
  const start = (value % 2 ** 32) - (value % size);
  return { ipv4: [start, start + size], ipv6: [] };
});
const ipv6Block = fc
  .tuple(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), fc.integer({ min: 0, max: 128 }))
  .map(([value, prefix]): AddressSet => {
    const shift = BigInt(128 - prefix);
    const start = (value >> shift) << shift;
    return { ipv4: [], ipv6: [start, start + (1n << shift)] };
  });
/** Ranges that are no block, at both ends of a family too. */
const ranges = fc.constantFrom(
  ...['10.0.0.1-10.0.0.9', '0.0.0.0-9.255.255.255', '255.255.255.254-255.255.255.255', '126.0.0.0-128.0.0.5'],
  ...['fd00::1-fd00::9', '::-::5', 'ffff::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '127.0.0.1', '::1'],
);
const sources: fc.Arbitrary<AddressSet> = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(ALL, EMPTY, difference(ALL, fromCidrs(['127.0.0.0/8', '::1']))) },
  {
    weight: 6,
    arbitrary: fc
      .array(
        fc.oneof(
          ipv4Block,
          ipv6Block,
          ranges.map((text) => fromCidrs([text])),
        ),
        { maxLength: 14 },
      )
      .map((sets) => sets.reduce(union, EMPTY)),
  },
);
const range = fc
  .tuple(fc.integer({ min: 1, max: 65_535 }), fc.constantFrom(0, 0, 0, 1, 9, 70_000))
  .map(([from, more]) => ({ from, to: Math.min(65_535, from + more) }));
/** A few ports that entries meet at, and any. */
const ports = fc
  .array(fc.oneof(range, fc.constantFrom({ from: 22, to: 22 }, { from: 20, to: 25 }, { from: 443, to: 443 })), {
    ...{ minLength: 1, maxLength: 20 },
  })
  .map(mergePorts);
const place: fc.Arbitrary<Pick<ApprovedAccess, 'addresses' | 'within'>> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ addresses: null }) },
  { weight: 1, arbitrary: fc.constant({ addresses: null, within: fromCidrs(PRIVATE_BLOCKS) }) },
  { weight: 1, arbitrary: fc.subarray(ADDRESSES, { minLength: 1 }).map((addresses) => ({ addresses })) },
);
/** Ids that a register refuses too: nothing in them may get out of a comment or a name. */
const entry = fc.oneof(
  fc.constantFrom(
    'ssh',
    'web',
    'a_b',
    'a-b',
    'tcp',
    'accept',
    '0day',
    '"; drop',
    '$(id)\n}',
    `$${'{'}x}`,
    'é',
    'x'.repeat(300),
  ),
  fc.string({ minLength: 1, maxLength: 40 }),
);
const labels = fc.constantFrom('app=api', 'app=api,tier=db', 'app=pg');

const access: fc.Arbitrary<ApprovedAccess[]> = fc
  .array(
    fc.tuple(
      fc.record({ entry, transport: fc.constantFrom('tcp' as const, 'udp' as const, 'sctp' as const), ports, sources }),
      place,
      labels,
    ),
    { maxLength: 6 },
  )
  .map((list) =>
    list.map(([fields, where, label]) => ({
      ...fields,
      ...where,
      scope: 'host',
      workload: { 'kubernetes-labels': label },
    })),
  );

const host = fc.oneof(
  fc.constantFrom('db-1', '10.0.0.1', 'DB_1', '../../etc/x', 'a b'),
  fc.string({ minLength: 1, maxLength: 30 }),
);
const addresses = fc.oneof(fc.constant([]), fc.subarray(ADDRESSES));

/** Makes the access one that the target can express, where it is of another kind: pods, TCP and UDP only. */
function fitting(id: string, list: readonly ApprovedAccess[]): ApprovedAccess[] {
  if (id === 'networkpolicy') return list.map((a) => ({ ...a, scope: 'pod:orders/x-*', addresses: null }));
  if (id === 'terraform') return list.map((a) => ({ ...a, transport: a.transport === 'sctp' ? 'tcp' : a.transport }));
  return [...list];
}

function check(id: string, input: EnforceInput): 'emitted' | 'refused' {
  const target = targets.find((t) => t.id === id);
  assert.ok(target);
  const output = target.generate(input);
  for (const file of output.files) {
    assert.doesNotMatch(file.path, /(^|\/)\.\.?(\/|$)|^\/|[^\w./-]/, 'paths lead nowhere else');
    assert.doesNotMatch(file.text, /[^\n\t\x20-\x7e]/, 'only printable ASCII');
  }
  if (output.cannot.length > 0) return 'refused';
  assert.deepEqual(reverify(input, output), []);
  return 'emitted';
}

for (const { id } of targets) {
  const modes: readonly EnforceMode[] = ['terraform', 'networkpolicy'].includes(id)
    ? ['enforce']
    : ['enforce', 'log', 'observe'];
  for (const mode of modes)
    test(`${id}, ${mode}: rules of a random register answer as the register does`, () => {
      const results = { emitted: 0, refused: 0 };
      const runs = mode === 'enforce' ? 120 : 25;
      fc.assert(
        fc.property(access, host, addresses, fc.boolean(), (list, name, known, logAccepted) => {
          const input = { host: name, mode, access: fitting(id, list), addresses: known, logAccepted };
          results[check(id, input)]++;
        }),
        { numRuns: runs, seed: 20_261_122 },
      );
      assert.ok(results.emitted > runs / 4, `${results.emitted} of ${runs} could be expressed`);
    });
}

/** Each makes the access one that says something else. */
const FAULTS: ReadonlyArray<readonly [name: string, change: (access: ApprovedAccess) => ApprovedAccess]> = [
  ['a source more', (a) => ({ ...a, sources: union(a.sources, fromCidrs(['203.0.113.9'])) })],
  ['a source less', (a) => ({ ...a, sources: difference(a.sources, fromCidrs(['10.9.0.77'])) })],
  ['an IPv6 source less', (a) => ({ ...a, sources: difference(a.sources, fromCidrs(['fd09::/17'])) })],
  ['the next port too', (a) => ({ ...a, ports: [{ from: 5432, to: 5433 }] })],
  ['another port', (a) => ({ ...a, ports: [{ from: 5431, to: 5431 }] })],
  ['another transport', (a) => ({ ...a, transport: 'udp' })],
];

for (const { id } of targets)
  for (const [name, change] of FAULTS)
    test(`${id}: rules with ${name} are found out`, () => {
      const target = targets.find((t) => t.id === id);
      const [right] = fitting(id, [
        accessOf({
          ...{ entry: 'pg', ports: [{ from: 5432, to: 5432 }], sources: ['10.9.0.0/16', 'fd00::/8'] },
          workload: { 'kubernetes-labels': 'app=pg' },
        }),
      ]);
      assert.ok(target && right);
      const truth = target.generate(inputOf([right]));
      const faulty = target.generate(inputOf([change(right)]));
      assert.deepEqual(reverify(inputOf([right]), truth), []);
      const found = reverify(inputOf([right]), { ...truth, readBack: faulty.readBack });
      assert.ok(found.length > 0);
      assert.match(found.join('\n'), /543[123]\/(tcp|udp) at .*(is not|is) approved/);
    });

test('rules that are cut off are not verified', () => {
  for (const target of targets) {
    const [access] = fitting(target.id, [
      accessOf({ entry: 'web', sources: ['10.0.0.0/8'], workload: { 'kubernetes-labels': 'app=web' } }),
    ]);
    assert.ok(access);
    const input = inputOf([access]);
    const output = target.generate(input);
    const cut = output.readBack.map(({ name, text }) => ({ name, text: text.slice(0, Math.floor(text.length * 0.6)) }));
    assert.notDeepEqual(reverify(input, { ...output, readBack: cut }), [], target.id);
    assert.notDeepEqual(reverify(input, { ...output, readBack: [] }), [], target.id);
  }
});
