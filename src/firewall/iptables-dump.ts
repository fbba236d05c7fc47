import type { AddressFamily } from '../model/listener.ts';
import type { RulesetFile } from './dialect.ts';
import { backendOf, type DumpHeader, familyOf, NO_HEADER, readHeader } from './iptables-family.ts';
import { splitWords, type Word } from './iptables-words.ts';
import { printable } from './untrusted.ts';

/** A rule as its line has it. */
export interface DumpRule {
  readonly line: number;
  /** Without counters. */
  readonly text: string;
  /** After the name of its chain. */
  readonly words: readonly Word[];
  readonly counter: { readonly packets: number; readonly bytes: number } | null;
}

export interface DumpChain {
  readonly name: string;
  /** Line of its declaration; of the first rule where there is none. */
  readonly line: number;
  /** `ACCEPT`, `DROP`, `-` of the user's own chains; null: it is not declared. */
  policy: string | null;
  readonly rules: DumpRule[];
}

export interface DumpTable {
  readonly name: string;
  readonly line: number;
  readonly family: AddressFamily | null;
  readonly backend: DumpHeader['backend'];
  /** `ebtables`, `arptables`: none of ours. */
  readonly other: string | null;
  readonly chains: Map<string, DumpChain>;
}

/** A line that is no part of a table that could be read. */
export interface DumpProblem {
  readonly line: number;
  readonly text: string;
  readonly reason: string;
}

/** A text of iptables-save taken apart; nothing in it is interpreted yet. */
export interface Dump {
  readonly tables: readonly DumpTable[];
  readonly problems: readonly DumpProblem[];
  /** Why more may have been there; null: it is whole. */
  readonly incomplete: string | null;
  /** Tables that the tool could not show, as it says: `filter` of IPv4. */
  readonly hidden: ReadonlyArray<{ readonly table: string; readonly family: AddressFamily | null }>;
  /** The tool says that legacy tables are there too. */
  readonly legacyPresent: boolean;
}

const TABLE = /^\*(\S+)$/;
const CHAIN = /^:(\S+)[ \t]+(\S+)(?:[ \t]+\[\d+:\d+\])?$/;
const RULE = /^(?:\[(\d+):(\d+)\][ \t]*)?(-A|-I|--append|--insert)[ \t]+(\S+)(?:[ \t]+(.*))?$/s;
const HIDDEN = /# Table `([^']+)' (?:is incompatible|contains incompatible)/g;

/** Takes a dump apart, line by line. */
export function readDump(file: RulesetFile): Dump {
  const tables: DumpTable[] = [];
  const problems: DumpProblem[] = [];
  const hidden: { table: string; family: AddressFamily | null }[] = [];
  let header: DumpHeader | null = null;
  let legacyPresent = false;
  let incomplete: string | null = null;
  let table: DumpTable | null = null;
  let open = false;
  let completed = true;
  let content: { readonly family: AddressFamily | null } | null = null;
  let line = 0;
  for (const raw of file.text.split('\n')) {
    line++;
    const text = raw.trim();
    if (text === '') continue;
    if (text.startsWith('#')) {
      const read = readHeader(text);
      if (read !== null) {
        if (!completed) incomplete ??= `it ends before "# Completed" near line ${line}`;
        header = read;
        completed = false;
      } else if (text.startsWith('# Completed')) completed = true;
      for (const match of text.matchAll(HIDDEN))
        hidden.push({ table: match[1] as string, family: (header ?? NO_HEADER).family });
      legacyPresent ||= /legacy tables present/.test(text);
      continue;
    }
    const problem = (reason: string): void => {
      problems.push({ line, text: printable(text), reason });
    };
    const starts = TABLE.exec(text);
    if (starts !== null) {
      if (open) incomplete ??= `the table ${printable(table?.name ?? '', 40)} ends without COMMIT before line ${line}`;
      content ??= { family: header === null ? familyOf(file.text, file.name) : null };
      table = {
        name: starts[1] as string,
        line,
        family: header === null ? content.family : header.family,
        backend: header === null ? backendOf(file.name) : header.backend,
        other: header?.other ?? null,
        chains: new Map(),
      };
      tables.push(table);
      open = true;
    } else if (table === null || !open) problem('it stands outside of a table');
    else if (text === 'COMMIT') open = false;
    else {
      const reason = readLine(text, line, table);
      if (reason !== null) problem(reason);
    }
  }
  if (open) incomplete = `the table ${printable(table?.name ?? '', 40)} ends without COMMIT`;
  else if (!completed) incomplete ??= 'it ends before "# Completed"';
  // What a tool could not show, it says before the first header.
  const family = tables[0]?.family ?? header?.family ?? familyOf('', file.name);
  return {
    tables,
    problems,
    incomplete,
    hidden: hidden.map((table) => ({ table: table.table, family: table.family ?? family })),
    legacyPresent,
  };
}

/** Reads a line inside of a table. Returns what is wrong with it. */
function readLine(text: string, line: number, table: DumpTable): string | null {
  const declared = CHAIN.exec(text);
  if (declared !== null) {
    const [, name = '', policy = ''] = declared;
    if (printable(name, 128) !== name) return 'the name of the chain is not printable';
    if (table.chains.has(name)) return 'the chain is declared twice';
    table.chains.set(name, { name, line, policy, rules: [] });
    return null;
  }
  const found = RULE.exec(text);
  if (found === null) return 'it is neither a chain nor a rule';
  const [, packets, bytes, verb, name = '', rest = ''] = found;
  if (printable(name, 128) !== name) return 'the name of the chain is not printable';
  const words = splitWords(rest);
  if (words === null) return 'a text in it is not closed';
  let chain = table.chains.get(name);
  if (chain === undefined) {
    chain = { name, line, policy: null, rules: [] };
    table.chains.set(name, chain);
  }
  const rule: DumpRule = {
    line,
    text: printable(packets === undefined ? text : text.slice(text.indexOf(']') + 1).trim()),
    words,
    counter: packets === undefined ? null : { packets: Number(packets), bytes: Number(bytes) },
  };
  if (verb === '-A' || verb === '--append') {
    chain.rules.push(rule);
    return null;
  }
  const first = words[0];
  const place = first !== undefined && /^[1-9]\d{0,5}$/.test(first.text) ? Number(first.text) : 1;
  if (place > chain.rules.length + 1) return 'it is inserted where no rule is';
  const moved = place === 1 && first?.text !== '1' ? rule : { ...rule, words: words.slice(1) };
  chain.rules.splice(place - 1, 0, moved);
  return null;
}
