import { type AddressSet, difference, isEmpty } from '../model/address-set.ts';
import { ALWAYS, type Condition, NEVER } from '../model/ruleset.ts';
import { blockOfText, unionOf } from './aws-addresses.ts';
import type { Cluster, Pod } from './network-policy-objects.ts';
import { type Labels, NAME_LABEL, readSelector, type Selector } from './network-policy-selector.ts';
import { listOf, mapOf, shown, textOf } from './untrusted.ts';

type Side = 'source' | 'destination';

/** A peer of a rule: whom it lets in, or out to. `open`: why that is not certain; null: it is. */
export interface PolicyPeer {
  readonly when: Condition;
  readonly text: string;
  readonly open: string | null;
}

const NOT_LISTED = 'the addresses of the pods are not among the files (kubectl get namespaces,pods -A -o yaml)';
const ON_HOST = 'network plugins differ in whether pods on the network of their node match selectors';

/** Reads peers of rules against the pods that are given. */
export function createPolicyPeers(cluster: Cluster) {
  const byNamespace = new Map<string, Pod[]>();
  for (const pod of cluster.pods) {
    const list = byNamespace.get(pod.namespace);
    if (list) list.push(pod);
    else byNamespace.set(pod.namespace, [pod]);
  }
  const isLive = (namespace: string) =>
    byNamespace.get(namespace)?.some((pod) => !pod.isTemplate && !isEmpty(pod.addresses)) ?? false;
  // Every cluster has pods in kube-system: where they are listed, the listing is of all namespaces.
  const isWhole = isLive('kube-system') && [...cluster.namespaces.values()].every((labels) => labels !== null);

  function labelsOf(namespace: string): { labels: Labels; whole: boolean } {
    const labels = cluster.namespaces.get(namespace) ?? null;
    return labels ? { labels, whole: true } : { labels: new Map([[NAME_LABEL, namespace]]), whole: false };
  }

  /** Namespaces that a selector means, and whether others may be meant too. */
  function namespacesOf(selector: Selector): { certain: string[]; perhaps: string[]; isClosed: boolean } {
    const certain: string[] = [];
    const perhaps: string[] = [];
    for (const namespace of new Set([...cluster.namespaces.keys(), ...(selector.names ?? [])])) {
      const { labels, whole } = labelsOf(namespace);
      const answer = selector.matches(labels, whole);
      if (answer === true) certain.push(namespace);
      else if (answer === null) perhaps.push(namespace);
    }
    return { certain, perhaps, isClosed: isWhole || selector.names !== null };
  }

  function selected(namespaces: readonly string[], pods: Selector) {
    const certain: AddressSet[] = [];
    const onHost: AddressSet[] = [];
    let isListed = true;
    for (const namespace of namespaces) {
      if (!isWhole && !isLive(namespace)) isListed = false;
      for (const pod of byNamespace.get(namespace) ?? []) {
        if (pod.isTemplate || pods.matches(pod.labels, true) !== true) continue;
        (pod.hostNetwork ? onHost : certain).push(pod.addresses);
      }
    }
    return { certain: unionOf(certain), onHost: unionOf(onHost), isListed };
  }

  function podPeer(peer: Readonly<Record<string, unknown>>, own: string, side: Side): PolicyPeer | string {
    const pods = readSelector(peer.podSelector);
    if (typeof pods === 'string') return pods;
    let meant = { certain: [own], perhaps: [] as string[], isClosed: true };
    let where = `in ${own}`;
    if (isSet(peer.namespaceSelector)) {
      const selector = readSelector(peer.namespaceSelector);
      if (typeof selector === 'string') return selector;
      meant = namespacesOf(selector);
      where = selector.text === '' ? 'in any namespace' : `in namespaces ${selector.text}`;
    }
    const sure = selected(meant.certain, pods);
    const unsure = selected(meant.perhaps, pods);
    const of: Condition[] = [];
    const reasons: string[] = [];
    const perhaps = (set: AddressSet | null, reason: string) => {
      if (set !== null && isEmpty(set)) return;
      reasons.push(reason);
      const open: Condition = { kind: 'unknown', reason };
      of.push(set === null ? open : { kind: 'all', of: [{ kind: side, set }, open] });
    };
    if (!isEmpty(sure.certain)) of.push({ kind: side, set: sure.certain });
    perhaps(unionOf([sure.onHost, unsure.onHost]), ON_HOST);
    perhaps(unsure.certain, 'the labels of their namespace are not among the files');
    if (!meant.isClosed || !sure.isListed || !unsure.isListed) perhaps(null, NOT_LISTED);
    const text = `${pods.text === '' ? 'any pod' : `pods ${pods.text}`} ${where}`;
    const when: Condition = of.length === 0 ? NEVER : of.length === 1 ? (of[0] as Condition) : { kind: 'any', of };
    return { when, text, open: reasons[0] ?? null };
  }

  function blockPeer(value: unknown, side: Side): PolicyPeer | string {
    const { cidr, except } = mapOf(value);
    const block = blockOfText(cidr);
    if (!block || textOf(cidr)?.includes('/') !== true) return `${shown(cidr)} is not a CIDR`;
    const holes: AddressSet[] = [];
    for (const item of listOf(except)) {
      const hole = blockOfText(item);
      if (!hole) return `${shown(item)} is not a CIDR`;
      holes.push(hole.set);
    }
    const set = difference(block.set, unionOf(holes));
    const without = holes.length === 0 ? '' : ` except ${listOf(except).map(String).join(', ')}`;
    return { when: isEmpty(set) ? NEVER : { kind: side, set }, text: `${block.text}${without}`, open: null };
  }

  /** Reads one peer of a policy in the namespace `own`. Returns a text where the API server would refuse it. */
  function readPeer(value: unknown, own: string, side: Side): PolicyPeer | string {
    const peer = mapOf(value);
    const selects = isSet(peer.podSelector) || isSet(peer.namespaceSelector);
    if (isSet(peer.ipBlock)) return selects ? 'a peer has both ipBlock and a selector' : blockPeer(peer.ipBlock, side);
    return selects ? podPeer(peer, own, side) : 'a peer has neither ipBlock nor a selector';
  }

  /** Pods by a port's name: what a named port of an egress rule means hangs on who is connected to. */
  function namedPorts(key: string): {
    pods: ReadonlyArray<{ set: AddressSet; ports: readonly number[] }>;
    isWhole: boolean;
  } {
    const pods: { set: AddressSet; ports: readonly number[] }[] = [];
    for (const pod of cluster.pods) {
      const ports = pod.ports.get(key);
      if (ports && !isEmpty(pod.addresses)) pods.push({ set: pod.addresses, ports });
    }
    return { pods, isWhole };
  }

  return { readPeer, namedPorts, isWhole };
}

export const ANYONE: PolicyPeer = { when: ALWAYS, text: 'anyone', open: null };

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}
