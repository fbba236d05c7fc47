import { isEmpty } from '../model/address-set.ts';
import { ALWAYS, type Layer, type RulePlace } from '../model/ruleset.ts';
import { addAll } from '../util/add-all.ts';
import { compareText } from '../util/compare.ts';
import { type CloudRule, cloudLayer, repliesPass } from './cloud-layer.ts';
import type { Cluster, OtherPolicy, Pod } from './network-policy-objects.ts';
import type { Policy, PolicyRule } from './network-policy-rules.ts';

const ON_HOST = 'network plugins mostly do not apply policies to pods on the network of their node';

/** One layer per pod: what the policies that select it let through, together. */
export function policyLayers(cluster: Cluster, policies: readonly Policy[]): Layer[] {
  const byNamespace = new Map<string, Policy[]>();
  for (const policy of [...policies].sort((a, b) => compareText(a.title, b.title))) {
    const list = byNamespace.get(policy.namespace);
    if (list) list.push(policy);
    else byNamespace.set(policy.namespace, [policy]);
  }
  const seen = new Set<string>();
  const layers: Layer[] = [];
  for (const pod of [...cluster.pods].sort((a, b) => compareText(a.scope, b.scope))) {
    // Two workloads of one name (a Deployment and a Job, say) share a scope: a port must be let through by both.
    const id = seen.has(pod.scope) ? `networkpolicy ${pod.namespace}/${pod.title}` : `networkpolicy ${nameOf(pod)}`;
    if (seen.has(id)) continue;
    seen.add(id);
    seen.add(pod.scope);
    const selecting = (byNamespace.get(pod.namespace) ?? []).filter(
      (policy) => policy.selects.matches(pod.labels, true) === true,
    );
    const others = cluster.others.filter(({ namespace }) => namespace === null || namespace === pod.namespace);
    layers.push(podLayer(id, pod, selecting, others));
  }
  const [at] = [...cluster.policies, ...cluster.pods, ...cluster.others].map((object) => object.at);
  if (at) layers.push(otherPods(at));
  return layers;
}

/** Stands for every pod that the files do not have: without it, such a pod would seem to be open. */
function otherPods(at: RulePlace): Layer {
  const reason = 'the pod is not among the files, so which policies select it is not known';
  const rules = [repliesPass('network policies', at), undecided('policies of a pod that is not given', at, reason)];
  return cloudLayer({
    id: 'networkpolicy unknown',
    kind: 'network-policy',
    title: 'network policies of a pod that is not given',
    addresses: null,
    scope: 'pod:*',
    isRest: true,
    table: 'unknown',
    input: rules,
    output: rules,
    policy: { input: 'accept', output: 'accept' },
    names: ['ingress', 'egress'],
    at,
  });
}

function nameOf(pod: Pod): string {
  return pod.scope.slice('pod:'.length);
}

function podLayer(id: string, pod: Pod, policies: readonly Policy[], others: readonly OtherPolicy[]): Layer {
  const rules = (direction: 'ingress' | 'egress'): CloudRule[] => {
    const list: CloudRule[] = [repliesPass('network policies', pod.at)];
    for (const { what, at } of others) list.push(undecided(what, at));
    const isolating = policies.filter(({ types }) => types.has(direction));
    if (isolating.length === 0) return list;
    if (direction === 'ingress' && !isEmpty(pod.node))
      list.push({
        text: `from the node of ${pod.title}: always let in`,
        when: { kind: 'source', set: pod.node },
        verdict: { kind: 'accept' },
        at: pod.at,
      });
    if (pod.hostNetwork)
      list.push({
        text: `${pod.title} is on the network of its node`,
        when: { kind: 'unknown', reason: ON_HOST },
        verdict: { kind: 'accept' },
        at: pod.at,
      });
    for (const policy of isolating) for (const rule of policy[direction]) addAll(list, rulesFor(pod, rule));
    return list;
  };
  const policyOf = (direction: 'ingress' | 'egress') =>
    policies.some(({ types }) => types.has(direction)) ? 'drop' : 'accept';
  const names = policies.map(({ title }) => title.slice('NetworkPolicy '.length));
  return cloudLayer({
    id,
    kind: 'network-policy',
    title: names.length === 0 ? `no network policy selects ${pod.title}` : `network policies of ${pod.title}`,
    // A pod on the network of its node shares the node's address with everything else there.
    addresses: pod.hostNetwork || isEmpty(pod.addresses) ? null : pod.addresses,
    scope: pod.scope,
    table: names.length === 0 ? 'none' : names.join(', '),
    input: rules('ingress'),
    output: rules('egress'),
    policy: { input: policyOf('ingress'), output: policyOf('egress') },
    names: ['ingress', 'egress'],
    at: pod.at,
  });
}

const shared = new WeakMap<PolicyRule, readonly CloudRule[]>();

/** The rules for one pod: the same ones for all pods where they do not hang on the pod. */
function rulesFor(pod: Pod, rule: PolicyRule): readonly CloudRule[] {
  const { text, at } = rule;
  const make = () => rule.when(pod).map((when): CloudRule => ({ text, at, when, verdict: { kind: 'accept' } }));
  if (!rule.isSame) return make();
  let found = shared.get(rule);
  if (found === undefined) {
    found = make();
    shared.set(rule, found);
  }
  return found;
}

function undecided(what: string, at: RulePlace, why?: string): CloudRule {
  const reason = why ?? `${what} is not evaluated; it may let in or keep out`;
  return { text: what, when: ALWAYS, verdict: { kind: 'unknown', reason }, at };
}
