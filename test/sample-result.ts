import type { Endpoint } from '../src/model/endpoint.ts';
import { compareEndpoints, endpointKey } from '../src/model/endpoint.ts';
import type { Event } from '../src/model/event.ts';
import type { EndpointFacts, EndpointResult, MatchedEntry, Verdict } from '../src/model/facts.ts';
import type { Finding, Severity, Subject } from '../src/model/finding.ts';
import { SEVERITIES } from '../src/model/finding.ts';
import type { Framework } from '../src/model/framework.ts';
import type { Listener, ProcessFacts } from '../src/model/listener.ts';
import type { Gap, Observation } from '../src/model/observation.ts';
import { ALL_PORTS } from '../src/model/observation.ts';
import type { ApprovalState, Policy, Register, RegisterEntry } from '../src/model/register.ts';
import { DAY_MS } from '../src/model/register.ts';
import type { RuleInfo } from '../src/model/rule.ts';
import type { HostState, ListenerState } from '../src/model/state.ts';
import type { ExplainInput } from '../src/reports/explain.ts';
import type { ReportInput } from '../src/reports/report-format.ts';
import { compareText } from '../src/util/compare.ts';
import { sha256 } from '../src/util/sha256.ts';

/** "Now" of every sample: 2026-11-21 22:14:03 UTC. */
export const SAMPLE_NOW = Date.UTC(2026, 10, 21, 22, 14, 3);
const DIGEST = '4f2a91c07be3d518';

/** A process whose name and arguments try to take over the terminal that shows them. */
export const HOSTILE_NAME = '\u001b[2Jevil\u202eexe\u0007';
export const HOSTILE_COMMAND =
  '/tmp/\u001b]0;owned\u0007x --say="=1+1" <script>alert(1)</script> | a\r\n::error::b\u0000';

export const SAMPLE_RULES: readonly RuleInfo[] = [
  rule('binary-replaced', 'Program changed under a running process', 'medium', 'Restart the service.'),
  rule('coverage-gap', 'Something could not be seen', 'info', 'Collect again with the rights that are missing.'),
  rule('orphan-owner', 'Entry without an owner', 'medium', 'Name an owner that is declared in quietdoor.yaml.'),
  rule('prohibited-service', 'Prohibited service', 'critical', 'Stop the service, or replace it by a secure one.'),
  rule('registered-not-listening', 'Registered, but nothing listens', 'low', 'Retire the entry, or start the service.'),
  rule('review-overdue', 'Review overdue', 'medium', 'Review the entry: quietdoor register review ID.'),
  rule(
    'unapproved-entry',
    'Entry without a proven approval',
    'medium',
    'Approve it: quietdoor register approve ID --sign.',
  ),
  rule('unregistered-listener', 'Listener without a register entry', 'high', 'Stop it, or draft an entry for it.'),
  rule('wider-bind', 'Bound wider than approved', 'high', 'Bind it to the approved address.'),
];

function rule(id: string, title: string, severity: Severity, remediation: string): RuleInfo {
  const rationale = `${title}. Nobody can answer for a port that differs from what was approved, and an intruder needs only one.`;
  return { id, title, severity, rationale, remediation };
}

export const SAMPLE_FRAMEWORKS: readonly Framework[] = [
  {
    id: 'nist-800-53',
    title: 'NIST SP 800-53',
    version: 'Rev. 5 (5.2.0)',
    source: 'NIST OSCAL content, public domain',
    baselines: ['low', 'moderate', 'high', 'privacy'],
    defaultBaseline: 'moderate',
    controls: [
      control(
        'CM-7',
        'Least Functionality',
        ['low', 'moderate', 'high'],
        ['prohibited-service', 'unregistered-listener'],
      ),
      control('CM-7(1)', 'Periodic Review', ['moderate', 'high'], ['review-overdue', 'registered-not-listening']),
      control('CM-8', 'System Component Inventory', ['low', 'moderate', 'high'], ['coverage-gap', 'orphan-owner']),
      control('CM-8(3)', 'Automated Unauthorized Component Detection', ['moderate', 'high'], ['unregistered-listener']),
      control(
        'SC-7(5)',
        'Deny by Default - Allow by Exception',
        ['moderate', 'high'],
        ['unapproved-entry', 'wider-bind'],
      ),
      control('SI-7', 'Software, Firmware, and Information Integrity', ['moderate', 'high'], ['binary-replaced']),
      {
        ...control('AC-2', 'Account Management', ['low', 'moderate', 'high'], []),
        manual: 'Account reviews of the host.',
      },
    ],
  },
  {
    id: 'iso-27001-2022',
    title: 'ISO/IEC 27001',
    version: '2022',
    source: 'Control numbers only; titles in our own words',
    baselines: [],
    controls: [
      control('8.9', 'Configuration management', [], ['wider-bind', 'binary-replaced']),
      control('8.20', 'Network security', [], ['unregistered-listener', 'prohibited-service']),
      control('8.21', 'Security of network services', [], ['unapproved-entry', 'review-overdue']),
    ],
  },
  {
    id: 'iso-27001-2013',
    title: 'ISO/IEC 27001',
    version: '2013',
    source: 'Control numbers only; titles in our own words',
    baselines: [],
    legacy: true,
    controls: [control('A.13.1.1', 'Network controls', [], ['unregistered-listener'])],
  },
  {
    id: 'hitrust-csf',
    title: 'HITRUST CSF',
    version: 'v11',
    source: 'Control numbers only; titles in our own words',
    baselines: [],
    controls: [control('09.m', 'Network controls', [], ['unregistered-listener', 'wider-bind'])],
  },
];

function control(id: string, title: string, baselines: readonly string[], checks: readonly string[]) {
  const evidence = `Listeners of every host, compared with the register (${id}).`;
  return { id, title, baselines, strength: ['primary' as const], evidence, checks };
}

const POLICY: Policy = {
  prohibited: [{ transport: 'tcp', ports: [{ from: 6379, to: 6379 }], reason: 'redis without a password' }],
  allow: [],
  approvers: ['approver@example.org'],
  reviewEveryDays: 90,
  reviewEveryDaysByData: { phi: 30 },
  dueSoonDays: 14,
  exceptionMaxDays: 365,
  staleAfterHours: 24,
  silentAfterDays: 30,
  privilegedAllowed: ['/usr/sbin/sshd'],
};

function entry(id: string, line: number, over: Partial<RegisterEntry>): RegisterEntry {
  return {
    id,
    service: null,
    purpose: null,
    workflow: null,
    owner: null,
    hosts: ['vm'],
    scope: 'host',
    workload: {},
    ports: [{ from: 1, to: 1 }],
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
    digest: `sha256:${sha256(id)}`,
    at: { file: 'register/vm.yaml', line, column: 5 },
    inheritedFrom: null,
    ...over,
  };
}

const APPROVED = {
  approval: { by: 'approver@example.org', at: Date.UTC(2026, 8, 30, 14, 2), hosts: ['vm'] },
  review: { everyDays: 90, last: Date.UTC(2026, 8, 30), by: 'reviewer@example.org' },
  expires: Date.UTC(2027, 8, 30),
  change: 'CHG-4821',
};

export const SAMPLE_ENTRIES: readonly RegisterEntry[] = [
  entry('grafana', 41, {
    service: 'http',
    purpose: 'Dashboards of the operations team',
    owner: 'team-observability',
    ports: [{ from: 3000, to: 3000 }],
    sources: [],
    evidence: ['vm 0.0.0.0:3000/tcp grafana, first seen 2026-11-20'],
  }),
  entry('nfs-archive', 63, {
    service: 'nfs',
    purpose: 'Archive of closed orders | "read only"',
    owner: 'team-storage',
    ports: [{ from: 2049, to: 2049 }],
    bind: 'private',
    sources: ['10.20.9.0/24'],
    ...APPROVED,
  }),
  entry('pg-orders', 3, {
    service: 'postgresql',
    purpose: 'Orders database, read and written by the order API',
    workflow: 'order-fulfilment',
    owner: 'team-orders',
    ports: [{ from: 5432, to: 5432 }],
    bind: 'loopback',
    process: { exe: '/usr/lib/postgresql/*/bin/postgres', user: 'postgres', unit: 'postgresql@*.service' },
    sources: ['10.20.4.0/24', '10.20.9.17'],
    data: ['phi'],
    encryption: 'tls',
    auth: 'password',
    risk: 'RISK-112',
    ...APPROVED,
  }),
  entry('resolver', 84, {
    service: 'domain',
    purpose: 'Name resolution for this host',
    owner: 'team-platform',
    ports: [{ from: 53, to: 53 }],
    transport: 'udp',
    bind: 'loopback',
    sources: [],
    ...APPROVED,
    inheritedFrom: '../shared/standard.yaml',
  }),
  entry('ssh-admin', 22, {
    service: 'ssh',
    purpose: 'Administration by the platform team',
    owner: 'team-platform',
    ports: [{ from: 22, to: 22 }],
    process: { exe: '/usr/sbin/sshd', user: 'root' },
    sources: ['zone:admin'],
    encryption: 'ssh',
    auth: 'ssh-key',
    ...APPROVED,
  }),
];

const APPROVALS: ReadonlyMap<string, ApprovalState> = new Map<string, ApprovalState>([
  ['grafana', { kind: 'draft' }],
  ['nfs-archive', { kind: 'claimed', reason: 'the stamp carries no signature and the file is not in git' }],
  ['pg-orders', { kind: 'proven', by: 'approver@example.org', how: 'ssh-signature' }],
  ['resolver', { kind: 'proven', by: 'approver@example.org', how: 'signed-commit' }],
  ['ssh-admin', { kind: 'void', approved: `sha256:${'ab'.repeat(32)}` }],
]);

/** A register as the samples are judged by. */
export const SAMPLE_REGISTER: Register = {
  name: 'orders',
  boundary: 'Order processing, production',
  site: 'fra1',
  digest: DIGEST,
  owners: [
    {
      name: 'team-orders',
      title: 'Orders',
      email: 'orders@example.org',
      codeowners: ['@org/orders'],
      members: ['ana'],
    },
    { name: 'team-platform', title: 'Platform', email: null, codeowners: ['@org/platform'], members: [] },
    { name: 'team-storage', title: null, email: null, codeowners: [], members: [] },
  ],
  zones: [{ name: 'admin', cidrs: ['10.20.1.0/24'] }],
  hosts: [{ name: 'vm', addresses: ['10.20.3.5'], tags: ['orders'] }],
  policy: POLICY,
  frameworks: [{ id: 'nist-800-53', baseline: 'moderate' }, { id: 'iso-27001-2022' }],
  entries: SAMPLE_ENTRIES,
  exceptions: [
    {
      id: 'redis-until-q1',
      kind: 'risk-adjustment',
      rule: 'prohibited-service',
      subject: 'vm:6379/tcp@container:cache',
      reason: 'Reachable from the application container alone; replaced in the first quarter.',
      approver: 'approver@example.org',
      ticket: 'RISK-118',
      from: Date.UTC(2026, 9, 1),
      expires: Date.UTC(2027, 2, 31, 23, 59, 59),
      at: { file: 'exceptions.yaml', line: 2, column: 5 },
    },
  ],
  problems: [
    {
      severity: 'error',
      code: 'bad-port',
      message: 'port 70000 is not between 0 and 65535',
      hint: 'Did you mean 7000?',
      at: { file: 'register/web.yaml', line: 12, column: 11 },
      mightCover: { transport: 'tcp', ports: [] },
    },
    {
      severity: 'warning',
      code: 'unknown-key',
      message: 'unknown key "porpose"',
      hint: 'Did you mean "purpose"?',
      at: { file: 'register/vm.yaml', line: 44, column: 5 },
    },
  ],
  deviations: [
    {
      what: 'resolver.bind',
      message: 'bind is loopback here, private in ../shared/standard.yaml',
      at: { file: 'register/vm.yaml', line: 84, column: 5 },
    },
  ],
};

export const SAMPLE_GAPS: readonly Gap[] = [
  {
    code: 'netns-unreadable',
    subject: 'container:batch',
    message: 'The sockets of container batch could not be read; what listens there is unknown.',
    remedy: 'Run quietdoor as root.',
  },
  {
    code: 'process-owner-hidden',
    subject: 'vm',
    message: '1 listener belongs to a process that this user may not look at.',
    remedy: 'Run quietdoor as root.',
  },
];

function process(pid: number, over: Partial<ProcessFacts>): ProcessFacts {
  return { pid, startedAt: Date.UTC(2026, 7, 2, 6, 11, 40), exeState: 'present', uid: 0, user: 'root', ...over };
}

function listener(port: number, address: string, over: Partial<Listener>): Listener {
  const bind =
    address === '127.0.0.1' || address === '::1' ? 'loopback' : /^(::|0\.0\.0\.0)$/.test(address) ? 'any' : 'private';
  const families =
    address === '::' ? (['ipv4', 'ipv6'] as const) : address.includes(':') ? (['ipv6'] as const) : (['ipv4'] as const);
  return {
    host: 'vm',
    scope: 'host',
    transport: 'tcp',
    port,
    address,
    bind,
    families,
    role: 'service',
    uid: 0,
    user: 'root',
    process: null,
    sharedWith: [],
    ...over,
  };
}

const POSTGRES = process(812, {
  name: 'postgres',
  exe: '/usr/lib/postgresql/15/bin/postgres',
  sha256: sha256('postgres'),
  commandLine:
    '/usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/15/main -c config_file=/etc/postgresql/15/main/postgresql.conf',
  uid: 110,
  user: 'postgres',
  unit: 'postgresql@15-main.service',
  package: { manager: 'dpkg', name: 'postgresql-15', version: '15.18-0+deb12u1' },
});
const SSHD = process(640, {
  name: 'sshd',
  exe: '/usr/sbin/sshd',
  exeState: 'replaced',
  sha256: sha256('sshd'),
  commandLine: 'sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups',
  unit: 'ssh.service',
  package: { manager: 'dpkg', name: 'openssh-server', version: '1:9.2p1-2+deb12u7' },
});
const NGINX = (pid: number) =>
  process(pid, {
    name: 'nginx',
    exe: '/usr/sbin/nginx',
    unit: 'nginx.service',
    user: pid === 900 ? 'root' : 'www-data',
  });

const LISTENERS: readonly Listener[] = [
  listener(22, '::', { process: SSHD }),
  listener(53, '127.0.0.53', {
    transport: 'udp',
    bind: 'loopback',
    process: process(410, {
      name: 'systemd-resolve',
      exe: '/usr/lib/systemd/systemd-resolved',
      uid: 991,
      user: 'systemd-resolve',
      unit: 'systemd-resolved.service',
      package: { manager: 'dpkg', name: 'systemd-resolved', version: '252.39-1~deb12u1' },
    }),
  }),
  listener(111, '0.0.0.0', { uid: 108, user: '_rpc' }),
  listener(3000, '0.0.0.0', {
    process: process(2201, { name: 'grafana', exe: '/usr/share/grafana/bin/grafana', user: 'grafana', uid: 472 }),
  }),
  listener(5432, '10.20.3.5', { process: POSTGRES, uid: 110, user: 'postgres' }),
  listener(5432, '::1', { process: POSTGRES, uid: 110, user: 'postgres' }),
  listener(8080, '0.0.0.0', {
    process: process(4711, {
      name: 'python3',
      exe: '/usr/bin/python3.11',
      commandLine: 'python3 -m http.server 8080 --bind 0.0.0.0 --directory /srv/export/token=[redacted]',
      uid: 1000,
      user: 'ana',
      unit: 'session-4.scope',
      package: { manager: 'dpkg', name: 'python3.11-minimal', version: '3.11.2-6+deb12u6' },
    }),
  }),
  listener(8443, 'fd12:3456:789a:1:2ab3:45ff:fe67:89ab', { process: NGINX(900), sharedWith: [NGINX(901), NGINX(902)] }),
  listener(9999, '0.0.0.0', {
    process: process(666, {
      name: HOSTILE_NAME,
      exe: '/tmp/\u001b[31m=cmd|x',
      exeState: 'deleted',
      commandLine: HOSTILE_COMMAND,
      user: 'nobody',
      uid: 65534,
    }),
  }),
  listener(48211, '0.0.0.0', { transport: 'udp', role: 'ephemeral', process: process(3100, { name: 'chronyd' }) }),
  listener(6379, '0.0.0.0', {
    scope: 'container:cache',
    process: process(5120, {
      name: 'redis-server',
      exe: '/usr/local/bin/redis-server',
      container: `${'c0ffee'.repeat(10)}cafe`,
    }),
  }),
];

function state(l: Listener, over: Partial<ListenerState> = {}): ListenerState {
  return {
    vantage: 'local',
    listener: l,
    open: true,
    firstSeen: Date.UTC(2026, 7, 2, 6, 12),
    openSince: Date.UTC(2026, 7, 2, 6, 12),
    lastSeen: SAMPLE_NOW - 3000,
    closedAt: null,
    restarts: 1,
    ...over,
  };
}

function hostState(name: string, gaps: readonly Gap[]): HostState {
  return {
    vantage: 'local',
    host: {
      name,
      machineId: sha256(name).slice(0, 32),
      addresses: ['10.20.3.5', 'fd12:3456:789a:1:2ab3:45ff:fe67:89ab'],
      tags: ['orders'],
      os: 'Debian GNU/Linux 12 (bookworm)',
      kernel: '6.1.0-43-amd64',
      ephemeralPorts: { from: 32768, to: 60999 },
    },
    firstObservedAt: Date.UTC(2026, 7, 2, 6, 12),
    lastObservedAt: SAMPLE_NOW - 3000,
    privilege: gaps.length > 0 ? 'user' : 'root',
    collector: 'local',
    observationId: '019aa9b4-7c31-7c3e-9c1e-0d5f6a7b8c9d',
    coverage: [
      {
        host: name,
        scope: '*',
        transports: ['tcp', 'udp', 'sctp', 'udplite', 'raw'],
        ports: ALL_PORTS,
        addresses: 'all',
      },
    ],
    gaps,
  };
}

/** Builds a finding as `app` would; controls are those of the sample frameworks. */
export function sampleFinding(ruleId: string, subject: Subject, message: string, over: Partial<Finding> = {}): Finding {
  const info = SAMPLE_RULES.find((r) => r.id === ruleId) as RuleInfo;
  return {
    fingerprint: sha256(`${ruleId}\n${JSON.stringify(subject)}\n${over.entry ?? ''}`).slice(0, 32),
    rule: ruleId,
    severity: info.severity,
    subject,
    ...(subject.kind === 'endpoint' ? { endpoint: subject.endpoint } : {}),
    message,
    evidence: [],
    remediation: info.remediation,
    controls: SAMPLE_FRAMEWORKS.flatMap((f) =>
      f.controls.filter((c) => c.checks.includes(ruleId)).map((c) => ({ framework: f.id, id: c.id })),
    ),
    firstSeen: SAMPLE_NOW - 3 * DAY_MS,
    lastSeen: SAMPLE_NOW,
    status: 'open',
    ...over,
  };
}

function on(port: number, transport: Endpoint['transport'] = 'tcp', scope = 'host', host = 'vm'): Subject {
  return { kind: 'endpoint', endpoint: { host, scope, transport, port } };
}

const FINDINGS: readonly Finding[] = [
  sampleFinding(
    'unregistered-listener',
    on(8080),
    'python3 listens on 0.0.0.0, and no register entry covers vm tcp/8080.',
    {
      listener: { address: '0.0.0.0' },
      evidence: [
        { label: 'bound to', value: '0.0.0.0' },
        { label: 'process', value: '/usr/bin/python3.11 (user ana)' },
      ],
      remediation: 'Stop it: kill 4711. Or propose an entry: quietdoor register draft --endpoint vm:8080/tcp',
    },
  ),
  sampleFinding(
    'unregistered-listener',
    on(9999),
    `${HOSTILE_NAME} listens on 0.0.0.0, and no register entry covers vm tcp/9999. It was started as ${HOSTILE_COMMAND}`,
    { evidence: [{ label: 'process', value: `=${HOSTILE_COMMAND}` }] },
  ),
  sampleFinding(
    'unregistered-listener',
    on(111),
    'A process that could not be seen listens on 0.0.0.0, and no register entry covers vm tcp/111.',
    {
      inBaseline: true,
    },
  ),
  sampleFinding('wider-bind', on(5432), 'postgres listens on 10.20.3.5; pg-orders allows loopback only.', {
    listener: { address: '10.20.3.5' },
    entry: 'pg-orders',
    evidence: [{ label: 'bound to', value: '10.20.3.5' }],
    at: { file: 'register/vm.yaml', line: 3, column: 5 },
    remediation:
      "Set listen_addresses = 'localhost' in /etc/postgresql/15/main/postgresql.conf and restart, or widen bind in pg-orders and have it approved again.",
  }),
  sampleFinding(
    'unapproved-entry',
    { kind: 'entry', entry: 'ssh-admin' },
    'ssh-admin changed since approver@example.org approved it; the approval is void.',
    {
      entry: 'ssh-admin',
      endpoints: [{ host: 'vm', scope: 'host', transport: 'tcp', port: 22 }],
      at: { file: 'register/vm.yaml', line: 22, column: 5 },
      remediation: 'Have it approved again: quietdoor register approve ssh-admin --sign',
    },
  ),
  sampleFinding(
    'unapproved-entry',
    { kind: 'entry', entry: 'grafana' },
    'grafana is a draft: 3 fields to fill (data, encryption, auth), not yet approved.',
    {
      entry: 'grafana',
      endpoints: [{ host: 'vm', scope: 'host', transport: 'tcp', port: 3000 }],
      at: { file: 'register/vm.yaml', line: 41, column: 5 },
    },
  ),
  sampleFinding(
    'orphan-owner',
    { kind: 'entry', entry: 'grafana' },
    'The owner team-observability of grafana is declared nowhere.',
    {
      entry: 'grafana',
      at: { file: 'register/vm.yaml', line: 44, column: 12 },
    },
  ),
  sampleFinding(
    'registered-not-listening',
    { kind: 'entry', entry: 'nfs-archive' },
    'Nothing has listened on vm tcp/2049 for 47 days; nfs-archive still approves it.',
    {
      entry: 'nfs-archive',
      at: { file: 'register/vm.yaml', line: 63, column: 5 },
    },
  ),
  sampleFinding(
    'binary-replaced',
    on(22),
    '/usr/sbin/sshd was replaced on disk while sshd runs the old file; a restart is needed.',
    {
      remediation: 'Restart it: systemctl restart ssh.service',
    },
  ),
  sampleFinding(
    'prohibited-service',
    on(6379, 'tcp', 'container:cache'),
    'redis without a password listens on vm tcp/6379 in container cache.',
    {
      status: 'accepted',
      exception: 'redis-until-q1',
    },
  ),
  sampleFinding(
    'coverage-gap',
    { kind: 'host', host: 'vm' },
    'The sockets of container batch on vm could not be read; what listens there is unknown.',
    {
      remediation: 'Run quietdoor as root.',
    },
  ),
];

const EVENTS: readonly Event[] = [
  event(10, 'observation.recorded', 0, 'collector:local', 'vm', { listeners: 11, gaps: 2, changes: 0 }),
  event(
    9,
    'listener.opened',
    1,
    'collector:local',
    'vm:9999/tcp',
    opened(9999, '0.0.0.0', { exe: `/tmp/${HOSTILE_NAME}` }),
  ),
  event(
    8,
    'listener.opened',
    2,
    'collector:local',
    'vm:8080/tcp',
    opened(8080, '0.0.0.0', { exe: '/usr/bin/python3.11', user: 'ana' }),
  ),
  event(7, 'register.changed', 3, 'user:ana', 'orders', { digest: DIGEST }),
  event(6, 'entry.approved', 52, 'user:approver', 'pg-orders', { by: 'approver@example.org' }),
  event(5, 'listener.changed', 80, 'collector:local', 'vm:5432/tcp', {
    ...place(5432, '10.20.3.5'),
    changes: [{ attribute: 'packageVersion', old: '15.17-0+deb12u1', new: '15.18-0+deb12u1' }],
  }),
  event(
    4,
    'listener.opened',
    111,
    'collector:local',
    'vm:5432/tcp',
    opened(5432, '10.20.3.5', { exe: '/usr/lib/postgresql/15/bin/postgres', user: 'postgres' }),
  ),
  event(3, 'listener.closed', 112, 'collector:local', 'vm:5432/tcp', {
    ...place(5432, '0.0.0.0'),
    openSince: SAMPLE_NOW - 200 * DAY_MS,
    lastSeen: SAMPLE_NOW - 112 * DAY_MS,
  }),
  event(2, 'observation.recorded', 112, 'collector:local', 'vm', { listeners: 9, gaps: 0, changes: 1 }),
  event(1, 'host.first-seen', 112, 'collector:local', 'vm', { vantage: 'local' }),
];

function place(port: number, address: string) {
  return { endpoint: { host: 'vm', scope: 'host', transport: 'tcp', port }, address };
}

function opened(port: number, address: string, facts: Record<string, string>) {
  return { ...place(port, address), facts };
}

function event(
  sequence: number,
  type: Event['type'],
  daysAgo: number,
  actor: string,
  subject: string,
  body: Event['body'],
): Event {
  const at = SAMPLE_NOW - daysAgo * DAY_MS;
  return { sequence, type, observedAt: at, recordedAt: at + 120, actor, subject, body };
}

/** The newest observation behind the small sample. */
export const SAMPLE_OBSERVATION: Observation = {
  id: '019aa9b4-7c31-7c3e-9c1e-0d5f6a7b8c9d',
  collector: 'local',
  vantage: 'local',
  observedAt: SAMPLE_NOW - 3000,
  durationMs: 184,
  privilege: 'user',
  host: hostState('vm', []).host,
  coverage: hostState('vm', []).coverage,
  gaps: SAMPLE_GAPS,
  listeners: LISTENERS,
};

function verdictOf(facts: EndpointFacts, findings: readonly Finding[]): Verdict {
  const counting = findings.filter((f) => f.status === 'open' && f.severity !== 'info');
  if (counting.length > 0) return { word: 'DEVIATES', reasons: counting.map((f) => f.message) };
  if (facts.entries.length === 0) return { word: 'UNDETERMINED', reasons: ['No register entry covers it.'] };
  if (facts.listeners.every((l) => l.listener.bind === 'loopback'))
    return { word: 'CONFORMS', reasons: ['It matches its register entry and is reachable from this host only.'] };
  return { word: 'UNDETERMINED', reasons: ['It matches the register; who can connect is not verified.'] };
}

function endpointsOf(listeners: readonly Listener[]): Endpoint[] {
  const byKey = new Map(listeners.map((l) => [endpointKey(l), l]));
  return [...byKey.values()]
    .map(({ host, scope, transport, port }) => ({ host, scope, transport, port }))
    .sort(compareEndpoints);
}

function build(
  listeners: readonly Listener[],
  findings: readonly Finding[],
  gaps: readonly Gap[],
  register: Register,
): ReportInput {
  const names = new Set(['vm', ...listeners.map((l) => l.host)]);
  const hosts = [...names].sort(compareText).map((name) => hostState(name, name === 'vm' ? gaps : []));
  const listenersOf = Map.groupBy(listeners, endpointKey);
  const touched = new Map<string, Finding[]>();
  for (const f of findings)
    for (const e of f.endpoint ? [f.endpoint] : (f.endpoints ?? [])) {
      const list = touched.get(endpointKey(e)) ?? [];
      list.push(f);
      touched.set(endpointKey(e), list);
    }
  const matched: ReadonlyArray<MatchedEntry> = register.entries.map((e) => ({
    entry: e,
    approval: APPROVALS.get(e.id) ?? { kind: 'draft' },
    hostConfirmed: true,
  }));
  const endpoints = endpointsOf(listeners).map((endpoint): EndpointFacts => {
    const opened = endpoint.port === 8080 ? { openSince: SAMPLE_NOW - 2 * DAY_MS, restarts: 0 } : {};
    return {
      endpoint,
      listeners: (listenersOf.get(endpointKey(endpoint)) ?? []).map((l) => state(l, opened)),
      closed:
        endpoint.port === 5432
          ? [
              state(listener(5432, '0.0.0.0', { process: POSTGRES }), {
                open: false,
                closedAt: SAMPLE_NOW - 112 * DAY_MS,
              }),
            ]
          : [],
      entries: matched.filter(
        (m) =>
          endpoint.scope === 'host' &&
          m.entry.hosts.includes(endpoint.host) &&
          m.entry.transport === endpoint.transport &&
          m.entry.ports.some((p) => p.from <= endpoint.port && endpoint.port <= p.to),
      ),
      host: hosts.filter((h) => h.host.name === endpoint.host),
      mayBeInBrokenPart: false,
    };
  });
  const results = endpoints.map((facts): EndpointResult => {
    const own = touched.get(endpointKey(facts.endpoint)) ?? [];
    return { facts, verdict: verdictOf(facts, own), findings: own };
  });
  return {
    result: {
      schemaVersion: 1,
      version: '0.1.0',
      now: SAMPLE_NOW,
      facts: {
        estate: {
          now: SAMPLE_NOW,
          register,
          approvals: APPROVALS,
          hosts,
          endpointsByEntry: new Map(
            register.entries.map((e) => [e.id, endpoints.filter((f) => f.entries.some((m) => m.entry.id === e.id))]),
          ),
          hostsByEntry: new Map(register.entries.map((e) => [e.id, ['vm']])),
        },
        endpoints,
      },
      results,
      findings,
      resolved:
        findings.length === 0
          ? []
          : [
              sampleFinding(
                'review-overdue',
                { kind: 'entry', entry: 'resolver' },
                'The review of resolver is 3 days overdue.',
                { status: 'resolved', entry: 'resolver' },
              ),
            ],
      events: findings.length === 0 ? [] : [...EVENTS],
    },
    frameworks: SAMPLE_FRAMEWORKS,
    rules: SAMPLE_RULES,
    failOn: 'medium',
  };
}

const worstFirst = (a: Finding, b: Finding) =>
  SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) ||
  compareText(subjectText(a), subjectText(b)) ||
  compareText(a.rule, b.rule);

function subjectText(f: Finding): string {
  if (f.subject.kind === 'endpoint') return endpointKey(f.subject.endpoint);
  return f.subject.kind === 'entry' ? f.subject.entry : f.subject.kind === 'host' ? f.subject.host : '';
}

/**
 * Returns what a report is made from: `empty` (one host, nothing listens, no entry), `small` (one host, every kind of
 * case, one process with a hostile name) or `huge` (10,000 findings on 5,000 endpoints of 50 hosts).
 */
export function sampleResult(size: 'empty' | 'small' | 'huge'): ReportInput {
  if (size === 'empty')
    return build([], [], [], { ...SAMPLE_REGISTER, entries: [], exceptions: [], problems: [], deviations: [] });
  if (size === 'small') return build(LISTENERS, FINDINGS.toSorted(worstFirst), SAMPLE_GAPS, SAMPLE_REGISTER);
  const listeners: Listener[] = [];
  const findings: Finding[] = [];
  for (let h = 0; h < 50; h++)
    for (let p = 0; p < 100; p++) {
      const host = `node-${String(h).padStart(2, '0')}`;
      const port = 10_000 + p;
      listeners.push(listener(port, '0.0.0.0', { host, process: NGINX(900) }));
      const subject = on(port, 'tcp', 'host', host);
      findings.push(
        sampleFinding(
          'unregistered-listener',
          subject,
          `nginx listens on 0.0.0.0, and no register entry covers ${host} tcp/${port}.`,
        ),
      );
      findings.push(
        sampleFinding(
          'binary-replaced',
          subject,
          `/usr/sbin/nginx was replaced on disk while nginx on ${host} runs the old file.`,
        ),
      );
    }
  return build(listeners, findings.toSorted(worstFirst), [], SAMPLE_REGISTER);
}

export type ExplainCase =
  | 'conforms'
  | 'deviates'
  | 'draft'
  | 'hidden'
  | 'hostile'
  | 'looked'
  | 'nobody-looked'
  | 'not-covered'
  | 'shared';

const EXPLAINED: Partial<Record<ExplainCase, number>> = {
  conforms: 53,
  deviates: 5432,
  draft: 3000,
  hidden: 111,
  hostile: 9999,
  shared: 8443,
};

/** What `explain` is made from, for one kind of endpoint each; the last ones are ports where nothing is known to listen. */
export function sampleExplain(name: ExplainCase): ExplainInput {
  const { result, rules, frameworks } = sampleResult('small');
  const { register } = result.facts.estate;
  const known = result.results.find((r) => r.facts.endpoint.port === EXPLAINED[name]);
  const looked = result.facts.estate.hosts;
  const elsewhere = looked.map((h) => ({
    ...h,
    coverage: h.coverage.map((c) => ({ ...c, transports: ['udp' as const] })),
  }));
  const silent: EndpointResult = {
    facts: {
      endpoint: { host: 'vm', scope: 'host', transport: 'tcp', port: 2049 },
      listeners: [],
      closed: [],
      entries: SAMPLE_ENTRIES.filter((e) => e.id === 'nfs-archive').map((e) => ({
        entry: e,
        approval: APPROVALS.get(e.id) ?? { kind: 'draft' },
        hostConfirmed: false,
      })),
      host: name === 'looked' ? looked : name === 'not-covered' ? elsewhere : [],
      mayBeInBrokenPart: name === 'nobody-looked',
    },
    verdict: { word: 'UNDETERMINED', reasons: ['no listener is visible'] },
    findings: [],
  };
  const port = known?.facts.endpoint.port ?? silent.facts.endpoint.port;
  return {
    result: known ?? silent,
    check: {
      ...{ now: result.now, version: result.version, policy: register.policy, zones: register.zones },
      register: { name: register.name, digest: register.digest },
    },
    events: result.events.filter((e) => e.subject.startsWith(`vm:${port}/`)),
    rules,
    frameworks,
    choices: register.frameworks,
  };
}
