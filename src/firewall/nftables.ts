import {
  type BaseChain,
  type Chain,
  HOOKS,
  type Hook,
  type Layer,
  NO_STATEMENTS,
  type Rule,
  type Step,
} from '../model/ruleset.ts';
import { addAll } from '../util/add-all.ts';
import { getOrMake } from '../util/get-or-make.ts';
import type { Dialect, DialectContext, DialectResult, RulesetFile } from './dialect.ts';
import { bridgeChains } from './nftables-bridge.ts';
import { isNftBytecode, readNftBytecode } from './nftables-bytecode.ts';
import { documentStart, type NftObject, readNftDocument } from './nftables-json.ts';
import { NftReading } from './nftables-reading.ts';
import { familiesOf, type RuleSink, readRule, statementCount } from './nftables-rule.ts';
import { type NftSet, nftKey, nftSetOf, writtenSets } from './nftables-sets.ts';
import { listOf, numberOf, printable, type Values } from './untrusted.ts';

/** `nft -j list ruleset`, of nft 0.9 to 1.1; with it `nft --debug=netlink list ruleset` where that is given. */
export const nftables: Dialect = {
  id: 'nftables',
  title: 'nft -j list ruleset',
  detect: (text) => documentStart(text) >= 0,
  read,
};

/** Kinds of object that change nothing about who is let in. */
const IRRELEVANT_KINDS = new Set([
  'metainfo',
  'counter',
  'quota',
  'limit',
  'ct timeout',
  'secmark',
  'flowtable',
  'synproxy',
]);

/** Kinds of which a table, or a host, has one of a name. */
const NAMED_KINDS = new Set(['table', 'chain', 'set', 'map', 'meter']);

const NO_CONTRADICTION =
  'No rule of nftables contradicts itself by a family that the listing leaves out (nft --debug=netlink would show it).';

interface NftTable {
  readonly family: string;
  readonly name: string;
  /** `unclear`: it has flags that could not be read, and one of them turns it off. */
  readonly active: 'yes' | 'no' | 'unclear';
  readonly reading: NftReading;
}

interface NftChain {
  readonly id: string;
  readonly body: Values;
  readonly line: number | null;
  readonly rules: Rule[];
  position: number;
}

function read(file: RulesetFile, context: DialectContext): DialectResult {
  const document = readNftDocument(file.text);
  const assumptions = new Set<string>();
  const problems: string[] = document.incomplete === null ? [] : [document.incomplete];
  const counts = { ...NO_STATEMENTS };
  const bytecodeText = hasLineBreaks(document.objects)
    ? undefined
    : context.files.find((other) => other !== file && isNftBytecode(other.text))?.text;
  const chains = new Map<string, NftChain>();
  const sink: RuleSink = {
    file: file.name,
    bytecode: bytecodeText === undefined ? null : readNftBytecode(bytecodeText),
    counts,
    notes: [],
    chains: [],
    ids: new Map(),
    waysLeft: 50_000,
    chain: (family, table, name) => chains.get(nftKey(family, table, name))?.id ?? null,
  };
  for (const { text, line } of document.stray)
    note('unrecognised', text, 'this is not an object of the listing', line, true);

  if (sink.bytecode === null && document.objects.some(({ kind }) => kind === 'rule')) assumptions.add(NO_CONTRADICTION);
  const contradiction = listedTwice(document.objects);
  if (contradiction !== null) problems.push(contradiction);
  const oldFlags = isOld(document.objects);
  const tables = new Map<string, NftTable>();
  const sets = new Map<string, Map<string, NftSet>>();
  const written = writtenSets(document.objects);
  for (const object of document.objects) {
    const { kind, body } = object;
    if (kind === 'table') addTable(object);
    else if (kind === 'set' || kind === 'map' || kind === 'meter') {
      const set = nftSetOf(object, written);
      if (set !== null) setsOf(body.family, body.table).set(set.name, set);
    } else if (kind === 'chain' && typeof body.name === 'string') {
      const key = nftKey(body.family, body.table, body.name);
      if (!chains.has(key)) chains.set(key, newChain(body, object.line));
    }
  }
  for (const object of document.objects) addObject(object);

  const listed: Chain[] = [];
  for (const chain of chains.values()) addAll(listed, chainsOf(chain));
  for (const { reading } of tables.values()) if (reading.poison !== null) problems.push(reading.poison);
  const bridged = bridgeChains(document.objects, file.name);
  const layers: Layer[] = [
    {
      id: 'linux',
      kind: 'linux',
      title: 'nftables of the host',
      addresses: null,
      scope: null,
      chains: [...listed, ...sink.chains, ...bridged],
    },
  ];
  const incomplete = problems.length === 0 ? null : problems.slice(0, 3).join('; ');
  return { layers, statements: counts, notes: sink.notes, incomplete, assumptions: [...assumptions] };

  function note(
    status: 'unsupported' | 'unrecognised',
    text: string,
    reason: string,
    line: number | null,
    counted: boolean,
  ): void {
    if (counted) counts[status]++;
    sink.notes.push({
      status,
      text: printable(text, 200),
      reason,
      at: line === null ? { file: file.name } : { file: file.name, line },
      rule: null,
    });
  }

  function setsOf(family: unknown, table: unknown): Map<string, NftSet> {
    return getOrMake(sets, nftKey(family, table), () => new Map());
  }

  /** The table of an object; one that the listing does not name counts as active. */
  function tableOf(family: unknown, name: unknown): NftTable {
    const key = nftKey(family, name);
    let table = tables.get(key);
    if (table === undefined) {
      table = makeTable(String(family), String(name), 'yes');
      tables.set(key, table);
    }
    return table;
  }

  function makeTable(family: string, name: string, active: NftTable['active']): NftTable {
    const reading = new NftReading({
      family,
      table: name,
      sets: setsOf(family, name),
      network: context.network,
      oldFlags,
      assumptions,
    });
    return { family, name, active, reading };
  }

  function addTable({ body }: NftObject): void {
    const { family, name } = body;
    const key = nftKey(family, name);
    if (typeof family !== 'string' || typeof name !== 'string' || tables.has(key)) return;
    tables.set(key, makeTable(family, name, activity(body, sink.bytecode?.tableFlags(family, name) ?? null)));
  }

  function newChain(body: Values, line: number | null): NftChain {
    const id = `nft ${String(body.family)} ${String(body.table)} ${String(body.name)}`;
    return { id, body, line, rules: [], position: 0 };
  }

  /** Counts an object, and reads it if it is a rule. */
  function addObject({ kind, body, line }: NftObject): void {
    const table = kind === 'table' ? tableOf(body.family, body.name) : tableOf(body.family, body.table);
    const off = table.active === 'no' && kind !== 'metainfo';
    const foreign = isForeign(table.family);
    if (kind === 'rule') {
      if (off || foreign) counts[off ? 'irrelevant' : 'unsupported'] += statementCount(body);
      else addRule(table, body, line);
      return;
    }
    if (off || IRRELEVANT_KINDS.has(kind)) counts.irrelevant++;
    else if (kind === 'table' && typeof body.name === 'string') countTable(table, line);
    else if (foreign) counts.unsupported++;
    else if (kind === 'chain' && typeof body.name === 'string') countChain(body, line);
    else if ((kind === 'set' || kind === 'map' || kind === 'meter') && typeof body.name === 'string') counts.modelled++;
    else if (kind === 'ct helper' || kind === 'ct expectation') counts.irrelevant++;
    else if (kind === 'element') {
      problems.push('elements are listed apart from their sets');
      note(
        'unsupported',
        `element of ${String(body.name)}`,
        'elements apart from their sets are not followed',
        line,
        true,
      );
    } else {
      problems.push(`an object of a kind that is not known: ${printable(kind, 40)}`);
      note('unrecognised', kind, 'this kind of object is not known', line, true);
    }
  }

  function countTable(table: NftTable, line: number | null): void {
    const title = `table ${table.family} ${table.name}`;
    if (table.active === 'unclear')
      note('unsupported', title, 'it has flags that this version of nft does not print: it may be dormant', line, true);
    else if (table.family === 'bridge')
      note(
        'unsupported',
        title,
        'filters of bridges are not followed: what they drop does not reach the host',
        line,
        true,
      );
    else if (table.family === 'arp')
      note(
        'unsupported',
        title,
        'filters of ARP are not followed: what they drop has no answer on its own network',
        line,
        true,
      );
    else counts.modelled++;
  }

  function countChain(body: Values, line: number | null): void {
    if (body.hook === undefined) {
      counts.modelled++;
      return;
    }
    const reason = baseProblem(body);
    if (reason === null) counts.modelled++;
    else {
      problems.push(`chain ${printable(String(body.name), 60)}: ${reason}`);
      note('unrecognised', `chain ${String(body.name)}`, reason, line, true);
    }
  }

  function addRule(table: NftTable, body: Values, line: number | null): void {
    const key = nftKey(body.family, body.table, body.chain);
    let chain = chains.get(key);
    if (chain === undefined) {
      // the chain itself is missing, so where its rules are asked is not known
      chain = newChain({ family: body.family, table: body.table, name: body.chain }, line);
      chains.set(key, chain);
      problems.push(`the chain ${printable(String(body.chain), 60)} of a rule is not in the listing`);
    }
    chain.position++;
    addAll(chain.rules, readRule(body, line, chain.position, table.reading, sink));
  }

  /** The chain as the model has it: none where its table is off, two at a hook that the model does not have. */
  function chainsOf({ id, body, line, rules }: NftChain): readonly Chain[] {
    const family = String(body.family);
    const table = tableOf(body.family, body.table);
    if (table.active === 'no') {
      assumptions.add(`The table ${table.family} ${printable(table.name, 60)} is dormant: its rules are not in force.`);
      return [];
    }
    if (isForeign(family)) return [];
    const at = line === null ? { file: file.name } : { file: file.name, line };
    const base = body.hook === undefined || baseProblem(body) !== null ? null : baseOf(body, devicesOf(body));
    const chain: Chain = {
      id,
      table: `${family} ${table.name}`,
      name: String(body.name),
      families: familiesOf(family),
      base,
      rules: base === null || table.active === 'yes' ? rules : [maybeDormant(id, at), ...rules],
      at,
    };
    return body.hook === 'egress' && base !== null ? egress(chain, base) : [chain];
  }

  function devicesOf(body: Values): readonly string[] | null {
    const { dev } = body;
    const listed = typeof dev === 'string' ? [dev] : listOf(dev ?? body.devices).map(String);
    const names =
      listed.length > 0
        ? listed
        : (sink.bytecode?.devices(String(body.family), String(body.table), String(body.name)) ?? []);
    return names.length === 0 || names.some((name) => name.includes('*')) ? null : names;
  }
}

function isForeign(family: string): boolean {
  return family === 'bridge' || family === 'arp';
}

/** Says whether a comment or a name holds a line break: it may look like lines of the bytecode then. */
function hasLineBreaks(objects: readonly NftObject[]): boolean {
  return objects.some(({ body }) => hasLineBreak(body));
}

function hasLineBreak(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\n');
  if (value === null || typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.some((one) => hasLineBreak(typeof one === 'string' ? quotedIn(one) : one));
  return Object.values(value).some(hasLineBreak);
}

/** What is in quotes in a part of a rule that nft prints in its own language, which has lines. */
function quotedIn(text: string): string {
  return text
    .split('"')
    .filter((_, i) => i % 2 === 1)
    .join(' ');
}

/** A table, chain or set that is in the listing twice, in different ways: which one holds is not known. */
function listedTwice(objects: readonly NftObject[]): string | null {
  const seen = new Map<string, Values>();
  for (const { kind, body } of objects) {
    if (!NAMED_KINDS.has(kind)) continue;
    const key = `${kind === 'table' || kind === 'chain' ? kind : 'set'} ${nftKey(body.family, body.table, body.name)}`;
    const before = seen.get(key);
    if (before === undefined) seen.set(key, body);
    else if (JSON.stringify(before) !== JSON.stringify(body))
      return `the ${kind} ${printable(String(body.name), 60)} is in the listing twice, in different ways`;
  }
  return null;
}

/** Printed by nft before 0.9.9. */
function isOld(objects: readonly NftObject[]): boolean {
  const version = objects.find(({ kind }) => kind === 'metainfo')?.body.version;
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.?(\d*)/.exec(String(version)) ?? [];
  if (major === undefined || minor === undefined) return true;
  return Number(major) === 0 && (Number(minor) < 9 || (Number(minor) === 9 && Number(patch || 0) < 9));
}

/**
 * Whether the chains of a table are called at all. nft 1.0.6 prints a part of some other text in place of a table's flags
 * (the name of the table, for one), so only words that it cannot have from there are believed.
 */
function activity(body: Values, shown: readonly string[] | null): NftTable['active'] {
  if (shown !== null) return shown.includes('dormant') ? 'no' : 'yes';
  if (body.flags === undefined) return 'yes';
  const flags = typeof body.flags === 'string' ? [body.flags] : listOf(body.flags);
  if (flags.includes(body.name)) return 'unclear';
  if (flags.includes('dormant')) return 'no';
  return flags.every((flag) => flag === 'owner' || flag === 'persist') ? 'yes' : 'unclear';
}

/** A first rule of a chain whose table may be dormant: the packet may pass it untouched. */
function maybeDormant(chain: string, at: Rule['at']): Rule {
  const reason = 'the table may be dormant, which this version of nft does not print';
  const steps: Step[] = [
    { kind: 'match', condition: { kind: 'unknown', reason } },
    { kind: 'verdict', verdict: { kind: 'accept' } },
  ];
  const id = `${chain} dormant`;
  return {
    id,
    text: 'flags of the table',
    at,
    position: 0,
    handle: null,
    comment: null,
    origin: null,
    counter: null,
    steps,
  };
}

/** Why a base chain cannot be placed; null: it can. */
function baseProblem(body: Values): string | null {
  const { hook, prio, type, policy } = body;
  if (!(HOOKS as readonly unknown[]).includes(hook) && hook !== 'egress') return 'its hook is not known';
  if (numberOf(prio, -(2 ** 31), 2 ** 31 - 1) === null) return 'its priority is not known';
  if (type !== 'filter' && type !== 'nat' && type !== 'route') return 'its type is not known';
  return policy === undefined || policy === 'accept' || policy === 'drop' ? null : 'its policy is not known';
}

function baseOf(body: Values, devices: readonly string[] | null): BaseChain {
  const base = {
    hook: body.hook === 'egress' ? 'postrouting' : (body.hook as Hook),
    priority: numberOf(body.prio, -(2 ** 31), 2 ** 31 - 1) ?? 0,
    type: body.type as BaseChain['type'],
    policy: body.policy === 'drop' ? 'drop' : 'accept',
  } as const;
  return body.hook === 'ingress' || body.hook === 'egress' ? { ...base, devices } : base;
}

/** A chain at the egress hook of an interface: asked after everything else, of what leaves by that interface. */
function egress(chain: Chain, base: BaseChain): readonly Chain[] {
  const condition: Step = {
    kind: 'match',
    condition:
      base.devices == null
        ? { kind: 'unknown', reason: 'the listing leaves out the interface of this chain' }
        : { kind: 'out-interface', names: base.devices.map((name) => ({ name, prefix: false })) },
  };
  const rule = (position: number, text: string, last: Step): Rule => ({
    id: `${chain.id} egress ${position}`,
    ...{ text, at: chain.at, position, handle: null, comment: null, origin: null, counter: null },
    steps: [condition, last],
  });
  const jump: Step = { kind: 'verdict', verdict: { kind: 'jump', chain: chain.id } };
  const policy: Step = { kind: 'verdict', verdict: { kind: base.policy } };
  return [
    {
      ...chain,
      id: `${chain.id} egress`,
      base: { hook: 'postrouting', priority: 2 ** 31 - 1, type: 'filter', policy: 'accept' },
      rules: [rule(1, `jump ${chain.name}`, jump), rule(2, `policy ${base.policy}`, policy)],
    },
    { ...chain, base: null },
  ];
}
