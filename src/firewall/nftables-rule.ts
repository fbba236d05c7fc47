import { ALL } from '../model/address-set.ts';
import type { Chain, Condition, Rule, RuleCounter, StatementCounts, StatementNote, Step } from '../model/ruleset.ts';
import { addAll } from '../util/add-all.ts';
import type { NftBytecode } from './nftables-bytecode.ts';
import { readAnonymousChain, readInlineRule, readMapWrite } from './nftables-inline.ts';
import { perhapsMerged, withMerged } from './nftables-merged.ts';
import type { NftReading } from './nftables-reading.ts';
import { type RuleBytecode, type StatementPlace, statementMeaning } from './nftables-statement.ts';
import { statementsText, statementText } from './nftables-text.ts';
import { listOf, mapOf, printable, type Values } from './untrusted.ts';

/** Where rules are put together: counts, notes and the chains that rules bring along. */
export interface RuleSink {
  readonly file: string;
  readonly bytecode: NftBytecode | null;
  readonly counts: { -readonly [K in keyof StatementCounts]: number };
  readonly notes: StatementNote[];
  /** Anonymous chains. */
  readonly chains: Chain[];
  /** Ids given so far: hostile listings repeat handles. */
  readonly ids: Map<string, number>;
  /** How many ways all rules together may still be split into. */
  waysLeft: number;
  chain(family: string, table: string, name: unknown): string | null;
}

/** Most ways that a rule may be split into, all its statements together. */
const MOST_WAYS = 4096;

/** Reads a rule object. One whose translation depends on a map becomes several, one for each way. */
export function readRule(
  body: Values,
  line: number | null,
  position: number,
  reading: NftReading,
  sink: RuleSink,
): readonly Rule[] {
  const { family, table } = reading;
  const chain = String(body.chain);
  const handle = typeof body.handle === 'number' && Number.isSafeInteger(body.handle) ? body.handle : null;
  const id = freeId(
    `nft ${family} ${table} ${chain} ${handle === null ? `rule ${position}` : `handle ${handle}`}`,
    sink.ids,
  );
  const bytecode = handle === null ? null : (sink.bytecode?.rule(family, table, chain, handle) ?? null);
  const anonymous = handle === null ? [] : (sink.bytecode?.anonymousRules(family, table, chain, handle) ?? []);
  const comment = typeof body.comment === 'string' ? printable(body.comment) : null;
  return build({
    id,
    statements: statementsOf(body.expr, id, line, sink),
    comment,
    line,
    position,
    handle,
    bytecode,
    anonymous,
  });

  function build(of: {
    id: string;
    statements: readonly unknown[];
    comment: string | null;
    line: number | null;
    position: number;
    handle: number | null;
    bytecode: RuleBytecode | null;
    anonymous: readonly RuleBytecode[];
  }): readonly Rule[] {
    const ways = waysOf(of.statements, of.id, of.line, of.bytecode, of.anonymous);
    const at = of.line === null ? { file: sink.file } : { file: sink.file, line: of.line };
    const shown = of.comment === null ? '' : ` comment "${of.comment}"`;
    const said = of.statements.length === 0 ? '(no statements)' : statementsText(of.statements);
    const text = printable(`${said}${shown}`);
    return ways.map((steps, i) => ({
      id: i === 0 ? of.id : freeId(`${of.id} way ${i + 1}`, sink.ids),
      text,
      at,
      position: of.position,
      handle: of.handle,
      comment: of.comment,
      origin: null,
      counter: counterOf(of.statements),
      steps,
    }));
  }

  function waysOf(
    statements: readonly unknown[],
    ruleId: string,
    ruleLine: number | null,
    code: RuleBytecode | null,
    inner: readonly RuleBytecode[],
  ): Step[][] {
    let ways: Step[][] = [[]];
    const merged = perhapsMerged(statements);
    statements.forEach((statement, i) => {
      const place: StatementPlace = {
        chain: (name) => sink.chain(family, table, name),
        isWhole: code !== null,
        last: i === statements.length - 1,
      };
      const meaning =
        typeof statement === 'string'
          ? inlineMeaning(statement, place, ruleId, ruleLine, inner)
          : statementMeaning(statement, place, reading);
      count(statementText(statement), meaning.irrelevant, ruleId, ruleLine);
      const splits = meaning.ways.length !== 1;
      if (
        splits &&
        (meaning.ways.length * ways.length > Math.min(MOST_WAYS, sink.waysLeft) ||
          ways.some((steps) => !steps.every(isRepeatable)))
      ) {
        const reason = 'its ways are too many, or come after what it changes';
        const anywhere = anyTranslation(meaning.ways, reason);
        ways = ways.map((steps) => [...steps, ...anywhere]);
        sink.notes.push({
          status: 'unsupported',
          text: statementText(statement),
          reason,
          at: placeOf(ruleLine),
          rule: ruleId,
        });
      } else if (splits) {
        sink.waysLeft -= meaning.ways.length * ways.length;
        ways = ways.flatMap((steps) => meaning.ways.map((more) => [...steps, ...more]));
      } else {
        const steps = meaning.ways[0] ?? [];
        const group = merged.get(i);
        const more = group === undefined ? steps : withMerged(steps, group, i);
        for (const own of ways) addAll(own, more);
      }
    });
    return code === null ? ways : ways.map((steps) => withBytecode(steps, code));
  }

  function placeOf(ruleLine: number | null): { file: string; line?: number } {
    return ruleLine === null ? { file: sink.file } : { file: sink.file, line: ruleLine };
  }

  /** Counts a statement, and notes what was found about it. */
  function count(text: string, irrelevant: boolean, ruleId: string, ruleLine: number | null): void {
    const problems = reading.takeProblems();
    if (problems.length === 0) {
      sink.counts[irrelevant ? 'irrelevant' : 'modelled']++;
      return;
    }
    const status = problems.some((problem) => problem.status === 'unrecognised') ? 'unrecognised' : 'unsupported';
    sink.counts[status]++;
    const reasons = [...new Set(problems.filter((problem) => problem.status === status).map(({ reason }) => reason))];
    sink.notes.push({ status, text, reason: reasons.slice(0, 3).join('; '), at: placeOf(ruleLine), rule: ruleId });
  }

  /** A part that nft has no JSON for: an anonymous chain, or what adds to a map. */
  function inlineMeaning(
    text: string,
    place: StatementPlace,
    ruleId: string,
    ruleLine: number | null,
    inner: readonly RuleBytecode[],
  ): { ways: ReadonlyArray<readonly Step[]>; irrelevant: boolean } {
    const write = readMapWrite(text);
    if (write !== null) return statementMeaning(write, place, reading);
    const block = readAnonymousChain(text);
    const rules = block?.rules.map(readInlineRule) ?? [null];
    if (block === null || rules.includes(null)) {
      const unknown = reading.unrecognised('nft prints this part in its own language, and it was not understood');
      return { ways: [[{ kind: 'verdict', verdict: unknown }]], irrelevant: false };
    }
    const chainId = freeId(`${ruleId} block`, sink.ids);
    const built = rules.flatMap((statements, i) => {
      // counted once, as the part of the outer rule that they are
      const before = { ...sink.counts };
      const result = build({
        id: freeId(`${chainId} rule ${i + 1}`, sink.ids),
        statements: statements ?? [],
        comment: null,
        line: ruleLine,
        position: i + 1,
        handle: null,
        bytecode: (inner.length === rules.length && inner[i]) || null,
        anonymous: [],
      });
      Object.assign(sink.counts, before);
      return result;
    });
    sink.chains.push({
      id: chainId,
      table: `${family} ${table}`,
      name: `${chain} { ... }`,
      families: familiesOf(family),
      base: null,
      rules: built,
      at: placeOf(ruleLine),
    });
    return { ways: [[{ kind: 'verdict', verdict: { kind: block.verdict, chain: chainId } }]], irrelevant: false };
  }
}

function statementsOf(expr: unknown, id: string, line: number | null, sink: RuleSink): readonly unknown[] {
  if (Array.isArray(expr) && expr.length > 0) return expr;
  if (expr === undefined || expr === null || Array.isArray(expr)) {
    // nft leaves out the list of a rule without statements: it does nothing
    sink.counts.modelled++;
    return [];
  }
  const at = line === null ? { file: sink.file } : { file: sink.file, line };
  sink.notes.push({ status: 'unrecognised', text: id, reason: 'its statements are not a list', at, rule: id });
  return [expr];
}

/** In place of several translations: perhaps one, to anywhere. */
function anyTranslation(ways: ReadonlyArray<readonly Step[]>, reason: string): readonly Step[] {
  const redirect = ways.some((steps) => steps.some((step) => step.kind === 'destination-nat' && step.redirect));
  return [
    { kind: 'match', condition: { kind: 'unknown', reason } },
    { kind: 'destination-nat', redirect, addresses: redirect ? null : ALL, ports: { from: 0, to: 65535 } },
  ];
}

/** Steps that may be gone through again for another way of the rule. */
function isRepeatable(step: Step): boolean {
  return step.kind === 'match' || step.kind === 'log';
}

/** Adds the families that the listing left out. */
function withBytecode(steps: readonly Step[], code: RuleBytecode): Step[] {
  const told = new Set<Condition>();
  for (const step of steps)
    if (step.kind === 'match')
      for (const part of step.condition.kind === 'all' ? step.condition.of : [step.condition]) told.add(part);
  const left = code.families.filter(({ condition }) => condition.kind !== 'family' || !told.has(condition));
  if (left.length === 0) return [...steps];
  if (left.some(({ place }) => place === 'between')) {
    const reason = 'a family is asked for between what the rule changes';
    return steps.flatMap((step) => [{ kind: 'match', condition: { kind: 'unknown', reason } }, step]);
  }
  const at = (where: 'first' | 'last'): Step[] =>
    left.filter(({ place }) => place === where).map(({ condition }) => ({ kind: 'match', condition }));
  return [...at('first'), ...steps.slice(0, -1), ...at('last'), ...steps.slice(-1)];
}

function freeId(id: string, ids: Map<string, number>): string {
  let times = ids.get(id) ?? 0;
  if (times === 0) {
    ids.set(id, 1);
    return id;
  }
  do times++;
  while (ids.has(`${id} #${times}`));
  ids.set(id, times);
  ids.set(`${id} #${times}`, 1);
  return `${id} #${times}`;
}

export function familiesOf(family: string): readonly ('ipv4' | 'ipv6')[] {
  if (family === 'ip') return ['ipv4'];
  return family === 'ip6' ? ['ipv6'] : ['ipv4', 'ipv6'];
}

function counterOf(statements: readonly unknown[]): RuleCounter | null {
  for (const statement of statements) {
    const { packets, bytes } = mapOf(mapOf(statement).counter);
    if (typeof packets === 'number' && typeof bytes === 'number') return { packets, bytes };
  }
  return null;
}

/** Number of statements of a rule object: what the counts add up to. */
export function statementCount(body: Values): number {
  return body.expr === undefined || body.expr === null ? 1 : Math.max(1, listOf(body.expr).length);
}
