import { ALL, difference, EMPTY, equals, isEmpty, union } from '../model/address-set.ts';
import type { AccessChange, AddressBounds } from '../model/admission.ts';
import type { Condition, NumberRange, Ruleset } from '../model/ruleset.ts';
import { addAll } from '../util/add-all.ts';
import { createEvaluator, type Evaluator } from './evaluate.ts';

/** Ranges of ports that are asked one by one; what lies beyond them is said to be undecided. */
const MAX_RANGES = 4_000;

const SCTP = 132;

/**
 * Says who gains and who loses access to the host between two rulesets, port by port; ports that fare alike are one
 * range. Sorted by transport, then port. `undecided` are sources for which only one of the two could be decided.
 */
export function compareRulesets(before: Ruleset, after: Ruleset): readonly AccessChange[] {
  const ranges = portRanges([before, after]);
  const transports =
    namesSctp(before) || namesSctp(after) ? (['sctp', 'tcp', 'udp'] as const) : (['tcp', 'udp'] as const);
  const [old, current] = [createEvaluator(before), createEvaluator(after)];
  const changes: AccessChange[] = [];
  for (const transport of transports) {
    for (const [i, range] of ranges.entries()) {
      if (i === MAX_RANGES) {
        const rest = { from: range.from, to: 65535 };
        changes.push({ transport, ports: rest, gained: EMPTY, lost: EMPTY, undecided: ALL });
        break;
      }
      const change = changeOf(ask(old, transport, range.from), ask(current, transport, range.from));
      if (change === null) continue;
      const last = changes[changes.length - 1];
      if (last && last.transport === transport && last.ports.to + 1 === range.from && isSame(last, change))
        changes[changes.length - 1] = { ...last, ports: { from: last.ports.from, to: range.to } };
      else changes.push({ transport, ports: range, ...change });
    }
  }
  return changes;
}

type Change = Pick<AccessChange, 'gained' | 'lost' | 'undecided'>;

function ask(evaluator: Evaluator, transport: 'tcp' | 'udp' | 'sctp', port: number): AddressBounds {
  const query = { transport, port, addresses: null, iif: null, scope: 'host' as const };
  return evaluator.admission({ ...query, view: 'client', explain: false }).admitted;
}

function changeOf(before: AddressBounds, after: AddressBounds): Change | null {
  if (equals(before.lower, after.lower) && equals(before.upper, after.upper)) return null;
  const gained = difference(after.lower, before.upper);
  const lost = difference(before.lower, after.upper);
  const openBefore = difference(before.upper, before.lower);
  const openAfter = difference(after.upper, after.lower);
  const undecided = union(difference(openBefore, openAfter), difference(openAfter, openBefore));
  return isEmpty(gained) && isEmpty(lost) && isEmpty(undecided) ? null : { gained, lost, undecided };
}

function isSame(a: Change, b: Change): boolean {
  return equals(a.gained, b.gained) && equals(a.lost, b.lost) && equals(a.undecided, b.undecided);
}

/** The ports, cut wherever a rule of one of the rulesets tells two of them apart. */
function portRanges(rulesets: readonly Ruleset[]): NumberRange[] {
  const edges = new Set<number>([0]);
  for (const condition of conditionsOf(rulesets))
    if (condition.kind === 'destination-port' || condition.kind === 'original-destination-port')
      for (const { from, to } of condition.ports) edges.add(from).add(to + 1);
  const starts = [...edges].filter((edge) => edge >= 0 && edge <= 65535).sort((a, b) => a - b);
  return starts.map((from, i) => ({ from, to: (starts[i + 1] ?? 65536) - 1 }));
}

function namesSctp(ruleset: Ruleset): boolean {
  for (const condition of conditionsOf([ruleset]))
    if (condition.kind === 'protocol' && condition.numbers.some(({ from, to }) => from === SCTP && to === SCTP))
      return true;
  return false;
}

/** Every condition of every rule, the parts of conditions included. */
function* conditionsOf(rulesets: readonly Ruleset[]): Generator<Condition> {
  for (const { layers } of rulesets)
    for (const { chains } of layers)
      for (const { rules } of chains)
        for (const { steps } of rules)
          for (const step of steps) {
            const open: Condition[] =
              step.kind === 'match'
                ? [step.condition]
                : step.kind === 'verdict-map'
                  ? step.branches.map((b) => b.when)
                  : [];
            for (let c = open.pop(); c !== undefined; c = open.pop()) {
              yield c;
              if (c.kind === 'all' || c.kind === 'any') addAll(open, c.of);
              else if (c.kind === 'not') open.push(c.of);
            }
          }
}
