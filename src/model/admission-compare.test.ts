import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { entryOf } from '../../test/register-samples.ts';
import { bindScopeOf } from './address.ts';
import { type AddressSet, difference, has, isSubset, toCidrs } from './address-set.ts';
import { parseAddressSet } from './address-set-text.ts';
import type { AddressBounds, Admission, EndpointAdmission, RuleReference } from './admission.ts';
import { asSaid, compareAdmission, placeOfRule, reachesInternet, someClient } from './admission-compare.ts';
import { describeSources } from './describe-sources.ts';
import type { EndpointFacts, EstateFacts } from './facts.ts';
import { ALL_PORTS } from './observation.ts';
import type { Policy, Zone } from './register.ts';
import type { ListenerState } from './state.ts';
import { verdictOf } from './verdict.ts';

const HOUR_MS = 3_600_000;
const NOW = Date.UTC(2026, 10, 21, 12);
const endpoint = { host: 'db-1', scope: 'host', transport: 'tcp', port: 443 } as const;
const ZONES: readonly Zone[] = [
  { name: 'app', cidrs: ['10.20.4.0/24'] },
  { name: 'six', cidrs: ['fd00:20::/64'] },
];
const policy: Policy = {
  ...{ prohibited: [], allow: [], approvers: [], reviewEveryDays: 365, reviewEveryDaysByData: {}, dueSoonDays: 14 },
  ...{ exceptionMaxDays: 180, staleAfterHours: 24, silentAfterDays: 30, privilegedAllowed: [] },
};
const estate: EstateFacts = {
  now: NOW,
  register: {
    ...{ name: 'test', boundary: null, site: 'default', digest: '0', owners: [], zones: ZONES, hosts: [], policy },
    ...{ frameworks: [], entries: [], exceptions: [], problems: [], deviations: [] },
  },
  ...{ approvals: new Map(), hosts: [], endpointsByEntry: new Map(), hostsByEntry: new Map() },
};

const setOf = (texts: readonly string[]): AddressSet => parseAddressSet(texts).set;

const RULE: RuleReference = {
  ...{ id: 'r', layer: 'linux', chain: 'nft inet filter input', position: 4, handle: 14, text: 'limit rate 1/second' },
  ...{ at: { file: 'nft.json' }, origin: null, counter: null },
};

function admissionOf(admitted: AddressBounds, completes: AddressBounds = admitted): Admission {
  return {
    ...{ admitted, completes, deciding: [], witnesses: [], layers: [], paths: [], logged: setOf([]), assumptions: [] },
    undecided: [{ sources: admitted.upper, rule: RULE, reason: 'a rate depends on what came before' }],
  };
}

function listener(address: string): ListenerState {
  const families =
    address === '::' ? (['ipv4', 'ipv6'] as const) : ([address.includes(':') ? 'ipv6' : 'ipv4'] as const);
  return {
    ...{ vantage: 'local', open: true, restarts: 0, firstSeen: NOW, openSince: NOW, lastSeen: NOW, closedAt: null },
    listener: {
      ...endpoint,
      address,
      bind: bindScopeOf(address),
      families,
      role: 'service',
      process: null,
      sharedWith: [],
    },
  };
}

interface Case {
  readonly sources?: readonly string[] | null;
  /** Certain; and what is possible besides. */
  readonly can?: readonly string[];
  readonly perhaps?: readonly string[];
  readonly completes?: readonly string[];
  readonly on?: string;
  readonly hoursOld?: number;
  readonly doubts?: readonly string[];
  readonly withoutEntry?: true;
}

function factsOf(given: Case): EndpointFacts {
  const { sources = ['zone:app'], can, perhaps = [], completes, on = '::', hoursOld = 0, doubts } = given;
  const admission: EndpointAdmission | undefined = can && {
    ...{ takenAt: NOW - hoursOld * HOUR_MS, scope: 'host' },
    admission: admissionOf(
      { lower: setOf(can), upper: setOf([...can, ...perhaps]) },
      completes && { lower: setOf(completes), upper: setOf(completes) },
    ),
    ...(doubts && { doubts }),
  };
  return {
    endpoint,
    ...{ listeners: [listener(on)], closed: [], mayBeInBrokenPart: false },
    entries: given.withoutEntry
      ? []
      : [
          {
            entry: entryOf({ id: 'pg', sources: sources as string[] | null }),
            ...{ approval: { kind: 'proven', by: 'a@example.org', how: 'ssh-signature' }, hostConfirmed: true },
          },
        ],
    host: [
      {
        ...{ vantage: 'local', host: { name: 'db-1', addresses: ['10.20.3.5'], tags: [] }, firstObservedAt: NOW },
        ...{ lastObservedAt: NOW, privilege: 'root', collector: 'local', observationId: 'x', gaps: [] },
        coverage: [{ host: 'db-1', scope: '*', transports: ['tcp'], ports: ALL_PORTS, addresses: 'all' }],
      },
    ],
    ...(admission && { admission }),
  };
}

const compared: readonly (Case & {
  readonly name: string;
  readonly tooMany?: readonly string[];
  readonly undecided?: readonly string[];
  readonly blocked?: readonly string[];
})[] = [
  { name: 'exactly the approved', can: ['10.20.4.0/24'] },
  { name: 'more than approved', can: ['10.20.4.0/23'], tooMany: ['10.20.5.0/24'] },
  { name: 'fewer than approved', can: ['10.20.4.0/25'], blocked: ['10.20.4.128/25'] },
  { name: 'nobody is approved, and nobody can', sources: [], can: [] },
  { name: 'nobody is approved, and somebody can', sources: [], can: ['10.9.9.9'], tooMany: ['10.9.9.9/32'] },
  { name: 'perhaps more', can: ['10.20.4.0/24'], perhaps: ['10.20.6.0/24'], undecided: ['10.20.6.0/24'] },
  {
    name: 'some for certain, some perhaps',
    ...{ can: ['10.20.4.0/23'], perhaps: ['10.30.0.0/16'], tooMany: ['10.20.5.0/24'], undecided: ['10.30.0.0/16'] },
  },
  // Linux drops them whatever the filter says, so letting them in makes nothing wider.
  {
    name: 'loopback, multicast and its own address',
    can: ['10.20.4.0/24', '127.0.0.0/8', '224.0.0.0/4', '10.20.3.5', '::1'],
  },
  {
    name: 'among others they shorten the list',
    ...{ can: ['0.0.0.0/0'], sources: ['0.0.0.0/1'], tooMany: ['128.0.0.0/1'] },
  },
  // Approving everybody approves no source that no client has.
  {
    name: 'everybody is approved, and sources that do not exist are dropped',
    ...{
      sources: ['0.0.0.0/0'],
      can: ['0.0.0.0/0'],
      on: '0.0.0.0',
      completes: ['1.0.0.0/8', '2.0.0.0/7', '4.0.0.0/6'],
    },
    blocked: ['8.0.0.0/7', '10.0.0.0/12'],
  },
  { name: 'a family that it does not serve', sources: ['zone:app', 'zone:six'], can: ['10.20.4.0/24'], on: '0.0.0.0' },
  {
    name: 'a family that it serves',
    sources: ['zone:app', 'zone:six'],
    can: ['10.20.4.0/24'],
    blocked: ['fd00:20::/64'],
  },
  {
    name: 'let in, and no answer out',
    can: ['10.20.4.0/24'],
    completes: ['10.20.4.0/25'],
    blocked: ['10.20.4.128/25'],
  },
];
for (const { name, tooMany = [], undecided = [], blocked = [], ...given } of compared)
  test(`compared: ${name}`, () => {
    const standing = compareAdmission(factsOf(given), estate);
    assert.equal(standing.kind, 'compared');
    if (standing.kind !== 'compared') return;
    assert.deepEqual(toCidrs(standing.tooMany), tooMany);
    assert.deepEqual(toCidrs(standing.undecided), undecided);
    assert.deepEqual(toCidrs(standing.blocked).slice(0, Math.max(blocked.length, 1)), blocked);
  });

const AS_OF = 'by the packet filters as of 2026-11-21 12:00:00 UTC';
const verdicts: readonly (Case & { readonly name: string; readonly word: string; readonly reason: string })[] = [
  { name: 'no ruleset', word: 'UNDETERMINED', reason: 'matches the register; who can connect is not verified' },
  { name: 'on loopback', on: '127.0.0.1', word: 'CONFORMS', reason: 'loopback only (127.0.0.1), as registered' },
  {
    ...{ name: 'only the approved', can: ['10.20.4.0/25'], word: 'CONFORMS' },
    reason: `only approved sources can connect (10.20.4.0/25), ${AS_OF}`,
  },
  {
    ...{ name: 'nobody', sources: [], can: [], word: 'CONFORMS' },
    reason: `nobody from outside can connect, ${AS_OF}`,
  },
  {
    ...{ name: 'undecided', can: ['10.20.4.0/24'], perhaps: ['10.30.0.0/16'], word: 'UNDETERMINED' },
    reason:
      'matches the register; whether only approved sources can connect is undecided: a rate depends on what came before (inet filter input handle 14: limit rate 1/second)',
  },
  {
    ...{ name: 'not read whole', can: [], perhaps: ['0.0.0.0/0'], doubts: ['nft was not read whole: cut'] },
    ...{ word: 'UNDETERMINED' },
    reason: 'matches the register; whether only approved sources can connect is undecided: nft was not read whole: cut',
  },
  {
    ...{ name: 'wider, and no finding says so', can: ['10.30.0.0/16'], word: 'UNDETERMINED' },
    reason: 'matches the register; 10.30.0.0/16 can connect and is not approved',
  },
  {
    ...{ name: 'stale', can: ['10.20.4.0/24'], hoursOld: 25, word: 'UNDETERMINED' },
    reason:
      'matches the register; who can connect is not verified: the packet filters were last read at 2026-11-20 11:00:00 UTC, too long ago to speak of now',
  },
  {
    ...{ name: 'from the future', can: ['10.20.4.0/24'], hoursOld: -1, word: 'UNDETERMINED' },
    reason:
      'matches the register; who can connect is not verified: the packet filters were read at 2026-11-21 13:00:00 UTC, which is after now: a clock is wrong',
  },
  {
    ...{ name: 'sources not said', sources: null, can: ['10.20.4.0/24'], word: 'UNDETERMINED' },
    reason: `matches the register; pg does not say who may connect, and 10.20.4.0/24 can connect, ${AS_OF}`,
  },
  {
    ...{ name: 'unknown zone', sources: ['zone:gone'], can: ['10.20.4.0/24'], word: 'UNDETERMINED' },
    reason: `matches the register; who may connect by pg is not known (zone:gone), and 10.20.4.0/24 can connect, ${AS_OF}`,
  },
  {
    ...{ name: 'no entry', withoutEntry: true, can: [], word: 'UNDETERMINED' },
    reason: `reachable beyond loopback; nobody from outside can connect, ${AS_OF}`,
  },
];
for (const { name, word, reason, ...given } of verdicts)
  test(`verdict: ${name}`, () => {
    const verdict = verdictOf(factsOf(given), [], estate);
    assert.equal(verdict.word, word);
    assert.ok(verdict.reasons.includes(reason), verdict.reasons.join('\n'));
  });

test('it conforms beyond loopback only where nobody but approved sources can possibly connect', () => {
  const some = fc.subarray([
    '10.20.4.0/25',
    '10.20.4.128/25',
    '10.20.5.0/24',
    '10.30.0.0/16',
    'fd00:20::/64',
    '192.0.2.7',
  ]);
  let conforming = 0;
  fc.assert(
    fc.property(some, some, some, fc.constantFrom('::', '0.0.0.0', '10.20.3.5'), (sources, can, perhaps, on) => {
      const facts = factsOf({ sources, can, perhaps, on });
      const { word } = verdictOf(facts, [], estate);
      const isWithin = isSubset(setOf([...can, ...perhaps]), setOf(sources));
      assert.equal(word === 'CONFORMS', isWithin);
      if (isWithin) conforming++;
      const standing = compareAdmission(facts, estate);
      assert.equal(standing.kind, 'compared');
      if (standing.kind !== 'compared') return;
      // Three parts of what is let in: approved, certainly too many, perhaps too many.
      assert.ok(isSubset(standing.tooMany, setOf(can)));
      assert.ok(isSubset(standing.undecided, setOf(perhaps)));
      assert.ok(isSubset(standing.blocked, setOf(sources)));
    }),
    { numRuns: 500 },
  );
  assert.ok(conforming > 10);
});

test('an address that a host claims to have is one address', () => {
  const facts = factsOf({ can: ['0.0.0.0/0'] });
  const [state] = facts.host;
  assert.ok(state);
  const claims = { ...state, host: { ...state.host, addresses: ['0.0.0.0/0', '0.0.0.0-255.255.255.255'] } };
  const standing = compareAdmission({ ...facts, host: [claims] }, estate);
  assert.equal(standing.kind, 'compared');
  assert.ok(standing.kind === 'compared' && toCidrs(standing.tooMany).length > 0);
});

test('a witness is a client that may exist', () => {
  for (const [texts, expected] of [
    [['0.0.0.0/0'], true],
    [['127.0.0.0/8', '10.0.0.0/8'], true],
    [['127.0.0.0/8'], false],
  ] as const) {
    const source = someClient(setOf(texts));
    assert.ok(has(setOf(texts), source));
    assert.equal(!has(setOf(['127.0.0.0/8', '0.0.0.0/8', '224.0.0.0/3']), source), expected);
  }
});

test('what reaches the internet, and what does not', () => {
  for (const [texts, expected] of [
    [['10.0.0.0/8', '192.168.0.0/16', 'fd00::/8'], false],
    [['10.0.0.0/7'], true],
    [['0.0.0.0/0'], true],
    [['2001:db8::/32'], true],
    [['224.0.0.0/4', 'fe80::/10'], false],
    [[], false],
  ] as const)
    assert.equal(reachesInternet(setOf(texts)), expected, texts.join());
});

test('sources in words: few blocks, what is missing from a whole, zones that say it shorter', () => {
  for (const [texts, words] of [
    [[], 'nobody'],
    [['0.0.0.0/0', '::/0'], 'every address'],
    [['0.0.0.0/0'], 'every IPv4 address'],
    [['0.0.0.0/0', 'fd00:20::/64'], 'zone:six and every IPv4 address'],
    [['10.20.4.0/24', '10.20.9.17'], 'zone:app and 10.20.9.17'],
    [['10.20.0.0/16'], '10.20.0.0/16'],
    [['0.0.0.0/1', '128.0.0.0/2'], '0.0.0.0/1 and 128.0.0.0/2'],
    [['0.0.0.0-10.255.255.254', '11.0.0.0-255.255.255.255'], 'every IPv4 address but 10.255.255.255'],
    [['10.1.0.1', '10.1.0.3', '10.1.0.5', '10.1.0.7', '10.1.0.9'], '10.1.0.1, 10.1.0.3, 10.1.0.5, 10.1.0.7 and 1 more'],
  ] as const)
    assert.equal(describeSources(setOf(texts), ZONES), words);
});

test('where a rule is found on the host', () => {
  assert.equal(placeOfRule(RULE), 'inet filter input handle 14');
  assert.equal(placeOfRule({ ...RULE, chain: 'iptables filter INPUT', handle: null }), 'filter INPUT rule 4');
  assert.equal(placeOfRule({ ...RULE, handle: null, position: 0 }), 'policy of inet filter input');
});

test('a family that lacks only what no client has is said as a whole', () => {
  const cases: readonly [string, readonly string[], string][] = [
    ['all but loopback', ['0.0.0.0/0', '-127.0.0.0/8', '::/0', '-::1'], 'every address'],
    ['all but multicast and loopback', ['0.0.0.0/0', '-127.0.0.0/8', '-224.0.0.0/4'], 'every IPv4 address'],
    [
      'a client is missing',
      ['0.0.0.0/0', '-127.0.0.0/8', '-192.0.2.1'],
      'every IPv4 address but 127.0.0.0/8 and 192.0.2.1',
    ],
    ['some', ['10.0.0.0/8'], '10.0.0.0/8'],
    ['nobody', [], 'nobody'],
  ];
  for (const [name, texts, want] of cases) {
    const [without, all] = [true, false].map((no) =>
      setOf(texts.filter((t) => t.startsWith('-') === no).map((t) => t.replace('-', ''))),
    );
    assert.equal(describeSources(asSaid(difference(all as AddressSet, without as AddressSet))), want, name);
  }
});
