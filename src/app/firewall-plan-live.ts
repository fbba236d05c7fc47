import { CHAIN as OWN_CHAIN, SET_NAME as OWN_SET } from '../enforce/iptables-rules.ts';
import type { RulesetFile } from '../firewall/dialect.ts';
import type { RulesetDump } from '../model/admission.ts';
import { sha256 } from '../util/sha256.ts';
import { OWN_TABLE } from './firewall-apply-script.ts';
import { ruleLines } from './firewall-rule-lines.ts';

/**
 * Names what rules mean: equal for two dumps whose rules do the same, whatever their counters and handles. A plan holds
 * for rules of this name only.
 */
export function meaningOf(dump: Pick<RulesetDump, 'files'>): string {
  const { chains, texts } = ruleLines(dump);
  const all = [
    ...[...chains].map(([id, lines]) => [id, ...lines.map((line) => line.meaning)]),
    ...[...texts].map(([name, text]) => [name, text]),
  ];
  return `sha256:${sha256(JSON.stringify(all.sort((a, b) => ((a[0] as string) < (b[0] as string) ? -1 : 1))))}`;
}

/** The live files with our own rules of a target replaced by others; those of the other target go on to apply. */
export function withOwnRules(
  files: readonly RulesetFile[],
  target: PlanTarget,
  own: readonly RulesetFile[],
): RulesetFile[] {
  if (target === 'iptables') {
    const rest = files.map((file) =>
      file.text.startsWith('{') ? file : { ...file, text: withoutOwnChain(file.text) },
    );
    return spliced(rest, own);
  }
  const rest = files.flatMap((file): RulesetFile[] => {
    if (file.name.includes('--debug=netlink')) {
      // Bytecode is compared with the listing rule by rule: that of rules which are gone would be taken for missing ones.
      return hasOwnRules(files, 'nftables') ? [] : [file];
    }
    return [file.text.startsWith('{') ? { ...file, text: withoutOwnTable(file.text) } : file];
  });
  return [...rest, ...own];
}

/** Targets that this machine itself can be given. */
export const PLAN_TARGETS = ['nftables', 'iptables'] as const;
export type PlanTarget = (typeof PLAN_TARGETS)[number];

/** Says whether rules of our own of a target are in force. */
export function hasOwnRules(files: readonly RulesetFile[], target: PlanTarget): boolean {
  if (target === 'iptables') return files.some(({ text }) => text.includes(`\n:${OWN_CHAIN} `));
  return files.some(({ text }) => text.startsWith('{') && nftObjects(text)?.some(isOwn) === true);
}

/** Says whether a chain, as answers name it, holds rules of our own of a target. */
export function isOwnChain(chain: string, target: PlanTarget): boolean {
  return target === 'iptables'
    ? chain.endsWith(` ${OWN_CHAIN}`)
    : chain.includes(`${OWN_TABLE.family} ${OWN_TABLE.name} `);
}

function nftObjects(text: string): unknown[] | null {
  try {
    const { nftables } = JSON.parse(text) as { nftables?: unknown };
    return Array.isArray(nftables) ? nftables : null;
  } catch {
    return null;
  }
}

/** `{"table": {"family": "inet", "name": "quietdoor"}}`, and every object that names this table. */
function isOwn(object: unknown): boolean {
  const [kind, value] = Object.entries((object ?? {}) as Record<string, unknown>)[0] ?? [];
  const { family, table, name } = (value ?? {}) as Record<string, unknown>;
  return family === OWN_TABLE.family && (kind === 'table' ? name : table) === OWN_TABLE.name;
}

/** What is no listing is left as it is: whoever reads it says so. */
function withoutOwnTable(text: string): string {
  const objects = nftObjects(text);
  if (objects === null || !objects.some(isOwn)) return text;
  return JSON.stringify({ nftables: objects.filter((object) => !isOwn(object)) });
}

/** Without our chain, and without our sets, which a set of the same name would contradict. */
function withoutOwnChain(text: string): string {
  const own = new RegExp(
    `^(\\[\\d+:\\d+\\] )?(:${OWN_CHAIN} |-A ${OWN_CHAIN} |-A INPUT -j ${OWN_CHAIN}$)|^(create|add) ${OWN_SET} `,
  );
  return text
    .split('\n')
    .filter((line) => !own.test(line))
    .join('\n');
}

/** Puts our chain into the listing of the same family, as the first rule of INPUT, where iptables-restore puts it. */
function spliced(files: readonly RulesetFile[], own: readonly RulesetFile[]): RulesetFile[] {
  const result = [...files];
  for (const mine of own) {
    const isIpv6 = /ip6tables-save/.test(mine.text.slice(0, 200));
    const name = isIpv6 ? /^ip6tables-save/ : /^iptables-save/;
    const at = result.findIndex((file) => name.test(file.name) && file.text.includes('*filter'));
    if (!mine.text.includes('*filter') || at < 0) {
      result.push(mine);
      continue;
    }
    const lines = mine.text.split('\n').filter((line) => new RegExp(`^(:|-A )${OWN_CHAIN} `).test(line));
    const rules = [`-A INPUT -j ${OWN_CHAIN}`, ...lines.filter((line) => line.startsWith('-A'))];
    const there = result[at] as RulesetFile;
    const text = there.text.replace(/^\*filter\n((?::.*\n)*)/m, (_, chains: string) =>
      ['*filter', `${chains}:${OWN_CHAIN} - [0:0]`, ...rules, ''].join('\n'),
    );
    result[at] = { ...there, text };
  }
  return result;
}
