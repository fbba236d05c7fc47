import type { RuleAnomaly, RuleReference } from '../model/admission.ts';
import type { Chain, Condition, InterfacePattern, Layer, Rule, Ruleset, Verdict } from '../model/ruleset.ts';
import { addAll } from '../util/add-all.ts';
import { referenceTo } from './compile.ts';
import { isInside, meet, type Region, Regions, without } from './regions.ts';

/** Comparisons of two rules per ruleset, and boxes that are left of one rule: beyond, a rule is not judged. */
const MAX_COMPARISONS = 2_000_000;
const MAX_LEFT = 200;

/** Rules named as coming first for one. */
const MAX_NAMED = 5;

/**
 * Finds rules that can never decide anything, or not what they say (Al-Shaer and Hamed, "Discovery of policy anomalies",
 * 2004: shadowing, redundancy, correlation), over all ports at once. What is found is certain; what hangs on a rate, a
 * mark or another unknown is not judged. Sorted by layer, chain, position.
 */
export function findAnomalies(ruleset: Ruleset): readonly RuleAnomaly[] {
  const budget = { left: MAX_COMPARISONS };
  return ruleset.layers.flatMap((layer) => {
    const reached = reachable(layer);
    return layer.chains.flatMap((chain) =>
      reached.has(chain.id) ? judgeChain(layer, chain, budget) : unreachable(layer, chain),
    );
  });
}

/** Chains that some base chain leads to. */
function reachable(layer: Layer): ReadonlySet<string> {
  const chains = new Map(layer.chains.map((chain) => [chain.id, chain]));
  const reached = new Set<string>();
  const open = layer.chains.flatMap((chain) => (chain.base ? [chain.id] : []));
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (reached.has(id)) continue;
    reached.add(id);
    for (const rule of chains.get(id)?.rules ?? [])
      for (const { verdict } of verdictsOf(rule))
        if (verdict.kind === 'jump' || verdict.kind === 'goto') open.push(verdict.chain);
  }
  return reached;
}

function verdictsOf({ steps }: Rule): { verdict: Verdict; when: Condition | null }[] {
  return steps.flatMap((step): { verdict: Verdict; when: Condition | null }[] => {
    if (step.kind === 'verdict') return [{ verdict: step.verdict, when: null }];
    if (step.kind !== 'verdict-map') return [];
    return step.branches.map(({ verdict, when }) => ({ verdict, when }));
  });
}

function unreachable(layer: Layer, chain: Chain): RuleAnomaly[] {
  const [rule] = chain.rules;
  if (!rule) return [];
  const count = chain.rules.length;
  const message = `No packet comes to chain ${chain.name}: nothing jumps to it (${count} ${count === 1 ? 'rule' : 'rules'}).`;
  return [{ kind: 'dead', rule: referenceTo(layer, chain, rule), coveredBy: [], message }];
}

/** What a rule takes away from the rules behind it. */
interface Taken {
  readonly region: Region;
  readonly rule: Rule;
  readonly verdict: Verdict;
}

function judgeChain(layer: Layer, chain: Chain, budget: { left: number }): RuleAnomaly[] {
  const regions = new Regions(chain.rules.flatMap(patternsOf));
  const taken: Taken[] = [];
  // conflicts about loopback and about answers are what every ruleset has
  const news: Taken[] = [];
  const found: RuleAnomaly[] = [];
  // a rule that writes what later conditions ask about makes equal conditions unequal
  let isSteady = true;
  for (const rule of chain.rules) {
    const reads = readRule(rule, regions);
    const reference = () => referenceTo(layer, chain, rule);
    if (reads.parts !== null && reads.parts.length === 0) {
      const message = 'Its conditions contradict each other: no packet can match.';
      found.push({ kind: 'dead', rule: reference(), coveredBy: [], message });
      continue;
    }
    if (reads.parts !== null && isSteady && budget.left > 0) {
      const covered = coveredBy(reads.parts, taken, budget);
      const anomaly = covered ? judge(rule, covered) : conflictOf(rule, reads.parts, news, budget);
      if (anomaly)
        found.push({
          ...{ kind: anomaly.kind, rule: reference(), message: anomaly.message },
          coveredBy: anomaly.by.slice(0, MAX_NAMED).map((other): RuleReference => referenceTo(layer, chain, other)),
        });
    }
    if (rule.steps.some((step) => step.kind === 'notrack')) isSteady = false;
    for (const part of reads.takes) {
      taken.push({ ...part, rule });
      if (!regions.isOfOld(part.region)) news.push({ ...part, rule });
    }
  }
  return found;
}

function patternsOf({ steps }: Rule): InterfacePattern[] {
  const patterns: InterfacePattern[] = [];
  const open: Condition[] = steps.flatMap((step) =>
    step.kind === 'match' ? [step.condition] : step.kind === 'verdict-map' ? step.branches.map(({ when }) => when) : [],
  );
  for (let c = open.pop(); c !== undefined; c = open.pop()) {
    if (c.kind === 'all' || c.kind === 'any') addAll(open, c.of);
    else if (c.kind === 'not') open.push(c.of);
    else if (c.kind === 'in-interface' || c.kind === 'out-interface') addAll(patterns, c.names);
  }
  return patterns;
}

/** Where a rule may match (null: not known), and where it surely decides. */
function readRule(
  rule: Rule,
  regions: Regions,
): { parts: readonly Region[] | null; takes: { region: Region; verdict: Verdict }[] } {
  // what may match leaves unknown tests out; what surely decides must not hold one
  let may: readonly Region[] | null = [regions.everything()];
  let isSure = true;
  const takes: { region: Region; verdict: Verdict }[] = [];
  const narrow = (parts: readonly Region[], condition: Condition): readonly Region[] | null => {
    const next: Region[] = [];
    for (const part of parts) {
      const found = regions.where(condition, part);
      if (found === null) return null;
      addAll(next, found);
    }
    return next.length > 64 ? null : next;
  };
  for (const step of rule.steps) {
    if (may === null) break;
    if (step.kind === 'match') {
      const next: readonly Region[] | null = narrow(may, step.condition);
      if (next === null) isSure = false;
      else may = next;
      if (step.condition.kind === 'all' && next === null)
        for (const part of step.condition.of) may = narrow(may, part) ?? may;
    } else if (step.kind === 'verdict') {
      if (isSure && isFinal(step.verdict)) for (const region of may) takes.push({ region, verdict: step.verdict });
    } else if (step.kind === 'verdict-map') {
      if (isSure)
        for (const { when, verdict } of step.branches)
          if (isFinal(verdict)) for (const region of narrow(may, when) ?? []) takes.push({ region, verdict });
    } else if (step.kind === 'destination-nat' || step.kind === 'source-nat') {
      // rewriting ends the chain for whoever it concerns, and is no verdict that another rule could repeat
      if (isSure) for (const region of may) takes.push({ region, verdict: { kind: 'continue' } });
    }
  }
  return { parts: may, takes };
}

/** Nothing behind it in the chain sees the packet. */
function isFinal({ kind }: Verdict): boolean {
  return kind === 'accept' || kind === 'drop' || kind === 'reject' || kind === 'return' || kind === 'goto';
}

/** Rules that together decide every part before this one; null: they do not. */
function coveredBy(parts: readonly Region[], taken: readonly Taken[], budget: { left: number }): Taken[] | null {
  let left: readonly Region[] = parts;
  const by: Taken[] = [];
  for (const earlier of taken) {
    budget.left -= left.length;
    if (budget.left < 0) return null;
    if (!left.some((region) => meet(region, earlier.region))) continue;
    const rest = left.flatMap((region) => without(region, earlier.region));
    if (rest.length > MAX_LEFT) return null;
    by.push(earlier);
    left = rest;
    if (left.length === 0) return by;
  }
  return null;
}

interface Judgement {
  readonly kind: RuleAnomaly['kind'];
  readonly by: readonly Rule[];
  readonly message: string;
}

function judge(rule: Rule, covered: readonly Taken[]): Judgement {
  const by = [...new Set(covered.map((part) => part.rule))];
  const names =
    by.length === 1
      ? `rule ${by[0]?.position}`
      : `rules ${by
          .slice(0, MAX_NAMED)
          .map((r) => r.position)
          .join(', ')}`;
  const own = verdictsOf(rule).map(({ verdict }) => wordOf(verdict));
  if (own.length === 0)
    return { kind: 'dead', by, message: `No packet reaches it: ${names} of the chain decide all of them first.` };
  const isSame = covered.every((part) => own.length === 1 && wordOf(part.verdict) === own[0]);
  if (isSame)
    return { kind: 'redundant', by, message: `It changes nothing: ${names} of the chain decide the same first.` };
  return { kind: 'shadowed', by, message: `It never decides: ${names} of the chain come first, and decide otherwise.` };
}

/** Accepting is one thing, and both ways of refusing are another. */
function wordOf(verdict: Verdict): string {
  if (verdict.kind === 'reject') return 'drop';
  return verdict.kind === 'jump' || verdict.kind === 'goto' ? `${verdict.kind} ${verdict.chain}` : verdict.kind;
}

/** An earlier rule that decides a part otherwise, where neither is the exception of the other. */
function conflictOf(
  rule: Rule,
  parts: readonly Region[],
  taken: readonly Taken[],
  budget: { left: number },
): Judgement | null {
  const own = verdictsOf(rule);
  const word = own.length === 1 && own[0] ? wordOf(own[0].verdict) : '';
  if (word !== 'accept' && word !== 'drop') return null;
  for (const earlier of taken) {
    if (--budget.left < 0) return null;
    const other = wordOf(earlier.verdict);
    if ((other !== 'accept' && other !== 'drop') || other === word) continue;
    for (const part of parts) {
      if (!meet(part, earlier.region) || isInside(part, earlier.region) || isInside(earlier.region, part)) continue;
      const message = `Rule ${earlier.rule.position} of the chain decides otherwise for a part of what it matches; which one comes first matters.`;
      return { kind: 'conflict', by: [earlier.rule], message };
    }
  }
  return null;
}
