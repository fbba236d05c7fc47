import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { BindScope, Listener, ProcessFacts } from '../model/listener.ts';
import type { Register } from '../model/register.ts';
import type { HostState, ListenerState } from '../model/state.ts';
import { draftEntries, type EntryDraft } from './draft.ts';
import { renderDrafts } from './draft-file.ts';
import { patternOfExe, patternOfScope, patternOfUnit } from './draft-patterns.ts';
import { parseRegisterFile } from './load-register.ts';

const SEEN = Date.UTC(2026, 10, 20, 8);
const NOW = Date.UTC(2026, 10, 21);

const SSHD: ProcessFacts = {
  pid: 700,
  name: 'sshd',
  exe: '/usr/sbin/sshd',
  user: 'root',
  unit: 'ssh.service',
  commandLine: 'sshd -D --token=hunter2',
  package: { manager: 'dpkg', name: 'openssh-server', version: '1:9.2p1-2' },
};

function listening(host: string, port: number, over: Partial<Listener> = {}): ListenerState {
  const address = over.address ?? '0.0.0.0';
  const reach: Record<string, BindScope> = { '0.0.0.0': 'any', '::': 'any', '127.0.0.1': 'loopback' };
  const listener: Listener = {
    host,
    scope: 'host',
    transport: 'tcp',
    port,
    address,
    bind: reach[address] ?? 'private',
    families: ['ipv4'],
    role: 'service',
    process: null,
    sharedWith: [],
    ...over,
  };
  return {
    vantage: 'local',
    listener,
    open: true,
    firstSeen: SEEN,
    openSince: SEEN,
    lastSeen: NOW,
    closedAt: null,
    restarts: 0,
  };
}

function hostState(name: string): HostState {
  return {
    vantage: 'local',
    host: { name, addresses: [], tags: [] },
    firstObservedAt: SEEN,
    lastObservedAt: NOW,
    privilege: 'root',
    collector: 'local',
    observationId: '0',
    coverage: [],
    gaps: [],
  };
}

const EMPTY = { entries: [], hosts: [] } as unknown as Register;

function draft(
  listeners: readonly ListenerState[],
  over: { register?: Register; includeEphemeral?: boolean; owners?: ReadonlyMap<string, string> } = {},
) {
  const hosts = [...new Set(listeners.map((l) => l.listener.host))].map(hostState);
  return draftEntries({ listeners, hosts, register: EMPTY, now: NOW, ...over });
}

function registerOf(text: string): Register {
  const { entries, problems } = parseRegisterFile(text, 'register/drafts.yaml', {
    zones: [],
    brokenZones: [],
    inheritedFrom: null,
  });
  assert.deepEqual(
    problems.filter((p) => p.severity === 'error'),
    [],
  );
  return { ...EMPTY, entries };
}

test('one service on 200 hosts is one draft', () => {
  const hosts = Array.from({ length: 200 }, (_, i) => `web-${String(i).padStart(3, '0')}`);
  const drafts = draft(hosts.map((h) => listening(h, 22, { process: SSHD })));
  assert.equal(drafts.length, 1);
  const only = drafts[0] as EntryDraft;
  assert.deepEqual(
    { ...only, hosts: only.hosts.length, evidence: only.evidence.length > 2 },
    {
      id: 'sshd',
      service: 'ssh',
      owner: null,
      hosts: 200,
      scope: 'host',
      ports: [{ from: 22, to: 22 }],
      transport: 'tcp',
      bind: 'any',
      process: { exe: '/usr/sbin/sshd', user: 'root', unit: 'ssh.service', package: 'openssh-server' },
      sources: null,
      evidence: true,
      endpoints: 200,
      joins: false,
    },
  );
  assert.equal(
    only.evidence[0],
    'web-000: /usr/sbin/sshd of user root listens on 0.0.0.0 port 22/tcp, unit ssh.service, package openssh-server 1:9.2p1-2; first seen 2026-11-20.',
  );
  assert.ok(only.evidence.includes('Service ssh: port and process agree.'));
  assert.doesNotMatch(only.evidence.join('\n'), /hunter2/);
});

const proc = (pid: number, exe: string, more: Partial<ProcessFacts> = {}): ProcessFacts => ({
  pid,
  exe,
  user: 'app',
  ...more,
});

const cases: { name: string; listeners: ListenerState[]; want: string[] }[] = [
  {
    name: 'one process with a run of ports',
    listeners: Array.from({ length: 10 }, (_, i) => listening('a', 8001 + i, { process: proc(9, '/opt/app/serverd') })),
    want: ['serverd any 8001-8010 a'],
  },
  {
    name: 'two interpreters are two services, one interpreter is one',
    listeners: [
      listening('a', 8001, { process: proc(10, '/usr/bin/python3.11') }),
      listening('a', 8002, { process: proc(10, '/usr/bin/python3.11') }),
      listening('a', 9001, { process: proc(11, '/usr/bin/python3.11') }),
    ],
    want: ['python3.11-8001 any 8001-8002 a', 'python3.11-9001 any 9001 a'],
  },
  {
    name: 'docker-proxy: each port is its own',
    listeners: [80, 443].map((p) => listening('a', p, { process: proc(p, '/usr/bin/docker-proxy') })),
    want: ['http any 80 a', 'https any 443 a'],
  },
  {
    name: 'what only the host reaches is apart from what others reach',
    listeners: [
      listening('a', 5432, { process: proc(5, '/usr/lib/postgresql/15/bin/postgres') }),
      listening('b', 5432, { address: '127.0.0.1', process: proc(5, '/usr/lib/postgresql/15/bin/postgres') }),
    ],
    want: ['postgres-5432-a any 5432 a', 'postgres-5432-b loopback 5432 b'],
  },
  {
    name: 'versions of one program on several hosts are one entry',
    listeners: [
      listening('a', 5432, {
        process: proc(5, '/usr/lib/postgresql/15/bin/postgres', { unit: 'postgresql@15-main.service' }),
      }),
      listening('b', 5432, {
        process: proc(6, '/usr/lib/postgresql/16/bin/postgres', { unit: 'postgresql@16-main.service' }),
      }),
    ],
    want: ['postgres any 5432 a,b'],
  },
  {
    name: 'several addresses of an endpoint are one, the widest counts',
    listeners: ['127.0.0.1', '10.0.0.1', '::'].map((address) =>
      listening('a', 53, { address, process: proc(3, '/usr/sbin/named') }),
    ),
    want: ['named any 53 a'],
  },
  {
    name: 'replicas of a container are one entry',
    listeners: [1, 2, 3].map((n) =>
      listening('a', 8080, { scope: `container:shop-web-${n}`, process: proc(n, '/usr/sbin/nginx') }),
    ),
    want: ['nginx any 8080 a @container:shop-web-*'],
  },
  {
    name: 'processes that were not visible',
    listeners: [listening('a', 6379), listening('a', 47_001)],
    want: ['redis any 6379 a', 'tcp-47001 any 47001 a'],
  },
  {
    name: 'a scan from outside says nothing new about what the host itself shows',
    listeners: [
      listening('a', 22, { process: SSHD }),
      { ...listening('a', 22, { scope: 'unknown', address: '10.0.0.1' }), vantage: 'scanner' },
      { ...listening('b', 80, { scope: 'unknown', address: '10.0.0.2' }), vantage: 'scanner' },
    ],
    want: ['http private 80 b @any', 'sshd any 22 a'],
  },
  {
    name: 'ephemeral, closed, and port 0 are not drafted',
    listeners: [
      listening('a', 40_000, { transport: 'udp', role: 'ephemeral' }),
      { ...listening('a', 81), open: false },
      listening('a', 0, { transport: 'udp' }),
    ],
    want: [],
  },
  {
    name: 'socket activation: the service behind systemd names it',
    listeners: [
      listening('a', 631, {
        process: { pid: 1, name: 'systemd', exe: '/usr/lib/systemd/systemd', user: 'root' },
        sharedWith: [proc(77, '/usr/sbin/cupsd')],
      }),
    ],
    want: ['cupsd any 631 a'],
  },
];
for (const c of cases) {
  test(`draft: ${c.name}`, () => {
    const got = draft(c.listeners).map((d) => {
      const ports = d.ports.map((r) => (r.from === r.to ? r.from : `${r.from}-${r.to}`)).join(',');
      return `${d.id} ${d.bind} ${ports} ${d.hosts.join(',')}${d.scope === 'host' ? '' : ` @${d.scope}`}`;
    });
    assert.deepEqual(got, c.want);
  });
}

test('a run of ports is no service because its first port is the usual one of something', () => {
  const python = proc(10, '/usr/bin/python3.11');
  const [d] = draft([10_250, 10_251, 10_252].map((port) => listening('a', port, { process: python })));
  assert.deepEqual([d?.id, d?.service], ['python3.11-10250', null]);
  assert.deepEqual(d?.evidence, [
    'a: /usr/bin/python3.11 of user app listens on 0.0.0.0 port 10250-10252/tcp; first seen 2026-11-20.',
    'Neither port nor process says which service it is.',
  ]);
});

test('ephemeral sockets are drafted when asked for; loopback needs no sources; the owner comes from the asset list', () => {
  const udp = listening('a', 40_000, { transport: 'udp', role: 'ephemeral' });
  assert.equal(draft([udp], { includeEphemeral: true }).length, 1);
  const owners = new Map([
    ['a', 'team-a'],
    ['b', 'team-b'],
  ]);
  const [local] = draft([listening('a', 6379, { address: '127.0.0.1' })], { owners });
  assert.deepEqual([local?.sources, local?.owner], [[], 'team-a']);
  const [both] = draft([listening('a', 22, { process: SSHD }), listening('b', 22, { process: SSHD })], { owners });
  assert.equal(both?.owner, null);
  assert.equal(both?.evidence.at(-1), 'Owners by the inventory: team-a of 1 host and team-b of 1 host.');
  const [some] = draft([listening('a', 22, { process: SSHD }), listening('c', 22, { process: SSHD })], { owners });
  assert.equal(some?.evidence.at(-1), 'Owners by the inventory: team-a of 1 host and nobody of 1 host.');
});

test('evidence replaces control characters and is bounded', () => {
  const [d] = draft([
    listening('a', 4000, { process: { pid: 3, name: 'x\n\u001b[31m\u202e', exe: `/opt/${'y'.repeat(5000)}` } }),
  ]);
  for (const line of d?.evidence ?? []) {
    assert.doesNotMatch(line, /[\p{Cc}\u202e]/u);
    assert.ok(line.length < 450);
  }
});

test('patterns', () => {
  const table: [(text: string) => string | null, string, string | null][] = [
    [patternOfExe, '/usr/lib/postgresql/15/bin/postgres', '/usr/lib/postgresql/*/bin/postgres'],
    [patternOfExe, '/snap/lxd/24322/bin/lxd', '/snap/lxd/*/bin/lxd'],
    [patternOfExe, '/usr/bin/python3.11', '/usr/bin/python3.11'],
    [patternOfExe, '/opt/2048', '/opt/2048'],
    [patternOfUnit, 'postgresql@15-main.service', 'postgresql@*.service'],
    [patternOfUnit, 'ssh.service', 'ssh.service'],
    [patternOfUnit, 'session-3.scope', null],
    [patternOfUnit, 'user@1000.service', null],
    [patternOfScope, 'pod:shop/web-7d4b9c6f5d-x2x9k', 'pod:shop/web-*'],
    [patternOfScope, 'pod:shop/db-0', 'pod:shop/db-*'],
    [patternOfScope, 'pod:shop/proxy', 'pod:shop/proxy'],
    [patternOfScope, 'container:orders_web_1', 'container:orders_web_*'],
    [patternOfScope, 'container:orders', 'container:orders'],
    [patternOfScope, 'netns:blue', 'netns:blue'],
    [patternOfScope, 'unknown', 'any'],
  ];
  for (const [f, input, want] of table) assert.equal(f(input), want, input);
});

test('the file for a person to fill in', () => {
  const drafts = draft([
    listening('db-1', 5432, {
      address: '10.0.0.4',
      process: proc(5, '/usr/lib/postgresql/15/bin/postgres', { user: 'postgres' }),
    }),
    listening('db-1', 6379, { address: '127.0.0.1' }),
  ]);
  assert.equal(
    renderDrafts(drafts, null).replace(/^(#.*\n)+/, ''),
    `ports:
  - id: postgres
    service: postgresql
    purpose: # why the port is open, in a sentence
    owner: # a name under owners: of quietdoor.yaml
    hosts: [db-1]
    port: 5432
    transport: tcp
    bind: private
    process: { exe: /usr/lib/postgresql/*/bin/postgres, user: postgres }
    sources: # who may connect: [zone:NAME, 10.0.0.0/8]; [] = nobody from outside the host
    evidence:
      - "db-1: /usr/lib/postgresql/15/bin/postgres of user postgres listens on 10.0.0.4 port 5432/tcp; first seen 2026-11-20."
      - "Service postgresql: port and process agree."

  - id: redis
    service: redis
    purpose: # why the port is open, in a sentence
    owner: # a name under owners: of quietdoor.yaml
    hosts: [db-1]
    port: 6379
    transport: tcp
    bind: loopback
    sources: []
    evidence:
      - "db-1: a process that was not visible listens on 127.0.0.1 port 6379/tcp; first seen 2026-11-20."
      - "Service redis is a guess from the port alone; the process was not visible."
`,
  );
});

test('a host that is seen later joins the draft of the same service, until somebody took responsibility for it', () => {
  const first = renderDrafts(draft([listening('a', 22, { process: SSHD })]), null);
  const mine = first.replace('purpose: # why', 'purpose: Administration # why');
  const both = [listening('a', 22, { process: SSHD }), listening('b', 22, { process: SSHD })];
  const later = draft(both, { register: registerOf(mine) });
  assert.deepEqual(
    later.map((d) => [d.id, d.hosts, d.joins]),
    [['sshd', ['b'], true]],
  );
  const text = renderDrafts(later, mine);
  assert.equal(text, mine.replace('hosts: [a]', 'hosts: [a, b]'));
  assert.deepEqual(draft(both, { register: registerOf(text) }), []);
  for (const [from, to, want] of [
    ['hosts: [a]', 'hosts: a # one', 'hosts: [a, b] # one'],
    ['hosts: [a]', 'hosts:\n      - a # one', 'hosts:\n      - a # one\n      - b'],
  ] as const)
    assert.equal(renderDrafts(later, mine.replace(from, to)), mine.replace(from, want));
  const approved = { by: 'alice@example.org', at: NOW };
  const register = registerOf(mine);
  const taken = { ...register, entries: register.entries.map((e) => ({ ...e, approval: approved })) };
  assert.deepEqual(
    draft(both, { register: taken }).map((d) => [d.id, d.joins]),
    [['sshd-22', false]],
  );
});

test('what a person wrote in the drafts file stays, and new drafts follow', () => {
  const drafts = draft([listening('a', 6379)]);
  for (const [before, want] of [
    [
      'ports:\n- id: x # mine\n  port: 1\n  hosts: a',
      /^ports:\n- id: x # mine\n {2}port: 1\n {2}hosts: a\n\n- id: redis\n {2}service/,
    ],
    ['# note\r\nports:\r\n  - id: x\r\n', /^# note\r\nports:\r\n {2}- id: x\r\n\r\n {2}- id: redis\r\n/],
    ['ports: []\n', /^ports: \n {2}- id: redis\n/],
    ['ports:\n', /^ports:\n {2}- id: redis\n/],
    ['ports: [] # none yet\n', /^ports: \n {2}- id: redis\n/],
    ['# only a comment\n', /^# only a comment\nports:\n {2}- id: redis/],
    ['ports:\n  - id: redis\n    purpose: mine\n', /^ports:\n {2}- id: redis\n {4}purpose: mine\n$/],
  ] as const) {
    assert.match(renderDrafts(drafts, before), want);
  }
  for (const bad of ['ports: [', 'text', 'ports: [{ id: x }]', 'ports: 5', 'ports: []\nother: 1\n'])
    assert.throws(() => renderDrafts(drafts, bad), { name: 'UserError' }, bad);
});

test('property: what was drafted is read back, covers what was seen, and is not drafted again', () => {
  const some = fc.record({
    host: fc.constantFrom('a', 'b-1', 'c.example.org'),
    port: fc.constantFrom(22, 80, 443, 5432, 8001, 8002, 47_001),
    transport: fc.constantFrom('tcp' as const, 'udp' as const),
    scope: fc.constantFrom('host', 'container:web-1', 'container:web-2', 'pod:ns/db-0', 'unknown'),
    address: fc.constantFrom('0.0.0.0', '127.0.0.1', '10.1.1.1', '::'),
    process: fc.option(
      fc.record({
        pid: fc.nat(5).map((n) => n + 2),
        exe: fc.constantFrom('/usr/sbin/sshd', '/usr/bin/node', '/a b/"c"', '/usr/sbin/nginx'),
        user: fc.constantFrom('root', 'null', '1000'),
        unit: fc.constantFrom('a.service', 'b@1.service', 'session-1.scope'),
      }),
    ),
  });
  fc.assert(
    fc.property(fc.array(some, { maxLength: 25 }), (items) => {
      const listeners = items.map(({ host, port, ...more }) => listening(host, port, more));
      const drafts = draft(listeners);
      assert.deepEqual(draft(listeners.toReversed()), drafts, 'the order of the input does not matter');
      assert.equal(new Set(drafts.map((d) => d.id)).size, drafts.length);
      const text = renderDrafts(drafts, null);
      if (drafts.length === 0) return;
      const register = registerOf(text);
      assert.equal(register.entries.length, drafts.length);
      for (const [i, entry] of register.entries.toSorted((a, b) => (a.id < b.id ? -1 : 1)).entries()) {
        assert.equal(entry.approval, null);
        assert.deepEqual(entry.evidence, drafts[i]?.evidence);
        assert.deepEqual(entry.sources, drafts[i]?.sources);
        assert.deepEqual(entry.process, drafts[i]?.process);
      }
      assert.deepEqual(draft(listeners, { register }), [], 'everything is covered now');
      assert.equal(renderDrafts(drafts, text), text);
    }),
    { numRuns: 150 },
  );
});

test('a program that is a link to another file is drafted by the name it goes by', () => {
  const process = { pid: 9, name: 'redis-server', exe: '/usr/bin/redis-check-rdb', user: 'redis' };
  const listeners = [listening('db-1', 6379, { address: '127.0.0.1', process })];
  const [draft] = draftEntries({ listeners, hosts: [hostState('db-1')], register: EMPTY, now: NOW });
  assert.equal(draft?.id, 'redis-server');
  assert.equal(draft?.service, 'redis');
  assert.equal(draft?.process.exe, '/usr/bin/redis-check-rdb');
  assert.match(draft?.evidence.join(' ') ?? '', /port and process agree/);
});
