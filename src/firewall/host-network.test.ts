import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress } from '../model/address.ts';
import { formatCidr } from '../model/cidr.ts';
import type { HostNetwork } from '../model/host-network.ts';
import { isHostNetworkFile, readHostNetwork } from './host-network.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'firewall', 'ip');

const EXPECTED_INTERFACES = [
  '1 lo loopback 127.0.0.1/8 ::1/128',
  '2 d1 LINK',
  '3 d0 10.1.1.1/24 10.9.9.1/32 10.1.1.2/24 fd00::1/64 LINK',
  '4 wg1 LINK',
  '5 wg0 10.5.5.1/32 LINK',
];

const EXPECTED_ROUTES = [
  'unicast 0.0.0.0/0 d0 0 main',
  'unicast ::/0 d0 1024 main',
  'unicast 10.77.0.0/16 d0 0 main',
  'unicast 10.88.0.0/16 wg0 0 100',
  'blackhole 10.66.0.0/16 - 0 main',
  'broadcast 10.1.1.255/32 d0 0 local',
  'local 10.1.1.2/32 d0 0 local',
  'multicast ff00::/8 wg0 256 local',
];

function file(name: string): { name: string; text: string } {
  return { name, text: readFileSync(join(FIXTURES, `${name}.json`), 'utf8') };
}

function interfacesText(network: HostNetwork | null): string[] | undefined {
  return network?.interfaces.map(({ name, index, loopback, addresses }) => {
    const list = addresses.map(({ address, prefix }) => `${formatAddress(address)}/${prefix}`);
    return [`${index} ${name}`, ...(loopback ? ['loopback'] : []), ...list].join(' ');
  });
}

function routesText(network: HostNetwork | null): string[] | undefined {
  return network?.routes?.map(
    ({ destination, type, device, metric, table }) =>
      `${type} ${formatCidr(destination)} ${device ?? '-'} ${metric} ${table}`,
  );
}

const ALL = ['addr', 'link', 'route', 'route6', 'route-all', 'route6-all'];

test('interfaces and addresses as the kernel has them', () => {
  const lines = interfacesText(readHostNetwork([file('addr'), file('link')])) ?? [];
  assert.deepEqual(
    lines.map((line) => line.replaceAll(/ fe80::[0-9a-f:]+\/64/g, ' LINK')),
    EXPECTED_INTERFACES,
  );
});

test('files in any order say the same', () => {
  const whole = readHostNetwork(ALL.map(file));
  assert.deepEqual(interfacesText(readHostNetwork([...ALL].reverse().map(file))), interfacesText(whole));
  assert.deepEqual(routesText(readHostNetwork([...ALL].reverse().map(file)))?.sort(), routesText(whole)?.sort());
});

test('routes: default of either family, several ways, none, local ones, other tables', () => {
  const lines = routesText(readHostNetwork([file('addr'), file('route-all'), file('route6-all')])) ?? [];
  for (const line of EXPECTED_ROUTES) assert.ok(lines.includes(line), `${line}\nis not in\n${lines.join('\n')}`);
});

test('without routes they are not known, without addresses nothing is', () => {
  assert.equal(readHostNetwork([file('addr')])?.routes, null);
  assert.equal(readHostNetwork([file('link')]), null);
  assert.equal(readHostNetwork([file('route')]), null);
  assert.equal(readHostNetwork([]), null);
});

const LO = { ifindex: 1, ifname: 'lo', flags: ['LOOPBACK'] };

function address(info: object): string {
  return JSON.stringify([{ ...LO, addr_info: [info] }]);
}

const CASES: ReadonlyArray<readonly [string, string, readonly string[] | undefined]> = [
  [
    'a peer',
    address({ family: 'inet', local: '10.0.0.1', address: '10.0.0.2', prefixlen: 24 }),
    ['1 lo loopback 10.0.0.1/32'],
  ],
  [
    'a secondary',
    address({ family: 'inet', local: '10.0.0.1', prefixlen: 24, secondary: true }),
    ['1 lo loopback 10.0.0.1/24'],
  ],
  [
    'a temporary',
    address({ family: 'inet6', local: 'fd00::1', prefixlen: 64, temporary: true }),
    ['1 lo loopback fd00::1/64'],
  ],
  [
    'a tentative',
    address({ family: 'inet6', local: 'fd00::1', prefixlen: 64, tentative: true }),
    ['1 lo loopback fd00::1/64'],
  ],
  ['a duplicate', address({ family: 'inet6', local: 'fd00::1', prefixlen: 64, dadfailed: true }), ['1 lo loopback']],
  ['another family', address({ family: 'mpls', local: '5' }), ['1 lo loopback']],
  ['objects left out by a filter', JSON.stringify([{}, { ...LO, addr_info: [{}] }, {}]), ['1 lo loopback']],
  ['no flags', JSON.stringify([{ ifindex: 1, ifname: 'lo', link_type: 'loopback', addr_info: [] }]), ['1 lo loopback']],
  ['an address that is none', address({ family: 'inet', local: '10.0.0.256', prefixlen: 24 }), undefined],
  ['the wrong family', address({ family: 'inet', local: 'fd00::1', prefixlen: 24 }), undefined],
  ['a prefix too long', address({ family: 'inet', local: '10.0.0.1', prefixlen: 33 }), undefined],
  ['a text that ends too early', `${address({ family: 'inet', local: '10.0.0.1' }).slice(0, -3)}`, undefined],
];

for (const [name, text, expected] of CASES)
  test(`addresses: ${name}`, () => {
    assert.equal(isHostNetworkFile(text), true);
    assert.deepEqual(interfacesText(readHostNetwork([{ name: 'x', text }])), expected);
  });

test('a route that cannot be read leaves all of them open', () => {
  const network = readHostNetwork([file('addr'), { name: 'x', text: '[{"dst":"nonsense","dev":"eth0"}]' }]);
  assert.equal(network?.routes, null);
});

test('other texts are not taken for it', () => {
  for (const text of ['', '{}', '{"nftables": []}', '[1]', '[{"IpPermissions": []}]', '*filter'])
    assert.equal(isHostNetworkFile(text), false, text);
});

test('any JSON is read without a crash', () => {
  const words = fc.constantFrom('ifindex', 'ifname', 'addr_info', 'family', 'inet', 'local', 'dst', 'dev', '10.0.0.1');
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      fc.constant(null),
      fc.integer(),
      words,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(words, tie('value'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(fc.array(value, { maxLength: 5 }), (entries) => {
      readHostNetwork([{ name: 'x', text: JSON.stringify(entries) }]);
    }),
  );
});
