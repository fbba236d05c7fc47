import { mergePorts } from '../model/port-ranges.ts';
import type { Chain, Condition, Layer, NumberRange, Rule, Ruleset, Step, Verdict } from '../model/ruleset.ts';

/** A rule that may let connections in to ports that it names. */
export interface AcceptingRule {
  readonly rule: Rule;
  readonly transports: readonly ('tcp' | 'udp' | 'sctp')[];
  /** Sorted, merged. */
  readonly ports: readonly NumberRange[];
}

const TRANSPORTS = [
  ['tcp', 6],
  ['udp', 17],
  ['sctp', 132],
] as const;

/** Hooks that a packet to the host itself meets before its socket. */
const TO_HOST: ReadonlySet<string> = new Set(['ingress', 'prerouting', 'input']);

/** Every destination port that a rule names, whatever it does with it. Sorted, merged. */
export function namedPorts({ layers }: Ruleset): readonly NumberRange[] {
  const named: NumberRange[] = [];
  for (const layer of layers)
    for (const chain of layer.chains)
      for (const rule of chain.rules)
        for (const step of rule.steps) for (const condition of conditionsOf(step)) collectPorts(condition, named);
  return mergePorts(named);
}

/** A range of more ports than this stands for "any port" rather than names them. */
const WIDE = 10_000;

/** A port that no rule names, the highest; null where rules name all of them. */
export function unnamedPort(ruleset: Ruleset): number | null {
  for (const named of [namedPorts(ruleset), namedPorts(ruleset).filter((r) => r.to - r.from < WIDE)]) {
    let port = 65_535;
    for (const range of named.toReversed()) if (range.from <= port && port <= range.to) port = range.from - 1;
    if (port > 0) return port;
  }
  return null;
}

/** Rules on the way to the host's own sockets that accept, and name the ports they accept for. */
export function acceptingRules({ layers }: Ruleset): readonly AcceptingRule[] {
  return layers.flatMap((layer) =>
    chainsToHost(layer).flatMap((chain) => chain.rules.flatMap((rule) => accepting(rule) ?? [])),
  );
}

/** Rules that are only about loopback, or about connections that are known already. */
export function usualRules({ layers }: Ruleset): readonly Rule[] {
  return layers.flatMap((l) => l.chains).flatMap((chain) => chain.rules.filter(isUsual));
}

function isUsual({ steps }: Rule): boolean {
  const open = steps.flatMap((step) => (step.kind === 'match' ? [step.condition] : []));
  // Only what must hold counts: one of several ways may be about something else.
  for (let c = open.pop(); c; c = open.pop()) {
    if (c.kind === 'in-interface' && c.names.every(({ name, prefix }) => name === 'lo' && !prefix)) return true;
    if (c.kind === 'connection-state' && !c.states.includes('new')) return true;
    if (c.kind === 'all') for (const part of c.of) open.push(part);
  }
  return false;
}

/** No chain that a new connection to the host meets drops or asks anything. */
export function isWithoutFilter({ layers }: Ruleset): boolean {
  return layers.every((layer) =>
    layer.chains.every(
      ({ base, rules }) =>
        base === null ||
        !TO_HOST.has(base.hook) ||
        base.type === 'nat' ||
        (rules.length === 0 && base.policy === 'accept'),
    ),
  );
}

/** Chains that the hooks towards a socket call, directly or by jumps, each once. */
function chainsToHost({ chains }: Layer): readonly Chain[] {
  const byId = new Map(chains.map((chain) => [chain.id, chain]));
  const reached = new Set(chains.filter((c) => c.base !== null && c.base.type !== 'nat' && TO_HOST.has(c.base.hook)));
  // A set hands out what is added to it while it is gone through.
  for (const chain of reached)
    for (const rule of chain.rules)
      for (const verdict of rule.steps.flatMap(verdictsOf)) {
        const next = verdict.kind === 'jump' || verdict.kind === 'goto' ? byId.get(verdict.chain) : undefined;
        if (next) reached.add(next);
      }
  return [...reached];
}

function accepting(rule: Rule): AcceptingRule | null {
  const conditions: Condition[] = [];
  const ports: NumberRange[] = [];
  let accepts = false;
  for (const step of rule.steps) {
    if (step.kind === 'match') conditions.push(step.condition);
    if (step.kind === 'verdict' && step.verdict.kind === 'accept') accepts = true;
    if (step.kind !== 'verdict-map') continue;
    for (const { when, verdict } of step.branches)
      if (verdict.kind === 'accept') {
        accepts = true;
        conditions.push(when);
      }
  }
  if (!accepts) return null;
  for (const condition of conditions) collectPorts(condition, ports, true);
  if (ports.length === 0) return null;
  const protocols = conditions.flatMap((condition) => protocolsOf(condition));
  const transports = TRANSPORTS.filter(
    ([, number]) => protocols.length === 0 || protocols.some((r) => r.from <= number && number <= r.to),
  ).map(([name]) => name);
  return transports.length === 0 ? null : { rule, transports, ports: mergePorts(ports) };
}

function conditionsOf(step: Step): readonly Condition[] {
  if (step.kind === 'match') return [step.condition];
  return step.kind === 'verdict-map' ? step.branches.map((branch) => branch.when) : [];
}

function verdictsOf(step: Step): readonly Verdict[] {
  if (step.kind === 'verdict') return [step.verdict];
  return step.kind === 'verdict-map' ? step.branches.map((branch) => branch.verdict) : [];
}

/** `positive`: only what the port must be, not what it must not be. No recursion: conditions may be nested deeply. */
function collectPorts(condition: Condition, into: NumberRange[], positive = false): void {
  walk(condition, positive, (c) => {
    if (c.kind === 'destination-port' || c.kind === 'original-destination-port')
      for (const range of c.ports) into.push(range);
  });
}

function protocolsOf(condition: Condition): readonly NumberRange[] {
  const found: NumberRange[] = [];
  walk(condition, true, (c) => {
    if (c.kind === 'protocol') for (const range of c.numbers) found.push(range);
  });
  return found;
}

function walk(condition: Condition, positive: boolean, visit: (c: Condition) => void): void {
  const open = [condition];
  for (let c = open.pop(); c; c = open.pop()) {
    visit(c);
    if (c.kind === 'all' || c.kind === 'any') for (const part of c.of) open.push(part);
    else if (c.kind === 'not' && !positive) open.push(c.of);
  }
}
