import { formatAddress } from '../model/address.ts';
import { equals, has, isEmpty } from '../model/address-set.ts';
import type { EndpointAdmission, Witness } from '../model/admission.ts';
import { compareAdmission, type JudgedBy, placeOfRule, someClient } from '../model/admission-compare.ts';
import { widestBind } from '../model/describe.ts';
import { countSources, describeSources } from '../model/describe-sources.ts';
import { endpointKey } from '../model/endpoint.ts';
import type { EndpointFacts } from '../model/facts.ts';
import type { Zone } from '../model/register.ts';
import { listWords } from '../util/words.ts';
import type { Line } from './text-table.ts';
import { formatTime } from './time.ts';
import { insideWords, NOT_VERIFIED } from './words.ts';

/** Deciding rules, and parts that are open, that a screen shows. */
const MOST_RULES = 4;

/** Who can connect, by what, since when: on one screen. */
export function admittedLines(facts: EndpointFacts, estate: JudgedBy): Line[] {
  const { admission: known } = facts;
  if (widestBind(facts) === 'loopback')
    return [`can: ${insideWords(facts.endpoint.scope)} alone`, 'bound to loopback, which nothing from outside reaches'];
  if (!known) return [`can: ${NOT_VERIFIED}`];
  const { admission } = known;
  const { zones } = estate.register;
  const open = admission.undecided.slice(0, MOST_RULES);
  const openRules = new Set(open.map((part) => part.rule.id));
  const accepting = admission.deciding.filter((p) => p.verdict === 'accept' && !openRules.has(p.rule.id));
  return [
    canLine(known, zones),
    ...differenceLines(facts, estate),
    ...completesLine(known, zones),
    ...accepting
      .slice(0, MOST_RULES)
      .map(({ sources, rule }): Line => [`${describeSources(sources, zones)} by ${placeOfRule(rule)}`, rule.text]),
    ...(accepting.length > MOST_RULES ? [`and by ${accepting.length - MOST_RULES} more rules`] : []),
    ...open.map(
      ({ sources, rule, reason }): Line => [
        `undecided for ${describeSources(sources, zones)}: ${reason}`,
        `${placeOfRule(rule)}: ${rule.text}`,
      ],
    ),
    ...refusedLine(known),
    ...(known.doubts ?? []).map((doubt) => `not known: ${doubt}`),
    ...pathLines(known),
    [loggedWords(known), `rules as of ${formatTime(known.takenAt)}${known.source ? ` (${known.source})` : ''}`],
    ...assumedLine(facts),
  ];
}

/** The first assumption, and where the others are: they are the same for every port of the host. */
function assumedLine({ endpoint, admission }: EndpointFacts): string[] {
  const [first, ...others] = admission?.admission.assumptions ?? [];
  if (first === undefined) return [];
  const more =
    others.length === 0 ? '' : ` And ${others.length} more: quietdoor firewall show ${endpointKey(endpoint)}`;
  return [`assumed: ${first}${more}`];
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
  const isShown = (w: Witness) =>
    (w.verdict === 'admitted' && has(tooMany, w.source)) ||
    (w.verdict === 'undecided' && has(undecided, w.source)) ||
    (w.verdict === 'refused' && has(blocked, w.source));
  const witnesses = (facts.admission?.admission.witnesses ?? []).filter(isShown);
  return [
    ...(isEmpty(tooMany) ? [] : [`${countSources(tooMany)} too many: ${describeSources(tooMany, zones, 8)}`]),
    ...(isEmpty(undecided) ? [] : [`perhaps too many: ${describeSources(undecided, zones, 8)}`]),
    ...(isEmpty(blocked) ? [] : [`approved and blocked: ${describeSources(blocked, zones, 8)}`]),
    // Every address of the set is let in, so any of them shows it.
    ...(isEmpty(tooMany) || witnesses.some((w) => w.verdict === 'admitted')
      ? []
      : [`witness ${formatAddress(someClient(tooMany))} → admitted`]),
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
  return places.length === 0
    ? []
    : [`${isEmpty(admission.admitted.upper) ? 'refused' : 'others refused'} by ${listWords(places, MOST_RULES)}`];
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
