import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyEntries, anyHosts, entryOf } from '../../test/register-samples.ts';
import type { MatchHost } from './host-selector.ts';
import { specificityOf } from './match.ts';
import { findOverlaps } from './overlap.ts';
import type { RegisterEntry } from './register.ts';

/** Overlaps in one line each, as a table can show them. */
function told(entries: readonly RegisterEntry[], hosts: readonly MatchHost[] = []): string[] {
  return findOverlaps(entries, hosts).overlaps.map((o) =>
    o.kind === 'ambiguous'
      ? `${o.entry} tied with ${o.decidedBy} on ${o.ports.map((r) => `${r.from}-${r.to}`)} of ${o.hosts} (${o.where})`
      : `${o.entry} behind ${o.coveredBy} (${o.where})`,
  );
}

const db1: MatchHost = { name: 'db-1', addresses: ['10.0.0.1', '10.0.0.2'], tags: ['a', 'b'] };
const range = (from: number, to: number) => [{ from, to }];

const CASES: readonly { name: string; entries: readonly RegisterEntry[]; hosts?: MatchHost[]; want: string[] }[] = [
  {
    name: 'different hosts have nothing to do with each other',
    entries: [entryOf({ id: 'a', hosts: ['db-1'] }), entryOf({ id: 'b', hosts: ['db-2'] })],
    want: [],
  },
  {
    name: 'the second of two that say the same never decides',
    entries: [entryOf({ id: 'a', hosts: ['db-1'] }), entryOf({ id: 'b', hosts: ['DB-1'] })],
    want: ['b behind a (selectors)'],
  },
  {
    name: 'a general entry and a special one are what precedence is for',
    entries: [entryOf({ id: 'a', hosts: ['10.0.0.0/8'] }), entryOf({ id: 'b', hosts: ['10.1.0.0/16'] })],
    want: [],
  },
  {
    name: 'ranges of equal width that overlap in part',
    entries: [
      entryOf({ id: 'a', hosts: ['*'], ports: range(6000, 6010) }),
      entryOf({ id: 'b', hosts: ['*'], ports: range(6005, 6015) }),
    ],
    want: ['b tied with a on 6005-6010 of * (selectors)'],
  },
  {
    name: 'a block of which others have both halves',
    entries: [
      entryOf({ id: 'a', hosts: ['10.0.0.0/9'] }),
      entryOf({ id: 'b', hosts: ['10.128.0.0/9'] }),
      entryOf({ id: 'c', hosts: ['10.0.0.0/8'] }),
    ],
    want: ['c behind a,b (selectors)'],
  },
  {
    name: 'a wide range of which narrower ones have every port',
    entries: [
      entryOf({ id: 'a', hosts: ['db-1'], ports: range(1, 5) }),
      entryOf({ id: 'b', hosts: ['db-1'], ports: range(6, 10) }),
      entryOf({ id: 'c', hosts: ['db-1'], ports: range(1, 10) }),
    ],
    want: ['c behind a,b (selectors)'],
  },
  {
    name: 'two tags meet on a host that has both',
    entries: [entryOf({ id: 'a', hosts: ['tag:a'] }), entryOf({ id: 'b', hosts: ['tag:b'] })],
    hosts: [db1],
    want: ['b behind a (known-hosts)'],
  },
  {
    name: 'two tags meet on one host of several',
    entries: [entryOf({ id: 'a', hosts: ['tag:a'] }), entryOf({ id: 'b', hosts: ['tag:b'] })],
    hosts: [db1, { name: 'db-2', addresses: [], tags: ['b'] }],
    want: ['b tied with a on 443-443 of db-1 (known-hosts)'],
  },
  {
    name: 'every known host has an entry of its own',
    entries: [entryOf({ id: 'a', hosts: ['db-1'] }), entryOf({ id: 'b', hosts: ['*'] })],
    hosts: [db1],
    want: ['b behind a (known-hosts)'],
  },
  {
    name: 'wildcard scopes that meet',
    entries: [
      entryOf({ id: 'a', hosts: ['db-1'], scope: 'container:*b' }),
      entryOf({ id: 'b', hosts: ['db-1'], scope: 'container:w*' }),
      entryOf({ id: 'c', hosts: ['db-1'], scope: 'pod:xxxxxx*' }),
    ],
    want: ['b tied with a on 443-443 of db-1 (selectors)'],
  },
];

for (const { name, entries, hosts, want } of CASES)
  test(name, () => {
    assert.deepEqual(told(entries, hosts), want);
  });

/** Hosts to try every pair on: the known ones, and made-up ones that each selector may choose one day. */
function madeUpHosts(entries: readonly RegisterEntry[]): MatchHost[] {
  const texts = [...new Set(entries.flatMap((e) => e.hosts))];
  const last = (n: number) => `10.0.0.${n}`;
  const addresses = [0, 1, 2, 3, 4].map(last).concat('10.0.1.1', '10.0.9.9', '99.0.0.1', 'fd00::1', 'fd00::2');
  addresses.push('fd00::9', 'fd00:1::1', '2001:db8::1');
  return [
    ...addresses.map((address) => ({ name: 'zz', addresses: [address], tags: [] })),
    ...['a', 'b'].map((tag) => ({ name: 'zz', addresses: [], tags: [tag] })),
    ...texts.filter((t) => !/^tag:|[*?/]|^[0-9]|:/.test(t)).map((name) => ({ name, addresses: [], tags: [] })),
    ...['zz', 'db-zz', 'dzz', 'zz-1', 'zzbzz', 'xy-1', 'web-1zz', 'db-z'].map((name) => ({
      name,
      addresses: [],
      tags: [],
    })),
  ];
}
const SCOPES = ['host', 'container:web', 'container:xb', 'container:zz', 'container:wzz', 'czzb', 'netns:zz'];

/** Says whether two entries choose a host by the same selector: one alone is as specific as each of them. */
function bySameSelector(x: RegisterEntry, y: RegisterEntry, host: MatchHost): boolean {
  const best = (entry: RegisterEntry, hosts: readonly string[]) =>
    specificityOf({ ...entry, hosts, scope: 'any', ports: [{ from: 1, to: 1 }] }, host, {
      scope: 'host',
      transport: entry.transport,
      port: 1,
    });
  return x.hosts.some(
    (s) => y.hosts.includes(s) && best(x, [s]) === best(x, x.hosts) && best(y, [s]) === best(y, y.hosts),
  );
}

/** What findOverlaps tells of, by trying every pair on every endpoint of a small world. */
function bruteForce(entries: readonly RegisterEntry[], hosts: readonly MatchHost[]) {
  const ties = new Set<string>();
  const tiesBySelector = new Set<string>();
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  const decides = new Set<string>();
  for (const host of hosts)
    for (const scope of SCOPES)
      for (const transport of ['tcp', 'udp'] as const)
        for (let port = 1; port <= 17; port++) {
          const covering = entries
            .map((entry) => ({ id: entry.id, specificity: specificityOf(entry, host, { scope, transport, port }) }))
            .filter((c) => c.specificity > 0)
            .sort((a, b) => b.specificity - a.specificity || (a.id < b.id ? -1 : 1));
          if (covering[0]) decides.add(covering[0].id);
          for (const [i, x] of covering.entries())
            for (const y of covering.slice(i + 1)) {
              if (x.specificity !== y.specificity) continue;
              ties.add(`${x.id} ${y.id}`);
              const [a, b] = [byId.get(x.id), byId.get(y.id)];
              if (a && b && bySameSelector(a, b, host)) tiesBySelector.add(`${x.id} ${y.id}`);
            }
        }
  return { ties, tiesBySelector, decides };
}

test('tells of what trying every pair on every endpoint tells of', () => {
  fc.assert(
    fc.property(anyEntries, anyHosts, (entries, hosts) => {
      const everywhere = bruteForce(entries, [...hosts, ...madeUpHosts(entries)]);
      const { overlaps, exhaustive } = findOverlaps(entries, hosts);
      assert.ok(exhaustive);
      const toldOf = new Set<string>();
      const unreachable = new Set<string>();
      for (const o of overlaps) {
        toldOf.add(o.entry);
        if (o.kind === 'ambiguous') {
          assert.ok(everywhere.ties.has(`${o.decidedBy} ${o.entry}`), `${o.entry} is tied with ${o.decidedBy}`);
          continue;
        }
        unreachable.add(o.entry);
        if (o.where === 'selectors') assert.ok(!everywhere.decides.has(o.entry), `${o.entry} never decides`);
      }
      const known = bruteForce(entries, hosts);
      const { decides: deciding } = known;
      assert.deepEqual(
        findOverlaps(entries, hosts, { deciding }).overlaps,
        overlaps,
        'what decides need not be found out',
      );
      for (const tie of [...everywhere.tiesBySelector, ...known.ties]) {
        const second = tie.split(' ')[1] as string;
        assert.ok(toldOf.has(second), `${tie} is told of`);
      }
      for (const entry of entries) {
        const isChosen = hosts.some(
          (host) =>
            specificityOf({ ...entry, scope: 'any' }, host, {
              scope: 'host',
              transport: entry.transport,
              port: entry.ports[0]?.from ?? 0,
            }) > 0,
        );
        if (isChosen)
          assert.equal(unreachable.has(entry.id), !known.decides.has(entry.id), `${entry.id} on known hosts`);
      }
    }),
    { numRuns: 200 },
  );
});

test('a search that is cut short says so', () => {
  const entries = Array.from({ length: 50 }, (_, n) => entryOf({ id: `e${n}`, hosts: ['*'] }));
  assert.equal(findOverlaps(entries, [], { steps: 20 }).exhaustive, false);
  assert.equal(findOverlaps(entries, []).exhaustive, true);
});
