import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { uncoveredAsset } from '../checks/uncovered-asset.ts';
import { unknownAsset } from '../checks/unknown-asset.ts';
import type { Asset, AssetList } from './asset.ts';
import { matchAssets } from './asset-match.ts';
import type { EstateFacts } from './facts.ts';
import { unifyHosts } from './identity.ts';
import { ALL_PORTS } from './observation.ts';
import type { HostState } from './state.ts';

const NOW = Date.UTC(2026, 10, 22);

function asset(name: string, addresses: readonly string[] = [], more: Partial<Asset> = {}): Asset {
  return { id: name, source: 'cmdb', name, names: [], tags: [], ...more, addresses };
}

function list(...items: readonly Asset[]): AssetList {
  return { source: items[0]?.source ?? 'cmdb', importedAt: NOW, items };
}

function seen(name: string, vantage: string, addresses: readonly string[], names: readonly string[] = []): HostState {
  const isOutside = vantage.startsWith('network:');
  return {
    ...{ vantage, host: { name, addresses, tags: [], names }, firstObservedAt: NOW, lastObservedAt: NOW },
    ...{ privilege: 'root', collector: 'x', observationId: `${name} ${vantage}`, gaps: [] },
    coverage: [
      { host: name, scope: '*', transports: ['tcp'], ports: ALL_PORTS, addresses: isOutside ? [name] : 'all' },
    ],
  };
}

const TABLE: readonly { name: string; asset: Asset; host: HostState; matches: boolean }[] = [
  { name: 'one name in another case', asset: asset('DB-1'), host: seen('db-1', 'local', []), matches: true },
  { name: 'a complete name', asset: asset('db-1.x.org.'), host: seen('db-1.x.org', 'local', []), matches: true },
  {
    name: 'a further name of the asset',
    asset: asset('a', [], { names: ['db-1'] }),
    host: seen('db-1', 'local', []),
    matches: true,
  },
  {
    name: 'a further name of the host',
    asset: asset('a'),
    host: seen('10.0.0.1', 'network:s', ['10.0.0.1'], ['a']),
    matches: true,
  },
  { name: 'an address', asset: asset('a', ['10.0.0.1']), host: seen('b', 'local', ['10.0.0.1']), matches: true },
  {
    name: 'an address mapped into IPv6',
    asset: asset('a', ['10.0.0.1']),
    host: seen('b', 'local', ['::ffff:10.0.0.1']),
    matches: true,
  },
  {
    name: 'an asset named by its address',
    asset: asset('10.0.0.1'),
    host: seen('10.0.0.1', 'network:s', ['10.0.0.1']),
    matches: true,
  },
  { name: 'other names', asset: asset('db-1'), host: seen('db-10', 'local', []), matches: false },
  {
    name: "docker's bridge is every machine's",
    asset: asset('a', ['172.17.0.1']),
    host: seen('b', 'local', ['172.17.0.1']),
    matches: false,
  },
];

for (const { name, asset: one, host, matches } of TABLE)
  test(name, () => {
    const [standing] = matchAssets([list(one)], [host]);
    assert.equal(standing?.hosts.length, matches ? 1 : 0);
    assert.equal(standing?.lastObserved, matches ? NOW : null);
  });

/** What both checks find, as text. */
function findings(assets: readonly AssetList[], hosts: readonly HostState[]): string[] {
  const policy = { staleAfterHours: 24 };
  const estate = { assets, hosts, now: NOW, register: { hosts: [], policy } } as unknown as EstateFacts;
  return [unknownAsset, uncoveredAsset].flatMap((check) =>
    (check.estate?.(estate) ?? []).map((draft) => JSON.stringify([check.id, draft.subject, draft.discriminator])),
  );
}

const name = fc.constantFrom('a', 'b', 'c', 'd', 'A', 'b.x.org');
const address = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', '::ffff:10.0.0.1', '172.17.0.1');
const anyAsset = fc
  .record({
    name,
    addresses: fc.array(address, { maxLength: 2 }),
    source: fc.constantFrom('x', 'y'),
    inactive: fc.boolean(),
  })
  .map(({ name: n, addresses, source, inactive }) =>
    asset(n, addresses, { source, inactive, id: `${n} ${addresses}` }),
  );
const anyHost = fc.oneof(
  fc.record({ n: name, a: fc.array(address, { maxLength: 2 }) }).map(({ n, a }) => seen(n, 'local', a)),
  address.map((a) => seen(a, 'network:s', [a])),
);

test('no finding comes twice, and none depends on the order of what is given, unified or not', () => {
  fc.assert(
    fc.property(fc.array(anyAsset, { maxLength: 6 }), fc.array(anyHost, { maxLength: 5 }), (assets, states) => {
      const hosts = [...new Map(states.map((state) => [state.observationId, state])).values()];
      const lists = [...Map.groupBy(assets, (one) => one.source)].map(([source, items]) => ({
        ...{ source, importedAt: NOW },
        items: [...new Map(items.map((one) => [one.id, one])).values()],
      }));
      const reversed = lists.map((one) => ({ ...one, items: one.items.toReversed() })).toReversed();
      for (const unify of [false, true]) {
        const known = (l: readonly AssetList[], h: readonly HostState[]) =>
          unify ? unifyHosts({ hosts: h, listeners: [], assets: l }).hosts : h;
        const forward = findings(lists, known(lists, hosts));
        assert.equal(new Set(forward).size, forward.length, 'no duplicates');
        assert.deepEqual(findings(reversed, known(reversed, hosts.toReversed())).sort(), forward.sort());
      }
    }),
  );
});
