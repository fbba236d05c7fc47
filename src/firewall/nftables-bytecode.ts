import { type Condition, NEVER, NO_STATEMENTS } from '../model/ruleset.ts';
import { getOrMake } from '../util/get-or-make.ts';
import type { Dialect } from './dialect.ts';
import { familyIs } from './nftables-field.ts';
import { documentStart } from './nftables-json.ts';
import { nftKey } from './nftables-sets.ts';
import type { RuleBytecode } from './nftables-statement.ts';

/** What `nft --debug=netlink list ruleset` shows beside the JSON: the rules as the kernel has them, and what JSON leaves out. */
export interface NftBytecode {
  /** By family, table, chain and handle; null: not shown for that rule. */
  rule(family: string, table: string, chain: string, handle: number): RuleBytecode | null;
  /** Rules of an anonymous chain that a rule jumps to, in order. */
  anonymousRules(family: string, table: string, chain: string, handle: number): ReadonlyArray<RuleBytecode>;
  /** Flags of a table (`dormant`); null: the table is not shown. */
  tableFlags(family: string, table: string): readonly string[] | null;
  /** Interfaces of a chain at the ingress hook; null: not shown. */
  devices(family: string, table: string, chain: string): readonly string[] | null;
}

const BLOCK = /^(ip|ip6|inet|arp|bridge|netdev) (\S+) (\S+) (\d+)(?: \d+)?$/;
const BEGINS = /(^|\n)(ip|ip6|inet|arp|bridge|netdev) \S+ \S+ \d+( \d+)?\s*\n {2}\[ /;

/** Says whether a text is the output of `nft --debug=netlink list ruleset`. */
export function isNftBytecode(text: string): boolean {
  return !text.startsWith('{') && (BEGINS.test(text) || isWithoutRules(text));
}

/** Tables and chains without a rule: of those there is no bytecode, and the listing is all that is printed. */
function isWithoutRules(text: string): boolean {
  if (!/^(#.*\n)*table (ip|ip6|inet|arp|bridge|netdev) \S+ \{/.test(text)) return false;
  let inChain = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('\tchain ')) inChain = true;
    else if (line === '\t}') inChain = false;
    else if (inChain && !/^\t\t(type \S+ hook |comment ")/.test(line)) return false;
  }
  return true;
}

interface Block {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly handle: number;
  readonly lines: string[];
}

/**
 * Reads the bytecode and, behind it, the listing. Comments and log prefixes stand in both as they are, line breaks
 * among them, so a text of somebody's choice may look like lines of ours: what is there twice is not believed.
 */
export function readNftBytecode(text: string): NftBytecode {
  const blocks = new Once<Block>();
  const byChain = new Map<string, Block[]>();
  const flags = new Once<readonly string[]>();
  const devices = new Once<readonly string[]>();
  let block: Block | null = null;
  let table: { family: string; name: string } | null = null;
  let chain: string | null = null;
  let before = '';
  for (const line of text.split('\n')) {
    const previous = before;
    before = line;
    if (table === null && line.startsWith('  [ ')) {
      block?.lines.push(line.slice(4).replace(/ \]\s*$/, ''));
      continue;
    }
    // the listing comes behind all of the bytecode
    const header = table === null ? BLOCK.exec(line.trimEnd()) : null;
    if (header !== null) {
      const [, family = '', of = '', name = '', handle = ''] = header;
      block = { family, table: of, chain: name, handle: Number(handle), lines: [] };
      const key = nftKey(family, of, name);
      blocks.add(`${key} ${block.handle}`, block);
      getOrMake(byChain, key, () => []).push(block);
      continue;
    }
    block = null;
    const opened = /^table (\S+) (\S+) \{/.exec(line);
    if (opened !== null) {
      table = { family: opened[1] as string, name: opened[2] as string };
      chain = null;
      flags.add(nftKey(table.family, table.name), []);
      continue;
    }
    if (table === null) continue;
    // nft prints them first of all
    const tableFlags = previous.startsWith('table ') ? /^\tflags (.*?);?$/.exec(line) : null;
    if (tableFlags !== null) flags.change(nftKey(table.family, table.name), (tableFlags[1] as string).split(/,\s*/));
    chain = /^\tchain (\S+) \{/.exec(line)?.[1] ?? chain;
    const hook = /^\t\ttype \S+ hook \S+ (device "[^"]*"|devices = \{[^}]*\})/.exec(line);
    if (hook !== null && chain !== null)
      devices.add(nftKey(table.family, table.name, chain), deviceNames(hook[1] as string));
  }
  const blockOf = (family: string, name: string, of: string, handle: number): Block | null =>
    blocks.get(`${nftKey(family, name, of)} ${handle}`);
  return {
    rule: (family, name, of, handle) => {
      const found = blockOf(family, name, of, handle);
      return found === null ? null : bytecodeOf(found.lines);
    },
    anonymousRules: (family, name, of, handle) => {
      const target = blockOf(family, name, of, handle)
        ?.lines.map((line) => /^immediate reg 0 (?:jump|goto) -> (\S+)$/.exec(line)?.[1])
        .find(Boolean);
      return target === undefined
        ? []
        : (byChain.get(nftKey(family, name, target)) ?? []).map(({ lines }) => bytecodeOf(lines));
    },
    tableFlags: (family, name) => flags.get(nftKey(family, name)),
    devices: (family, name, of) => devices.get(nftKey(family, name, of)),
  };
}

/** Things by name, of which those that are named twice are not known. */
class Once<T> {
  readonly #things = new Map<string, T | null>();

  add(key: string, thing: T): void {
    this.#things.set(key, this.#things.has(key) ? null : thing);
  }

  /** Replaces a thing that is there once. */
  change(key: string, thing: T): void {
    if (this.get(key) !== null) this.#things.set(key, thing);
  }

  get(key: string): T | null {
    return this.#things.get(key) ?? null;
  }
}

function deviceNames(text: string): string[] {
  if (text.startsWith('device "')) return [text.slice(8, -1)];
  const inner = text.slice(text.indexOf('{') + 1, -1);
  return inner
    .split(',')
    .map((name) => name.trim().replaceAll('"', ''))
    .filter((name) => name !== '');
}

/** Numbers that the bytecode compares a family with, as a little-endian machine prints them, and a big-endian one. */
const NFPROTO: Readonly<Record<string, Condition>> = {
  '0x00000002': familyIs('ipv4'),
  '0x0000000a': familyIs('ipv6'),
  '0x02000000': familyIs('ipv4'),
  '0x0a000000': familyIs('ipv6'),
};
const ETHER_TYPE: Readonly<Record<string, Condition>> = {
  '0x00000008': familyIs('ipv4'),
  '0x0000dd86': familyIs('ipv6'),
  '0x08000000': familyIs('ipv4'),
  '0x86dd0000': familyIs('ipv6'),
};

/** Instructions that change something which later rules may read. */
const WRITES = /^(meta set|ct set|notrack|dynset|payload write)/;

/** Which families a rule is limited to, by the comparisons that it makes on its way. */
function bytecodeOf(lines: readonly string[]): RuleBytecode {
  const families: Array<{ condition: Condition; writesBefore: number }> = [];
  let writes = 0;
  let loaded: Readonly<Record<string, Condition>> | null = null;
  for (const line of lines) {
    if (WRITES.test(line)) writes++;
    if (line === 'meta load nfproto => reg 1') loaded = NFPROTO;
    else if (line === 'meta load protocol => reg 1') loaded = ETHER_TYPE;
    else {
      const compared = loaded === null ? null : /^cmp (eq|neq) reg 1 (0x[0-9a-f]{8})$/.exec(line);
      if (compared !== null && loaded !== null) {
        const is = loaded[compared[2] as string] ?? NEVER;
        families.push({ condition: compared[1] === 'eq' ? is : { kind: 'not', of: is }, writesBefore: writes });
      }
      loaded = null;
    }
  }
  return {
    families: families.map(({ condition, writesBefore }) => ({
      condition,
      place: writesBefore === 0 ? 'first' : writesBefore === writes ? 'last' : 'between',
    })),
  };
}

/** `nft --debug=netlink list ruleset`, which adds to the JSON what that leaves out. On its own it is not read. */
export const nftablesBytecode: Dialect = {
  id: 'nftables-bytecode',
  title: 'nft --debug=netlink list ruleset',
  detect: isNftBytecode,
  read: (file, context) => {
    const irrelevant = file.text.split('\n').filter((line) => BLOCK.test(line)).length;
    const alone = !context.files.some((other) => other !== file && documentStart(other.text) >= 0);
    return {
      layers: [],
      statements: { ...NO_STATEMENTS, irrelevant },
      notes: [],
      incomplete: alone ? 'it is only read beside the output of "nft -j list ruleset", which was not given' : null,
    };
  },
};
