import type { Condition, Step, Unknown, Verdict } from '../model/ruleset.ts';
import { COMES_BACK, GOES_ELSEWHERE, mayComeBack, type SentTo } from './comes-back.ts';
import { fieldOf } from './nftables-expression.ts';
import { allOf, familyIs, protocolIs } from './nftables-field.ts';
import { markKey, setMark } from './nftables-mark.ts';
import { mapPairs, matchCondition, verdictMapSteps } from './nftables-match.ts';
import { destinationTranslations, sourceTranslation } from './nftables-nat.ts';
import type { NftReading } from './nftables-reading.ts';
import { statementText } from './nftables-text.ts';
import { elementOf, onlyCounts } from './nftables-values.ts';
import { mapOf } from './untrusted.ts';

/** What the listing may leave out of a rule and its bytecode shows: families that it is limited to. */
export interface RuleBytecode {
  readonly families: ReadonlyArray<{
    readonly condition: Condition;
    /** Before everything that the rule writes, after it, or between. */
    readonly place: 'first' | 'last' | 'between';
  }>;
}

/** What a statement needs of the rule that it stands in. */
export interface StatementPlace {
  /** Id of the chain of a name; null: there is none in the listing. */
  chain(name: unknown): string | null;
  /** The bytecode of this rule was given, so nothing is left out of it. */
  readonly isWhole: boolean;
  /** Something follows in the rule. */
  readonly last: boolean;
}

/** What becomes of a statement: steps, in one or several ways (`otherwise` of each other), and whether they matter. */
export interface StatementMeaning {
  readonly ways: ReadonlyArray<readonly Step[]>;
  readonly irrelevant: boolean;
}

const steps = (...list: readonly Step[]): StatementMeaning => ({ ways: [list], irrelevant: false });
const NOTHING: StatementMeaning = { ways: [[]], irrelevant: true };

function match(condition: Condition): StatementMeaning {
  return steps({ kind: 'match', condition });
}

/** Conditions that every packet of an expression fulfils: nothing where it asks for nothing. */
function needs(conditions: readonly Condition[]): readonly Step[] {
  return conditions.length === 0 ? [] : [{ kind: 'match', condition: allOf(conditions) }];
}

/** Says what a statement of a rule does. Problems are told to `reading`. */
export function statementMeaning(statement: unknown, place: StatementPlace, reading: NftReading): StatementMeaning {
  const map = mapOf(statement);
  const [key, ...more] = Object.keys(map);
  if (key === undefined || more.length > 0) return verdict(reading.unrecognised('this statement is not known'));
  const body = map[key];
  switch (key) {
    case 'match':
      return steps({ kind: 'match', condition: matchCondition(body, reading), text: statementText(statement) });
    case 'vmap':
      return { ways: [verdictMap(body, place, reading)], irrelevant: false };
    case 'accept':
    case 'drop':
    case 'continue':
    case 'return':
    case 'jump':
    case 'goto':
      return verdict(verdictOf(statement, place, reading));
    case 'reject':
      return { ways: [rejectSteps(mapOf(body), place, reading)], irrelevant: false };
    case 'counter':
    case 'last':
    case 'secmark':
    case 'ct timeout':
      return NOTHING;
    case 'log': {
      const prefix = mapOf(body).prefix;
      return {
        ways: [[{ kind: 'log', prefix: typeof prefix === 'string' ? prefix.slice(0, 128) : null }]],
        irrelevant: true,
      };
    }
    case 'limit':
    case 'quota':
    case 'ct count':
      return match(reading.unsupported(`${statementText(statement)} depends on how many came before`));
    case 'meter':
      return steps(...needs(fieldOf(elementOf(mapOf(body).key).value, reading).guard), {
        kind: 'match',
        condition: reading.unsupported('a meter depends on how many came before'),
      });
    case 'set':
    case 'map':
      return { ways: [setWriteSteps(mapOf(body), mapOf(body)[key], reading)], irrelevant: false };
    case 'mangle':
      return mangleMeaning(mapOf(body), place, reading);
    case 'notrack':
      return steps({ kind: 'notrack' });
    case 'dnat':
    case 'redirect':
      return {
        ways: destinationTranslations(key, body, reading).map(({ when, step }) => [
          ...needs(when.kind === 'all' ? when.of : [when]),
          step,
        ]),
        irrelevant: false,
      };
    case 'snat':
    case 'masquerade':
      return steps(...needs(natFamily(mapOf(body))), sourceTranslation(statement));
    case 'flow':
      // A first packet has nothing to offload yet: the rule ends there.
      return place.last ? NOTHING : match(reading.unsupported('whether a flow is offloaded is not known'));
    case 'reset':
      return place.last ? NOTHING : match(reading.unsupported('it depends on the options of the packet'));
    case 'ct helper':
    case 'ct expectation':
      reading.unsupported('connections that it expects are not followed');
      reading.assumptions.add(HELPERS);
      return steps();
    case 'queue':
      return verdict(reading.unsupported('a program decides about queued packets'));
    case 'synproxy':
      return verdict(reading.unsupported('synproxy answers in place of the socket'));
    case 'tproxy':
      reading.assumptions.add(TPROXY);
      return verdict(reading.unsupported('tproxy hands packets to a socket that a ruleset does not show'));
    case 'fwd':
      return verdict(sentOn(body, reading) ?? reading.unsupported('packets are sent on to another interface'));
    case 'dup':
      return sentOn(body, reading) === null ? NOTHING : steps();
    case 'xt':
      return xtMeaning(mapOf(body), reading);
    default:
      return verdict(reading.unrecognised(`the statement "${key.slice(0, 40)}" is not known`));
  }
}

export const HELPERS = 'Connections that a helper of connection tracking expects (RELATED) are not followed.';
const TPROXY = 'Packets that tproxy hands to a local socket are not followed to the port of that socket.';

/** Begins every reason about what only iptables-save shows. */
export const XT_REASON = 'nft does not print what this part of an iptables rule asks';

/** The steps of a verdict map; those of a named one are made once for all rules that look it up alike. */
function verdictMap(body: unknown, place: StatementPlace, reading: NftReading): readonly Step[] {
  const make = (): readonly Step[] => verdictMapSteps(body, reading, (value) => verdictOf(value, place, reading));
  return typeof mapOf(body).data === 'string' ? reading.rememberSteps(body, make) : make();
}

/** A packet, or a copy of it, that may come back; null: it does not. */
function sentOn(body: unknown, reading: NftReading): Unknown | null {
  const { addr, dev } = mapOf(body);
  // in chains of interfaces nft prints the interface of a copy as if it were an address
  const isByDevice = reading.family === 'netdev';
  const to: SentTo = isByDevice ? { device: dev ?? addr } : { address: addr, device: dev };
  const mayBe = mayComeBack(to, reading.network);
  if (mayBe === null) reading.assumptions.add(GOES_ELSEWHERE);
  if (mayBe !== true) return null;
  reading.poison ??= COMES_BACK;
  return reading.unsupported(COMES_BACK);
}

function xtMeaning({ type, name }: Readonly<Record<string, unknown>>, reading: NftReading): StatementMeaning {
  const unknown = reading.unsupported(`${XT_REASON} (${String(type)} ${String(name)}): give iptables-save too`);
  return type === 'match' ? match(unknown) : verdict(unknown);
}

function verdict(value: Verdict): StatementMeaning {
  return steps({ kind: 'verdict', verdict: value });
}

/** Reads a verdict: a statement of its own, or a value of a verdict map. */
export function verdictOf(value: unknown, place: StatementPlace, reading: NftReading): Verdict {
  const map = mapOf(value);
  const [key] = Object.keys(map);
  switch (key) {
    case 'accept':
    case 'drop':
    case 'continue':
    case 'return':
      return { kind: key };
    case 'jump':
    case 'goto': {
      const target = mapOf(map[key]).target;
      const chain = place.chain(target);
      if (chain === null) return reading.unrecognised('the chain that it leads to is not in the listing');
      return { kind: key, chain };
    }
    case 'queue':
      return reading.unsupported('a program decides about queued packets');
    default:
      return reading.unrecognised('this verdict is not known');
  }
}

/**
 * The listing leaves out the family that a reject is limited to in a table of both families, except where the answer
 * is one for both (`icmpx`). What kind of answer it is tells most, and not all: rules may contradict themselves.
 */
function rejectSteps(
  reject: Readonly<Record<string, unknown>>,
  place: StatementPlace,
  reading: NftReading,
): readonly Step[] {
  const type = typeof reject.type === 'string' ? reject.type : null;
  const conditions: Condition[] = [];
  if (type === 'tcp reset') conditions.push(protocolIs(6));
  if (type === 'icmp') conditions.push(familyIs('ipv4'));
  if (type === 'icmpv6') conditions.push(familyIs('ipv6'));
  const bothFamilies = reading.family !== 'ip' && reading.family !== 'ip6';
  if (bothFamilies && type !== 'icmpx' && !place.isWhole)
    conditions.push(
      reading.unsupported(
        'the listing leaves out what this reject is limited to: give nft --debug=netlink list ruleset too',
      ),
    );
  return [...needs(conditions), { kind: 'verdict', verdict: { kind: 'reject' } }];
}

function natFamily({ family }: Readonly<Record<string, unknown>>): readonly Condition[] {
  if (family === 'ip') return [familyIs('ipv4')];
  return family === 'ip6' ? [familyIs('ipv6')] : [];
}

/** `add @set { ip saddr timeout 1m limit rate 1/second }`: ends the rule where the key is missing or the set is full. */
function setWriteSteps(body: Readonly<Record<string, unknown>>, name: unknown, reading: NftReading): readonly Step[] {
  const guard = needs(fieldOf(elementOf(body.elem).value, reading).guard);
  if (body.op === 'delete') return guard;
  const set = typeof name === 'string' ? reading.sets.get(name.replace(/^@/, '')) : undefined;
  const limited = !onlyCounts(body.stmt) || elementOf(body.elem).condition !== null;
  if (limited)
    return [
      ...guard,
      { kind: 'match', condition: reading.unsupported('the limit of each element depends on how many came before') },
    ];
  if (set === undefined || set.elements.length >= (set.size ?? 65535))
    return [...guard, { kind: 'match', condition: reading.unsupported('a full set takes no more elements') }];
  reading.assumptions.add('Sets that rules add to have room for another element.');
  return guard;
}

/** Fields of a packet that rules look at: who rewrites them without a connection makes answers uncertain. */
const REWRITTEN = new Set(['saddr', 'daddr', 'sport', 'dport', 'protocol', 'nexthdr']);

function mangleMeaning(
  { key, value }: Readonly<Record<string, unknown>>,
  place: StatementPlace,
  reading: NftReading,
): StatementMeaning {
  const of = markKey(key);
  const map = mapOf(mapOf(value).map);
  if (of !== null && Object.keys(map).length > 0) {
    const field = fieldOf(map.key, reading);
    const { pairs, uncertain } = mapPairs(map.data, reading);
    const found =
      uncertain === null
        ? field.oneOf(
            pairs.map((pair) => pair.key),
            reading,
          )
        : reading.unsupported(uncertain);
    const [first] = pairs;
    const alike =
      uncertain === null && first !== undefined && pairs.every((pair) => pair.value === first.value && !pair.sometimes);
    const sets = alike ? setMark(of, first.value, reading) : setMark(of, undefined, reading);
    return steps(...needs([...field.guard, found]), ...sets);
  }
  if (of !== null) {
    const sets = setMark(of, value, reading);
    const unclear = sets.some((step) => step.kind === 'unknown-mark') && !place.last;
    return unclear
      ? steps(
          { kind: 'match', condition: { kind: 'unknown', reason: 'what it sets the mark to is not followed' } },
          ...sets,
        )
      : steps(...sets);
  }
  const target = mapOf(key);
  const payload = mapOf(target.payload);
  if (target.payload !== undefined) {
    const guard = needs(fieldOf(key, reading).guard);
    reading.takeProblems();
    const address = payload.field === undefined || REWRITTEN.has(String(payload.field));
    if (address && payload.protocol !== 'ether' && payload.protocol !== 'vlan') {
      const reason = 'it rewrites packets without translation, and what that leads to is not followed';
      reading.poison = `a rule rewrites addresses or ports of packets, which is not followed (${statementText({ mangle: { key, value } })})`;
      return verdict(reading.unsupported(reason));
    }
    return { ways: [guard], irrelevant: true };
  }
  if (mapOf(target.ct).key === 'zone') return steps({ kind: 'zone' });
  if (target.meta !== undefined || target.ct !== undefined) return NOTHING;
  if (target['tcp option'] !== undefined || target.exthdr !== undefined)
    return place.last ? NOTHING : match(reading.unsupported('it depends on the options of the packet'));
  return verdict(reading.unrecognised('what it changes is not known'));
}
