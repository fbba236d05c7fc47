import { parseAddress } from '../model/address.ts';
import { ALWAYS, type Condition, NEVER, type Step, type Verdict } from '../model/ruleset.ts';
import { fieldOf } from './nftables-expression.ts';
import { allOf, anyOf, type Field, negation } from './nftables-field.ts';
import type { NftProblem, NftReading } from './nftables-reading.ts';
import type { NftSet } from './nftables-sets.ts';
import { elementOf, rangeEnds } from './nftables-values.ts';
import { listOf, mapOf, shown } from './untrusted.ts';

/** Turns `{"match": {...}}` into a condition, with every family and protocol that it implies. */
export function matchCondition(match: unknown, reading: NftReading): Condition {
  const { op, left, right } = mapOf(match);
  const field = fieldOf(left, reading);
  const masked = mapOf(left)['&'] !== undefined;
  if (isMergedRange(right))
    return allOf([...field.guard, reading.unsupported('nft seems to list comparisons of two fields as one range')]);
  return allOf([...field.guard, compared(field, op, right, masked, reading)]);
}

/**
 * nft lists `tcp dport < 80 ip saddr > 10.0.0.1` as `ip saddr != 0.0.0.80-10.0.0.1` (seen in 1.0.6): a range of addresses
 * that begins with a port is none that anybody wrote. Where both fields are of one kind, no listing shows it.
 */
function isMergedRange(right: unknown): boolean {
  const first = rangeEnds(right)?.[0];
  const address = typeof first === 'string' ? parseAddress(first) : null;
  return address !== null && address.value > 0 && address.value < 65536;
}

function compared(field: Field, op: unknown, right: unknown, masked: boolean, reading: NftReading): Condition {
  switch (op ?? (field.flags === undefined ? '==' : 'in')) {
    case '==':
      return isOneOf(field, right, reading);
    case '!=': {
      const ambiguous = field.flags !== undefined && !masked && (Array.isArray(right) || reading.oldFlags);
      if (ambiguous && !isSet(right)) return otherFlags(field, right, reading);
      return negation(isOneOf(field, right, reading));
    }
    case 'in':
      if (field.flags === undefined || isSet(right)) return isOneOf(field, right, reading);
      return anyFlag(field, right, reading, negation);
    case '!':
      if (field.flags === undefined) return negation(isOneOf(field, right, reading));
      return anyFlag(field, right, reading, (none) => none);
    case '<':
    case '>':
    case '<=':
    case '>=':
      return field.compare?.(op as '<', right, reading) ?? reading.unsupported(`${String(op)} is not followed here`);
    default:
      return reading.unrecognised(`the comparison ${shown(op)} is not known`);
  }
}

/** `none` is made from: no bit of the value is set. */
function anyFlag(field: Field, right: unknown, reading: NftReading, of: (none: Condition) => Condition): Condition {
  const bits = field.constant?.(right);
  if (bits === undefined || bits === null) return reading.unrecognised(`${shown(right)} is not a set of flags`);
  const none = field.flags?.(Number(bits), 0, reading);
  return none === undefined || none.kind === 'unknown' ? (none ?? NEVER) : of(none);
}

/**
 * `flags != syn,ack`: what nft means by a list here has changed between versions (other than just these, or none of
 * these). Where both mean the same, that is the answer.
 */
function otherFlags(field: Field, right: unknown, reading: NftReading): Condition {
  const bits = field.constant?.(right);
  if (bits === undefined || bits === null) return reading.unrecognised(`${shown(right)} is not a set of flags`);
  return reading.unsupported('versions of nft mean different things by "!=" before a list of flags');
}

function isSet(value: unknown): boolean {
  return typeof value === 'string' ? value.startsWith('@') : mapOf(value).set !== undefined;
}

function isOneOf(field: Field, right: unknown, reading: NftReading): Condition {
  if (typeof right === 'string' && right.startsWith('@')) return inNamedSet(field, right.slice(1), reading);
  const set = mapOf(right).set;
  if (set !== undefined) return inElements(field, Array.isArray(set) ? set : [set], reading);
  if (Array.isArray(right) && field.flags === undefined)
    return reading.unrecognised('a list of values is not known here');
  return field.oneOf([right], reading);
}

/** Condition that a field has one of the elements, whatever limits they carry besides. */
function inElements(field: Field, elements: readonly unknown[], reading: NftReading): Condition {
  const values: unknown[] = [];
  const limited: unknown[] = [];
  for (const element of elements) {
    const { value, expires, condition } = elementOf(element);
    if (expires) reading.assumptions.add(ELEMENTS_EXPIRE);
    if (condition === null) values.push(value);
    else limited.push(value);
  }
  if (limited.length === 0) return field.oneOf(values, reading);
  const sometimes = allOf([
    field.oneOf(limited, reading),
    reading.unsupported('elements of the set have limits of their own'),
  ]);
  return values.length === 0 ? sometimes : anyOf([field.oneOf(values, reading), sometimes]);
}

export const ELEMENTS_EXPIRE = 'Elements of sets that expire are taken as they were when the ruleset was listed.';

const EMPTY_SETS = 'Sets that are listed without elements are empty: nft was not told to leave them out (-t).';

/** What named sets say of fields: made once for all rules that ask the same. */
const remembered = new WeakMap<NftSet, WeakMap<Field, { condition: Condition; problems: readonly NftProblem[] }>>();

function inNamedSet(field: Field, name: string, reading: NftReading): Condition {
  const set = reading.sets.get(name);
  if (set === undefined) return reading.unrecognised(`the set ${name.slice(0, 60)} is not in the listing`);
  const ofSet = remembered.get(set) ?? new WeakMap();
  remembered.set(set, ofSet);
  const before = ofSet.get(field);
  if (before !== undefined) {
    reading.repeat(before.problems);
    return before.condition;
  }
  const already = reading.takeProblems();
  const condition = inSet(field, set, reading);
  const problems = reading.takeProblems();
  ofSet.set(field, { condition, problems });
  reading.repeat(already);
  reading.repeat(problems);
  return condition;
}

/** Condition that a field is in a named set, or is a key of a named map. */
function inSet(field: Field, set: NftSet, reading: NftReading): Condition {
  const keys = set.isMap ? set.elements.map((pair) => listOf(pair)[0]) : set.elements;
  if (set.elements.length === 0) reading.assumptions.add(EMPTY_SETS);
  const listed = inElements(field, keys, reading);
  if (set.condition !== null) return allOf([listed, reading.unsupported(`set ${set.name}: ${set.condition}`)]);
  if (set.written === 'never') return listed;
  const reason = `rules write to the set ${set.name} while packets pass`;
  return set.written === 'changes' ? reading.unsupported(reason) : anyOf([listed, reading.unsupported(reason)]);
}

/** The pairs of a map, in order; `uncertain`: rules write to it, or it could not be found. */
export interface MapPairs {
  readonly pairs: ReadonlyArray<{ readonly key: unknown; readonly value: unknown; readonly sometimes: boolean }>;
  readonly uncertain: string | null;
}

export function mapPairs(data: unknown, reading: NftReading): MapPairs {
  let elements: readonly unknown[] = [];
  let uncertain: string | null = null;
  let always = true;
  if (typeof data === 'string' && data.startsWith('@')) {
    const set = reading.sets.get(data.slice(1));
    if (set === undefined) uncertain = `the map ${data.slice(1, 60)} is not in the listing`;
    else {
      elements = set.elements;
      if (elements.length === 0) reading.assumptions.add(EMPTY_SETS);
      if (set.written !== 'never') uncertain = `rules write to the map ${set.name} while packets pass`;
      always = set.condition === null;
    }
  } else elements = listOf(mapOf(data).set);
  const pairs = elements.map((pair) => {
    const [key, value] = listOf(pair);
    const { value: plain, expires, condition } = elementOf(key);
    if (expires) reading.assumptions.add(ELEMENTS_EXPIRE);
    return { key: plain, value: elementOf(value).value, sometimes: condition !== null || !always };
  });
  return { pairs, uncertain };
}

/** Turns `{"vmap": {"key": ..., "data": ...}}` into steps. `verdictOf` reads a verdict of the map. */
export function verdictMapSteps(
  vmap: unknown,
  reading: NftReading,
  verdictOf: (value: unknown) => Verdict,
): readonly Step[] {
  const { key, data } = mapOf(vmap);
  const field = fieldOf(key, reading);
  const { pairs, uncertain } = mapPairs(data, reading);
  const guard: readonly Step[] = field.guard.length === 0 ? [] : [{ kind: 'match', condition: allOf(field.guard) }];
  const branches: Array<{ when: Condition; verdict: Verdict }> = [];
  if (uncertain !== null) {
    // what it holds by now may do anything that a verdict can
    const reason = uncertain;
    branches.push({ when: reading.unsupported(reason), verdict: { kind: 'unknown', reason } });
  }
  let otherwise: Verdict | null = null;
  // elements of concatenations may overlap, so their order counts
  const ordered = mapOf(key).concat !== undefined;
  const groups: Array<{ verdict: Verdict; sometimes: boolean; values: unknown[] }> = [];
  const byVerdict = new Map<string, (typeof groups)[number]>();
  for (const { key: value, value: told, sometimes } of pairs) {
    const verdict = verdictOf(told);
    if (value === '*' && !sometimes) {
      otherwise = verdict;
      continue;
    }
    const name = `${verdict.kind} ${'chain' in verdict ? verdict.chain : ''} ${sometimes}`;
    const same = ordered ? groups.at(-1) : byVerdict.get(name);
    if (same !== undefined && (!ordered || byVerdict.get(name) === same)) same.values.push(value);
    else {
      const group = { verdict, sometimes, values: [value] };
      groups.push(group);
      byVerdict.set(name, group);
    }
  }
  const complete = coversNumgen(key, pairs);
  groups.forEach(({ verdict, sometimes, values }, i) => {
    const last = complete && i === groups.length - 1 && uncertain === null;
    const is = last ? ALWAYS : field.oneOf(values, reading);
    const limited = sometimes ? allOf([is, reading.unsupported('elements of the map have limits of their own')]) : is;
    branches.push({ when: limited, verdict });
  });
  if (otherwise !== null) branches.push({ when: ALWAYS, verdict: otherwise });
  return [...guard, { kind: 'verdict-map', branches }];
}

/** Says whether a map holds every number that numgen can give: then one of its elements surely applies. */
export function coversNumgen(key: unknown, pairs: MapPairs['pairs']): boolean {
  const numgen = mapOf(mapOf(key).numgen);
  const { mod, offset } = numgen;
  if (typeof mod !== 'number' || mod < 1 || mod > pairs.length || pairs.some((pair) => pair.sometimes)) return false;
  const first = typeof offset === 'number' ? offset : 0;
  const numbers = new Set(pairs.map((pair) => pair.key));
  if (numbers.size > 65536) return false;
  for (let n = first; n < first + mod; n++) if (!numbers.has(n)) return false;
  return true;
}
