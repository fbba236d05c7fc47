import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAddress } from '../model/address.ts';
import { toText } from '../model/address-set-text.ts';
import type { Ruleset } from '../model/ruleset.ts';
import { createEvaluator } from './evaluate.ts';
import { readRuleset } from './read.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'fixtures', 'firewall', 'kubernetes');
const fixture = (name: string) => ({ name, text: readFileSync(join(FOLDER, name), 'utf8') });

function ask(ruleset: Ruleset, port: number, scope: string, address?: string): string {
  const { admitted } = createEvaluator(ruleset).admission({
    transport: 'tcp',
    port,
    addresses: address ? [parseAddress(address) ?? assert.fail(address)] : null,
    iif: null,
    scope,
    view: 'client',
    explain: false,
  });
  const [lower, upper] = [toText(admitted.lower) || 'nobody', toText(admitted.upper) || 'nobody'];
  return lower === upper ? lower : `${lower} .. ${upper}`;
}

const LIVE = ['policies.yaml', 'cluster.yaml'];
const WRITTEN = ['policies.yaml', 'workloads.yaml'];
/** From the block, from pods of the namespace with the label, from the labelled namespace; the node on its own. */
const CLIENTS = '10.244.2.20, 10.244.2.30, 172.17.0.0/24, 172.17.2.0-172.17.255.255, 192.168.7.1';

const CASES: { files: string[]; port: number; scope: string; address?: string; admitted: string }[] = [
  { files: LIVE, port: 6379, scope: 'pod:orders/db-0', admitted: CLIENTS },
  // A named port is the container's.
  { files: LIVE, port: 5432, scope: 'pod:orders/db-0', admitted: CLIENTS },
  { files: LIVE, port: 9005, scope: 'pod:orders/db-0', admitted: '10.244.1.40, 192.168.7.1' },
  { files: LIVE, port: 9011, scope: 'pod:orders/db-0', admitted: '192.168.7.1' },
  // The pod by its address alone.
  { files: LIVE, port: 9005, scope: 'host', address: '10.244.1.10', admitted: '10.244.1.40, 192.168.7.1' },
  { files: LIVE, port: 9005, scope: 'host', address: 'fd00:10:244:1::a', admitted: 'nobody' },
  // No policy selects it.
  { files: LIVE, port: 8080, scope: 'pod:orders/api-5d9c-x2', admitted: '0.0.0.0/0' },
  { files: LIVE, port: 53, scope: 'pod:kube-system/coredns-1', admitted: '0.0.0.0/0' },
  // Two policies of one pod add up; a policy without rules lets nothing in but the node.
  { files: LIVE, port: 3000, scope: 'pod:metrics/grafana-0', admitted: '0.0.0.0/0' },
  { files: LIVE, port: 3001, scope: 'pod:metrics/grafana-0', admitted: '192.168.7.2' },
  // Policies mostly do not reach pods on the network of their node.
  { files: LIVE, port: 9100, scope: 'pod:metrics/agent-q', admitted: '192.168.7.1 .. 0.0.0.0/0, ::/0' },
  // A pod that nobody told of is not open.
  { files: LIVE, port: 80, scope: 'pod:orders/other', admitted: 'nobody .. 0.0.0.0/0, ::/0' },
  // From manifests the pods' addresses are not known; blocks and ports are.
  {
    files: WRITTEN,
    port: 5432,
    scope: 'pod:orders/db-*',
    admitted: '172.17.0.0/24, 172.17.2.0-172.17.255.255 .. 0.0.0.0/0, ::/0',
  },
  { files: WRITTEN, port: 9011, scope: 'pod:orders/db-*', admitted: 'nobody' },
  { files: WRITTEN, port: 8080, scope: 'pod:orders/api-*', admitted: '0.0.0.0/0, ::/0' },
];

for (const { files, port, scope, address, admitted } of CASES)
  test(`tcp/${port} ${address ?? scope}, from ${files.join(' ')}`, () => {
    assert.equal(ask(readRuleset(files.map(fixture)), port, scope, address), admitted);
  });

test('counts policies, their peers, and what is no policy', () => {
  const live = readRuleset(LIVE.map(fixture));
  assert.deepEqual(live.statements, { modelled: 8, irrelevant: 12, unsupported: 1, unrecognised: 0 });
  // The labelled namespace has a pod on the network of its node.
  assert.match(live.notes.map(({ reason }) => reason).join(), /^network plugins differ/);
  const written = readRuleset(WRITTEN.map(fixture));
  assert.deepEqual(written.statements, { modelled: 6, irrelevant: 3, unsupported: 3, unrecognised: 0 });
  assert.deepEqual(
    written.notes.map(({ at, status }) => `${status} ${at.file}:${at.line}`),
    ['unsupported policies.yaml:2', 'unsupported policies.yaml:2', 'unsupported policies.yaml:2'],
  );
});

const POD = `apiVersion: v1
kind: Pod
metadata: { name: p, namespace: a, labels: { app: x } }
spec: { containers: [{ name: c, ports: [{ name: web, containerPort: 80 }] }] }
---
`;
const policy = (spec: string) => `${POD}apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: one, namespace: a }
spec: ${spec}
`;

const SPECS: { name: string; spec: string; admitted: string; notes?: string[] }[] = [
  { name: 'an empty selector selects every pod', spec: '{ podSelector: {} }', admitted: 'nobody' },
  {
    name: 'a selector of other labels does not',
    spec: '{ podSelector: { matchLabels: { app: y } } }',
    admitted: 'ALL',
  },
  { name: 'only egress is isolated', spec: '{ podSelector: {}, policyTypes: [Egress] }', admitted: 'ALL' },
  { name: 'egress rules imply ingress isolation', spec: '{ podSelector: {}, egress: [{}] }', admitted: 'nobody' },
  { name: 'an empty rule lets everyone in', spec: '{ podSelector: {}, ingress: [{}] }', admitted: 'ALL' },
  { name: 'an empty from as well', spec: '{ podSelector: {}, ingress: [{ from: [], ports: [] }] }', admitted: 'ALL' },
  {
    name: 'UDP is not TCP',
    spec: '{ podSelector: {}, ingress: [{ ports: [{ protocol: UDP }] }] }',
    admitted: 'nobody',
  },
  {
    name: 'TCP without a port is every port',
    spec: '{ podSelector: {}, ingress: [{ ports: [{ protocol: TCP }] }] }',
    admitted: 'ALL',
  },
  { name: 'TCP is the default', spec: '{ podSelector: {}, ingress: [{ ports: [{ port: 80 }] }] }', admitted: 'ALL' },
  {
    name: 'a port name of the pod',
    spec: '{ podSelector: {}, ingress: [{ ports: [{ port: web }] }] }',
    admitted: 'ALL',
  },
  {
    name: 'a port name that it lacks',
    spec: '{ podSelector: {}, ingress: [{ ports: [{ port: admin }] }] }',
    admitted: 'nobody',
  },
  {
    name: 'a port name of another protocol',
    spec: '{ podSelector: {}, ingress: [{ ports: [{ port: web, protocol: UDP }] }] }',
    admitted: 'nobody',
  },
  {
    name: 'a block with host bits',
    spec: '{ podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: 10.1.2.3/8 } }] }] }',
    admitted: '10.0.0.0/8',
  },
  {
    name: 'both families',
    spec: '{ podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: "fd00::/8", except: ["fd00::/9"] } }, { ipBlock: { cidr: 10.0.0.0/8 } }] }] }',
    admitted: '10.0.0.0/8, fd80::/9',
  },
  {
    name: 'pods that are not listed',
    spec: '{ podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] }',
    admitted: 'nobody .. ALL',
  },
  {
    name: 'expressions that hold',
    spec: '{ podSelector: { matchExpressions: [{ key: app, operator: NotIn, values: [z] }, { key: tier, operator: DoesNotExist }, { key: app, operator: Exists }] } }',
    admitted: 'nobody',
  },
  {
    name: 'an operator that is none may select any pod',
    spec: '{ podSelector: { matchExpressions: [{ key: app, operator: Like, values: [x] }] } }',
    admitted: 'nobody .. ALL',
    notes: ['operator "Like" is not one'],
  },
  {
    name: 'a peer that is none may be anybody',
    spec: '{ podSelector: {}, ingress: [{ from: [{}, { ipBlock: { cidr: 10.0.0.0/8 } }] }] }',
    admitted: '10.0.0.0/8 .. ALL',
    notes: ['a peer has neither ipBlock nor a selector'],
  },
  {
    name: 'a range in reverse may be any port',
    spec: '{ podSelector: {}, ingress: [{ ports: [{ port: 90, endPort: 80 }] }] }',
    admitted: 'nobody .. ALL',
    notes: ['endPort "80" is not one'],
  },
];

for (const { name, spec, admitted, notes } of SPECS)
  test(name, () => {
    const ruleset = readRuleset([{ name: 'a.yaml', text: policy(spec) }]);
    assert.equal(ask(ruleset, 80, 'pod:a/p'), admitted.replace('ALL', '0.0.0.0/0, ::/0'));
    if (notes)
      assert.deepEqual(
        ruleset.notes.map(({ reason }) => reason),
        notes,
      );
  });

test('policies of other kinds leave everything open', () => {
  const text = `${policy('{ podSelector: {} }')}---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: c, namespace: a }
`;
  const ruleset = readRuleset([{ name: 'a.yaml', text }]);
  assert.equal(ask(ruleset, 80, 'pod:a/p'), 'nobody .. 0.0.0.0/0, ::/0');
  assert.deepEqual(ruleset.statements, { modelled: 1, irrelevant: 1, unsupported: 1, unrecognised: 0 });
});

for (const { name, text, scope, admitted } of [
  {
    name: 'merged maps',
    text: policy('{ podSelector: {}, <<: { ingress: [{}] } }'),
    scope: 'pod:a/p',
    admitted: '0.0.0.0/0, ::/0',
  },
  {
    name: 'a port in octal digits',
    text: policy('{ podSelector: {}, ingress: [{ ports: [{ port: 012470 }] }] }'),
    scope: 'pod:a/p',
    admitted: '0.0.0.0/0, ::/0',
  },
  {
    name: 'the network of the node',
    text: `${policy('{ podSelector: {} }')}---
apiVersion: v1
kind: Pod
metadata: { name: agent, namespace: a }
spec: { hostNetwork: yes }
`,
    scope: 'pod:a/agent',
    admitted: 'nobody .. 0.0.0.0/0, ::/0',
  },
])
  test(`YAML is read as kubectl reads it: ${name}`, () => {
    assert.equal(ask(readRuleset([{ name: 'a.yaml', text }]), 5432, scope), admitted);
  });

test('JSON lists say the same as YAML', () => {
  const items = [
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'a', labels: { app: 'x' } }, spec: {} },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'one', namespace: 'a' },
      spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }] },
    },
  ];
  const text = JSON.stringify({ apiVersion: 'v1', items, kind: 'List' });
  assert.equal(ask(readRuleset([{ name: 'a.json', text }]), 80, 'pod:a/p'), '10.0.0.0/8');
});

const BROKEN: { name: string; text: string; reason: RegExp }[] = [
  { name: 'a document that is cut', text: `${policy('{ podSelector: {}')}`, reason: /no valid YAML/ },
  { name: 'a template of Helm', text: policy('{ podSelector: {{ .Values.pods }} }'), reason: /Helm/ },
  { name: 'deep nesting', text: `${policy('{ podSelector: {} }')}x: ${'['.repeat(5000)}`, reason: /levels deep/ },
  {
    name: 'aliases that grow',
    text: `${POD}a: &a [1,1,1,1,1,1,1,1,1,1]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]
d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]
e: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]
`,
    reason: /alias/i,
  },
];

for (const { name, text, reason } of BROKEN)
  test(`${name} is undecided, with a reason`, () => {
    const ruleset = readRuleset([{ name: 'a.yaml', text }]);
    assert.match(ruleset.files[0]?.incomplete ?? '', reason);
    assert.ok(ruleset.notes.every(({ at }) => (at.line ?? 0) > 0));
    assert.equal(ask(ruleset, 80, 'pod:a/p'), 'nobody .. 0.0.0.0/0, ::/0');
  });

test('the ports of a peer are one flat test per protocol, so that questions about other ports pass the rule by', () => {
  const ports = '{port: 80}, {port: 90, endPort: 99}, {protocol: UDP, port: 53}, {protocol: SCTP}';
  const text = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: n}
spec:
  podSelector: {}
  ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [${ports}]}]
---
{apiVersion: v1, kind: Pod, metadata: {name: x, namespace: n}, status: {podIPs: [{ip: 10.1.1.1}]}}
`;
  const ruleset = readRuleset([{ name: 'p.yaml', text }]);
  const layer = ruleset.layers.find(({ scope }) => scope === 'pod:n/x');
  const conditions = layer?.chains[0]?.rules.slice(1).map(({ steps: [step] }) => {
    if (step?.kind !== 'match' || step.condition.kind !== 'all') assert.fail(JSON.stringify(step));
    return step.condition.of.map((part) =>
      part.kind === 'protocol' ? part.numbers[0]?.from : part.kind === 'destination-port' ? part.ports : part.kind,
    );
  });
  const list = [
    { from: 80, to: 80 },
    { from: 90, to: 99 },
  ];
  assert.deepEqual(conditions, [
    [6, list, 'source'],
    [17, [{ from: 53, to: 53 }], 'source'],
    [132, 'source'],
  ]);
  // Still one statement: the peer, beside the policy itself.
  assert.equal(ruleset.statements.modelled, 2);
});
