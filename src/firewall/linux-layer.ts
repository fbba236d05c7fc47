import type { Chain, Layer, StatementNote } from '../model/ruleset.ts';
import { compareBy } from '../util/compare.ts';
import type { DialectResult } from './dialect.ts';
import { describeOrigins } from './front-ends.ts';
import type { IptablesResult } from './iptables.ts';
import { readNftDocument } from './nftables-json.ts';

/** What a file of the host's own packet filter holds. */
export interface LinuxFile {
  readonly name: string;
  readonly text: string;
  result: DialectResult;
  chains: readonly Chain[];
  /** Set for iptables-save. */
  readonly iptables: IptablesResult | null;
  /** Reads another text in place of its own. */
  readAgain(text: string): DialectResult;
}

/** Tables of iptables that `nft list ruleset` shows too, where the nf_tables variant is in use. */
const SHARED = /^nft (ip6?) (filter|nat|mangle|raw|security) (.+)$/s;

/** Says whether a chain of nftables belongs to iptables, and which. */
function sharedWith(chain: Chain): { readonly table: string; readonly name: string } | null {
  const found = SHARED.exec(chain.id);
  if (found === null) return null;
  return { table: `${found[1] === 'ip' ? 'iptables' : 'ip6tables'} ${found[2]}`, name: found[3] as string };
}

/**
 * Leaves out of nftables' listing what iptables-save shows better. Both show the tables of the nf_tables variant; the
 * JSON has no parameters of its matches.
 */
export function countOnce(files: readonly LinuxFile[]): void {
  const saved = new Map<string, { readonly chains: Map<string, Chain>; readonly backend: 'nft' | 'legacy' | null }>();
  for (const { iptables, chains } of files) {
    for (const { family, table, backend } of iptables?.tables ?? []) {
      const key = `${family === 'ipv6' ? 'ip6tables' : 'iptables'} ${table}`;
      if (backend === 'legacy' || family === null) continue;
      const own = chains.filter((chain) => chain.table === key);
      if (own.length > 0) saved.set(key, { backend, chains: new Map(own.map((chain) => [chain.name, chain])) });
    }
  }
  for (const file of files) {
    if (file.iptables !== null) continue;
    const shared = new Map<string, Chain[]>();
    for (const chain of file.chains) {
      const known = sharedWith(chain);
      if (known !== null && saved.has(known.table))
        shared.set(known.table, [...(shared.get(known.table) ?? []), chain]);
    }
    const left = new Set<Chain>();
    for (const [table, chains] of shared) {
      const { chains: better, backend } = saved.get(table) as NonNullable<ReturnType<typeof saved.get>>;
      // Who wrote a dump without a header is told by what it holds.
      if (backend === null && !sameShape(chains, better)) continue;
      const bases = chains.filter((chain) => chain.base !== null);
      const covered = (chain: Chain) => better.get(chain.name)?.base?.hook === chain.base?.hook;
      const isWhole = bases.every((chain) => better.has(chain.name) && covered(chain));
      for (const chain of isWhole ? chains : bases.filter((base) => better.has(base.name) && covered(base)))
        left.add(chain);
    }
    if (left.size > 0) leaveOut(file, left);
  }
}

function sameShape(chains: readonly Chain[], saved: ReadonlyMap<string, Chain>): boolean {
  return chains.every((chain) => saved.get(chain.name)?.rules.length === chain.rules.length);
}

/** What stands in chains that are left out changes nothing: the listing is read again without them. */
function leaveOut(file: LinuxFile, left: ReadonlySet<Chain>): void {
  const before = file.result.statements;
  const total = before.modelled + before.irrelevant + before.unsupported + before.unrecognised;
  const ids = new Set([...left].map((chain) => chain.id));
  const again = file.readAgain(withoutChains(file.text, ids));
  const { modelled, unsupported, unrecognised } = again.statements;
  const irrelevant = Math.max(0, total - modelled - unsupported - unrecognised);
  const told = new Set(again.notes.map(noteKey));
  file.result = {
    ...again,
    statements: { modelled, irrelevant, unsupported, unrecognised },
    // Those of the first reading know their lines.
    notes: file.result.notes.filter((note) => told.has(noteKey(note))),
  };
  file.chains = chainsOf(again).filter((chain) => !ids.has(chain.id));
}

function noteKey({ rule, status, reason, text }: StatementNote): string {
  return JSON.stringify([rule, status, reason, text]);
}

export function chainsOf(result: DialectResult): readonly Chain[] {
  return result.layers.flatMap((layer) => (layer.kind === 'linux' ? layer.chains : []));
}

/** The listing of nft without some chains and their rules. Text that is no whole JSON stays as it is. */
function withoutChains(text: string, ids: ReadonlySet<string>): string {
  const objects = readNftDocument(text);
  if (objects.incomplete !== null || objects.stray.length > 0) return text;
  const kept = objects.objects.filter(({ kind, body }) => {
    const name = kind === 'chain' ? body.name : kind === 'rule' ? body.chain : null;
    return typeof name !== 'string' || !ids.has(`nft ${String(body.family)} ${String(body.table)} ${name}`);
  });
  return JSON.stringify({ nftables: kept.map(({ kind, body }) => ({ [kind]: body })) });
}

/** Tables that show which file is missing: `nft` lists them without the parameters of their matches. */
export function unreadable(files: readonly LinuxFile[]): readonly string[] {
  const tables = new Set<string>();
  for (const { iptables, chains, result } of files) {
    if (iptables !== null) continue;
    const doubtful = new Set(result.notes.map((note) => note.rule));
    for (const chain of chains) {
      const known = sharedWith(chain);
      if (known !== null && chain.rules.some((rule) => doubtful.has(rule.id))) tables.add(known.table);
    }
  }
  return [...tables].sort();
}

/** One layer of all chains: those that the kernel calls by priority, then the others; else in the order of the files. */
export function linuxLayer(files: readonly LinuxFile[]): Layer | null {
  const chains = files.flatMap((file) => file.chains);
  if (files.length === 0) return null;
  const bases = chains.filter((chain) => chain.base !== null);
  const order = new Map(bases.map((chain, i) => [chain, i]));
  bases.sort(
    compareBy(
      (chain) => chain.base?.priority ?? 0,
      (chain) => order.get(chain) ?? 0,
    ),
  );
  const tools = [...new Set(files.map((file) => (file.iptables === null ? 'nftables' : 'iptables')))];
  return {
    id: 'linux',
    kind: 'linux',
    title: tools.sort().reverse().join(' and '),
    addresses: null,
    scope: null,
    chains: describeOrigins([...bases, ...chains.filter((chain) => chain.base === null)]),
  };
}
