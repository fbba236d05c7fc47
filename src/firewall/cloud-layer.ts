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

/** Many layers have the same rules (of a group that many interfaces carry): what does not differ is made once. */
const made = new WeakMap<CloudRule, Omit<Rule, 'id' | 'position'>>();

function partsOf(rule: CloudRule): Omit<Rule, 'id' | 'position'> {
  let parts = made.get(rule);
  if (parts === undefined) {
    const { when, verdict, comment, at } = rule;
    const text = printable(rule.text);
    const steps: Step[] = [];
    if (when.kind !== 'all' || when.of.length > 0) steps.push({ kind: 'match', condition: when, text });
    steps.push({ kind: 'verdict', verdict });
    const remark = comment === undefined || comment === null ? null : printable(comment, 200);
    parts = { text, at, handle: null, comment: remark, origin: null, counter: null, steps };
    made.set(rule, parts);
  }
  return parts;
}

/** Ids are made of the rule's own text, so that they stay the same when other rules come and go. */
function rulesOf(rules: readonly CloudRule[], prefix: string): Rule[] {
  const seen = new Map<string, number>();
  return rules.map((rule, i) => {
    const parts = partsOf(rule);
    const times = (seen.get(parts.text) ?? 0) + 1;
    seen.set(parts.text, times);
    return { ...parts, id: `${prefix}: ${parts.text}${times > 1 ? ` #${times}` : ''}`, position: i + 1 };
  });
}
