import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { bindScopeOf } from './address.ts';
import type { Asset } from './asset.ts';
import { endpointKey } from './endpoint.ts';
import { type Identities, type IdentityInput, unifyHosts } from './identity.ts';
import type { Listener } from './listener.ts';
import { ALL_PORTS } from './observation.ts';
import type { HostState, ListenerState } from './state.ts';
import { vantageKind } from './vantage.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ID = '0123456789abcdef0123456789abcdef';
const OTHER_ID = 'fedcba9876543210fedcba9876543210';

/** A look: from inside under a name, from outside under the address that was asked. */
function look(name: string, vantage: string, facts: Partial<HostState['host']> = {}, at = NOW, scope = '*'): HostState {
  const isInside = vantageKind(vantage) === 'inside';
  return {
    ...{ vantage, host: { name, tags: [], ...facts, addresses: facts.addresses ?? (isInside ? [] : [name]) } },
    ...{ firstObservedAt: at - 60_000, lastObservedAt: at, privilege: 'root', collector: 'test', gaps: [] },
    observationId: `${vantage} ${name}`,
    coverage: [
      isInside
        ? { host: name, scope, transports: ['tcp'], ports: ALL_PORTS, addresses: 'all' }
        : { host: name, scope: 'unknown', transports: ['tcp'], ports: ALL_PORTS, addresses: [name] },
    ],
  };
}

const scan = (address: string, facts: Partial<HostState['host']> = {}, at = NOW) =>
  look(address, 'network:scanner', facts, at);
const local = (name: string, addresses: readonly string[] = [], facts: Partial<HostState['host']> = {}, at = NOW) =>
  look(name, 'local', { addresses, ...facts }, at);

function asset(name: string, addresses: readonly string[] = [], more: Partial<Asset> = {}): Asset {
  return { id: name, source: 'netbox', name, names: [], addresses, tags: [], ...more };
}

const netbox = (...items: Asset[]) => [{ source: 'netbox', importedAt: NOW, items }];

/** Each look as `name it was recorded by -> name it goes by`. */
function namesIn({ hosts }: Identities): string[] {
  return hosts.map((h) => (h.recordedAs === undefined ? h.host.name : `${h.recordedAs} -> ${h.host.name}`)).sort();
}

interface Case {
  readonly name: string;
  readonly input: Partial<IdentityInput> & Pick<IdentityInput, 'hosts'>;
  readonly want: readonly string[];
  /** Kinds of notices that are no merge. */
  readonly notices?: readonly string[];
}

const cases: readonly Case[] = [
  { name: 'one host, one look', input: { hosts: [local('db-1', ['10.0.0.5'])] }, want: ['db-1'] },
  {
    name: 'names have no case; the local look spells them',
    input: { hosts: [local('db-1'), look('DB-1', 'agentless'), look('Db-1.', 'import:ss')] },
    want: ['DB-1 -> db-1', 'Db-1. -> db-1', 'db-1'],
  },
  {
    name: 'an address that was scanned is the host that has it',
    input: { hosts: [local('db-1', ['10.0.0.5']), scan('10.0.0.5')] },
    want: ['10.0.0.5 -> db-1', 'db-1'],
  },
  {
    name: 'both families of one host',
    input: { hosts: [local('db-1', ['10.0.0.5', 'fd00::5']), scan('10.0.0.5'), scan('fd00::5')] },
    want: ['10.0.0.5 -> db-1', 'db-1', 'fd00::5 -> db-1'],
  },
  {
    name: 'an address in another spelling',
    input: { hosts: [local('db-1', ['fd00::5']), look('::FFFF:10.0.0.5', 'import:nmap'), scan('FD00:0::5')] },
    want: ['::FFFF:10.0.0.5 -> 10.0.0.5', 'FD00:0::5 -> db-1', 'db-1'],
  },
  {
    name: 'what the host shows counts more than the inventory, and the contradiction is told',
    input: {
      hosts: [local('db-1', ['10.0.0.5']), local('web-1', ['10.0.0.6']), scan('10.0.0.5')],
      assets: netbox(asset('web-1', ['10.0.0.5'])),
    },
    want: ['10.0.0.5 -> db-1', 'db-1', 'web-1'],
    notices: ['address-conflict'],
  },
  {
    name: 'else the inventory says whose it is',
    input: { hosts: [scan('10.0.0.5')], assets: netbox(asset('db-1', ['10.0.0.5'])) },
    want: ['10.0.0.5 -> db-1'],
  },
  {
    name: 'else quietdoor.yaml',
    input: { hosts: [scan('10.0.0.5')], declared: [{ name: 'db-1', addresses: ['10.0.0.5'], tags: [] }] },
    want: ['10.0.0.5 -> db-1'],
  },
  {
    name: 'else the name that was asked for, where nobody else has it',
    input: { hosts: [scan('10.0.0.5', { names: ['db-1.example.org'] })] },
    want: ['10.0.0.5 -> db-1.example.org'],
  },
  {
    name: 'a name that was asked for and means two addresses names neither',
    input: {
      hosts: [scan('10.0.0.5', { names: ['www.example.org'] }), scan('10.0.0.6', { names: ['www.example.org'] })],
    },
    want: ['10.0.0.5', '10.0.0.6'],
  },
  {
    name: 'a name that was asked for and means an address of each family is one host',
    input: {
      hosts: [scan('10.0.0.5', { names: ['db-1'] }), scan('fd00::5', { names: ['db-1'] })],
    },
    want: ['10.0.0.5 -> db-1', 'fd00::5 -> db-1'],
  },
  {
    name: 'a name that was asked for is not believed against the addresses of the host',
    input: { hosts: [local('db-1', ['10.0.0.5']), scan('10.0.0.9', { names: ['db-1'] })] },
    want: ['10.0.0.9', 'db-1'],
  },
  {
    name: 'a host that does not know its addresses is the one that was asked for by its name',
    input: { hosts: [look('db-1', 'import:ss'), scan('10.0.0.9', { names: ['db-1'] })] },
    want: ['10.0.0.9 -> db-1', 'db-1'],
  },
  {
    name: 'an address that two hosts have is neither, and told as it was scanned',
    input: { hosts: [local('lb-1', ['10.0.0.100']), local('lb-2', ['10.0.0.100']), scan('10.0.0.100')] },
    want: ['10.0.0.100', 'lb-1', 'lb-2'],
    notices: ['address-conflict'],
  },
  {
    name: 'an address that two hosts have and nobody scanned is not worth a word',
    input: { hosts: [local('lb-1', ['10.0.0.100']), local('lb-2', ['10.0.0.100'])] },
    want: ['lb-1', 'lb-2'],
  },
  {
    name: 'a host that was not seen for long gives way to the one that has its address now',
    input: {
      hosts: [local('old-1', ['10.0.0.5'], {}, NOW - 30 * DAY), local('new-1', ['10.0.0.5']), scan('10.0.0.5')],
      freshSince: NOW - DAY,
    },
    want: ['10.0.0.5 -> new-1', 'new-1', 'old-1'],
  },
  {
    name: 'bridges of containers repeat on every host: no conflict, no merge',
    input: { hosts: [local('a', ['172.17.0.1']), local('b', ['172.17.0.1']), scan('172.17.0.1')] },
    want: ['172.17.0.1', 'a', 'b'],
  },
  {
    name: 'a bridge that was scanned is that of the scanning machine',
    input: { hosts: [local('scanner', ['10.0.0.2', '172.17.0.1']), local('b', ['172.17.0.1']), scan('172.17.0.1')] },
    want: ['172.17.0.1 -> scanner', 'b', 'scanner'],
  },
  {
    name: 'loopback is the machine that scanned it, known or not',
    input: { hosts: [scan('127.0.0.1'), look('127.0.0.1', 'network:other'), local('scanner', ['10.0.0.2'])] },
    want: ['127.0.0.1 -> other', '127.0.0.1 -> scanner', 'scanner'],
  },
  {
    name: 'loopback in a file that somebody else made is nobody',
    input: { hosts: [look('127.0.0.1', 'import:nmap'), local('db-1')] },
    want: ['127.0.0.1', 'db-1'],
  },
  {
    name: 'one machine-id and a common address is one host under two names',
    input: {
      hosts: [
        local('db-1', ['10.0.0.5'], { machineId: ID }),
        look('vm-17', 'agentless', { addresses: ['10.0.0.5'], machineId: ID }),
      ],
    },
    want: ['db-1', 'vm-17 -> db-1'],
  },
  {
    name: 'one machine-id, and one of the two does not know its addresses',
    input: {
      hosts: [local('db-1', ['10.0.0.5'], { machineId: ID }), look('vm-17', 'import:osquery', { machineId: ID })],
    },
    want: ['db-1', 'vm-17 -> db-1'],
  },
  {
    name: 'one machine-id and no common address are copies of one image',
    input: {
      hosts: [
        local('vm-1', ['10.0.0.5'], { machineId: ID }),
        local('vm-2', ['10.0.0.6'], { machineId: ID }),
        look('vm-3', 'import:osquery', { machineId: ID }),
      ],
    },
    want: ['vm-1', 'vm-2', 'vm-3'],
    notices: ['clone'],
  },
  {
    name: 'a short name is the one longer name that begins with it',
    input: { hosts: [local('db-1', ['10.0.0.5']), look('db-1.example.org', 'agentless', { addresses: ['10.0.0.5'] })] },
    want: ['db-1', 'db-1.example.org -> db-1'],
  },
  {
    name: 'a short name that two domains have is neither',
    input: { hosts: [local('db-1'), look('db-1.a.org', 'agentless'), look('db-1.b.org', 'agentless')] },
    want: ['db-1', 'db-1.a.org', 'db-1.b.org'],
  },
  {
    name: 'a short name is not the longer one where their addresses differ',
    input: { hosts: [local('db-1', ['10.0.0.5']), look('db-1.example.org', 'agentless', { addresses: ['10.9.0.5'] })] },
    want: ['db-1', 'db-1.example.org'],
  },
  {
    name: 'a short name is not the longer one where their machine-ids differ',
    input: {
      hosts: [local('db-1', [], { machineId: ID }), look('db-1.example.org', 'agentless', { machineId: OTHER_ID })],
    },
    want: ['db-1', 'db-1.example.org'],
  },
  {
    name: 'localhost is everybody',
    input: { hosts: [local('localhost', ['10.0.0.5']), look('localhost.localdomain', 'agentless')] },
    want: ['localhost', 'localhost.localdomain'],
  },
  {
    name: 'the inventory knows a host by another name and the same address',
    input: { hosts: [local('db-1', ['10.0.0.5'])], assets: netbox(asset('SRV-0042', ['10.0.0.5'])) },
    want: ['db-1'],
  },
  {
    name: 'a further name of an asset is a host',
    input: { hosts: [look('db-1', 'import:ss')], assets: netbox(asset('SRV-0042', [], { names: ['db-1'] })) },
    want: ['db-1'],
  },
  {
    name: 'two assets with one address are told, and a scan of it stays an address',
    input: {
      hosts: [scan('10.0.0.5')],
      assets: netbox(asset('a', ['10.0.0.5']), asset('b', ['10.0.0.5'])),
    },
    want: ['10.0.0.5'],
    notices: ['address-conflict'],
  },
  {
    name: 'a retired asset gives way to the one in use',
    input: {
      hosts: [scan('10.0.0.5')],
      assets: netbox(asset('a', ['10.0.0.5'], { inactive: true }), asset('b', ['10.0.0.5'])),
    },
    want: ['10.0.0.5 -> b'],
  },
  {
    name: 'a listing of an address joins the host that has it',
    input: { hosts: [local('db-1', ['10.0.0.5']), look('10.0.0.5', 'import:ss')] },
    want: ['10.0.0.5 -> db-1', 'db-1'],
  },
];

suite('which looks are of one host', () => {
  for (const { name, input, want, notices = [] } of cases)
    test(name, () => {
      const found = unifyHosts({ listeners: [], ...input });
      assert.deepEqual(namesIn(found), want.toSorted());
      assert.deepEqual(
        found.notices.map((n) => n.kind).filter((kind) => kind !== 'merged'),
        notices,
      );
      const again = unifyHosts({ ...input, hosts: input.hosts.toReversed(), listeners: [] });
      assert.deepEqual(namesIn(again), want.toSorted(), 'in another order');
    });
});

test('what is known of a host is together, under every name', () => {
  const found = unifyHosts({
    hosts: [local('db-1', ['10.0.0.5']), scan('10.0.0.5', { names: ['db-1.example.org'] })],
    listeners: [],
    assets: netbox(asset('SRV-0042', ['10.0.0.5'], { tags: ['orders'], zone: 'data', owner: 'team-orders' })),
    declared: [{ name: 'DB-1', addresses: ['10.0.0.6'], tags: ['pci'] }],
  });
  assert.deepEqual(found.known, [
    {
      ...{ name: 'db-1', names: ['SRV-0042', 'db-1.example.org'], addresses: ['10.0.0.5', '10.0.0.6'] },
      tags: ['orders', 'pci', 'zone:data'],
    },
  ]);
  for (const name of ['db-1', 'DB-1', '10.0.0.5', 'srv-0042', 'db-1.example.org'])
    assert.equal(found.nameOf(name), 'db-1', name);
  assert.equal(found.nameOf('10.0.0.7'), undefined);
  assert.deepEqual([...found.owners], [['db-1', 'team-orders']]);
  assert.deepEqual(found.recordedAs('db-1'), [
    { name: 'db-1', isOutside: false },
    { name: '10.0.0.5', isOutside: true },
  ]);
});

function seen(
  host: string,
  vantage: string,
  address: string,
  port: number,
  more: Partial<ListenerState> = {},
  scope?: string,
) {
  const listener: Listener = {
    ...{ host, transport: 'tcp', port, address, bind: bindScopeOf(address), role: 'service', process: null },
    scope: scope ?? (vantageKind(vantage) === 'inside' ? 'host' : 'unknown'),
    families: address === '::' ? ['ipv4', 'ipv6'] : [address.includes(':') ? 'ipv6' : 'ipv4'],
    sharedWith: [],
  };
  const times = { firstSeen: NOW - HOUR, openSince: NOW - HOUR, lastSeen: NOW, closedAt: null, restarts: 0 };
  return { vantage, listener, open: true, ...times, ...more } satisfies ListenerState;
}

const inside = (address: string, scope?: string, more: Partial<ListenerState> = {}) =>
  seen('db-1', 'local', address, 5432, more, scope);
const outside = (address = '10.0.0.5', more: Partial<ListenerState> = {}) =>
  seen(address, 'network:scanner', address, 5432, more);

interface ScopeCase {
  readonly name: string;
  readonly listeners: readonly ListenerState[];
  /** Endpoint of what was seen from outside, and what follows. */
  readonly want: string;
}

const scopeCases: readonly ScopeCase[] = [
  { name: 'every address', listeners: [inside('0.0.0.0'), outside()], want: 'db-1:5432/tcp open' },
  { name: 'the very address', listeners: [inside('10.0.0.5'), outside()], want: 'db-1:5432/tcp open' },
  { name: 'dual stack', listeners: [inside('::'), outside()], want: 'db-1:5432/tcp open' },
  { name: 'the other family', listeners: [inside('0.0.0.0'), outside('fd00::5')], want: 'db-1:5432/tcp@unknown open' },
  {
    name: 'loopback answers nobody else',
    listeners: [inside('127.0.0.1'), outside()],
    want: 'db-1:5432/tcp@unknown open',
  },
  { name: 'another address', listeners: [inside('10.0.0.6'), outside()], want: 'db-1:5432/tcp@unknown open' },
  {
    name: 'the one container that listens',
    listeners: [inside('0.0.0.0', 'container:pg'), outside()],
    want: 'db-1:5432/tcp@container:pg open',
  },
  {
    name: 'the host itself among several',
    listeners: [inside('0.0.0.0', 'container:pg'), inside('0.0.0.0'), outside()],
    want: 'db-1:5432/tcp open',
  },
  {
    name: 'one of several containers',
    listeners: [inside('0.0.0.0', 'container:a'), inside('0.0.0.0', 'container:b'), outside()],
    want: 'db-1:5432/tcp@unknown open, container:a or container:b',
  },
  {
    name: 'closed by the host after it answered',
    listeners: [
      inside('0.0.0.0', 'host', { open: false, closedAt: NOW - HOUR }),
      outside('10.0.0.5', { lastSeen: NOW - DAY }),
    ],
    want: 'db-1:5432/tcp closed',
  },
  {
    name: 'closed by the host before it answered',
    listeners: [inside('0.0.0.0', 'host', { open: false, closedAt: NOW - DAY }), outside()],
    want: 'db-1:5432/tcp@unknown open',
  },
  {
    name: 'never known to the host',
    listeners: [outside('10.0.0.5', { lastSeen: NOW - 9 * DAY })],
    want: 'db-1:5432/tcp@unknown open',
  },
];

test('a failed look under an address is over once the machine was looked at under its name', () => {
  const failed = (at: number) => ({ ...look('10.0.0.5', 'agentless', {}, at), coverage: [] });
  const scanned = scan('10.0.0.5');
  const byName = look('db-1', 'agentless', { addresses: ['10.0.0.5'] });
  const looksOf = (hosts: readonly HostState[]) =>
    unifyHosts({ hosts, listeners: [] }).hosts.map((h) => h.observationId);
  assert.deepEqual(looksOf([failed(NOW - 1), scanned, byName]), ['agentless db-1', 'network:scanner 10.0.0.5']);
  assert.equal(looksOf([failed(NOW + 1), scanned, byName]).length, 3, 'it failed after that');
  assert.equal(looksOf([failed(NOW - 1), scanned, local('db-1', ['10.0.0.5'])]).length, 3, 'another source looked');
  const names = unifyHosts({ hosts: [failed(NOW - 1), scanned, byName], listeners: [] }).recordedAs('db-1');
  assert.ok(
    names.some(({ name, isOutside }) => name === '10.0.0.5' && !isOutside),
    'its records are still found',
  );
});

suite('which scope a port seen from outside is in', () => {
  for (const { name, listeners, want } of scopeCases)
    test(name, () => {
      const hosts = [local('db-1', ['10.0.0.5', 'fd00::5']), scan('10.0.0.5'), scan('fd00::5')];
      const found = unifyHosts({ hosts, listeners }).listeners.find((s) => s.vantage === 'network:scanner');
      assert.ok(found);
      const maybe = found.possibleScopes ? `, ${found.possibleScopes.join(' or ')}` : '';
      assert.equal(`${endpointKey(found.listener)} ${found.open ? 'open' : 'closed'}${maybe}`, want);
    });
});

suite('of several looks from inside the newest decides', () => {
  const old = NOW - 2 * HOUR;
  const open = (found: Identities) =>
    found.listeners.filter((s) => s.open).map((s) => `${s.vantage} ${endpointKey(s.listener)}`);
  test('what it covers and lacks is closed', () => {
    const found = unifyHosts({
      hosts: [local('db-1'), look('db-1', 'import:ss', {}, old)],
      listeners: [seen('db-1', 'import:ss', '0.0.0.0', 80, { lastSeen: old }), seen('db-1', 'local', '0.0.0.0', 22)],
    });
    assert.deepEqual(open(found), ['local db-1:22/tcp']);
    assert.equal(found.listeners.find((s) => !s.open)?.closedAt, NOW);
  });
  test('what it does not cover stays', () => {
    const found = unifyHosts({
      hosts: [local('db-1', [], {}, old), look('db-1', 'agentless', {}, NOW, 'host')],
      listeners: [seen('db-1', 'local', '0.0.0.0', 80, { lastSeen: old }, 'container:web')],
    });
    assert.deepEqual(open(found), ['local db-1:80/tcp@container:web']);
  });
  test('what it has too stays, of both', () => {
    const found = unifyHosts({
      hosts: [local('db-1'), look('db-1', 'import:ss', {}, old)],
      listeners: [seen('db-1', 'import:ss', '0.0.0.0', 80, { lastSeen: old }), seen('db-1', 'local', '0.0.0.0', 80)],
    });
    assert.deepEqual(open(found), ['import:ss db-1:80/tcp', 'local db-1:80/tcp']);
  });
  test('the same source under an earlier name of the host', () => {
    const found = unifyHosts({
      hosts: [local('db-1', ['10.0.0.5'], { machineId: ID }), local('vm-17', ['10.0.0.5'], { machineId: ID }, old)],
      listeners: [
        seen('vm-17', 'local', '0.0.0.0', 80, { lastSeen: old }),
        seen('vm-17', 'local', '0.0.0.0', 81, { lastSeen: old }),
        seen('db-1', 'local', '0.0.0.0', 80),
      ],
    });
    assert.deepEqual(open(found), ['local db-1:80/tcp']);
  });
  test('a scan closes nothing of it', () => {
    const found = unifyHosts({
      hosts: [local('db-1', ['10.0.0.5'], {}, old), scan('10.0.0.5')],
      listeners: [seen('db-1', 'local', '0.0.0.0', 80, { lastSeen: old })],
    });
    assert.deepEqual(open(found), ['local db-1:80/tcp']);
  });
});

test('where there is one vantage and nothing to bring together, everything is returned as it is', () => {
  const hosts = [local('a', ['10.0.0.5']), local('b', ['10.0.0.6'])];
  const listeners = [seen('a', 'local', '0.0.0.0', 22), seen('b', 'local', '0.0.0.0', 22)];
  const found = unifyHosts({ hosts, listeners });
  assert.equal(found.listeners, listeners);
  assert.deepEqual(
    found.hosts.map((h, i) => h === hosts[i]),
    [true, true],
  );
});

suite('for any estate', () => {
  const names = ['a', 'A', 'b', 'a.x', 'a.y', 'localhost', 'c'];
  const addresses = ['10.0.0.1', '10.0.0.2', '10.0.0.3', 'fd00::1', '172.17.0.1', '127.0.0.1'];
  const time = fc.constantFrom(NOW, NOW - HOUR, NOW - 30 * DAY);
  const some = <T>(items: readonly T[]) => fc.subarray([...items], { maxLength: 3 });
  const insideLook = fc
    .tuple(
      fc.constantFrom(...names),
      fc.constantFrom('local', 'agentless', 'import:ss'),
      some(addresses.slice(0, 5)),
      fc.option(fc.constantFrom(ID, OTHER_ID), { nil: undefined }),
      time,
    )
    .map(([name, vantage, own, machineId, at]) =>
      look(name, vantage, { addresses: own, ...(machineId && { machineId }) }, at),
    );
  const outsideLook = fc
    .tuple(fc.constantFrom(...addresses), fc.constantFrom('network:c', 'import:nmap'), some(names), time)
    .map(([address, vantage, asked, at]) =>
      look(address, vantage, asked.length > 0 ? { addresses: [address], names: asked } : {}, at),
    );
  const estate = fc
    .record({
      hosts: fc.uniqueArray(fc.oneof(insideLook, outsideLook), {
        maxLength: 8,
        selector: (h) => `${h.vantage} ${h.host.name}`,
      }),
      assets: fc
        .array(fc.tuple(fc.constantFrom(...names), some(addresses.slice(0, 4)), some(names)), { maxLength: 3 })
        .map((list) => netbox(...list.map(([name, own, more], i) => asset(name, own, { id: String(i), names: more })))),
      declared: fc
        .array(fc.tuple(fc.constantFrom(...names), some(addresses.slice(0, 4))), { maxLength: 2 })
        .map((list) => list.map(([name, own]) => ({ name, addresses: own, tags: [] }))),
      ports: fc.array(fc.constantFrom(22, 80), { maxLength: 8 }),
    })
    .map(({ ports, ...rest }) => ({
      ...rest,
      freshSince: NOW - DAY,
      listeners: ports.flatMap((port, i) => {
        const h = rest.hosts[i];
        if (!h) return [];
        const address = vantageKind(h.vantage) === 'inside' ? '0.0.0.0' : h.host.name;
        return [seen(h.host.name, h.vantage, address, port, { lastSeen: h.lastObservedAt })];
      }),
    }));
  const view = (found: Identities) => ({
    names: namesIn(found),
    listeners: found.listeners.map((s) => `${s.vantage} ${endpointKey(s.listener)} ${s.open}`).sort(),
    notices: found.notices,
    owners: [...found.owners].sort(),
  });

  test('the order of what comes in does not matter', () => {
    fc.assert(
      fc.property(estate, fc.integer(), (input, seed) => {
        const shuffle = <T>(items: readonly T[]) =>
          items
            .map((item, i) => ({ item, key: Math.imul(seed ^ (i + 1), 2654435761) }))
            .sort((a, b) => a.key - b.key)
            .map(({ item }) => item);
        const other = {
          ...input,
          ...{ hosts: shuffle(input.hosts), listeners: shuffle(input.listeners), declared: shuffle(input.declared) },
          assets: input.assets.map((list) => ({ ...list, items: shuffle(list.items) })),
        };
        assert.deepEqual(view(unifyHosts(other)), view(unifyHosts(input)));
      }),
    );
  });

  test('no look is lost, and every host is found by the name that it goes by', () => {
    fc.assert(
      fc.property(estate, (input) => {
        const found = unifyHosts(input);
        assert.equal(found.hosts.length, input.hosts.length);
        assert.deepEqual(
          found.hosts.map((h) => `${h.vantage} ${h.recordedAs ?? h.host.name}`).sort(),
          input.hosts.map((h) => `${h.vantage} ${h.host.name}`).sort(),
        );
        for (const h of found.hosts) {
          assert.ok(h.coverage.every((c) => c.host === h.host.name));
          assert.equal(found.nameOf(h.host.name)?.toLowerCase(), h.host.name.toLowerCase());
        }
      }),
    );
  });
});
