import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryOf } from '../../test/register-samples.ts';
import { formatAddress, PRIVATE_BLOCKS } from '../model/address.ts';
import { toCidrs } from '../model/address-set.ts';
import { toText } from '../model/address-set-text.ts';
import { formatPorts } from '../model/port-ranges.ts';
import type { ApprovalState, Register, RegisterEntry } from '../model/register.ts';
import { type AccessPlan, approvedAccess } from './access.ts';

const NOW = Date.UTC(2026, 0, 1);
const HOST = { name: 'db-1', addresses: ['10.0.0.5', '2001:db8::5'], tags: ['db'] };

function registerOf(entries: readonly RegisterEntry[]): Register {
  return {
    ...{ name: 'test', boundary: null, site: 'default', digest: 'sha256:0', owners: [], hosts: [] },
    zones: [{ name: 'app', cidrs: ['10.1.0.0/16', 'fd01::/16'] }],
    policy: {
      ...{ prohibited: [], allow: [], approvers: [], reviewEveryDays: 365, reviewEveryDaysByData: {}, dueSoonDays: 30 },
      ...{ exceptionMaxDays: 365, staleAfterHours: 24, silentAfterDays: 30, privilegedAllowed: [] },
    },
    ...{ frameworks: [], exceptions: [], problems: [], deviations: [], entries },
  };
}

type Fields = Partial<RegisterEntry> & { readonly id: string };
const PROVEN: ApprovalState = { kind: 'proven', by: 'a@example.org', how: 'ssh-signature' };

function plan(
  entries: readonly Fields[],
  options: { readonly states?: Record<string, ApprovalState>; readonly include?: 'proven' | 'claimed' } = {},
): AccessPlan {
  const list = entries.map((fields) => entryOf({ hosts: ['db-1'], sources: ['10.9.0.1'], ...fields }));
  const approvals = new Map(list.map((entry) => [entry.id, options.states?.[entry.id] ?? PROVEN]));
  return approvedAccess({
    ...{ register: registerOf(list), approvals, now: NOW, hosts: [], host: HOST },
    include: options.include ?? 'proven',
  });
}

/** Every access as a line. */
function shown({ access }: AccessPlan): string[] {
  return access.map((a) => {
    const at = a.within ? 'private' : (a.addresses?.map(formatAddress).join() ?? 'any');
    return `${a.entry} ${a.scope} ${a.transport} ${formatPorts(a.ports)} at ${at} from ${toText(a.sources) || 'nobody'}`;
  });
}

const cases: ReadonlyArray<readonly [what: string, entries: readonly Fields[], access: string[], leftOut: string[]]> = [
  [
    'sources and zones',
    [{ id: 'a', sources: ['zone:app', '10.9.0.1'] }],
    ['a host tcp 443 at any from 10.1.0.0/16, 10.9.0.1, fd01::/16'],
    [],
  ],
  ['nobody', [{ id: 'a', sources: [] }], ['a host tcp 443 at any from nobody'], []],
  ['entries of other hosts', [{ id: 'a', hosts: ['db-2'] }], [], []],
  [
    'by address, block and tag',
    [
      { id: 'a', hosts: ['10.0.0.5'], ports: [{ from: 1, to: 1 }] },
      { id: 'b', hosts: ['10.0.0.0/24'], ports: [{ from: 2, to: 2 }] },
      { id: 'c', hosts: ['tag:web'], ports: [{ from: 3, to: 3 }] },
    ],
    ['a host tcp 1 at any from 10.9.0.1'],
    ['b: its approval awaits confirmation for this host'],
  ],
  [
    'binds',
    [
      { id: 'a', bind: 'loopback', ports: [{ from: 1, to: 1 }] },
      { id: 'b', bind: 'private', ports: [{ from: 2, to: 2 }] },
      { id: 'c', bind: 'public', ports: [{ from: 3, to: 3 }] },
      { id: 'd', bind: '10.0.0.5', ports: [{ from: 4, to: 4 }] },
      { id: 'e', bind: '::', ports: [{ from: 5, to: 5 }] },
      { id: 'f', bind: '127.0.0.53', ports: [{ from: 6, to: 6 }] },
    ],
    [
      'b host tcp 2 at private from 10.9.0.1',
      'c host tcp 3 at any from 10.9.0.1',
      'd host tcp 4 at 10.0.0.5 from 10.9.0.1',
      'e host tcp 5 at any from 10.9.0.1',
    ],
    [
      'a: it binds to loopback, which no rule keeps from the host itself',
      'f: it binds to loopback, which no rule keeps from the host itself',
    ],
  ],
  [
    'expired',
    [
      { id: 'a', expires: NOW },
      { id: 'b', expires: NOW + 1, ports: [{ from: 1, to: 1 }] },
    ],
    ['b host tcp 1 at any from 10.9.0.1'],
    ['a: its approval has expired'],
  ],
  [
    'ports, ranges, transports and scopes',
    [
      {
        id: 'a',
        ports: [
          { from: 1, to: 1 },
          { from: 5, to: 9 },
        ],
      },
      { id: 'b', transport: 'udp', ports: [{ from: 1, to: 1 }] },
      { id: 'c', scope: 'any', transport: 'sctp' },
      { id: 'd', scope: 'container:web' },
      { id: 'e', scope: 'pod:orders/api-*' },
    ],
    [
      'a host tcp 1, 5-9 at any from 10.9.0.1',
      'b host udp 1 at any from 10.9.0.1',
      'c any sctp 443 at any from 10.9.0.1',
      'd container:web tcp 443 at any from 10.9.0.1',
      'e pod:orders/api-* tcp 443 at any from 10.9.0.1',
    ],
    [],
  ],
  [
    'the entry that decides',
    [
      { id: 'narrow', ports: [{ from: 22, to: 22 }], sources: ['10.9.0.9'] },
      { id: 'range', ports: [{ from: 20, to: 30 }] },
    ],
    ['narrow host tcp 22 at any from 10.9.0.9', 'range host tcp 20-21, 23-30 at any from 10.9.0.1'],
    [],
  ],
  [
    'an entry that decides nothing',
    [
      { id: 'one', ports: [{ from: 22, to: 22 }] },
      { id: 'two', ports: [{ from: 22, to: 22 }] },
    ],
    ['one host tcp 22 at any from 10.9.0.1'],
    ['two: more specific entries decide all of its ports here'],
  ],
];

for (const [what, entries, access, leftOut] of cases)
  test(`approved access: ${what}`, () => {
    const result = plan(entries);
    assert.deepEqual(shown(result), access);
    assert.deepEqual(
      result.leftOut.map(({ entry, reason }) => `${entry}: ${reason}`),
      leftOut,
    );
    assert.deepEqual(result.cannot, []);
  });

const states: ReadonlyArray<readonly [state: ApprovalState, reason: string]> = [
  [{ kind: 'draft' }, 'it is a draft'],
  [{ kind: 'claimed', reason: 'no signature' }, 'its approval is only claimed: no signature'],
  [{ kind: 'void', approved: 'sha256:1' }, 'it changed after it was approved'],
  [{ kind: 'self-approved', by: 'x' }, 'x approved it and changed it'],
  [{ kind: 'not-allowed', by: 'x', reason: 'no approver' }, 'x may not approve it: no approver'],
  [{ kind: 'forged', reason: 'wrong key' }, 'the proof of its approval is wrong: wrong key'],
  [{ kind: 'unknown', reason: 'no history' }, 'whether it is approved is not known: no history'],
];

for (const [state, reason] of states)
  test(`an entry that is ${state.kind} closes its port, also where a wider one covers it`, () => {
    const entries = [
      { id: 'narrow', ports: [{ from: 22, to: 22 }] },
      { id: 'wide', ports: [{ from: 20, to: 23 }] },
    ];
    const result = plan(entries, { states: { narrow: state } });
    assert.deepEqual(shown(result), ['wide host tcp 20-21, 23 at any from 10.9.0.1']);
    assert.deepEqual(result.leftOut, [{ entry: 'narrow', scope: 'host', reason }]);
    const included = plan(entries, { states: { narrow: state }, include: 'claimed' });
    const counts = state.kind === 'claimed';
    assert.deepEqual(included.claimed, counts ? ['narrow'] : []);
    assert.equal(
      included.access.some((a) => a.entry === 'narrow'),
      counts,
    );
  });

test('what is approved and cannot be said as rules stops them', () => {
  const result = plan([
    { id: 'a', sources: null },
    { id: 'b', sources: ['zone:gone'], ports: [{ from: 1, to: 1 }] },
    { id: 'c', sources: null, expires: NOW, ports: [{ from: 2, to: 2 }] },
  ]);
  assert.deepEqual(result.cannot, [
    'Entry a does not say who may connect: give it "sources".',
    'Entry b names sources that cannot be read: zone:gone.',
  ]);
  assert.deepEqual(result.leftOut, [{ entry: 'c', scope: 'host', reason: 'its approval has expired' }]);
});

test('bind: private means the private blocks, whatever the addresses are just now', () => {
  const { access } = plan([{ id: 'a', bind: 'private' }]);
  const within = access[0]?.within;
  assert.ok(within);
  assert.deepEqual(new Set(toCidrs(within)), new Set(PRIVATE_BLOCKS));
});

test('a register with thousands of entries for one host is answered at once', () => {
  const entries = Array.from({ length: 5000 }, (_, n) => ({
    id: `e${String(n).padStart(5, '0')}`,
    ports: [{ from: n + 1, to: n + 3 }],
  }));
  const started = process.hrtime.bigint();
  assert.equal(plan(entries).access.length, 5000);
  assert.ok(Number(process.hrtime.bigint() - started) / 1e9 < 5);
});
