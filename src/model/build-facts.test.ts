import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyEndpoint, anyEntries, anyHosts, entryOf } from '../../test/register-samples.ts';
import { buildFacts } from './build-facts.ts';
import { type Endpoint, endpointKey } from './endpoint.ts';
import { buildMatcher } from './match.ts';
import type { HostFacts } from './observation.ts';
import type { Register, RegisterEntry, RegisterProblem } from './register.ts';
import type { HostState, ListenerState } from './state.ts';

const at = { file: 'register/ports.yaml', line: 1, column: 1 };

function registerOf(fields: Partial<Register>): Register {
  return {
    name: 'r',
    boundary: null,
    site: 's',
    digest: 'd',
    owners: [],
    zones: [],
    hosts: [],
    policy: {} as Register['policy'],
    frameworks: [],
    entries: [],
    exceptions: [],
    problems: [],
    deviations: [],
    ...fields,
  };
}

function hostState(host: Partial<HostFacts> & { name: string }, fields: Partial<HostState> = {}): HostState {
  return {
    vantage: 'local',
    host: { addresses: [], tags: [], ...host },
    firstObservedAt: 10,
    lastObservedAt: 20,
    privilege: 'root',
    collector: 'local',
    observationId: 'o',
    coverage: [],
    gaps: [],
    ...fields,
  };
}

function state(endpoint: Endpoint, fields: Partial<ListenerState> & { address?: string } = {}): ListenerState {
  const { address = '0.0.0.0', ...rest } = fields;
  return {
    vantage: 'local',
    listener: { ...endpoint, address, bind: 'any', families: ['ipv4'], role: 'service', process: null, sharedWith: [] },
    open: true,
    firstSeen: 10,
    openSince: 10,
    lastSeen: 20,
    closedAt: null,
    restarts: 0,
    ...rest,
  };
}

function endpointOf(host: string, port = 443): Endpoint {
  return { host, scope: 'host', transport: 'tcp', port };
}

function factsOf(
  register: Partial<Register>,
  hosts: readonly HostState[],
  listeners: readonly ListenerState[],
  also: readonly Endpoint[] = [],
) {
  return buildFacts({ now: 100, register: registerOf(register), approvals: new Map(), hosts, listeners, also });
}

test('listeners of one endpoint are one, closed ones apart; only closed ones are under their entries', () => {
  const facts = factsOf(
    { entries: [entryOf({ id: 'web', hosts: ['web-1'] })] },
    [hostState({ name: 'web-1' })],
    [
      state(endpointOf('web-1'), { address: '::1' }),
      state(endpointOf('web-1'), { address: '10.0.0.1' }),
      state(endpointOf('web-1'), { address: '10.0.0.2', open: false }),
      state({ ...endpointOf('web-1'), scope: 'container:x' }),
      state(endpointOf('WEB-1'), { open: false }),
    ],
  );
  assert.deepEqual(
    facts.endpoints.map((e) => [endpointKey(e.endpoint), e.listeners.map((l) => l.listener.address), e.closed.length]),
    [
      ['web-1:443/tcp', ['10.0.0.1', '::1'], 1],
      ['web-1:443/tcp@container:x', ['0.0.0.0'], 0],
    ],
  );
  const covered = facts.estate.endpointsByEntry.get('web') ?? [];
  assert.deepEqual(
    covered.map((e) => [endpointKey(e.endpoint), e.listeners.length, e.closed.length]),
    [
      ['WEB-1:443/tcp', 0, 1],
      ['web-1:443/tcp', 2, 1],
    ],
  );
  assert.deepEqual(facts.endpoints[0]?.entries[0]?.approval.kind, 'unknown');
});

test('an endpoint that is asked for is answered for, whether anything listens there or not', () => {
  const entries = [entryOf({ id: 'web', hosts: ['*'] })];
  const asked = [endpointOf('web-1'), endpointOf('web-1', 80)];
  const facts = factsOf({ entries }, [], [state(endpointOf('web-1'))], asked);
  assert.deepEqual(
    facts.endpoints.map((e) => [e.endpoint.port, e.listeners.length, e.entries.length]),
    [
      [80, 0, 0],
      [443, 1, 1],
    ],
  );
  assert.equal(facts.estate.endpointsByEntry.get('web')?.length, 1);
});

test('what quietdoor.yaml says of a host adds to what was observed', () => {
  const declared = [
    { name: 'web-1', addresses: ['10.0.0.1'], tags: ['shop'] },
    { name: 'only-declared', addresses: [], tags: ['shop'] },
  ];
  const entries = [
    entryOf({ id: 'a', hosts: ['10.0.0.1'] }),
    entryOf({ id: 'b', hosts: ['10.0.0.2'] }),
    entryOf({ id: 'c', hosts: ['tag:shop'] }),
    entryOf({ id: 'd', hosts: ['nowhere'] }),
  ];
  const observed = [
    hostState({ name: 'Web-1', addresses: ['10.0.0.2'] }),
    hostState({ name: 'Web-1' }, { vantage: 'a-scanner' }),
  ];
  const facts = factsOf({ entries, hosts: declared }, observed, [state(endpointOf('Web-1'))]);
  assert.deepEqual(
    facts.endpoints[0]?.entries.map((m) => m.entry.id),
    ['a', 'b', 'c'],
  );
  assert.deepEqual(
    [...facts.estate.hostsByEntry],
    [
      ['a', ['Web-1']],
      ['b', ['Web-1']],
      ['c', ['Web-1']],
      ['d', []],
    ],
  );
  assert.deepEqual(
    facts.endpoints[0]?.host.map((h) => h.vantage),
    ['a-scanner', 'local'],
  );
});

test('a host is confirmed if it was named, stamped, or there when the approval was given', () => {
  const stamp = (hosts?: string[]): RegisterEntry['approval'] => ({ by: 'a', at: 50, ...(hosts ? { hosts } : {}) });
  const old = hostState({ name: 'web-1', addresses: ['10.0.0.1'] }, { firstObservedAt: 50 });
  const fresh = hostState({ name: 'web-1', addresses: ['10.0.0.1'] }, { firstObservedAt: 51 });
  const cases: readonly [hosts: string, approval: RegisterEntry['approval'], host: HostState[], confirmed: boolean][] =
    [
      ['web-1', stamp(['other']), [fresh], true],
      ['WEB-1', null, [fresh], true],
      ['10.0.0.1', stamp(), [fresh], true],
      ['web-*', stamp(['Web-1']), [fresh], true],
      ['web-*', stamp(['web-2']), [old], false],
      ['web-*', stamp([]), [old], false],
      ['web-*', stamp(), [old], true],
      ['web-*', stamp(), [fresh], false],
      ['web-*', stamp(), [{ ...fresh, vantage: 'x' }, old], true],
      ['web-*', stamp(), [], false],
      ['10.0.0.0/8', stamp(), [fresh], false],
      ['*', null, [old], false],
    ];
  for (const [selector, approval, hosts, confirmed] of cases) {
    const entries = [entryOf({ id: 'e', hosts: [selector], approval })];
    const facts = factsOf({ entries }, hosts, [state(endpointOf('web-1'))]);
    assert.equal(facts.endpoints[0]?.entries[0]?.hostConfirmed, confirmed, `${selector} ${JSON.stringify(approval)}`);
  }
});

test('an endpoint that a broken part of the register may be about is marked', () => {
  const problem = (fields: Partial<RegisterProblem>): RegisterProblem => ({
    severity: 'error',
    code: 'bad',
    message: 'm',
    at,
    ...fields,
  });
  const ports = [{ from: 440, to: 450 }];
  const cases: readonly [problems: RegisterProblem[], marked: boolean][] = [
    [[], false],
    [[problem({})], false],
    [[problem({ mightCover: 'anything' })], true],
    [[problem({ severity: 'warning', mightCover: 'anything' })], false],
    [[problem({ mightCover: { transport: 'tcp', ports } })], true],
    [[problem({ mightCover: { transport: 'udp', ports } })], false],
    [[problem({ mightCover: { transport: null, ports } })], true],
    [[problem({ mightCover: { transport: 'tcp', ports: [{ from: 1, to: 9 }] } })], false],
  ];
  for (const [problems, marked] of cases) {
    const facts = factsOf({ problems }, [], [state(endpointOf('web-1'))]);
    assert.equal(facts.endpoints[0]?.mayBeInBrokenPart, marked, JSON.stringify(problems));
  }
});

test('every listener is in exactly one place, under the entries that cover it, in any order of the input', () => {
  const anyState = fc.tuple(anyEndpoint, fc.boolean(), fc.constantFrom('0.0.0.0', '::', '10.0.0.1'));
  fc.assert(
    fc.property(anyEntries, anyHosts, fc.array(anyState, { maxLength: 20 }), (entries, hosts, list) => {
      const listeners = list.map(([endpoint, open, address], n) =>
        state(endpoint, { open, address, vantage: `v${n}` }),
      );
      const hostStates = hosts.map((host) => hostState(host));
      const facts = factsOf({ entries }, hostStates, listeners);
      const matcher = buildMatcher(entries, hosts);
      assert.deepEqual(
        facts.endpoints.map((e) => endpointKey(e.endpoint)).sort(),
        [...new Set(listeners.filter((l) => l.open).map((l) => endpointKey(l.listener)))].sort(),
      );
      for (const e of facts.endpoints) {
        const own = listeners.filter((l) => endpointKey(l.listener) === endpointKey(e.endpoint));
        assert.deepEqual(new Set([...e.listeners, ...e.closed]), new Set(own));
        assert.deepEqual(
          e.entries.map((m) => m.entry),
          matcher.entriesFor(e.endpoint).map((c) => c.entry),
        );
      }
      for (const entry of entries)
        assert.deepEqual(
          (facts.estate.endpointsByEntry.get(entry.id) ?? []).map((e) => endpointKey(e.endpoint)).sort(),
          [
            ...new Set(
              listeners
                .map((l) => l.listener)
                .filter((l) => matcher.entriesFor(l).some((c) => c.entry === entry))
                .map(endpointKey),
            ),
          ].sort(),
        );
      assert.deepEqual(factsOf({ entries }, hostStates, listeners.toReversed()).endpoints, facts.endpoints);
    }),
  );
});
