import {
  addStatements,
  type Chain,
  type Layer,
  NO_STATEMENTS,
  type Rule,
  type Ruleset,
  type RulesetFileFacts,
  type StatementNote,
} from '../model/ruleset.ts';
import { addAll } from '../util/add-all.ts';
import { assumptionsOf, unseenFamilies } from './assumptions.ts';
import type { DialectContext, DialectResult, IpSet, RulesetFile } from './dialect.ts';
import { isHostNetworkFile, readHostNetwork } from './host-network.ts';
import { dialects } from './index.ts';
import { type IpSetReading, isIpSetFile, readIpSets } from './ipset.ts';
import { type IptablesResult, iptables, readIptables } from './iptables.ts';
import { chainsOf, countOnce, type LinuxFile, linuxLayer, unreadable } from './linux-layer.ts';
import { printable } from './untrusted.ts';

/** A file with what was made of it. */
interface Read {
  readonly file: RulesetFile;
  readonly dialect: string;
  result: DialectResult;
  readonly linux: LinuxFile | null;
}

/**
 * Reads the files of one host's packet filters: any dialects, detected, several together; outputs of `ip -j` among them.
 * Never throws for what they hold: see `files[].incomplete` and `notes`.
 */
export function readRuleset(given: readonly RulesetFile[]): Ruleset {
  const sets = new Map<RulesetFile, IpSetReading>();
  const firsts = new Map<string, RulesetFile>();
  for (const file of given) if (!firsts.has(file.text)) firsts.set(file.text, file);
  const files = [...firsts.values()];
  for (const file of files) if (isIpSetFile(file.text)) sets.set(file, readIpSets(file));
  const context: DialectContext = { ipsets: setsByName(sets), network: readHostNetwork(files), files };

  const assumptions: string[] = [];
  const reads: Read[] = [];
  for (const file of files) {
    const read = readFile(file, context, sets.get(file) ?? null);
    addAll(assumptions, read.result.assumptions ?? []);
    reads.push(read);
  }
  const linux = reads.flatMap((read) => read.linux ?? []);
  refuseSecondDumps(linux);
  countOnce(linux);
  for (const read of reads) if (read.linux !== null) read.result = read.linux.result;
  const notes = reads.flatMap((read) => read.result.notes);
  const layers: Layer[] = [];
  const layer = linuxLayer(linux);
  if (layer !== null) layers.push(layer);
  for (const read of reads) addLayers(read, layers);
  const factsByText = new Map(reads.map((read) => [read.file.text, factsOf(read, linux)]));
  const facts = given.map((file) => {
    const own = factsByText.get(file.text) as RulesetFileFacts;
    return firsts.get(file.text) === file ? own : { ...asRepeated(own), name: file.name };
  });
  for (const table of unreadable(linux)) notes.push(missingFile(table, linux));
  const empty = reads.filter((read) => read.dialect === 'empty').map((read) => read.file.name);
  const unseen = unseenFamilies(linux, empty);

  return {
    files: facts,
    layers,
    statements: facts.reduce((sum, file) => addStatements(sum, file.statements), NO_STATEMENTS),
    notes,
    network: context.network,
    ...(unseen.length > 0 && { unseenFamilies: unseen }),
    assumptions: assumptionsOf({
      linux,
      unseenFamilies: unseen,
      layers,
      hasNetwork: context.network !== null,
      hasRoutes: context.network?.routes != null,
      fromDialects: assumptions,
    }),
  };
}

/** A file with the same text as an earlier one adds nothing. */
function asRepeated(facts: RulesetFileFacts): RulesetFileFacts {
  const { modelled, irrelevant, unsupported, unrecognised } = facts.statements;
  return {
    ...facts,
    statements: { ...NO_STATEMENTS, irrelevant: modelled + irrelevant + unsupported + unrecognised },
  };
}

/** Adds filters outside of the host; one that is there already leaves open which of the two holds. */
function addLayers(read: Read, layers: Layer[]): void {
  for (const layer of read.result.layers) {
    if (layer.kind === 'linux') continue;
    const isTwice = layers.some(({ id }) => id === layer.id);
    layers.push(isTwice ? { ...layer, id: `${layer.id} (${printable(read.file.name, 80)})` } : layer);
    if (isTwice)
      read.result = { ...read.result, incomplete: read.result.incomplete ?? `another file has ${layer.id} too` };
  }
}

/** Sets of all files; one that two files have is not known. null: no file has any. */
function setsByName(readings: ReadonlyMap<RulesetFile, IpSetReading>): ReadonlyMap<string, IpSet> | null {
  if (readings.size === 0) return null;
  const sets = new Map<string, IpSet>();
  for (const { sets: list } of readings.values())
    for (const set of list) sets.set(set.name, sets.has(set.name) ? { ...set, uncertain: 'two files list it' } : set);
  return sets;
}

function nothing(incomplete: string | null, notes: readonly StatementNote[] = []): DialectResult {
  return { layers: [], statements: { ...NO_STATEMENTS, unrecognised: notes.length }, notes, incomplete };
}

function readFile(file: RulesetFile, context: DialectContext, sets: IpSetReading | null): Read {
  if (sets !== null) return { file, dialect: 'ipset-save', result: { ...sets, layers: [] }, linux: null };
  if (file.text.trim() === '') return readEmpty(file);
  if (isHostNetworkFile(file.text))
    return { file, dialect: 'ip-json', result: nothing(unlessWhole(file.text)), linux: null };
  const dialect = dialects.find((candidate) => candidate.detect(file.text));
  if (dialect === undefined) {
    const reason = 'none of the dialects recognises it, so what it holds is not known';
    const note: StatementNote = {
      status: 'unrecognised',
      text: printable(file.text, 80),
      reason,
      at: { file: file.name, line: 1 },
      rule: null,
    };
    return { file, dialect: 'unknown', result: nothing(reason, [note]), linux: null };
  }
  const own: IptablesResult | null = dialect === iptables ? readIptables(file, context) : null;
  const result = own ?? dialect.read(file, context);
  const isLinux = result.layers.some((layer) => layer.kind === 'linux');
  const readAgain = (text: string) => dialect.read({ ...file, text }, context);
  const linux: LinuxFile = { ...file, result, chains: chainsOf(result), iptables: own, readAgain };
  return { file, dialect: dialect.id, result, linux: isLinux ? linux : null };
}

/** The tools of iptables and ipset print nothing where nothing is; of others an empty file is a failure. */
function readEmpty(file: RulesetFile): Read {
  const base = file.name.slice(file.name.lastIndexOf('/') + 1);
  if (!/ip6?tables|ipset/i.test(base)) return { file, dialect: 'unknown', result: nothing('it is empty'), linux: null };
  const assumptions = [`${printable(file.name, 80)} is empty: taken as nothing to list, not as a command that failed.`];
  return { file, dialect: 'empty', result: { ...nothing(null), assumptions }, linux: null };
}

function unlessWhole(text: string): string | null {
  try {
    JSON.parse(text);
    return null;
  } catch {
    return 'it is not whole: no valid JSON';
  }
}

/**
 * Two listings of the same chains say the same twice (iptables-save beside iptables-legacy-save), or contradict each
 * other: then only the first one counts, and nothing is sure.
 */
function refuseSecondDumps(files: readonly LinuxFile[]): void {
  const seen = new Map<string, { readonly chain: Chain; readonly file: string }>();
  for (const file of files) {
    const known = file.chains.filter((chain) => seen.has(chain.id));
    const other = known.find((chain) => !isSame(chain, seen.get(chain.id)?.chain));
    const { modelled, irrelevant, unsupported, unrecognised } = file.result.statements;
    const total = modelled + irrelevant + unsupported + unrecognised;
    if (other !== undefined) {
      const first = printable(seen.get(other.id)?.file ?? '', 80);
      const reason = `${first} lists ${printable(other.table, 60)} too, with other rules: only one of them can hold`;
      file.chains = [];
      file.result = {
        ...file.result,
        statements: { ...NO_STATEMENTS, unsupported: total },
        notes: [{ status: 'unsupported', text: printable(file.name), reason, at: { file: file.name }, rule: null }],
        incomplete: reason,
      };
      continue;
    }
    if (known.length > 0 && known.length === file.chains.length)
      file.result = { ...file.result, statements: { ...NO_STATEMENTS, irrelevant: total }, notes: [] };
    file.chains = file.chains.filter((chain) => !seen.has(chain.id));
    for (const chain of file.chains) seen.set(chain.id, { chain, file: file.name });
  }
}

/** The same rules in the same order; counters may have gone on. */
function isSame(a: Chain, b: Chain | undefined): boolean {
  return (
    a.base?.policy === b?.base?.policy &&
    a.rules.length === b?.rules.length &&
    a.rules.every((rule, i) => meaningOf(rule) === meaningOf(b.rules[i] as Rule))
  );
}

/** The text of a rule; of one whose text is cut off, what it was read as. */
function meaningOf({ text, steps }: Rule): string {
  if (!text.endsWith('…')) return text;
  return JSON.stringify(steps, (_, value) => (typeof value === 'bigint' ? String(value) : value));
}

function factsOf({ file, dialect, result, linux }: Read, all: readonly LinuxFile[]): RulesetFileFacts {
  const missing = linux?.iptables == null ? null : missingBeside(linux.iptables, all);
  return {
    name: file.name,
    dialect,
    statements: result.statements,
    incomplete: result.incomplete ?? missing,
  };
}

/** What iptables-save says it could not show, unless another file shows it. */
function missingBeside(own: IptablesResult, all: readonly LinuxFile[]): string | null {
  const hidden = own.hidden[0];
  if (hidden !== undefined && !all.some((file) => file.iptables === null))
    return `it does not show all of the table ${printable(hidden.table, 40)}; add the output of "nft -j list ruleset"`;
  const families = new Set(own.tables.map((table) => table.family));
  const legacy = all.flatMap((file) => file.iptables?.tables ?? []).filter((table) => table.backend === 'legacy');
  if (own.legacyPresent && !legacy.some((table) => families.size === 0 || families.has(table.family)))
    return 'it says that there are tables of legacy iptables too; add the output of iptables-legacy-save';
  return null;
}

function missingFile(table: string, files: readonly LinuxFile[]): StatementNote {
  const tool = table.split(' ')[0] ?? 'iptables';
  const file = files.find(({ iptables: own }) => own === null)?.name ?? '';
  return {
    status: 'unsupported',
    text: `table of ${table}`,
    reason: `nft shows rules of iptables without their parameters; add the output of "${tool}-save"`,
    at: { file },
    rule: null,
  };
}
