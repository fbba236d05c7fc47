import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { anyEndpoint, anyEntries, anyHosts, entryOf } from '../../test/register-samples.ts';
import type { Endpoint } from './endpoint.ts';
import type { MatchHost } from './host-selector.ts';
import { buildMatcher, selectsHost, specificityOf } from './match.ts';
import type { RegisterEntry } from './register.ts';

const db1: MatchHost = { name: 'db-1', addresses: ['10.20.3.4', 'fd00::4'], tags: ['orders-db'] };

test('a selector chooses hosts by name, address, block, pattern and tag', () => {
  const cases: readonly [selector: string, chosen: boolean][] = [
    ['db-1', true],
    ['DB-1', true],
    ['db-10', false],
    ['10.20.3.4', true],
    ['10.20.3.5', false],
    ['::ffff:10.20.3.4', true],
    ['fd00:0:0::4', true],
    ['10.20.3.0/28', true],
    ['10.20.3.16/28', false],
    ['0.0.0.0/0', true],
    ['fd00::/8', true],
    ['fe80::/10', false],
    ['db-*', true],
    ['D?-1', true],
    ['*-1', true],
    ['web-*', false],
    ['tag:orders-db', true],
    ['tag:orders', false],
    ['*', true],
    ['10.20.3.4/33', false],
    ['', false],
  ];
  for (const [selector, chosen] of cases) {
    const entry = entryOf({ id: 'e', hosts: [selector] });
    assert.equal(selectsHost(entry, db1), chosen, selector);
    assert.deepEqual(buildMatcher([entry], [db1]).hostsSelected(entry), chosen ? ['db-1'] : [], selector);
  }
});

test('precedence is by host, then scope, then narrower ports, then id', () => {
  const range = (from: number, to: number) => [{ from, to }];
  const entries = [
    entryOf({ id: 'm-everywhere', hosts: ['*'] }),
    entryOf({ id: 'l-tag', hosts: ['tag:orders-db'] }),
    entryOf({ id: 'k-short-pattern', hosts: ['d*'] }),
    entryOf({ id: 'j-long-pattern', hosts: ['db-*'] }),
    entryOf({ id: 'i-wide-block', hosts: ['10.0.0.0/8'] }),
    entryOf({ id: 'h-narrow-block', hosts: ['10.20.3.0/28'] }),
    entryOf({ id: 'g-address', hosts: ['10.20.3.4'] }),
    entryOf({ id: 'f-any-scope', hosts: ['db-1'], scope: 'any' }),
    entryOf({ id: 'e-scope-pattern', hosts: ['db-1'], scope: 'h*' }),
    entryOf({ id: 'd-wide-ports', hosts: ['db-1'], ports: range(1, 65535) }),
    entryOf({ id: 'c-narrow-ports', hosts: ['db-1'], ports: range(400, 500) }),
    entryOf({ id: 'b-second', hosts: ['db-1'] }),
    entryOf({ id: 'a-first', hosts: ['db-1', '*'] }),
    entryOf({ id: 'x-container', hosts: ['db-1'], scope: 'container:web' }),
    entryOf({ id: 'x-udp', hosts: ['db-1'], transport: 'udp' }),
    entryOf({ id: 'x-port', hosts: ['db-1'], ports: range(444, 444) }),
  ];
  const found = buildMatcher(entries, [db1]).entriesFor({ host: 'db-1', scope: 'host', transport: 'tcp', port: 443 });
  assert.deepEqual(
    found.map((c) => c.entry.id.slice(0, 1)),
    [...'abcdefghijklm'],
  );
});

test('where the scope is unknown every scope may be meant, and `any` surely is', () => {
  const entries = [
    entryOf({ id: 'a', hosts: ['*'], scope: 'container:x' }),
    entryOf({ id: 'b', hosts: ['*'], scope: 'any' }),
  ];
  const found = buildMatcher(entries, []).entriesFor({ host: 'h', scope: 'unknown', transport: 'tcp', port: 443 });
  assert.deepEqual(
    found.map((c) => c.entry.id),
    ['b', 'a'],
  );
});

test('a host that is known by its address alone has that address', () => {
  const matcher = buildMatcher([entryOf({ id: 'a', hosts: ['10.20.0.0/16'] })], []);
  const at = { scope: 'host', transport: 'tcp', port: 443 } as const;
  assert.equal(matcher.entriesFor({ host: '10.20.3.9', ...at }).length, 1);
  assert.equal(matcher.entriesFor({ host: '10.21.3.9', ...at }).length, 0);
});

test('a port that cannot be matches nothing', () => {
  const matcher = buildMatcher([entryOf({ id: 'a', hosts: ['*'], ports: [{ from: 1, to: 65535 }] })], []);
  for (const port of [-1, 70_000, 131_072, 1.5, Number.NaN])
    assert.deepEqual(matcher.entriesFor({ host: 'h', scope: 'host', transport: 'tcp', port }), [], `${port}`);
});

/** The documented rules once more, pair by pair and with other means: regular expressions and ipaddr.js. */
function naiveKey(entry: RegisterEntry, host: MatchHost, at: Endpoint): readonly number[] | null {
  const glob = (pattern: string, flags: string) =>
    new RegExp(
      `^${pattern
        .replaceAll(/[.\\+^$()[\]{}|]/g, '\\$&')
        .replaceAll('*', '.*')
        .replaceAll('?', '.')}$`,
      `s${flags}`,
    );
  const literals = (pattern: string) => [...pattern].filter((c) => c !== '*' && c !== '?').length;
  const addresses = host.addresses.map((a) => ipaddr.process(a));
  let best: readonly number[] = [0, 0];
  for (const s of entry.hosts) {
    let score: readonly number[] = [0, 0];
    if (s.startsWith('tag:')) score = host.tags.includes(s.slice(4)) ? [2, 0] : score;
    else if (s === '*') score = [1, 0];
    else if (/[*?]/.test(s)) score = glob(s, 'i').test(host.name) ? [3, literals(s)] : score;
    else if (s.includes('/')) {
      const [network, prefix] = ipaddr.parseCIDR(s);
      const full = network.toByteArray().length * 8 === prefix;
      if (addresses.some((a) => a.kind() === network.kind() && a.match(network, prefix)))
        score = full ? [5, 0] : [4, prefix];
    } else if (ipaddr.isValid(s))
      score = addresses.some((a) => a.toString() === ipaddr.process(s).toString()) ? [5, 0] : score;
    else score = s.toLowerCase() === host.name.toLowerCase() ? [6, 0] : score;
    if (compareKeys(score, best) < 0) best = score;
  }
  if (best[0] === 0 || entry.transport !== at.transport) return null;
  let scope: readonly number[];
  if (entry.scope === 'any') scope = [1, 0];
  else if (at.scope === 'unknown') scope = [0, 0];
  else if (entry.scope === at.scope) scope = [3, 0];
  else if (/[*?]/.test(entry.scope) && glob(entry.scope, '').test(at.scope)) scope = [2, literals(entry.scope)];
  else return null;
  const range = entry.ports.find((r) => at.port >= r.from && at.port <= r.to);
  return range ? [...best, ...scope, range.from - range.to] : null;
}

/** Higher first. */
function compareKeys(a: readonly number[], b: readonly number[]): number {
  for (const [i, x] of a.entries()) if (x !== b[i]) return (b[i] as number) - x;
  return 0;
}

test('the index answers as the rules do, tried pair by pair', () => {
  fc.assert(
    fc.property(
      anyEntries,
      anyHosts,
      fc.array(anyEndpoint, { minLength: 1, maxLength: 12 }),
      (entries, hosts, endpoints) => {
        const matcher = buildMatcher(entries, hosts);
        for (const endpoint of endpoints) {
          const host = hosts.find((h) => h.name.toLowerCase() === endpoint.host.toLowerCase()) ?? {
            name: endpoint.host,
            addresses: ipaddr.isValid(endpoint.host) ? [endpoint.host] : [],
            tags: [],
          };
          const want = entries
            .flatMap((entry) => {
              const key = naiveKey(entry, host, endpoint);
              return key ? [{ entry, key }] : [];
            })
            .sort((a, b) => compareKeys(a.key, b.key) || (a.entry.id < b.entry.id ? -1 : 1));
          const ids = want.map((w) => w.entry.id);
          assert.deepEqual(
            matcher.entriesFor(endpoint).map((c) => c.entry.id),
            ids,
          );
          const decision = matcher.decide(host, endpoint);
          assert.equal(decision?.entry.id, ids[0]);
          for (const { entry, namesHost } of matcher.entriesFor(endpoint))
            assert.equal(namesHost, (naiveKey(entry, host, endpoint)?.[0] ?? 0) >= 5);
          for (const entry of entries) {
            const specificity = specificityOf(entry, host, endpoint);
            assert.equal(specificity > 0, ids.includes(entry.id));
            if (decision && entry === decision.entry) assert.equal(specificity, decision.specificity);
          }
          for (const [i, x] of want.entries())
            for (const y of want.slice(i + 1))
              assert.equal(
                Math.sign(specificityOf(y.entry, host, endpoint) - specificityOf(x.entry, host, endpoint)) || 0,
                Math.sign(compareKeys(x.key, y.key)) || 0,
              );
        }
        for (const entry of entries)
          assert.deepEqual(
            matcher.hostsSelected(entry),
            hosts
              .filter((h) => selectsHost(entry, h))
              .map((h) => h.name)
              .sort(),
          );
      },
    ),
    { numRuns: 300 },
  );
});
