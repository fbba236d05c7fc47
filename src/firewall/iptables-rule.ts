import { type Condition, NEVER, type Step, type Verdict } from '../model/ruleset.ts';
import { addAll } from '../util/add-all.ts';
import {
  all,
  MATCH_MODULES,
  type MatchModule,
  type MatchOption,
  type MatchSurroundings,
  STANDARD_OPTIONS,
  standard,
  unknown,
} from './iptables-matches.ts';
import { readTarget, type Target, type TargetSurroundings, unrecognised } from './iptables-targets.ts';
import { EXTENSION_HEADERS, MATCH_PROTOCOLS, UNDECIDED_MATCHES } from './iptables-undecided.ts';
import { PORT_PROTOCOLS } from './iptables-values.ts';
import type { Word } from './iptables-words.ts';
import { printable } from './untrusted.ts';

/** What the words of a rule after `-A CHAIN` mean. */
export interface RuleReading {
  readonly steps: readonly Step[];
  readonly comment: string | null;
  readonly status: 'modelled' | 'irrelevant' | 'unsupported' | 'unrecognised';
  /** Why it is not modelled. */
  readonly reasons: readonly string[];
  /** Nothing is sure any more, about any packet: reason. null: nothing of the kind. */
  readonly poison: string | null;
}

/** A module that the rule named, with its options so far. */
interface Loaded {
  readonly name: string;
  readonly module: MatchModule;
  readonly options: MatchOption[];
}

interface Reading {
  readonly words: readonly Word[];
  at: number;
  readonly loaded: Loaded[];
  /** Matches that are not modelled. */
  readonly others: Condition[];
  /** Matches that only packets with IPv6 extension headers meet. */
  readonly headers: string[];
  readonly strange: string[];
}

const MODULE = new Set(['-m', '--match']);
const TARGET = new Set(['-j', '--jump', '-g', '--goto']);

function isStop(word: Word | undefined): boolean {
  return word === undefined || (!word.quoted && (MODULE.has(word.text) || TARGET.has(word.text)));
}

/** Reads what a rule asks for and does. Whatever is not understood makes it undecided, never wrong. */
export function readRule(words: readonly Word[], match: MatchSurroundings, target: TargetSurroundings): RuleReading {
  const reading: Reading = {
    words,
    at: 0,
    loaded: [{ name: '', module: standard, options: [] }],
    others: [],
    headers: [],
    strange: [],
  };
  let does: Target | null = null;
  while (reading.at < words.length && does === null) {
    const word = words[reading.at] as Word;
    if (!word.quoted && TARGET.has(word.text)) {
      const name = words[reading.at + 1];
      const rest = words.slice(reading.at + 2);
      if (name === undefined || rest.some((w) => isStop(w)))
        does = unrecognised('where it goes is not understood', target);
      else does = readTarget(name.text, rest, word.text === '-g' || word.text === '--goto', target);
    } else if (!word.quoted && MODULE.has(word.text)) readModule(reading);
    else readOption(reading);
  }
  if (does === null && reading.strange.length > 0) does = unrecognised('where it goes is not understood', target);
  return result(reading, does, match);
}

function readModule(reading: Reading): void {
  const name = reading.words[reading.at + 1]?.text ?? '';
  reading.at += 2;
  const module = MATCH_MODULES.get(name);
  if (module !== undefined) {
    reading.loaded.push({ name, module, options: [] });
    return;
  }
  skip(reading);
  if (EXTENSION_HEADERS.has(name)) {
    reading.headers.push(name);
    return;
  }
  const shown = printable(name, 40);
  const reason = UNDECIDED_MATCHES.get(name);
  const protocol = MATCH_PROTOCOLS.get(name);
  const undecided = unknown(reason === undefined ? `the match ${shown} is not known` : `-m ${shown}: ${reason}`);
  if (reason === undefined) reading.strange.push(`the match ${shown} is not known`);
  reading.others.push(
    protocol === undefined
      ? undecided
      : all([{ kind: 'protocol', numbers: [{ from: protocol, to: protocol }] }, undecided]),
  );
}

/** Passes over the options of a match that is not modelled: up to the next module, target or standard option. */
function skip(reading: Reading): void {
  for (; !isStop(reading.words[reading.at]); reading.at++) {
    const { text, quoted } = reading.words[reading.at] as Word;
    const next = reading.words[reading.at + 1];
    const option = text === '!' && !quoted ? next : reading.words[reading.at];
    if (option !== undefined && !option.quoted && STANDARD_OPTIONS.has(option.text)) return;
  }
}

function readOption(reading: Reading): void {
  const { words } = reading;
  let negated = false;
  let word = words[reading.at] as Word;
  if (word.text === '!' && !word.quoted) {
    negated = true;
    reading.at++;
    word = words[reading.at] ?? { text: '', quoted: true };
  }
  if (!word.quoted && (word.text === '-c' || word.text === '--set-counters')) {
    reading.at += 3;
    return;
  }
  const name = STANDARD_OPTIONS.get(word.text) ?? word.text;
  const owner = word.quoted ? undefined : ownerOf(name, reading);
  const count = owner?.module.options.get(name);
  if (owner === undefined || count === undefined) {
    reading.strange.push(`"${printable(word.text, 60)}" is not understood`);
    if (!isStop(words[reading.at])) reading.at++;
    skip(reading);
    return;
  }
  reading.at++;
  // Before 1.4.3 it was `--dport ! 22`.
  const inside = words[reading.at];
  if (count > 0 && inside?.text === '!' && !inside.quoted) {
    negated = !negated;
    reading.at++;
  }
  const values = words.slice(reading.at, reading.at + count);
  if (values.length < count) reading.strange.push(`${name} has too few values`);
  reading.at += count;
  owner.options.push({ name, negated, values: values.map((value) => value.text) });
}

/** The module that an option belongs to: the last one named that has it, else that of the protocol. */
function ownerOf(name: string, reading: Reading): Loaded | undefined {
  const owner = reading.loaded.findLast(({ module }) => module.options.has(name));
  if (owner !== undefined) return owner;
  const protocol = reading.loaded[0]?.options.find((option) => option.name === '-p' && !option.negated)?.values[0];
  const named = protocol === undefined ? undefined : NAMES.get(protocol.toLowerCase());
  const module = named === undefined ? undefined : MATCH_MODULES.get(named);
  if (named === undefined || module === undefined || !module.options.has(name)) return undefined;
  const loaded = { name: named, module, options: [] };
  reading.loaded.push(loaded);
  return loaded;
}

/** Modules that `-p` brings along. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ...['tcp', 'udp', 'udplite', 'sctp', 'dccp', 'icmp', 'icmpv6', 'ipv6-icmp'].map((name) => [name, name] as const),
  ['6', 'tcp'],
  ['17', 'udp'],
  ['1', 'icmp'],
  ['58', 'icmp6'],
  ['132', 'sctp'],
]);

function result(reading: Reading, does: Target | null, at: MatchSurroundings): RuleReading {
  const conditions: Condition[] = [];
  let comment: string | null = null;
  for (const { name, module, options } of reading.loaded) {
    if (name === 'comment') {
      const text = options[0]?.values[0];
      if (text !== undefined) comment = printable(text, 300);
      continue;
    }
    if (name === '' && options.length === 0) continue;
    const condition = module.read(options, at);
    if (condition !== null) addAll(conditions, condition.kind === 'all' ? condition.of : [condition]);
    else
      reading.strange.push(`the values of ${options.map((o) => o.name).join(', ') || `-m ${name}`} are not understood`);
  }
  addAll(
    conditions,
    reading.others.flatMap((c) => (c.kind === 'all' ? c.of : [c])),
  );
  // Whoever wants to get in sends none; where they would let in, a sender may add them.
  const isRefused = does === null || does.steps.every((step) => step.kind === 'verdict' && isRefusal(step.verdict));
  for (const name of reading.headers)
    conditions.push(isRefused ? NEVER : unknown(`-m ${name}: it depends on IPv6 extension headers`));
  const strange = reading.strange[0];
  if (strange !== undefined) conditions.push(unknown(strange));
  const steps: Step[] = [
    ...distinct(conditions).map((condition): Step => ({ kind: 'match', condition })),
    ...(does?.steps ?? []),
  ];
  const doubts = reasonsIn(conditions);
  const reasons = [...new Set([...doubts, ...(does?.reason === undefined ? [] : [does.reason])])];
  const { status } = statusOf(reading.strange, does, doubts.length > 0, conditions);
  const poison = status === 'irrelevant' ? null : (does?.poison ?? null);
  return { steps, comment, status, reasons, poison };
}

function isRefusal(verdict: Verdict): boolean {
  return verdict.kind === 'drop' || verdict.kind === 'reject';
}

function statusOf(
  strange: readonly string[],
  does: Target | null,
  doubtful: boolean,
  conditions: readonly Condition[],
): Pick<RuleReading, 'status'> {
  if (strange.length > 0 || does?.status === 'unrecognised') return { status: 'unrecognised' };
  // It decides nothing, whatever it asks for; or it is about packets that open no port.
  if (does === null || does.status === 'irrelevant') return { status: 'irrelevant' };
  if (doubtful || does.status === 'unsupported')
    return { status: conditions.some(isOfNoPort) ? 'irrelevant' : 'unsupported' };
  return { status: 'modelled' };
}

/** Holds only for packets of protocols that have no ports. */
function isOfNoPort(condition: Condition): boolean {
  return (
    condition.kind === 'protocol' &&
    condition.numbers.every((range) => PORT_PROTOCOLS.every((port) => port < range.from || port > range.to))
  );
}

/** Leaves out what always holds, and protocols that another one implies: `-p tcp -m tcp` says the same twice. */
function distinct(conditions: readonly Condition[]): Condition[] {
  const one = conditions.find((c) => c.kind === 'protocol' && c.numbers.length === 1);
  const number = one?.kind === 'protocol' ? (one.numbers[0]?.from ?? -1) : -1;
  return conditions.filter((condition) => {
    if (condition.kind === 'all' && condition.of.length === 0) return false;
    if (condition.kind === 'not') return condition.of.kind !== 'any' || condition.of.of.length > 0;
    if (condition.kind !== 'protocol' || condition === one) return true;
    return !condition.numbers.some((range) => range.from <= number && number <= range.to);
  });
}

/** Why a test cannot be decided. Conditions are only as deep as this dialect makes them. */
function reasonsIn(conditions: readonly Condition[]): string[] {
  return conditions.flatMap((condition) => {
    if (condition.kind === 'unknown') return [condition.reason];
    if (condition.kind === 'all' || condition.kind === 'any') return reasonsIn(condition.of);
    return condition.kind === 'not' ? reasonsIn([condition.of]) : [];
  });
}
