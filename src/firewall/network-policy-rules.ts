import type { Condition, NumberRange, RulePlace } from '../model/ruleset.ts';
import { addAll } from '../util/add-all.ts';
import { getOrMake } from '../util/get-or-make.ts';
import type { Pod, PolicyObject } from './network-policy-objects.ts';
import { protocolOf } from './network-policy-objects.ts';
import { ANYONE, type createPolicyPeers, type PolicyPeer } from './network-policy-peers.ts';
import { readSelector, type Selector } from './network-policy-selector.ts';
import { listOf, mapOf, numberOf, shown, textOf } from './untrusted.ts';

type Direction = 'ingress' | 'egress';
type Peers = ReturnType<typeof createPolicyPeers>;

/** One peer of one rule of a policy, for any pod that the policy selects. */
export interface PolicyRule {
  readonly text: string;
  readonly at: RulePlace;
  /** What packets it lets through to or from a pod: any of these, one per protocol, which the evaluator looks up by port. */
  when(pod: Pod): readonly Condition[];
  /** It is the same for every pod: no port goes by a name of the pod's own. */
  readonly isSame: boolean;
  /** Why it is not certain whom it means; null: it is. */
  readonly open: string | null;
}

/** A NetworkPolicy as the specification has it (Kubernetes API reference, NetworkPolicySpec). */
export interface Policy {
  readonly title: string;
  readonly namespace: string;
  readonly selects: Selector;
  /** Directions that it isolates the selected pods in. */
  readonly types: ReadonlySet<Direction>;
  readonly ingress: readonly PolicyRule[];
  readonly egress: readonly PolicyRule[];
  readonly at: RulePlace;
}

/** A part that the API server would not have taken. */
export interface PolicyProblem {
  readonly text: string;
  readonly reason: string;
  readonly at: RulePlace;
}

/** Reads a policy. What is not understood in it may let in anybody, and is told. */
export function readPolicy(
  { namespace, name, spec, at }: PolicyObject,
  peers: Peers,
  problems: PolicyProblem[],
): Policy | null {
  const title = `NetworkPolicy ${namespace}/${name}`;
  const selects = readSelector(spec.podSelector);
  if (typeof selects === 'string') {
    problems.push({ text: title, reason: selects, at });
    return null;
  }
  const written = listOf(spec.policyTypes).map(textOf);
  const types = new Set<Direction>();
  for (const type of written) {
    if (type === 'Ingress') types.add('ingress');
    else if (type === 'Egress') types.add('egress');
    else problems.push({ text: title, reason: `policyTypes has ${shown(type)}`, at });
  }
  if (written.length === 0) {
    types.add('ingress');
    if (listOf(spec.egress).length > 0) types.add('egress');
  }
  const read = (direction: Direction) =>
    types.has(direction)
      ? listOf(spec[direction]).flatMap((rule, i) =>
          readRules(
            mapOf(rule),
            { direction, namespace, title: `${title} ${direction} ${i + 1}`, at },
            peers,
            problems,
          ),
        )
      : [];
  return { title, namespace, selects, types, ingress: read('ingress'), egress: read('egress'), at };
}

interface Where {
  readonly direction: Direction;
  readonly namespace: string;
  readonly title: string;
  readonly at: RulePlace;
}

function readRules(
  rule: Readonly<Record<string, unknown>>,
  { direction, namespace, title, at }: Where,
  peers: Peers,
  problems: PolicyProblem[],
): PolicyRule[] {
  const side = direction === 'ingress' ? 'source' : 'destination';
  const list = listOf(direction === 'ingress' ? rule.from : rule.to);
  const found: PolicyPeer[] = [];
  const refused = (text: string, reason: string): PolicyPeer => {
    problems.push({ text, reason, at });
    return { when: { kind: 'unknown', reason }, text: 'what is not understood', open: reason };
  };
  // Missing and empty both mean everyone; so it is with ports.
  if (list.length === 0) found.push(ANYONE);
  for (const item of list) {
    const peer = peers.readPeer(item, namespace, side);
    found.push(typeof peer === 'string' ? refused(title, peer) : peer);
  }
  const ports: PortTest[] = [];
  for (const item of listOf(rule.ports)) {
    const port = readPort(mapOf(item), direction, peers);
    if (typeof port === 'string') ports.push(anyPort(refused(title, port).when));
    else ports.push(port);
  }
  const word = direction === 'ingress' ? 'from' : 'to';
  const portText = ports.length === 0 ? 'all ports' : ports.map(({ text }) => text).join(', ');
  return found.map((peer) => ({
    text: `${title}: ${portText} ${word} ${peer.text}`,
    at,
    open: peer.open,
    isSame: ports.every(({ isSame }) => isSame),
    when(pod) {
      if (ports.length === 0) return [peer.when];
      return flatten(ports.map((port) => port.when(pod))).map((parts) => ({
        kind: 'all',
        of: [...parts, ...partsOf(peer.when)],
      }));
    },
  }));
}

/** Ports of one protocol as one test; each list holds what must all be. Neither nests: nested tests are asked rule by rule. */
function flatten(ports: readonly Condition[]): Condition[][] {
  const byProtocol = new Map<number, NumberRange[]>();
  const others: Condition[][] = [];
  for (const port of ports) {
    const parts = partsOf(port);
    const [protocol, ranges] = parts;
    const number = protocol?.kind === 'protocol' ? protocol.numbers[0]?.from : undefined;
    if (number !== undefined && ranges?.kind === 'destination-port')
      addAll(
        getOrMake(byProtocol, number, () => []),
        ranges.ports,
      );
    else others.push([...parts]);
  }
  const together = [...byProtocol].map(([number, ranges]): Condition[] => [
    { kind: 'protocol', numbers: [{ from: number, to: number }] },
    { kind: 'destination-port', ports: ranges },
  ]);
  return [...together, ...others];
}

function partsOf(condition: Condition): readonly Condition[] {
  return condition.kind === 'all' ? condition.of : [condition];
}

interface PortTest {
  readonly text: string;
  readonly isSame: boolean;
  when(pod: Pod): Condition;
}

function anyPort(when: Condition): PortTest {
  return { text: 'ports not understood', isSame: true, when: () => when };
}

const NAMES: ReadonlyMap<number, string> = new Map([
  [6, 'tcp'],
  [17, 'udp'],
  [132, 'sctp'],
]);

/** Reads a port of a rule (NetworkPolicyPort): a number, a range, a name of the pod's own, or all of a protocol. */
function readPort(port: Readonly<Record<string, unknown>>, direction: Direction, peers: Peers): PortTest | string {
  const protocol = protocolOf(port.protocol);
  if (protocol === null) return `protocol ${shown(port.protocol)} is not one`;
  const isProtocol: Condition = { kind: 'protocol', numbers: [{ from: protocol, to: protocol }] };
  const name = NAMES.get(protocol);
  const to = (ranges: readonly NumberRange[]): Condition => ({
    kind: 'all',
    of: [isProtocol, { kind: 'destination-port', ports: ranges }],
  });
  if (port.port === undefined || port.port === null) {
    if (port.endPort !== undefined && port.endPort !== null) return 'endPort without port';
    return { text: `${name}`, isSame: true, when: () => isProtocol };
  }
  const from = typeof port.port === 'number' ? numberOf(port.port, 1, 65535) : null;
  const label = typeof port.port === 'string' ? textOf(port.port) : null;
  if (label !== null) {
    if (port.endPort !== undefined && port.endPort !== null) return 'endPort with a port name';
    const key = `${label}/${protocol}`;
    if (direction === 'egress')
      return { text: `${name}/${label}`, isSame: true, when: () => namedOfPeers(key, peers, to) };
    return {
      text: `${name}/${label}`,
      isSame: false,
      when: (pod) => to((pod.ports.get(key) ?? []).map((number) => ({ from: number, to: number }))),
    };
  }
  if (from === null) return `port ${shown(port.port)} is not one`;
  const end = port.endPort === undefined || port.endPort === null ? from : numberOf(port.endPort, from, 65535);
  if (end === null) return `endPort ${shown(port.endPort)} is not one`;
  const range = { from, to: end };
  return { text: `${name}/${from === end ? from : `${from}-${end}`}`, isSame: true, when: () => to([range]) };
}

function namedOfPeers(key: string, peers: Peers, to: (ranges: readonly NumberRange[]) => Condition): Condition {
  const { pods, isWhole } = peers.namedPorts(key);
  const of: Condition[] = pods.map(({ set, ports }) => ({
    kind: 'all',
    of: [{ kind: 'destination', set }, to(ports.map((number) => ({ from: number, to: number })))],
  }));
  if (!isWhole) of.push({ kind: 'unknown', reason: `which pods have a port named ${key.split('/')[0]} is not known` });
  return { kind: 'any', of };
}
