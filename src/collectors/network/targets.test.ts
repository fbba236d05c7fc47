import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toCidrs } from '../../model/address-set.ts';
import { parseTarget } from './target-text.ts';
import { addressesOf, resolveTargets } from './targets.ts';

const NAMES: Readonly<Record<string, readonly string[]>> = {
  'db-1': ['10.0.0.9', 'fd00::9'],
  'web.example.org': ['10.0.0.1', '::ffff:10.0.0.2'],
};
const lookUp = async (name: string) => {
  const found = NAMES[name];
  if (!found) throw Object.assign(new Error('unknown'), { code: 'ENOTFOUND' });
  return found;
};

function resolve(targets: readonly string[], exclude: readonly string[] = [], ownNetworks: readonly string[] = []) {
  return resolveTargets(
    targets.map((text) => ({ text, at: '' })),
    exclude.map((target) => ({ target, reason: 'fragile' })),
    { lookUp, ownNetworks: ownNetworks.map((cidr) => ({ cidr })), sizes: 'bounded' },
  );
}

describe('targets', () => {
  const CASES: { name: string; targets: string[]; exclude?: string[]; want: string[] }[] = [
    { name: 'an address', targets: ['10.0.0.5'], want: ['10.0.0.5/32'] },
    { name: 'a CIDR', targets: ['10.0.0.0/30'], want: ['10.0.0.0/30'] },
    { name: 'a range', targets: ['10.0.0.1-10.0.0.4'], want: ['10.0.0.1/32', '10.0.0.2/31', '10.0.0.4/32'] },
    { name: 'a range of the last number', targets: ['10.0.0.254-255'], want: ['10.0.0.254/31'] },
    { name: 'IPv6', targets: ['FD00:0::5', 'fd00::10-fd00::11'], want: ['fd00::5/128', 'fd00::10/127'] },
    { name: 'an IPv4-mapped address', targets: ['::ffff:10.0.0.1'], want: ['10.0.0.1/32'] },
    {
      name: 'IPv4-mapped ranges and CIDRs',
      targets: ['::ffff:10.0.0.4-::ffff:10.0.0.5', '::ffff:a00:8/127'],
      want: ['10.0.0.4/31', '10.0.0.8/31'],
    },
    {
      name: 'exclusions in the other way of writing an IPv4 address',
      targets: ['::ffff:10.0.0.0/126', '10.0.0.4/30', '::ffff:10.0.0.8-::ffff:10.0.0.9'],
      exclude: ['10.0.0.1', '::ffff:10.0.0.4/127', '::ffff:10.0.0.6-::ffff:10.0.0.7'],
      want: ['10.0.0.0/32', '10.0.0.2/31', '10.0.0.8/31'],
    },
    {
      name: 'an exclusion of IPv6 that leaves IPv4 alone',
      targets: ['10.0.0.1', '::1', 'fd00::1'],
      exclude: ['::/64'],
      want: ['10.0.0.1/32', 'fd00::1/128'],
    },
    {
      name: 'excluded addresses by way of the prefix of NAT64',
      targets: ['64:ff9b::10.0.0.8/126'],
      exclude: ['10.0.0.9', '10.0.0.10-11'],
      want: ['64:ff9b::a00:8/128'],
    },
    { name: 'a name with all its addresses', targets: ['DB-1.'], want: ['10.0.0.9/32', 'fd00::9/128'] },
    { name: 'each address once', targets: ['10.0.0.0/31', '10.0.0.1', '10.0.0.0-1'], want: ['10.0.0.0/31'] },
    { name: 'exclusions', targets: ['10.0.0.0/30'], exclude: ['10.0.0.1', '10.0.0.2-3'], want: ['10.0.0.0/32'] },
    { name: 'exclusion by name', targets: ['10.0.0.8/31'], exclude: ['db-1'], want: ['10.0.0.8/32'] },
    {
      name: 'an exclusion of any size',
      targets: ['fd00::1', '10.0.0.1'],
      exclude: ['fd00::/8'],
      want: ['10.0.0.1/32'],
    },
    {
      name: 'no multicast',
      targets: ['223.255.255.255-224.0.0.5', 'ff02::1', 'fe80::1'],
      want: ['223.255.255.255/32'],
    },
    { name: 'no address of this network', targets: ['0.0.0.0', '255.255.255.255', '10.0.0.1'], want: ['10.0.0.1/32'] },
  ];
  for (const { name, targets, exclude, want } of CASES)
    test(name, async () => {
      const found = await resolve(targets, exclude);
      assert.deepEqual(found.problems, []);
      assert.deepEqual(toCidrs(found.addresses), want);
    });

  const WRONG: [text: string, message: RegExp][] = [
    ['10.0.0.5/24', /host bits set, did you mean 10\.0\.0\.0\/24/],
    ['10.0.0.9-10.0.0.1', /ends before it begins/],
    ['10.0.0.1-fd00::1', /is no range of addresses/],
    ['::fffe:ffff:ffff-::ffff:0.0.0.1', /begins or ends among IPv4-mapped addresses/],
    ['10.0.0.1-300', /is no range of addresses/],
    ['10.0.0.256', /is no address, range, CIDR or host name/],
    ['10.1', /is no address/],
    ['0x7f000001', /is no address/],
    ['0.0.0.0/0', /holds 4294967296 addresses; a target is a \/8 at most/],
    ['fd00::/64', /holds 18446744073709551616 addresses from fd00:: on; an IPv6 target is a \/112/],
    ['fe80::1%eth0', /has an interface/],
    ['db_1;rm', /is no address/],
    ['-rf', /is no address/],
    ['', /is no address/],
    ['missing-1', /the name missing-1 has no address \(ENOTFOUND\)/],
  ];
  for (const [text, message] of WRONG)
    test(`says what is wrong with "${text}"`, async () => {
      const found = await resolveTargets([{ text, at: 'list.txt:3' }], [], {
        lookUp,
        ownNetworks: [],
        sizes: 'bounded',
      });
      assert.equal(found.count, 0n);
      assert.match(found.problems.join(), message);
    });

  test('an exclusion that is not understood is told apart from a target that is not', async () => {
    const found = await resolve(['10.0.0.1'], ['missing-1', '10.0.0.300']);
    assert.equal(found.exclusionProblems.length, 2);
    assert.deepEqual(found.problems, []);
  });

  test('what is left out is shown with its reason', async () => {
    const found = await resolve(
      ['10.0.0.0/24', '224.0.0.1'],
      ['10.0.0.16/28', '192.0.2.1'],
      ['10.0.0.77/24', 'fd00::1/64'],
    );
    assert.deepEqual(
      found.leftOut.map(({ target, reason, addresses }) => [target, reason, addresses]),
      [
        ['10.0.0.16/28', 'fragile', 16n],
        ['224.0.0.0/4', 'multicast', 1n],
        ['10.0.0.0', 'the network address of 10.0.0.77/24, a network of this machine', 1n],
        ['10.0.0.255', 'the broadcast address of 10.0.0.77/24, a network of this machine', 1n],
      ],
    );
    assert.equal(found.count, 238n);
  });

  test('names are kept by address', async () => {
    const found = await resolve(['db-1', 'web.example.org', '10.0.0.9']);
    assert.deepEqual([...found.names].sort(), [
      ['10.0.0.1', ['web.example.org']],
      ['10.0.0.2', ['web.example.org']],
      ['10.0.0.9', ['db-1']],
      ['fd00::9', ['db-1']],
    ]);
  });

  test('a /8 is walked without being made', async () => {
    const { addresses, count } = await resolve(['10.0.0.0/8', 'fd00::/112']);
    assert.equal(count, 2n ** 24n + 2n ** 16n);
    const walk = addressesOf(addresses);
    const before = process.memoryUsage().heapUsed;
    let last: string | undefined;
    for (let n = 0; n < 300_000; n++) last = walk.next().value;
    assert.equal(last, '10.4.147.223');
    assert.ok(process.memoryUsage().heapUsed - before < 100_000_000);
  });

  test('an address with many digits is not slow', () => {
    assert.equal(parseTarget('1'.repeat(100_000)).kind, 'invalid');
    assert.equal(parseTarget(`${'a-'.repeat(50_000)}.`).kind, 'invalid');
  });
});
