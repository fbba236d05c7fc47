import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAddress } from '../model/address.ts';
import { has } from '../model/address-set.ts';
import { createEvaluator } from './evaluate.ts';
import { readRuleset } from './read.ts';

/** Random clusters and policies, and a small interpreter of the specification that shares no code with the engine. */

const NAMESPACES = ['a', 'b', 'c'];
const KEYS = ['app', 'tier'];
const VALUES = ['x', 'y'];
const PORTS = [80, 81, 8080];
const EXTERNAL = ['172.16.0.1', '172.16.1.1', '203.0.113.5', '10.244.9.9'];
const BLOCKS = ['0.0.0.0/0', '172.16.0.0/12', '172.16.0.0/16', '10.244.0.0/16', '203.0.113.5/32'];

type Labels = Readonly<Record<string, string>>;
interface Selector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}
interface Peer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}
interface Port {
  readonly protocol?: string;
  readonly port?: number | string;
  readonly endPort?: number;
}
interface Rule {
  readonly peers?: readonly Peer[];
  readonly ports?: readonly Port[];
}
interface Policy {
  readonly namespace: string;
  readonly podSelector: Selector;
  readonly policyTypes?: readonly string[];
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
}
interface Pod {
  readonly namespace: string;
  readonly labels: Labels;
  readonly ports: readonly { readonly name: string; readonly containerPort: number; readonly protocol: string }[];
  readonly ip: string;
  readonly node: string;
}

const labels: fc.Arbitrary<Labels> = fc.dictionary(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES), {
  maxKeys: 2,
  noNullPrototype: true,
});
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });
const expression = fc.oneof(
  fc.record({
    key: fc.constantFrom(...KEYS),
    operator: fc.constantFrom('In', 'NotIn'),
    values: fc.uniqueArray(fc.constantFrom(...VALUES, 'z'), { minLength: 1, maxLength: 2 }),
  }),
  fc.record({ key: fc.constantFrom(...KEYS), operator: fc.constantFrom('Exists', 'DoesNotExist') }),
);
const selector: fc.Arbitrary<Selector> = fc
  .record({ matchLabels: maybe(labels), matchExpressions: maybe(fc.array(expression, { maxLength: 2 })) })
  .map(clean);
const block = fc
  .record({ cidr: fc.constantFrom(...BLOCKS), except: maybe(fc.constantFrom(['172.16.1.0/24'], ['10.244.1.0/24'])) })
  .map(clean);
const peer: fc.Arbitrary<Peer> = fc.oneof(
  fc.record({ podSelector: selector }),
  fc.record({ namespaceSelector: selector }),
  fc.record({ namespaceSelector: selector, podSelector: selector }),
  fc.record({ ipBlock: block }),
  // Holes in blocks matter for few sources, so blocks come up more often.
  fc.record({ ipBlock: block }),
);
const port: fc.Arbitrary<Port> = fc
  .record({
    protocol: maybe(fc.constantFrom('TCP', 'UDP')),
    port: maybe(fc.constantFrom<number | string>(80, 81, 8080, 'web', 'admin')),
    endPort: maybe(fc.constantFrom(8080, 9000)),
  })
  .map(({ endPort, ...rest }) => clean(typeof rest.port === 'number' ? { ...rest, endPort } : rest));
const rule: fc.Arbitrary<Rule> = fc
  .record({ peers: maybe(fc.array(peer, { maxLength: 2 })), ports: maybe(fc.array(port, { maxLength: 2 })) })
  .map(clean);
const policy: fc.Arbitrary<Policy> = fc
  .record({
    namespace: fc.constantFrom(...NAMESPACES),
    podSelector: selector,
    policyTypes: maybe(fc.constantFrom(['Ingress'], ['Egress'], ['Ingress', 'Egress'], [])),
    ingress: maybe(fc.array(rule, { maxLength: 3 })),
    egress: maybe(fc.array(rule, { maxLength: 1 })),
  })
  .map(clean);
const pod = fc.record({
  namespace: fc.constantFrom(...NAMESPACES),
  labels,
  ports: fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('web', 'admin'),
      containerPort: fc.constantFrom(...PORTS),
      protocol: fc.constantFrom('TCP', 'UDP'),
    }),
    { maxLength: 2, selector: ({ name }) => name },
  ),
});
const world = fc.record({
  namespaces: fc.tuple(labels, labels, labels),
  pods: fc.array(pod, { minLength: 1, maxLength: 5 }),
  policies: fc.array(policy, { maxLength: 4 }),
});

function clean<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as never;
}

function manifests(namespaces: readonly Labels[], pods: readonly Pod[], policies: readonly Policy[]): string {
  const items: unknown[] = namespaces.map((own, i) => ({
    kind: 'Namespace',
    metadata: { name: NAMESPACES[i], labels: own },
  }));
  items.push({ kind: 'Namespace', metadata: { name: 'kube-system' } });
  pods.forEach((one, i) => {
    items.push({
      kind: 'Pod',
      metadata: { name: `p${i}`, namespace: one.namespace, labels: one.labels },
      spec: { containers: [{ name: 'c', ports: one.ports }] },
      status: { phase: 'Running', podIP: one.ip, hostIP: one.node },
    });
  });
  items.push({
    kind: 'Pod',
    metadata: { name: 'dns', namespace: 'kube-system' },
    spec: {},
    status: { phase: 'Running', podIP: '10.244.0.2', hostIP: '192.168.7.1' },
  });
  policies.forEach(({ namespace, ingress, egress, ...spec }, i) => {
    const rules = (list: readonly Rule[] | undefined, word: string) =>
      list?.map(({ peers, ports }) => clean({ [word]: peers, ports }));
    items.push({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: `n${i}`, namespace },
      spec: clean({ ...spec, ingress: rules(ingress, 'from'), egress: rules(egress, 'to') }),
    });
  });
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

function selects({ matchLabels, matchExpressions }: Selector, own: Labels): boolean {
  for (const key in matchLabels ?? {}) if (own[key] !== matchLabels?.[key]) return false;
  for (const { key, operator, values } of matchExpressions ?? []) {
    const isPresent = Object.hasOwn(own, key);
    const isListed = isPresent && (values?.includes(own[key] as string) ?? false);
    if (operator === 'In' && !isListed) return false;
    if (operator === 'NotIn' && isListed) return false;
    if (operator === 'Exists' && !isPresent) return false;
    if (operator === 'DoesNotExist' && isPresent) return false;
  }
  return true;
}

function inBlock(address: string, cidr: string): boolean {
  const [network = '', bits] = cidr.split('/');
  const number = (text: string) => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number(address) / size) === Math.floor(number(network) / size);
}

function letsIn(
  target: Pod,
  source: string,
  transport: string,
  toPort: number,
  pods: readonly Pod[],
  policies: readonly Policy[],
  labelsOf: (namespace: string) => Labels,
): boolean {
  if (source === target.node) return true;
  const isolating = policies.filter(
    (p) =>
      p.namespace === target.namespace &&
      selects(p.podSelector, target.labels) &&
      (p.policyTypes === undefined || p.policyTypes.length === 0 || p.policyTypes.includes('Ingress')),
  );
  if (isolating.length === 0) return true;
  const isPeer = (one: Peer, own: string) => {
    if (one.ipBlock)
      return inBlock(source, one.ipBlock.cidr) && !one.ipBlock.except?.some((hole) => inBlock(source, hole));
    return pods.some((client) => {
      if (client.ip !== source) return false;
      if (
        one.namespaceSelector ? !selects(one.namespaceSelector, labelsOf(client.namespace)) : client.namespace !== own
      )
        return false;
      return !one.podSelector || selects(one.podSelector, client.labels);
    });
  };
  const isPort = (one: Port) => {
    if ((one.protocol ?? 'TCP') !== transport) return false;
    if (one.port === undefined) return true;
    if (typeof one.port === 'string')
      return target.ports.some((p) => p.name === one.port && p.protocol === transport && p.containerPort === toPort);
    return toPort >= one.port && toPort <= (one.endPort ?? one.port);
  };
  return isolating.some((p) =>
    (p.ingress ?? []).some(
      (r) =>
        (!r.peers || r.peers.length === 0 || r.peers.some((one) => isPeer(one, p.namespace))) &&
        (!r.ports || r.ports.length === 0 || r.ports.some(isPort)),
    ),
  );
}

test('agrees with an interpreter of the specification for random clusters and policies', () => {
  let judged = 0;
  let admitted = 0;
  fc.assert(
    fc.property(world, ({ namespaces, pods: made, policies: written }) => {
      const pods: Pod[] = made.map((one, i) => ({
        ...one,
        ip: `10.244.${i % 2}.${10 + i}`,
        node: `192.168.7.${1 + (i % 2)}`,
      }));
      const system: Pod = { namespace: 'kube-system', labels: {}, ports: [], ip: '10.244.0.2', node: '192.168.7.1' };
      // A range that ends before it begins is refused by the API server.
      const policies = written.map((p) => ({
        ...p,
        ...(p.ingress ? { ingress: p.ingress.map(inOrder) } : {}),
        ...(p.egress ? { egress: p.egress.map(inOrder) } : {}),
      }));
      const labelsOf = (name: string): Labels => ({
        ...(namespaces[NAMESPACES.indexOf(name)] ?? {}),
        'kubernetes.io/metadata.name': name,
      });
      const ruleset = readRuleset([{ name: 'cluster.json', text: manifests(namespaces, pods, policies) }]);
      assert.deepEqual(ruleset.notes, []);
      const evaluator = createEvaluator(ruleset);
      pods.forEach((target, i) => {
        for (const transport of ['tcp', 'udp'] as const)
          for (const toPort of [...PORTS, 9000, 9001]) {
            const answer = evaluator.admission({
              ...{ transport, port: toPort, addresses: null, iif: null, view: 'client', explain: false },
              scope: `pod:${target.namespace}/p${i}`,
            });
            for (const source of [...pods.map(({ ip }) => ip), system.ip, '192.168.7.1', '192.168.7.2', ...EXTERNAL]) {
              const from = parseAddress(source);
              assert.ok(from);
              const expected = letsIn(
                target,
                source,
                transport.toUpperCase(),
                toPort,
                [...pods, system],
                policies,
                labelsOf,
              );
              const where = `${source} to p${i} ${transport}/${toPort}`;
              assert.deepEqual(
                [has(answer.admitted.lower, from), has(answer.admitted.upper, from)],
                [expected, expected],
                where,
              );
              assert.equal(has(answer.completes.lower, from), expected, `${where}, answers included`);
              judged++;
              admitted += expected ? 1 : 0;
            }
          }
      });
    }),
    { numRuns: 300 },
  );
  assert.ok(admitted > judged / 20 && admitted < judged * 0.95, `${admitted} of ${judged}`);
});

function inOrder(one: Rule): Rule {
  const ports = one.ports?.map(({ endPort, ...port }) =>
    endPort !== undefined && typeof port.port === 'number' && endPort >= port.port ? { ...port, endPort } : port,
  );
  return clean({ ...one, ports });
}
