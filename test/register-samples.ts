import fc from 'fast-check';
import { type Endpoint, TRANSPORTS } from '../src/model/endpoint.ts';
import type { MatchHost } from '../src/model/host-selector.ts';
import { mergePorts } from '../src/model/port-ranges.ts';
import type { RegisterEntry } from '../src/model/register.ts';

/** A register entry for port 443/tcp of the host scope, with all that does not matter left empty. */
export function entryOf(fields: Partial<RegisterEntry> & Pick<RegisterEntry, 'id'>): RegisterEntry {
  return {
    service: null,
    purpose: null,
    workflow: null,
    owner: null,
    hosts: [],
    scope: 'host',
    workload: {},
    ports: [{ from: 443, to: 443 }],
    transport: 'tcp',
    bind: 'any',
    process: {},
    sources: null,
    data: [],
    encryption: null,
    auth: null,
    change: null,
    risk: null,
    approval: null,
    review: null,
    expires: null,
    evidence: [],
    digest: `sha256:${fields.id}`,
    at: { file: 'register/ports.yaml', line: 1, column: 1 },
    inheritedFrom: null,
    ...fields,
  };
}

/** A world so small that random entries, hosts and endpoints of it meet all the time. */
const NAMES = ['db-1', 'db-2', 'Web-1', '10.0.0.3'];
const ADDRESSES = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.1.1', 'fd00::1', 'fd00::2', '::ffff:10.0.0.2'];
const TAGS = ['a', 'b'];
const SELECTORS = [
  ...NAMES,
  ...ADDRESSES,
  ...TAGS.map((tag) => `tag:${tag}`),
  ...['10.0.0.0/30', '10.0.0.2/31', '10.0.0.1/32', '10.0.0.0/16', '0.0.0.0/0', 'fd00::/64', 'fd00::/16', '::/0'],
  ...['*', 'db-*', 'd*', '*-1', '??-1', '*b*', 'DB-?', 'web-1*'],
];
const SCOPES = ['host', 'any', 'container:web', 'container:*', 'container:w*', 'c*b'];

const anyRange = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 5 })).map(([from, more]) => ({
  from,
  to: from + more,
}));
const anyTransport = fc.constantFrom(...TRANSPORTS.slice(0, 2));

export const anyEntries: fc.Arbitrary<RegisterEntry[]> = fc
  .array(
    fc.record({
      hosts: fc.uniqueArray(fc.constantFrom(...SELECTORS), { maxLength: 3 }),
      scope: fc.constantFrom(...SCOPES),
      ports: fc.array(anyRange, { minLength: 1, maxLength: 2 }).map(mergePorts),
      transport: anyTransport,
    }),
    { maxLength: 14 },
  )
  .map((list) => list.map((fields, n) => entryOf({ id: `e${String(n).padStart(2, '0')}`, ...fields })));

export const anyHosts: fc.Arbitrary<MatchHost[]> = fc
  .tuple(
    fc.subarray(NAMES),
    fc.array(fc.tuple(fc.subarray(ADDRESSES, { maxLength: 3 }), fc.subarray(TAGS)), { minLength: 4, maxLength: 4 }),
  )
  .map(([names, rest]) =>
    names.map((name, n) => {
      const [addresses = [], tags = []] = rest[n] ?? [];
      return { name, addresses: name.startsWith('10.') ? [...addresses, name] : addresses, tags };
    }),
  );

export const anyEndpoint: fc.Arbitrary<Endpoint> = fc.record({
  host: fc.constantFrom(...NAMES, 'DB-1', 'web-1', 'web-11'),
  scope: fc.constantFrom('host', 'container:web', 'container:xb', 'netns:blue', 'unknown'),
  transport: anyTransport,
  port: fc.integer({ min: 0, max: 18 }),
});
