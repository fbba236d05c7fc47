import { readRuleset } from '../firewall/read.ts';
import type { RulesetDump } from '../model/admission.ts';
import type { Ruleset } from '../model/ruleset.ts';

/** Rules of a dump by what they mean: counters, handles, the order of tables and the age of elements are not in it. */
export interface RuleLines {
  /** By chain, in the order in which they are tried. */
  readonly chains: ReadonlyMap<string, readonly RuleLine[]>;
  /** Files that are not understood, by their text. */
  readonly texts: ReadonlyMap<string, string>;
  readonly rules: number;
}

export interface RuleLine {
  /** Equal for rules that do the same. */
  readonly meaning: string;
  /** For people. */
  readonly text: string;
}

/** What became of the rules between two dumps. */
export interface RuleChange {
  /** `12 rules added, 3 removed`; null: they mean the same. */
  readonly summary: string | null;
  /** At most 20 of each, for people. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

const MOST_TOLD = 20;
const MAX_TEXT = 200;

export function ruleLines(dump: Pick<RulesetDump, 'files'>): RuleLines {
  const ruleset = readRuleset(dump.files);
  const chains = new Map<string, RuleLine[]>();
  let rules = 0;
  for (const layer of ruleset.layers)
    for (const chain of layer.chains) {
      const lines = chain.rules.map((rule) => ({
        meaning: `${withoutCounters(rule.text)}\n${canonical(rule.steps)}`,
        text: `${chain.id}: ${rule.text}`.slice(0, MAX_TEXT),
      }));
      rules += lines.length;
      const base = chain.base === null ? 'chain' : `chain, policy ${chain.base.policy}`;
      lines.unshift({ meaning: canonical([chain.base, chain.families]), text: `${chain.id}: ${base}` });
      chains.set(`${layer.id} ${chain.id}`, lines);
    }
  return { chains, texts: notUnderstood(dump, ruleset), rules };
}

/** Says what differs between two dumps of one host. */
export function changeOf(before: RuleLines, after: RuleLines): RuleChange {
  const added: RuleLine[] = [];
  const removed: RuleLine[] = [];
  let moved = 0;
  for (const id of new Set([...before.chains.keys(), ...after.chains.keys()])) {
    const old = before.chains.get(id) ?? [];
    const now = after.chains.get(id) ?? [];
    const gone = surplus(old, now);
    const come = surplus(now, old);
    removed.push(...gone);
    added.push(...come);
    const isSame = old.length === now.length && old.every((line, i) => line.meaning === now[i]?.meaning);
    if (gone.length + come.length === 0 && !isSame) moved++;
  }
  const texts = [...new Set([...before.texts.keys(), ...after.texts.keys()])].filter(
    (name) => before.texts.get(name) !== after.texts.get(name),
  );
  const words = [
    ...(added.length > 0 ? [`${added.length} ${added.length === 1 ? 'rule' : 'rules'} added`] : []),
    ...(removed.length > 0
      ? [`${removed.length} ${added.length > 0 ? '' : removed.length === 1 ? 'rule ' : 'rules '}removed`]
      : []),
    ...(moved > 0 ? [`rules of ${moved} ${moved === 1 ? 'chain' : 'chains'} in another order`] : []),
    ...(texts.length > 0 ? [`${texts.join(', ')} differs`] : []),
  ];
  const told = (lines: readonly RuleLine[]) => lines.slice(0, MOST_TOLD).map((line) => line.text);
  return { summary: words.length === 0 ? null : words.join(', '), added: told(added), removed: told(removed) };
}

/** Lines of the one that the other lacks, each as often as it does. */
function surplus(lines: readonly RuleLine[], of: readonly RuleLine[]): RuleLine[] {
  const left = new Map<string, number>();
  for (const { meaning } of of) left.set(meaning, (left.get(meaning) ?? 0) + 1);
  return lines.filter(({ meaning }) => {
    const n = left.get(meaning) ?? 0;
    if (n > 0) left.set(meaning, n - 1);
    return n === 0;
  });
}

function notUnderstood(dump: Pick<RulesetDump, 'files'>, { files }: Ruleset): ReadonlyMap<string, string> {
  const unread = new Set(
    files.filter((file) => file.dialect === 'unknown' || file.incomplete !== null).map((f) => f.name),
  );
  return new Map(
    dump.files.filter((f) => unread.has(f.name) && !isDerived(f.name)).map((f) => [f.name, withoutCounters(f.text)]),
  );
}

/** The bytecode of what is listed anyway. */
export function isDerived(name: string): boolean {
  return name.startsWith('nft --debug');
}

/** Counters and ages as the dialects print them, and the dates of the programs. */
export function withoutCounters(text: string): string {
  return text
    .replace(/^#.*$/gm, '')
    .replace(/\[\d+:\d+\]/g, '')
    .replace(/\bcounter packets \d+ bytes \d+/g, 'counter')
    .replace(/"(packets|bytes|expires|used|valid_life_time|preferred_life_time)": ?\d+/g, '"$1":0');
}

/** JSON of plain data; sets of IPv6 addresses are big numbers. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v));
}
