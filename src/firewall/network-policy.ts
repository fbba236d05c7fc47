import { addStatements, NO_STATEMENTS, type StatementCounts, type StatementNote } from '../model/ruleset.ts';
import type { Dialect, DialectContext, DialectResult, RulesetFile } from './dialect.ts';
import { policyLayers } from './network-policy-layers.ts';
import { addObject, type Cluster } from './network-policy-objects.ts';
import { createPolicyPeers } from './network-policy-peers.ts';
import { type Policy, type PolicyProblem, readPolicy } from './network-policy-rules.ts';
import { readManifests } from './network-policy-yaml.ts';
import { mapOf, printable, shown } from './untrusted.ts';

const YAML = /^[ \t-]*"?apiVersion"?\s*:[^\n]*$/m;
const KIND = /^[ \t-]*"?kind"?\s*:/m;
const JSON_OBJECT = /^\s*\{[\s\S]{0,20000}?"apiVersion"\s*:\s*"[\w./-]+"/;

function isKubernetes(text: string): boolean {
  const start = text.slice(0, 65_536);
  return /^\s*\{/.test(start) ? JSON_OBJECT.test(start) : YAML.test(start) && KIND.test(start);
}

/**
 * Kubernetes NetworkPolicy (networking.k8s.io/v1) with the pods, workloads and namespaces that its selectors mean: YAML or
 * JSON as `kubectl get -o yaml` or a repository has them. Files speak of each other; the first carries the layers of all.
 */
export const networkPolicy: Dialect = {
  id: 'kubernetes',
  title: 'kubectl get networkpolicies,namespaces,pods -A -o yaml',
  detect: isKubernetes,
  read(file: RulesetFile, context: DialectContext): DialectResult {
    const all = readAll(context, file);
    const { statements, notes, incomplete } = all.readings.get(file) ?? emptyReading();
    const isFirst = file === all.readings.keys().next().value;
    return { layers: isFirst ? all.layers : [], statements, notes, incomplete, assumptions: all.assumptions };
  },
};

interface Reading {
  statements: StatementCounts;
  readonly notes: StatementNote[];
  incomplete: string | null;
}

function emptyReading(): Reading {
  return { statements: NO_STATEMENTS, notes: [], incomplete: null };
}

interface KubernetesFiles {
  readonly readings: ReadonlyMap<RulesetFile, Reading>;
  readonly layers: DialectResult['layers'];
  readonly assumptions: readonly string[];
}

/** Files are read together once, not once for each of them. */
const read = new WeakMap<DialectContext, KubernetesFiles>();

function readAll(context: DialectContext, asked: RulesetFile): KubernetesFiles {
  const before = read.get(context);
  if (before?.readings.has(asked)) return before;
  const files = context.files.filter(({ text }) => isKubernetes(text));
  const cluster: Cluster = { pods: [], namespaces: new Map(), policies: [], others: [] };
  const readings = new Map<RulesetFile, Reading>();
  const byName = new Map<string, Reading>();
  for (const file of files.includes(asked) ? files : [asked]) {
    const reading = readFile(file, cluster);
    readings.set(file, reading);
    byName.set(file.name, reading);
  }
  const peers = createPolicyPeers(cluster);
  const policies: Policy[] = [];
  for (const object of cluster.policies) {
    const problems: PolicyProblem[] = [];
    const policy = readPolicy(object, peers, problems);
    const reading = byName.get(object.at.file);
    if (policy) policies.push(policy);
    // A policy that cannot be read may select any pod of its namespace.
    else
      cluster.others.push({
        what: `NetworkPolicy ${object.namespace}/${object.name}`,
        namespace: object.namespace,
        at: object.at,
      });
    if (reading) countPolicy(policy, problems, reading);
  }
  const layers = policyLayers(cluster, policies);
  const result = { readings, layers, assumptions: assumptions(cluster, peers.isWhole) };
  read.set(context, result);
  return result;
}

function readFile(file: RulesetFile, cluster: Cluster): Reading {
  const reading = emptyReading();
  const note = (status: 'unsupported' | 'unrecognised', text: string, reason: string, line: number) => {
    reading.statements = addStatements(reading.statements, { ...NO_STATEMENTS, [status]: 1 });
    reading.notes.push({ status, text: printable(text, 200), reason, at: { file: file.name, line }, rule: null });
  };
  const template = /^[^#\n]*\{\{[^}\n]*\}\}/m.exec(file.text);
  if (template) {
    reading.incomplete = 'it is a Helm template that is not rendered (helm template NAME CHART)';
    note('unrecognised', template[0], reading.incomplete, file.text.slice(0, template.index).split('\n').length);
    return reading;
  }
  const { objects, problems } = readManifests(file.text);
  for (const { message, line } of problems) {
    reading.incomplete ??= message;
    note('unrecognised', file.name, message, line);
  }
  for (const { value, line } of objects) {
    const at = { file: file.name, line };
    const status = addObject(value, at, cluster);
    if (status === 'fact') reading.statements = addStatements(reading.statements, { ...NO_STATEMENTS, irrelevant: 1 });
    else if (status === 'other-policy')
      note('unsupported', `kind: ${String(mapOf(value).kind)}`, 'policies of this kind are not evaluated', line);
    else if (status === 'unrecognised') note('unrecognised', shown(value), 'it has no kind or no name', line);
  }
  return reading;
}

/** A policy counts once for isolating its pods, and once for each peer of each rule. */
function countPolicy(policy: Policy | null, problems: readonly PolicyProblem[], reading: Reading): void {
  const counts = { ...NO_STATEMENTS, unrecognised: problems.length, modelled: policy ? 1 : 0 };
  for (const { text, reason, at } of problems)
    reading.notes.push({ status: 'unrecognised', text: printable(text, 200), reason, at, rule: null });
  const refused = new Set(problems.map(({ reason }) => reason));
  for (const rule of [...(policy?.ingress ?? []), ...(policy?.egress ?? [])]) {
    if (rule.open === null) counts.modelled++;
    else if (!refused.has(rule.open)) {
      counts.unsupported++;
      const { text, open, at } = rule;
      reading.notes.push({ status: 'unsupported', text: printable(text, 200), reason: open, at, rule: null });
    }
  }
  reading.statements = addStatements(reading.statements, counts);
}

function assumptions(cluster: Cluster, isWhole: boolean): string[] {
  if (cluster.policies.length === 0 && cluster.others.length === 0 && cluster.pods.length === 0) return [];
  const said = [
    'Network policies take effect only where the network plugin of the cluster enforces them.',
    'A pod always lets in its own node; of the addresses of nodes only those are counted that the status of pods has.',
    'A pod sees whatever source address is left: behind a Service, a load balancer or an ingress that may be the one of a node.',
    'An ipBlock counts for pods inside its range too; some network plugins match only addresses outside of the cluster.',
  ];
  if (isWhole) said.push('The pods and namespaces given are all there are.');
  return said;
}
