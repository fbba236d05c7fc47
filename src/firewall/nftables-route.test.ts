import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Address, parseAddress } from '../model/address.ts';
import { has } from '../model/address-set.ts';
import type { HostNetwork } from '../model/host-network.ts';
import type { Condition } from '../model/ruleset.ts';
import { readHostNetwork } from './host-network.ts';
import { nftables } from './nftables.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'firewall', 'nftables', 'return-route');

function file(name: string): { name: string; text: string } {
  return { name, text: readFileSync(join(FIXTURES, `${name}.json`), 'utf8') };
}

function missingRoute(network: HostNetwork | null): Condition {
  const ruleset = file('ruleset');
  const result = nftables.read(ruleset, { ipsets: null, network, files: [ruleset] });
  const [step] = result.layers[0]?.chains[0]?.rules[0]?.steps ?? [];
  if (step?.kind !== 'match') throw new Error('the first rule asks for nothing');
  return step.condition;
}

/** Says whether the condition holds for a packet from an address by an interface; null: not known. */
function holds(c: Condition, from: Address, iif: string): boolean | null {
  switch (c.kind) {
    case 'unknown':
      return null;
    case 'not': {
      const inner = holds(c.of, from, iif);
      return inner === null ? null : !inner;
    }
    case 'all':
    case 'any': {
      const parts = c.of.map((part) => holds(part, from, iif));
      const decisive = c.kind === 'any';
      if (parts.includes(decisive)) return decisive;
      return parts.includes(null) ? null : !decisive;
    }
    case 'family':
      return from.family === c.family;
    case 'source':
      return has(c.set, from);
    case 'in-interface':
      return c.names.some(({ name }) => name === iif);
    default:
      throw new Error(c.kind);
  }
}

/** Sources of packets that were sent to a kernel with these routes, which put those without a return route in sets. */
const SENT = [
  ...['10.1.1.5', '10.1.1.1', '10.1.1.255', '10.2.2.5', '10.2.2.1', '10.88.1.1', '10.66.1.1', '10.77.1.1', '8.8.8.8'],
  ...['127.0.0.1', '0.1.2.3', '224.1.1.1', '255.255.255.255', '10.2.2.255', '10.1.1.0', 'fd01::5', 'fd01::1'],
  ...['fd02::5', 'fd02::1', '2001:db8:88::1', '2001:db8:66::1', '2001:db8:1::1', 'fe80::1234', 'fec0::1'],
];

test('which packets lack a return route is what the kernel said', () => {
  const network = readHostNetwork(['addr', 'route-all', 'route6-all'].map(file));
  const condition = missingRoute(network);
  const listed: string[] = JSON.parse(file('ruleset').text).nftables.flatMap(
    (object: { set?: { elem: { concat: string[] }[] } }) =>
      object.set?.elem.map(({ concat }) => concat.join(' ')) ?? [],
  );
  assert.equal(listed.length, 29);
  const undecided: string[] = [];
  for (const text of SENT)
    for (const iif of ['d0', 'w0']) {
      const answer = holds(condition, parseAddress(text) as Address, iif);
      if (answer === null) undecided.push(`${iif} ${text}`);
      else assert.equal(answer, listed.includes(`${iif} ${text}`), `${iif} ${text}`);
    }
  // a route with two ways: either may be taken
  assert.deepEqual(undecided, ['d0 10.77.1.1', 'w0 10.77.1.1']);
});

test('without routes, and with tables that rules choose from, it is not known', () => {
  const network = readHostNetwork(['addr', 'route-all', 'route6-all'].map(file));
  assert.equal(missingRoute(null).kind, 'unknown');
  assert.equal(missingRoute(network && { ...network, routes: null }).kind, 'unknown');
  const routes = network?.routes?.map((route, i) => (i === 0 ? { ...route, table: '100' } : route)) ?? null;
  assert.equal(missingRoute(network && { ...network, routes }).kind, 'unknown');
});
