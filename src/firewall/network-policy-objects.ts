import { type AddressSet, EMPTY } from '../model/address-set.ts';
import type { RulePlace } from '../model/ruleset.ts';
import { blocksOfTexts } from './aws-addresses.ts';
import { type Labels, NAME_LABEL } from './network-policy-selector.ts';
import { listOf, mapOf, numberOf, textOf, type Values } from './untrusted.ts';

/** A pod, or the template of one that a workload makes. */
export interface Pod {
  readonly namespace: string;
  readonly name: string;
  /** `pod:NAMESPACE/NAME`; of a template `pod:NAMESPACE/NAME-*`, as its pods are named. */
  readonly scope: string;
  /** `Deployment orders/api`. */
  readonly title: string;
  readonly labels: Labels;
  readonly isTemplate: boolean;
  readonly hostNetwork: boolean;
  /** Empty: not known. */
  readonly addresses: AddressSet;
  /** Addresses of its node, as far as its status has them. */
  readonly node: AddressSet;
  /** Named ports of its containers, by `NAME/protocol number`. */
  readonly ports: ReadonlyMap<string, readonly number[]>;
  readonly at: RulePlace;
}

export interface PolicyObject {
  readonly namespace: string;
  readonly name: string;
  readonly spec: Values;
  readonly at: RulePlace;
}

/** Policies of other kinds that can let in or keep out besides. */
export interface OtherPolicy {
  readonly what: string;
  /** null: of the whole cluster. */
  readonly namespace: string | null;
  readonly at: RulePlace;
}

export interface Cluster {
  readonly pods: Pod[];
  /** Labels by name; null: the namespace is mentioned, its object is not given. */
  readonly namespaces: Map<string, Labels | null>;
  readonly policies: PolicyObject[];
  readonly others: OtherPolicy[];
}

/** Where the template of a workload's pods lies (Kubernetes API reference). */
const TEMPLATES: ReadonlyMap<string, readonly string[]> = new Map([
  ['Deployment', ['spec', 'template']],
  ['StatefulSet', ['spec', 'template']],
  ['DaemonSet', ['spec', 'template']],
  ['ReplicaSet', ['spec', 'template']],
  ['ReplicationController', ['spec', 'template']],
  ['Job', ['spec', 'template']],
  ['CronJob', ['spec', 'jobTemplate', 'spec', 'template']],
]);

/** Kinds that filter packets in ways of their own. */
const OTHER_POLICIES = new Set([
  'AdminNetworkPolicy',
  'BaselineAdminNetworkPolicy',
  'ClusterNetworkPolicy',
  'CiliumNetworkPolicy',
  'CiliumClusterwideNetworkPolicy',
  'GlobalNetworkPolicy',
  'StagedNetworkPolicy',
]);
const CLUSTER_WIDE = new Set([
  'AdminNetworkPolicy',
  'BaselineAdminNetworkPolicy',
  'ClusterNetworkPolicy',
  'CiliumClusterwideNetworkPolicy',
  'GlobalNetworkPolicy',
]);

const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ['TCP', 6],
  ['UDP', 17],
  ['SCTP', 132],
]);

/** IP protocol number of a port's protocol; TCP where none is written; null for what is none. */
export function protocolOf(value: unknown): number | null {
  if (value === undefined || value === null) return 6;
  return typeof value === 'string' ? (PROTOCOLS.get(value) ?? null) : null;
}

export type ObjectStatus = 'policy' | 'fact' | 'other-policy' | 'unrecognised';

/** Puts one object into the cluster and says what it was. */
export function addObject(value: unknown, at: RulePlace, cluster: Cluster): ObjectStatus {
  const object = mapOf(value);
  const kind = textOf(object.kind) ?? '';
  const metadata = mapOf(object.metadata);
  const name = textOf(metadata.name);
  const namespace = textOf(metadata.namespace) ?? 'default';
  const group = (textOf(object.apiVersion) ?? '').split('/')[0];
  if (kind === 'NetworkPolicy' && (group === 'networking.k8s.io' || group === 'extensions' || group === '')) {
    if (name === null) return 'unrecognised';
    mention(namespace, cluster);
    cluster.policies.push({ namespace, name, spec: mapOf(object.spec), at });
    return 'policy';
  }
  if (kind === 'NetworkPolicy' || OTHER_POLICIES.has(kind)) {
    const isWide = CLUSTER_WIDE.has(kind);
    const what = isWide ? `${kind} ${name ?? ''}` : `${kind} ${namespace}/${name ?? ''} (${group})`;
    cluster.others.push({ what, namespace: isWide ? null : namespace, at });
    return 'other-policy';
  }
  if (kind === 'Namespace' && name !== null) {
    const labels = new Map(labelsOf(metadata.labels));
    labels.set(NAME_LABEL, name);
    cluster.namespaces.set(name, labels);
    return 'fact';
  }
  if (kind === 'Pod' && name !== null) {
    const status = mapOf(object.status);
    // Ended pods keep their address in the status; another pod may have it by now.
    if (status.phase === 'Succeeded' || status.phase === 'Failed') return 'fact';
    mention(namespace, cluster);
    cluster.pods.push(podOf(object, { namespace, name, kind, at }));
    return 'fact';
  }
  const path = TEMPLATES.get(kind);
  if (path && name !== null) {
    mention(namespace, cluster);
    const template = mapOf(path.reduce<unknown>((part, step) => mapOf(part)[step], object));
    cluster.pods.push(podOf(template, { namespace, name, kind, at }));
    return 'fact';
  }
  return kind === '' ? 'unrecognised' : 'fact';
}

function mention(namespace: string, cluster: Cluster): void {
  if (!cluster.namespaces.has(namespace)) cluster.namespaces.set(namespace, null);
}

function podOf(
  object: Values,
  { namespace, name, kind, at }: { namespace: string; name: string; kind: string; at: RulePlace },
): Pod {
  const spec = mapOf(object.spec);
  const status = mapOf(object.status);
  const isTemplate = kind !== 'Pod';
  const hostNetwork = spec.hostNetwork === true;
  const own = [status.podIP, ...listOf(status.podIPs).map((item) => mapOf(item).ip)];
  const node = [status.hostIP, ...listOf(status.hostIPs).map((item) => mapOf(item).ip)];
  const ports = new Map<string, number[]>();
  for (const list of [spec.containers, spec.initContainers])
    for (const container of listOf(list))
      for (const item of listOf(mapOf(container).ports)) {
        const port = mapOf(item);
        const number = numberOf(port.containerPort, 1, 65535);
        const label = textOf(port.name);
        const protocol = protocolOf(port.protocol);
        if (number === null || label === null || protocol === null) continue;
        const key = `${label}/${protocol}`;
        ports.set(key, [...(ports.get(key) ?? []), number]);
      }
  return {
    namespace,
    name,
    scope: `pod:${namespace}/${isTemplate ? `${name}-*` : name}`,
    title: `${isTemplate ? kind : 'pod'} ${namespace}/${name}`,
    labels: labelsOf(mapOf(object.metadata).labels),
    isTemplate,
    hostNetwork,
    addresses: isTemplate ? EMPTY : blocksOfTexts(own.filter((ip) => textOf(ip)?.includes('/') !== true)),
    node: isTemplate ? EMPTY : blocksOfTexts(node.filter((ip) => textOf(ip)?.includes('/') !== true)),
    ports,
    at,
  };
}

function labelsOf(value: unknown): Labels {
  const labels = new Map<string, string>();
  for (const [key, text] of Object.entries(mapOf(value)))
    if (typeof text === 'string') labels.set(key, text);
    // YAML reads an unquoted `true` or `1` as no text; the API server would have refused it.
    else if (typeof text === 'number' || typeof text === 'boolean') labels.set(key, String(text));
  return labels;
}
