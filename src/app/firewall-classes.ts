import { destinationsOf } from '../enforce/demand.ts';
import type { ApprovedAccess } from '../enforce/target.ts';
import type { Address } from '../model/address.ts';
import { type AddressSet, ALL, difference, has, toRanges } from '../model/address-set.ts';
import { fromCidrs } from '../model/address-set-text.ts';
import type { Transport } from '../model/endpoint.ts';
import type { Condition, NumberRange, Rule, Ruleset, Step } from '../model/ruleset.ts';

/** Local addresses that nobody has: unspecified, loopback, multicast, reserved. */
const NOT_LOCAL = fromCidrs(['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3', '::/127', 'ff00::/8']);
const LOCAL = difference(ALL, NOT_LOCAL);

const PROTOCOLS: Readonly<Record<Transport, number | null>> = { tcp: 6, udp: 17, sctp: 132, udplite: 136, raw: null };

/** Returns one port of every set of ports that no rule and no access tells apart, ascending, of all 65,536. */
export function differentPorts(ruleset: Ruleset, access: readonly ApprovedAccess[], transport: Transport): number[] {
  const starts = new Set([0]);
  const cut = (ports: readonly NumberRange[]) => {
    for (const { from, to } of ports) for (const at of [from, to + 1]) if (at <= 65_535) starts.add(at);
  };
  for (const one of access) if (one.transport === transport) cut(one.ports);
  for (const rule of rulesOf(ruleset)) {
    if (isForOthers(rule, PROTOCOLS[transport])) continue;
    for (const condition of conditionsOf(rule))
      if (condition.kind === 'destination-port' || condition.kind === 'original-destination-port') cut(condition.ports);
  }
  return [...starts].sort((a, b) => a - b);
}

/** Says whether a rule surely never meets a packet of the protocol. `false` where that takes more than a look. */
function isForOthers(rule: Rule, protocol: number | null): boolean {
  if (protocol === null) return false;
  const excludes = (condition: Condition): boolean => {
    if (condition.kind === 'protocol') return !condition.numbers.some((n) => n.from <= protocol && protocol <= n.to);
    if (condition.kind === 'all') return condition.of.some(excludes);
    return condition.kind === 'any' && condition.of.every(excludes);
  };
  return rule.steps.some((step) => step.kind === 'match' && excludes(step.condition));
}

/** Returns one local address of every set of them that no rule and no access tells apart. */
export function differentAddresses(ruleset: Ruleset, access: readonly ApprovedAccess[]): Address[] {
  const sets: AddressSet[] = access.flatMap((one) => destinationsOf(one) ?? []);
  for (const rule of rulesOf(ruleset))
    for (const condition of conditionsOf(rule))
      if (condition.kind === 'destination' || condition.kind === 'original-destination') sets.push(condition.set);
  const different = [...new Map(sets.map((set) => [keyOf(set), set])).values()];
  const found = new Map<string, Address>();
  for (const address of boundaries(different)) {
    const signature = `${address.family} ${different.map((set) => (has(set, address) ? '1' : '0')).join('')}`;
    if (!found.has(signature)) found.set(signature, address);
  }
  return [...found.values()];
}

function keyOf(set: AddressSet): string {
  return `${set.ipv4.join()} ${set.ipv6.join()}`;
}

/** The first local address at or behind every boundary of the sets. */
function boundaries(sets: readonly AddressSet[]): Address[] {
  const ipv4 = new Set(sets.flatMap((set) => set.ipv4));
  const ipv6 = new Set(sets.flatMap((set) => set.ipv6));
  const starts = toRanges(LOCAL).map((range) => range.first);
  const at = [
    ...[...ipv4].filter((value) => value < 2 ** 32).map((value): Address => ({ family: 'ipv4', value })),
    ...[...ipv6].filter((value) => value < 1n << 128n).map((value): Address => ({ family: 'ipv6', value })),
  ];
  return [...starts, ...at.filter((address) => has(LOCAL, address))];
}

function* rulesOf(ruleset: Ruleset): Iterable<Rule> {
  for (const layer of ruleset.layers) for (const chain of layer.chains) yield* chain.rules;
}

/** Every condition of a rule. */
function* conditionsOf(rule: Rule): Iterable<Condition> {
  const waiting = rule.steps.flatMap(topConditions);
  for (let condition = waiting.pop(); condition; condition = waiting.pop()) {
    yield condition;
    if (condition.kind === 'all' || condition.kind === 'any') for (const inner of condition.of) waiting.push(inner);
    else if (condition.kind === 'not') waiting.push(condition.of);
  }
}

function topConditions(step: Step): readonly Condition[] {
  if (step.kind === 'match') return [step.condition];
  return step.kind === 'verdict-map' ? step.branches.map((branch) => branch.when) : [];
}
