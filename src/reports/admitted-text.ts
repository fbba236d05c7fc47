import { formatAddress } from '../model/address.ts';
import { equals, isEmpty } from '../model/address-set.ts';
import type { EndpointAdmission, Witness } from '../model/admission.ts';
import { compareAdmission, type JudgedBy, placeOfRule, undecidedReason } from '../model/admission-compare.ts';
import { countSources, describeSources } from '../model/describe-sources.ts';
import type { EndpointFacts } from '../model/facts.ts';
import type { Zone } from '../model/register.ts';
import { preferInside } from '../model/vantage.ts';
import { listWords } from '../util/words.ts';
import type { Line } from './text-table.ts';
import { formatTime } from './time.ts';
import { NOT_VERIFIED } from './words.ts';

/** Deciding rules, and parts that are open, that a screen shows. */
const MOST_RULES = 4;

/** Who can connect, by what, since when: on one screen. */
export function admittedLines(facts: EndpointFacts, estate: JudgedBy): Line[] {
  const { admission: known, listeners } = facts;
  const isInside = listeners.length > 0 && preferInside(listeners).every((l) => l.listener.bind === 'loopback');
  if (!known)
    return [`can: ${NOT_VERIFIED}`, ...(isInside ? ['bound to loopback: only this host itself can reach it'] : [])];
  const { admission } = known;
  const { zones } = estate.register;
  return [
    canLine(known, zones),
    ...differenceLines(facts, estate),
    ...completesLine(known, zones),
    ...admission.deciding
      .filter((part) => part.verdict === 'accept')
      .slice(0, MOST_RULES)
      .map((part): Line => [`${describeSources(part.sources, zones)} by ${placeOfRule(part.rule)}`, part.rule.text]),
    ...refusedLine(known),
    ...admission.undecided
      .slice(0, MOST_RULES)
      .map(
        (part): Line => [
          `undecided for ${describeSources(part.sources, zones)}: ${part.reason}`,
          `${placeOfRule(part.rule)}: ${part.rule.text}`,
        ],
      ),
    ...(known.doubts ?? []).map((doubt) => `not known: ${doubt}`),
    ...pathLines(known),
    [loggedWords(known), `rules as of ${formatTime(known.takenAt)}${known.source ? ` (${known.source})` : ''}`],
    ...(admission.assumptions.length > 0 ? [`assumed: ${admission.assumptions.join('; ')}`] : []),
  ];
}

function canLine(known: EndpointAdmission, zones: readonly Zone[]): Line {
  const { lower, upper } = known.admission.admitted;
  const can = describeSources(lower, zones, 8);
  if (equals(lower, upper)) return [`can: ${can}`, ...(isEmpty(lower) ? [] : [countSources(lower)])];
  return [`can: ${isEmpty(lower) ? 'nobody for certain' : can}`, `at most: ${describeSources(upper, zones, 8)}`];
}

function differenceLines(facts: EndpointFacts, estate: JudgedBy): Line[] {
  const standing = compareAdmission(facts, estate);
  if (standing.kind !== 'compared') return [];
  const { zones } = estate.register;
  const { tooMany, undecided, blocked } = standing;
  const witnesses = facts.admission?.admission.witnesses ?? [];
  return [
    ...(isEmpty(tooMany) ? [] : [`${countSources(tooMany)} too many: ${describeSources(tooMany, zones, 8)}`]),
    ...(isEmpty(undecided)
      ? []
      : [`perhaps too many: ${describeSources(undecided, zones, 8)}, since ${undecidedReason(facts, undecided)}`]),
    ...(isEmpty(blocked) ? [] : [`approved and blocked: ${describeSources(blocked, zones, 8)}`]),
    ...witnesses.slice(0, 2).map((w) => `witness ${witnessWords(w)}`),
  ];
}

/** `10.20.77.1 → admitted`, with the address and interface where they matter. */
function witnessWords({ source, destination, iif, verdict }: Witness): string {
  const to = destination === null ? '' : ` to ${formatAddress(destination)}`;
  return `${formatAddress(source)}${to}${iif === null ? '' : ` by ${iif}`} → ${verdict}`;
}

/** Only where it says something else: the way back is often free. */
function completesLine({ admission: { admitted, completes } }: EndpointAdmission, zones: readonly Zone[]): Line[] {
  if (equals(admitted.lower, completes.lower) && equals(admitted.upper, completes.upper)) return [];
  return [
    equals(completes.lower, completes.upper)
      ? `connections complete from: ${describeSources(completes.lower, zones, 8)}`
      : `connections complete from: ${describeSources(completes.lower, zones, 8)}, at most ${describeSources(completes.upper, zones, 8)}`,
  ];
}

/** The rest is refused by rules that are many or few; their places say enough. */
function refusedLine({ admission }: EndpointAdmission): Line[] {
  const refusing = admission.deciding.filter((p) => p.verdict === 'drop' || p.verdict === 'reject');
  const places = [...new Set(refusing.map((p) => placeOfRule(p.rule)))];
  return places.length === 0 ? [] : [`others refused by ${listWords(places, MOST_RULES)}`];
}

function pathLines({ admission }: EndpointAdmission): Line[] {
  return admission.paths
    .filter((p) => p.by !== null)
    .slice(0, MOST_RULES)
    .map(({ address, port, deliveredTo, by }) => {
      const from = `${address === null ? 'any address' : formatAddress(address)} port ${port}`;
      const to = `${deliveredTo.address === null ? 'this host' : formatAddress(deliveredTo.address)} port ${deliveredTo.port}`;
      return `${from} is rewritten to ${to} by ${by === null ? 'nothing' : placeOfRule(by)}`;
    });
}

/** Whether somebody who connects leaves a trace in the filter's log. */
function loggedWords({ admission: { logged, admitted } }: EndpointAdmission): string {
  if (isEmpty(admitted.upper)) return 'no connection to log';
  if (isEmpty(logged)) return 'new connections are not logged by any rule';
  return `new connections may be logged from ${describeSources(logged)}`;
}
