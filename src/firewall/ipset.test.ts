import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Address, parseAddress } from '../model/address.ts';
import { has, size } from '../model/address-set.ts';
import { toText } from '../model/address-set-text.ts';
import type { Condition } from '../model/ruleset.ts';
import type { IpSet } from './dialect.ts';
import { isIpSetFile, readIpSets } from './ipset.ts';
import { ipSetCondition, type Side } from './ipset-condition.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'firewall', 'iptables');
const SAVED = readFileSync(join(FIXTURES, 'ipset-save'), 'utf8');

const read = (text: string) => readIpSets({ name: 'ipset', text });
const setsOf = (text: string) => new Map(read(text).sets.map((set) => [set.name, set]));

interface Probe {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  readonly port: number;
  readonly iif: string;
}

/** Whether a packet meets a condition: true, false, or null for unknown. Written apart from the engine. */
function meets(c: Condition, p: Probe): boolean | null {
  switch (c.kind) {
    case 'unknown':
      return null;
    case 'all':
    case 'any': {
      const decisive = c.kind === 'any';
      const of = c.of.map((part) => meets(part, p));
      return of.includes(decisive) ? decisive : of.includes(null) ? null : !decisive;
    }
    case 'not': {
      const of = meets(c.of, p);
      return of === null ? null : !of;
    }
    case 'family':
      return p.source.family === c.family;
    case 'source':
      return has(c.set, p.source);
    case 'destination':
      return has(c.set, p.destination);
    case 'protocol':
      return c.numbers.some((range) => range.from <= p.protocol && p.protocol <= range.to);
    case 'source-port':
    case 'destination-port':
      return c.ports.some((range) => range.from <= p.port && p.port <= range.to);
    case 'in-interface':
      return c.names.some(({ name, prefix }) => (prefix ? p.iif.startsWith(name) : p.iif === name));
    default:
      throw new Error(`no test makes ${c.kind}`);
  }
}

function isIn(name: string, sides: string, at: Partial<Record<keyof Probe, string | number>>, sets = setsOf(SAVED)) {
  const address = (text: unknown) => parseAddress(String(text ?? '192.0.2.1')) as Address;
  const probe: Probe = {
    source: address(at.source),
    destination: address(at.destination),
    protocol: Number(at.protocol ?? 6),
    port: Number(at.port ?? 0),
    iif: String(at.iif ?? 'eth0'),
  };
  return meets(ipSetCondition(name, sides.split(',') as Side[], sets), probe);
}

test('members are what ipset(8) says, by type', () => {
  const cases: readonly [name: string, sides: string, at: Parameters<typeof isIn>[2], is: boolean | null][] = [
    ['office', 'src', { source: '10.200.0.1' }, true],
    ['office', 'src', { source: '10.1.1.1' }, false],
    ['office', 'src', { source: '10.1.2.200' }, true],
    ['office', 'dst', { source: '10.200.0.1' }, false],
    ['office', 'dst', { destination: '192.0.2.7' }, true],
    ['office', 'src', { source: 'fd00::1' }, false],
    ['office6', 'src', { source: '2001:db8:2::1' }, true],
    ['office6', 'src', { source: '2001:db8:1::1' }, false],
    ['services', 'dst,dst', { destination: '10.0.0.6', port: 80 }, true],
    ['services', 'dst,dst', { destination: '10.0.0.6', port: 81 }, false],
    ['services', 'dst,dst', { destination: '10.0.0.6', port: 80, protocol: 17 }, false],
    ['services', 'dst,dst', { destination: '10.0.0.5', port: 54, protocol: 17 }, true],
    ['services', 'dst,dst', { destination: '10.0.0.9', protocol: 112 }, true],
    ['services', 'dst,dst', { destination: '10.0.0.9', protocol: 1 }, null],
    ['services', 'dst', { destination: '10.0.0.6', port: 80 }, false],
    ['banned', 'src', { source: '203.0.113.5' }, true],
    ['wide', 'src', { source: '198.51.100.200' }, true],
    ['wide', 'src', { source: '198.51.101.7' }, false],
    ['pool', 'src', { source: '10.2.0.7' }, true],
    ['doors', 'dst', { port: 1002 }, true],
    ['doors', 'dst', { port: 1002, protocol: 17 }, true],
    ['doors', 'dst', { port: 1002, protocol: 132 }, false],
    ['doors', 'dst', { port: 1004 }, false],
    ['nets', 'src,dst', { source: '10.3.4.5', port: 443 }, true],
    ['nets', 'src,dst', { source: '10.3.1.5', port: 443 }, false],
    ['trio', 'src,dst,dst', { source: '10.6.0.2', port: 22, destination: '10.7.9.9' }, true],
    ['trio', 'src,dst,dst', { source: '10.6.0.3', port: 22, destination: '10.7.9.9' }, false],
    ['trios', 'src,dst,dst', { source: '10.6.0.1', port: 53, protocol: 17, destination: '10.7.0.1' }, true],
    ['faces', 'src,src', { source: '10.8.1.1', iif: 'eth0' }, true],
    ['faces', 'src,src', { source: '10.8.1.1', iif: 'eth1' }, false],
    ['faces', 'src,src', { source: '10.9.1.1', iif: 'eth7' }, true],
    ['leases', 'src,src', { source: '10.2.1.5' }, true],
    ['leases', 'src,src', { source: '10.2.1.6' }, null],
    ['leases', 'src,src', { source: '10.2.1.7' }, false],
    ['all', 'src', { source: '203.0.113.9' }, true],
    ['all', 'src', { source: '10.1.1.1' }, false],
    ['empty', 'src', { source: 'fd00::1' }, false],
    ['florp', 'src', { source: '10.0.0.1' }, null],
  ];
  for (const [name, sides, at, is] of cases)
    assert.equal(isIn(name, sides, at), is, `${name} ${sides} ${JSON.stringify(at)}`);
});

test('beside interfaces, the smallest network that any member names is the only one looked at', () => {
  const text = 'create a hash:net,iface family inet\nadd a 10.0.0.0/8,eth0\nadd a 10.1.0.0/16,eth1\n';
  const cases: readonly [source: string, iif: string, is: boolean][] = [
    ['10.2.0.1', 'eth0', true],
    ['10.1.0.1', 'eth0', false],
    ['10.1.0.1', 'eth1', true],
    ['10.2.0.1', 'eth1', false],
  ];
  for (const [source, iif, is] of cases)
    assert.equal(isIn('a', 'src,src', { source, iif }, setsOf(text)), is, `${source} ${iif}`);
});

test('exceptions are what --return-nomatch matches', () => {
  const exceptions = (name: string) => ipSetCondition(name, ['src'], setsOf(SAVED), true);
  const at = (text: string): Probe => {
    const address = parseAddress(text) as Address;
    return { source: address, destination: address, protocol: 6, port: 80, iif: 'eth0' };
  };
  assert.equal(meets(exceptions('office'), at('10.1.1.1')), true);
  assert.equal(meets(exceptions('office'), at('10.1.2.1')), false);
  assert.equal(meets(exceptions('office'), at('10.2.2.1')), false);
  assert.equal(meets(exceptions('banned'), at('203.0.113.5')), true, 'a type without exceptions');
});

test('what cannot be known makes the set unknown, and says why', () => {
  const cases: readonly [text: string, doubt: RegExp, unrecognised: number][] = [
    ['create a hash:ip family inet\nadd a 10.0.0.1', /its last line has no end/, 0],
    ['create a hash:ip family inet\nadd a 10.0.0.300\n', /member 10\.0\.0\.300/, 1],
    ['create a hash:ip family inet\nadd a 10.0.0.1\nflush a\n', /line 3/, 1],
    ['create a hash:ip family inet\nadd a 10.0.0.1\ndel a 10.0.0.1\n', /line 3/, 1],
    ['create a hash:florp family inet\nadd a x\n', /hash:florp/, 0],
    ['create a hash:ip family inet bitmask 255.0.255.0\n', /bitmask/, 0],
    [
      'create a hash:net,net family inet\nadd a 10.0.0.0/8,10.0.0.0/8\nadd a 10.1.0.0/16,10.0.0.0/8 nomatch\n',
      /exceptions/,
      0,
    ],
    ['create a hash:ip family inet\ncreate a hash:ip family inet\n', /twice/, 1],
  ];
  for (const [text, doubt, unrecognised] of cases) {
    const result = read(text);
    assert.match(result.sets[0]?.uncertain ?? '', doubt, text);
    assert.equal(result.statements.unrecognised, unrecognised, text);
    assert.equal(isIn('a', 'src,src', { source: '10.0.0.1' }, setsOf(text)), null, text);
  }
  assert.match(read('create a hash:ip\nadd b 10.0.0.1\n').incomplete ?? '', /line 2/);
  assert.match(read(SAVED).assumptions.join(), /the ipset banned come and go with a timeout/);
});

test('comments hold anything but quotes', () => {
  const text = 'create a hash:ip comment\nadd a 10.0.0.1 comment "nomatch \\ add b"\nadd a 10.0.0.2 timeout 0\n';
  const { sets, statements } = read(text);
  assert.equal(toText(sets[0]?.elements[0]?.addresses[0] ?? { ipv4: [], ipv6: [] }), '10.0.0.1-10.0.0.2');
  assert.equal(statements.modelled, 3);
});

test('its files are told from others', () => {
  assert.ok(isIpSetFile(SAVED));
  assert.ok(isIpSetFile('# comment\n\ncreate a hash:ip family inet\n'));
  for (const text of ['', '*filter\nCOMMIT\n', '{"nftables": []}', 'create a b c', '[]']) assert.ok(!isIpSetFile(text));
});

test('any text is read, and its statements add up', () => {
  const words = [
    'create',
    'add',
    'a',
    'b',
    'hash:ip',
    'hash:net,port',
    'list:set',
    'nomatch',
    '10.0.0.1',
    '10.0.0.0/8,tcp:1-5',
  ];
  const anyText = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.constantFrom(...words, '"', '\n', '\n', 'timeout', 'fd00::', ','), { maxLength: 60 })
      .map((list) => list.join(' ')),
    fc.tuple(fc.nat(2000), fc.string()).map(([at, more]) => SAVED.slice(0, at) + more + SAVED.slice(at)),
  );
  fc.assert(
    fc.property(anyText, (text) => {
      const { statements: s, sets } = read(text);
      const lines = text.split('\n').map((line) => line.trimEnd());
      const counted = lines.filter((line) => line !== '' && !line.startsWith('#') && line !== 'COMMIT').length;
      assert.equal(s.modelled + s.irrelevant + s.unsupported + s.unrecognised, counted);
      const byName = new Map(sets.map((set) => [set.name, set]));
      for (const set of sets) ipSetCondition(set.name, ['src', 'dst', 'src'], byName);
    }),
    { numRuns: 500 },
  );
});

test('half a million members are read', () => {
  const lines = ['create a hash:net family inet maxelem 1000000', 'create b hash:ip,port family inet6 maxelem 1000000'];
  for (let i = 0; i < 400_000; i++) lines.push(`add a ${(i >> 16) + 1}.${(i >> 8) & 255}.${i & 255}.0/25`);
  for (let i = 0; i < 100_000; i++) lines.push(`add b 2001:db8::${(i >> 4).toString(16)}:${i & 15},tcp:${i & 7}`);
  const sets = setsOf(`${lines.join('\n')}\n`);
  const [a, b] = [sets.get('a') as IpSet, sets.get('b') as IpSet];
  assert.equal(size(a.elements[0]?.addresses[0] ?? { ipv4: [], ipv6: [] }), 400_000n * 128n);
  assert.equal(b.elements.length, 8);
});

test('the kernel finds the same members', { skip: namespacesMissing() }, () => {
  const bed = `qdips${process.pid}`;
  execFileSync('ip', ['netns', 'add', bed]);
  try {
    const inside = (args: readonly string[], input = '') =>
      spawnSync('ip', ['netns', 'exec', bed, 'ipset', ...args], { input, encoding: 'utf8' });
    assert.equal(inside(['restore'], readFileSync(join(FIXTURES, 'sets.restore'), 'utf8')).status, 0);
    const sets = setsOf(inside(['save']).stdout);
    const edges = [
      '10.0.0.0',
      '10.0.255.255',
      '10.1.0.0',
      '10.1.1.255',
      '10.1.2.0',
      '10.1.2.255',
      '10.1.3.0',
      '10.2.0.0',
    ]
      .concat(['9.255.255.255', '11.0.0.0', '192.0.2.6', '192.0.2.7', '203.0.113.5', '203.0.113.6', '198.51.100.255'])
      .concat(['10.2.0.4', '10.2.0.5', '10.2.0.9', '10.2.0.10', '10.3.1.0', '10.3.2.0']);
    let members = 0;
    for (const name of ['office', 'banned', 'wide', 'pool', 'all'])
      for (const address of edges) {
        if (name === 'pool' && !address.startsWith('10.2.0.')) continue;
        // A list is asked about members of its sets by a packet only.
        if (name === 'all') continue;
        const kernel = inside(['test', name, address]).status === 0;
        if (kernel) members++;
        assert.equal(isIn(name, 'src', { source: address }, sets), kernel, `${name} ${address}`);
      }
    for (const source of edges)
      for (const port of [442, 443]) {
        const kernel = inside(['test', 'nets', `${source},tcp:${port}`]).status === 0;
        assert.equal(isIn('nets', 'src,dst', { source, port }, sets), kernel, `nets ${source} ${port}`);
      }
    for (const source of ['2001:db8::', '2001:db8:0:ffff:ffff::', '2001:db8:1::', '2001:db8:2::', '2001:db9::'])
      assert.equal(isIn('office6', 'src', { source }, sets), inside(['test', 'office6', source]).status === 0, source);
    assert.ok(members > 15);
  } finally {
    execFileSync('ip', ['netns', 'del', bed]);
  }
});

function namespacesMissing(): string | false {
  if (process.getuid?.() !== 0) return 'needs root for a network namespace';
  if (spawnSync('ipset', ['--version']).status !== 0) return 'needs ipset';
  const name = `qdipsp${process.pid}`;
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0) return 'needs network namespaces';
  const works = spawnSync('ip', ['netns', 'exec', name, 'ipset', 'list']).status === 0;
  spawnSync('ip', ['netns', 'del', name]);
  return works ? false : 'needs ipset in the kernel';
}
