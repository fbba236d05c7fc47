import type { AddressSet } from '../model/address-set.ts';
import { toText } from '../model/address-set-text.ts';
import type { Condition, InterfacePattern, NumberRange, Rule, Step, Verdict } from '../model/ruleset.ts';

/** What a rule says in the terms that people use for rules, whatever language it is in. */
export interface RuleFacts {
  /** `10.0.0.0/8`, `! 10.0.0.0/8`; null: any. */
  readonly source: string | null;
  readonly destination: string | null;
  /** Protocol numbers; null: any. */
  readonly protocols: readonly number[] | null;
  /** `22`, `80,443`, `6000:6010`; null: any. */
  readonly sourcePorts: string | null;
  readonly ports: string | null;
  readonly inInterface: string | null;
  readonly outInterface: string | null;
  /** What it does at its end; null: nothing but count or log. */
  readonly verdict: Verdict | null;
  readonly translation: Extract<Step, { kind: 'destination-nat' }> | null;
}

/** Names of protocols that rules are written with. */
const PROTOCOLS: Readonly<Record<number, string>> = { 6: 'tcp', 17: 'udp', 132: 'sctp', 50: 'esp', 51: 'ah' };

export function protocolText(number: number): string {
  return PROTOCOLS[number] ?? String(number);
}

export function portsText(ports: readonly NumberRange[]): string {
  return ports.map(({ from, to }) => (from === to ? String(from) : `${from}:${to}`)).join(',');
}

/** A long set is not what anybody wrote. */
function setText(set: AddressSet): string {
  return set.ipv4.length + set.ipv6.length > 20 ? 'many addresses' : toText(set);
}

function namesText(names: readonly InterfacePattern[]): string {
  return names.map(({ name, prefix }) => (prefix ? `${name}+` : name)).join(',');
}

/** Reads the facts of a rule; what they cannot say (states, rates, marks) is passed over. */
export function ruleFacts(rule: Rule): RuleFacts {
  const facts: { -readonly [K in keyof RuleFacts]: RuleFacts[K] } = {
    source: null,
    destination: null,
    protocols: null,
    sourcePorts: null,
    ports: null,
    inInterface: null,
    outInterface: null,
    verdict: null,
    translation: null,
  };
  const take = (condition: Condition, mark: string): void => {
    if (condition.kind === 'source') facts.source = mark + setText(condition.set);
    else if (condition.kind === 'destination') facts.destination = mark + setText(condition.set);
    else if (condition.kind === 'source-port') facts.sourcePorts = mark + portsText(condition.ports);
    else if (condition.kind === 'destination-port') facts.ports = mark + portsText(condition.ports);
    else if (condition.kind === 'in-interface') facts.inInterface = mark + namesText(condition.names);
    else if (condition.kind === 'out-interface') facts.outInterface = mark + namesText(condition.names);
    else if (condition.kind === 'protocol' && mark === '' && facts.protocols === null)
      facts.protocols = condition.numbers.flatMap(({ from, to }) => (from === to ? [from] : []));
    else if (condition.kind === 'all' && mark === '') for (const part of condition.of) take(part, '');
    else if (condition.kind === 'not' && mark === '') take(condition.of, '! ');
  };
  for (const step of rule.steps) {
    if (step.kind === 'match') take(step.condition, '');
    else if (step.kind === 'verdict') facts.verdict = step.verdict;
    else if (step.kind === 'destination-nat') facts.translation = step;
  }
  return facts;
}
