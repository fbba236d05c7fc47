import type { AddressSet } from '../model/address-set.ts';
import type { RuleReference } from '../model/admission.ts';
import type { AddressFamily } from '../model/listener.ts';
import type { Chain, Condition, Hook, InterfacePattern, Layer, NumberRange, Rule, Step } from '../model/ruleset.ts';
import { addAll } from '../util/add-all.ts';
import type { AddressRanks, RankedSet } from './peer-space.ts';

/** What a question fixes of a packet before any rule is looked at. */
export interface PortQuery {
  readonly family: AddressFamily;
  readonly protocol: number;
  readonly source: NumberRange;
  readonly destination: NumberRange;
}

/** A rule made ready: what cannot match is left out before its tests are looked at one by one. */
export interface CompiledRule {
  readonly rule: Rule;
  readonly chain: Chain;
  /** Steps without the leading tests of family, protocol and single ports, which `relevant` has answered. */
  readonly rest: readonly Step[];
  /** Sets that tests of the source name, and of the destination, by whose address they may be asked for. */
  readonly sources: readonly RankedSet[];
  readonly destinations: readonly RankedSet[];
  /** Ports are named elsewhere than in leading tests, so the answer depends on the very port. */
  readonly usesPorts: boolean;
  /** Leading tests ask for the source port, the destination port. */
  readonly leadsSource: boolean;
  readonly leadsDestination: boolean;
  /** All that is left to ask is one address, then the verdict; null: more. */
  readonly simple: SimpleRule | null;
}

/** Most rules of most rulesets: from there, let in or not. `set` null: from anywhere. */
export interface SimpleRule {
  readonly side: 'source' | 'destination';
  readonly set: RankedSet | null;
  readonly accepts: boolean;
}

export interface CompiledChain {
  readonly chain: Chain;
  readonly rules: readonly CompiledRule[];
  /** No rule that it may come to asks about more than addresses, ports and interfaces: later packets fare as the first. */
  readonly isStateless: boolean;
  /** Rules that a packet may match as far as family, protocol and ports go. */
  relevant(query: PortQuery): readonly CompiledRule[];
}

/** A rule of destination NAT. */
export interface Entrance {
  readonly step: Extract<Step, { kind: 'destination-nat' }>;
  readonly rule: CompiledRule;
  readonly ports: readonly (readonly NumberRange[])[];
}

export interface CompiledLayer {
  readonly layer: Layer;
  readonly chains: ReadonlyMap<string, CompiledChain>;
  /** Base chains of a hook, by priority. */
  readonly hooks: ReadonlyMap<Hook, readonly CompiledChain[]>;
  /** Every set that a rule names. */
  readonly sets: ReadonlySet<AddressSet>;
  /** Where destination NAT may lead to: ports (null keeps it), and addresses. */
  readonly translations: ReadonlyArray<Extract<Step, { kind: 'destination-nat' }>>;
  readonly interfaces: readonly InterfacePattern[];
  /** A rule rewrites sources. */
  readonly rewritesSources: boolean;
  /** Sets that the host's own address is compared with: as a destination, and as the source of answers. */
  readonly ownSets: ReadonlySet<AddressSet>;
  /** Chains that answers may come to, besides those of packets to the host. */
  readonly answers: ReadonlySet<string>;
  /** Rules ask by which interface answers leave, or of which type an address is. */
  readonly usesRoutes: boolean;
  /** Rules ask whether an address belongs to the interface. */
  readonly usesInterfaceTypes: boolean;
  /** First ports of the ranges that rules tell apart, of clients and of answers to them. */
  readonly clientPorts: readonly number[];
  /** First ports of the ranges of the port that clients send to which rules tell apart. */
  readonly sentPorts: readonly number[];
  /** Rules that rewrite where packets go, and the ports that their leading tests let through: one of each list. */
  readonly entrances: readonly Entrance[];
  /** Filter chains run at the very priority of a rewriting, so that their ports are not known. */
  readonly isAmbiguous: boolean;
}

/** Reference to a rule, as answers name it. */
export function referenceTo(layer: Layer, chain: Chain, rule: Rule): RuleReference {
  const { id, position, handle, text, at, origin, counter } = rule;
  return { ...{ id, layer: layer.id, chain: chain.id, position, handle, text, at, origin, counter } };
}

/** Reference to the policy of a base chain. */
export function policyOf(layer: Layer, chain: Chain): RuleReference {
  const policy = chain.base?.policy ?? 'accept';
  return {
    ...{ id: `${chain.id} policy`, layer: layer.id, chain: chain.id, position: 0, handle: null },
    ...{ text: `policy ${policy}`, at: chain.at, origin: null, counter: null },
  };
}

/** Every set that a layer's rules name. */
export function setsOf(layer: Layer): Set<AddressSet> {
  const found = emptyFound();
  for (const { rules } of layer.chains) for (const rule of rules) collectRule(rule, found);
  return new Set([...found.sources, ...found.destinations]);
}

/** Makes a layer ready for questions. */
export function compileLayer(layer: Layer, ranks: AddressRanks): CompiledLayer {
  const chains = new Map<string, CompiledChain>();
  const hooks = new Map<Hook, CompiledChain[]>();
  const sets = new Set<AddressSet>();
  const ownSets = new Set<AddressSet>();
  const clientPorts = new Set<number>();
  const sentPorts = new Set<number>([1]);
  const entrances: Entrance[] = [];
  let usesRoutes = false;
  let usesInterfaceTypes = false;
  const answering = reachableFrom(layer, ANSWER_HOOKS);
  const interfaces = new Map<string, InterfacePattern>();
  const translations: Extract<Step, { kind: 'destination-nat' }>[] = [];
  let rewritesSources = false;
  for (const chain of layer.chains) {
    const rules = chain.rules.map((rule) => {
      const found = emptyFound();
      for (const step of rule.steps) {
        if (step.kind === 'match') collect(step.condition, found);
        else if (step.kind === 'verdict-map') for (const branch of step.branches) collect(branch.when, found);
        else if (step.kind === 'destination-nat') translations.push(step);
        else if (step.kind === 'source-nat') rewritesSources = true;
      }
      for (const pattern of found.interfaces) interfaces.set(`${pattern.prefix} ${pattern.name}`, pattern);
      for (const set of found.sources) sets.add(set);
      for (const set of found.destinations) {
        sets.add(set);
        ownSets.add(set);
      }
      const answers = answering.has(chain.id);
      if (answers) for (const set of found.sources) ownSets.add(set);
      addEdges(clientPorts, found.sourcePorts);
      if (answers) addEdges(clientPorts, found.destinationPorts);
      addEdges(sentPorts, found.destinationPorts);
      if (answers) addEdges(sentPorts, found.sourcePorts);
      usesRoutes ||= found.usesRoutes;
      usesInterfaceTypes ||= found.usesInterfaceTypes;
      const made = compileRule(chain, rule, found, ranks);
      for (const step of rule.steps)
        if (step.kind === 'destination-nat')
          entrances.push({ step, rule: made.compiled, ports: made.leading.destinationPorts });
      return made;
    });
    const isStateless = rules.every(({ compiled }) => isStatelessRule(compiled.rule));
    const compiled = { chain, rules: rules.map((r) => r.compiled), isStateless, relevant: indexOf(rules) };
    chains.set(chain.id, compiled);
    if (chain.base) hooks.set(chain.base.hook, [...(hooks.get(chain.base.hook) ?? []), compiled]);
    for (const device of chain.base?.devices ?? []) interfaces.set(`false ${device}`, { name: device, prefix: false });
  }
  for (const list of hooks.values()) list.sort((a, b) => (a.chain.base?.priority ?? 0) - (b.chain.base?.priority ?? 0));
  return {
    ...{
      answers: answering,
      layer,
      chains,
      hooks,
      sets,
      ownSets,
      translations,
      rewritesSources,
      usesRoutes,
      usesInterfaceTypes,
    },
    ...{ clientPorts: sorted(clientPorts), sentPorts: sorted(sentPorts), entrances },
    isAmbiguous: layer.chains.some(
      ({ base }) =>
        (base?.hook === 'prerouting' && base.type !== 'nat' && base.priority === -100) ||
        (base?.hook === 'postrouting' && base.type !== 'nat' && base.priority === 100),
    ),
    interfaces: [...interfaces.values()],
  };
}

interface Found {
  readonly sources: Set<AddressSet>;
  readonly destinations: Set<AddressSet>;
  readonly interfaces: InterfacePattern[];
  readonly sourcePorts: NumberRange[];
  readonly destinationPorts: NumberRange[];
  ports: boolean;
  usesRoutes: boolean;
  usesInterfaceTypes: boolean;
}

function emptyFound(): Found {
  return {
    ...{ sources: new Set(), destinations: new Set(), interfaces: [], sourcePorts: [], destinationPorts: [] },
    ...{ ports: false, usesRoutes: false, usesInterfaceTypes: false },
  };
}

function sorted(numbers: ReadonlySet<number>): number[] {
  return [...numbers].sort((a, b) => a - b);
}

function addEdges(edges: Set<number>, ranges: readonly NumberRange[]): void {
  for (const { from, to } of ranges) edges.add(from).add(to + 1);
}

/** Says whether a rule treats every packet of a connection alike, and writes nothing. Jumps are not looked into. */
function isStatelessRule({ steps }: Rule): boolean {
  return steps.every((step) => {
    if (step.kind === 'match') return isStatelessCondition(step.condition);
    if (step.kind === 'log') return true;
    return step.kind === 'verdict' && step.verdict.kind !== 'jump' && step.verdict.kind !== 'goto';
  });
}

function isStatelessCondition(c: Condition): boolean {
  switch (c.kind) {
    case 'family':
    case 'source':
    case 'destination':
    case 'protocol':
    case 'source-port':
    case 'destination-port':
    case 'in-interface':
      return true;
    default:
      return false;
  }
}

/**
 * Hooks that answers go through: those from behind the host come in as other packets do, and there may be such answers
 * without any chain of the hook forward.
 */
const ANSWER_HOOKS: readonly Hook[] = ['output', 'postrouting', 'forward', 'prerouting', 'ingress'];

/** Chains that packets of the hooks may come to. */
function reachableFrom(layer: Layer, hooks: readonly Hook[]): ReadonlySet<string> {
  const byId = new Map(layer.chains.map((chain) => [chain.id, chain]));
  const reached = new Set<string>();
  const open = layer.chains.filter((chain) => chain.base && hooks.includes(chain.base.hook)).map((chain) => chain.id);
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (reached.has(id)) continue;
    reached.add(id);
    for (const { steps } of byId.get(id)?.rules ?? [])
      for (const step of steps) {
        const verdicts =
          step.kind === 'verdict'
            ? [step.verdict]
            : step.kind === 'verdict-map'
              ? step.branches.map((b) => b.verdict)
              : [];
        for (const verdict of verdicts)
          if (verdict.kind === 'jump' || verdict.kind === 'goto') open.push(verdict.chain);
      }
  }
  return reached;
}

/** Notes what all of a rule's conditions ask about. */
function collectRule(rule: Rule, found: Found): void {
  for (const step of rule.steps) {
    if (step.kind === 'match') collect(step.condition, found);
    else if (step.kind === 'verdict-map') for (const branch of step.branches) collect(branch.when, found);
  }
}

/** Notes what a condition asks about. Iterative: conditions of outside texts may be deep. */
function collect(condition: Condition, found: Found): void {
  const open: Condition[] = [condition];
  for (let c = open.pop(); c !== undefined; c = open.pop()) {
    switch (c.kind) {
      case 'all':
      case 'any':
        addAll(open, c.of);
        break;
      case 'not':
        open.push(c.of);
        break;
      case 'source':
      case 'original-source':
        found.sources.add(c.set);
        break;
      case 'destination':
      case 'original-destination':
        found.destinations.add(c.set);
        break;
      case 'out-interface':
        found.usesRoutes = true;
        addAll(found.interfaces, c.names);
        break;
      case 'in-interface':
        addAll(found.interfaces, c.names);
        break;
      case 'address-type':
        found.usesRoutes = true;
        found.usesInterfaceTypes ||= c.on !== undefined;
        break;
      case 'source-port':
        found.ports = true;
        addAll(found.sourcePorts, c.ports);
        break;
      case 'destination-port':
      case 'original-destination-port':
        found.ports = true;
        addAll(found.destinationPorts, c.ports);
        break;
    }
  }
}

interface Leading {
  readonly families: Set<AddressFamily>;
  readonly protocols: NumberRange[][];
  readonly sourcePorts: NumberRange[][];
  readonly destinationPorts: NumberRange[][];
}

function compileRule(
  chain: Chain,
  rule: Rule,
  found: Found,
  ranks: AddressRanks,
): { compiled: CompiledRule; leading: Leading } {
  const leading: Leading = {
    families: new Set(chain.families),
    protocols: [],
    sourcePorts: [],
    destinationPorts: [],
  };
  const rest: Step[] = [];
  let isLeading = true;
  for (const step of rule.steps) {
    if (step.kind !== 'match') isLeading = false;
    if (!isLeading || step.kind !== 'match') {
      rest.push(step);
      continue;
    }
    const left = takeLeading(step.condition, leading);
    if (left.length === 0) continue;
    const condition: Condition = left.length === 1 ? (left[0] as Condition) : { kind: 'all', of: left };
    rest.push({ ...step, condition });
  }
  const nested = emptyFound();
  for (const step of rest) {
    if (step.kind === 'match') collect(step.condition, nested);
    else if (step.kind === 'verdict-map') for (const branch of step.branches) collect(branch.when, nested);
  }
  const compiled: CompiledRule = {
    ...{ rule, chain, rest, usesPorts: nested.ports },
    sources: [...found.sources].map((set) => ranks.rank(set)),
    destinations: [...found.destinations].map((set) => ranks.rank(set)),
    simple: simpleOf(rest, ranks),
    ...{ leadsSource: leading.sourcePorts.length > 0, leadsDestination: leading.destinationPorts.length > 0 },
  };
  return { compiled, leading };
}

function simpleOf(rest: readonly Step[], ranks: AddressRanks): SimpleRule | null {
  const [first, second] = rest;
  const last = rest.length === 1 ? first : second;
  if (rest.length > 2 || last?.kind !== 'verdict') return null;
  const { kind } = last.verdict;
  if (kind !== 'accept' && kind !== 'drop' && kind !== 'reject') return null;
  const accepts = kind === 'accept';
  if (rest.length === 1) return { side: 'source', set: null, accepts };
  if (first?.kind !== 'match') return null;
  const { condition } = first;
  if (condition.kind !== 'source' && condition.kind !== 'destination') return null;
  return { side: condition.kind, set: ranks.rank(condition.set), accepts };
}

/** Takes what `relevant` can answer out of a condition; returns what is left, all of which must hold. */
function takeLeading(c: Condition, into: Leading): Condition[] {
  switch (c.kind) {
    case 'all':
      return c.of.flatMap((part) => (part.kind === 'all' ? [part] : takeLeading(part, into)));
    case 'family':
      for (const family of into.families) if (family !== c.family) into.families.delete(family);
      return [];
    case 'protocol':
      into.protocols.push([...c.numbers]);
      return [];
    case 'source-port':
      into.sourcePorts.push([...c.ports]);
      return [];
    case 'destination-port':
      into.destinationPorts.push([...c.ports]);
      return [];
    default:
      return [c];
  }
}

const EVERY: readonly NumberRange[] = [{ from: 0, to: 65535 }];

/**
 * Answers which rules a packet may match. Hulls first, in typed arrays: a chain of 10,000 rules is looked through in
 * some microseconds. A port that is one of several (a range) keeps every rule that it may match.
 */
function indexOf(
  rules: ReadonlyArray<{ compiled: CompiledRule; leading: Leading }>,
): (query: PortQuery) => readonly CompiledRule[] {
  const n = rules.length;
  const hull = (pick: (leading: Leading) => NumberRange[][], edge: 'from' | 'to') =>
    Int32Array.from(rules, ({ leading }) => {
      let value = edge === 'from' ? 0 : 65535;
      for (const ranges of pick(leading)) {
        const edges = ranges.map((r) => r[edge]);
        value = edge === 'from' ? Math.max(value, minimum(edges)) : Math.min(value, maximum(edges));
      }
      return value;
    });
  const protocolFrom = hull((l) => l.protocols, 'from');
  const protocolTo = hull((l) => l.protocols, 'to');
  const sourceFrom = hull((l) => l.sourcePorts, 'from');
  const sourceTo = hull((l) => l.sourcePorts, 'to');
  const destinationFrom = hull((l) => l.destinationPorts, 'from');
  const destinationTo = hull((l) => l.destinationPorts, 'to');
  const families = Uint8Array.from(
    rules,
    ({ leading: { families: of } }) => (of.has('ipv4') ? 1 : 0) | (of.has('ipv6') ? 2 : 0),
  );
  const isSplit = (lists: readonly NumberRange[][]) => lists.length > 1 || (lists[0] ?? EVERY).length !== 1;
  const exact = Uint8Array.from(rules, ({ leading }) =>
    isSplit(leading.protocols) || isSplit(leading.sourcePorts) || isSplit(leading.destinationPorts) ? 1 : 0,
  );
  return ({ family, protocol, source, destination }) => {
    const bit = family === 'ipv4' ? 1 : 2;
    const found: CompiledRule[] = [];
    for (let i = 0; i < n; i++) {
      if (((families[i] as number) & bit) === 0) continue;
      if ((destinationFrom[i] as number) > destination.to || (destinationTo[i] as number) < destination.from) continue;
      if ((protocolFrom[i] as number) > protocol || (protocolTo[i] as number) < protocol) continue;
      if ((sourceFrom[i] as number) > source.to || (sourceTo[i] as number) < source.from) continue;
      const { compiled, leading } = rules[i] as (typeof rules)[number];
      if (exact[i] === 1) {
        if (!leading.protocols.every((ranges) => overlaps(ranges, { from: protocol, to: protocol }))) continue;
        if (!leading.sourcePorts.every((ranges) => overlaps(ranges, source))) continue;
        if (!leading.destinationPorts.every((ranges) => overlaps(ranges, destination))) continue;
      }
      found.push(compiled);
    }
    return found;
  };
}

function minimum(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), 65536);
}

function maximum(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), -1);
}

function overlaps(ranges: readonly NumberRange[], range: NumberRange): boolean {
  for (const { from, to } of ranges) if (from <= range.to && to >= range.from) return true;
  return false;
}
