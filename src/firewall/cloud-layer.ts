import type { AddressSet } from '../model/address-set.ts';
import type { Scope } from '../model/endpoint.ts';
import type { Chain, Condition, Layer, Rule, RulePlace, Step, Verdict } from '../model/ruleset.ts';
import { printable } from './untrusted.ts';

/** A rule of a filter that is no Linux one: one match, one verdict. */
export interface CloudRule {
  readonly text: string;
  readonly when: Condition;
  readonly verdict: Verdict;
  readonly comment?: string | null;
  readonly at: RulePlace;
}

export interface CloudLayer {
  readonly id: string;
  readonly kind: Exclude<Layer['kind'], 'linux'>;
  readonly title: string;
  readonly addresses: AddressSet | null;
  readonly scope: Scope | null;
  /** Name of what the rules are of, for chains: `web, ssh`, `orders/api`. */
  readonly table: string;
  readonly input: readonly CloudRule[];
  readonly output: readonly CloudRule[];
  /** What becomes of packets that no rule speaks of. */
  readonly policy: { readonly input: 'accept' | 'drop'; readonly output: 'accept' | 'drop' };
  /** Names of the two chains, as the filter's users call them. */
  readonly names: readonly [input: string, output: string];
  readonly at: RulePlace;
  readonly isRest?: boolean;
  readonly publishes?: Layer['publishes'];
}

const REPLIES: Condition = { kind: 'connection-state', states: ['established', 'related'] };

/** First rule of a filter that keeps track of connections: answers pass, whichever side asked. */
export function repliesPass(what: string, at: RulePlace): CloudRule {
  return { text: `answers pass: ${what} keep track of connections`, when: REPLIES, verdict: { kind: 'accept' }, at };
}

/** Writes a filter as a layer with one chain per direction. */
export function cloudLayer(layer: CloudLayer): Layer {
  const chain = (hook: 'input' | 'output', name: string): Chain => ({
    id: name,
    table: printable(layer.table, 120),
    name,
    families: ['ipv4', 'ipv6'],
    base: { hook, priority: 0, type: 'filter', policy: layer.policy[hook] },
    rules: rulesOf(layer[hook], `${layer.id} ${name}`),
    at: layer.at,
  });
  return {
    id: layer.id,
    kind: layer.kind,
    title: printable(layer.title, 300),
    addresses: layer.addresses,
    scope: layer.scope,
    ...(layer.isRest ? { isRest: true } : {}),
    ...(layer.publishes && layer.publishes.length > 0 ? { publishes: layer.publishes } : {}),
    chains: [chain('input', layer.names[0]), chain('output', layer.names[1])],
  };
}

/** Ids are made of the rule's own text, so that they stay the same when other rules come and go. */
function rulesOf(rules: readonly CloudRule[], prefix: string): Rule[] {
  const seen = new Map<string, number>();
  return rules.map(({ text, when, verdict, comment, at }, i) => {
    const words = printable(text);
    const times = (seen.get(words) ?? 0) + 1;
    seen.set(words, times);
    const steps: Step[] = [];
    if (when.kind !== 'all' || when.of.length > 0) steps.push({ kind: 'match', condition: when, text: words });
    steps.push({ kind: 'verdict', verdict });
    return {
      id: `${prefix}: ${words}${times > 1 ? ` #${times}` : ''}`,
      text: words,
      at,
      position: i + 1,
      handle: null,
      comment: comment === undefined || comment === null ? null : printable(comment, 200),
      origin: null,
      counter: null,
      steps,
    };
  });
}
