import { listWords, utcDay, utcTime } from '../util/words.ts';
import { equals, intersection, isEmpty } from './address-set.ts';
import type { EndpointAdmission } from './admission.ts';
import { compareAdmission, undecidedReason } from './admission-compare.ts';
import { ANOMALY_KINDS } from './anomaly.ts';
import { isProvenNow } from './approved.ts';
import { describeAddresses, widestBind } from './describe.ts';
import { describeSources } from './describe-sources.ts';
import type { EndpointFacts, EstateFacts, MatchedEntry, Verdict } from './facts.ts';
import { type Finding, isAtLeast } from './finding.ts';
import { isInFuture, isStale } from './freshness.ts';
import { hasOutsideLook, type OutsideAnswer, outsideAnswers } from './looks.ts';
import { isCovered } from './observation.ts';
import { compareProcess } from './process-match.ts';
import type { Exception, ExceptionKind } from './register.ts';
import { preferInside, vantageWords } from './vantage.ts';

/** Rules about how much and when a port is used. */
const ABOUT_USE: ReadonlySet<string> = new Set([...ANOMALY_KINDS, 'unused-port', 'unused-source']);

/**
 * Returns what can be said of an endpoint. UNDETERMINED where nothing is known to listen; DEVIATES where a finding of severity low or above is about it or its entry,
 * open or accepted as a deviation (docs/decisions/accepted-deviations.md); else UNDETERMINED with every reason for doubt;
 * else CONFORMS. `findings` are those about the endpoint, accepted ones included; findings about its surroundings (the
 * estate, its host) never deviate, they make it undetermined; those about how it is used are told beside it.
 */
export function verdictOf(facts: EndpointFacts, findings: readonly Finding[], estate: EstateFacts): Verdict {
  const open: string[] = [];
  const surroundings: string[] = [];
  const acceptedDeviations: string[] = [];
  const falsePositives: string[] = [];
  const unusual: string[] = [];
  for (const f of findings) {
    if (!isAtLeast(f.severity, 'low') || f.status === 'resolved') continue;
    // How much a port is used is nothing that a register says: unusual is not unapproved.
    if (ABOUT_USE.has(f.rule)) {
      if (f.status === 'open') unusual.push(f.message);
      continue;
    }
    if (f.subject.kind !== 'endpoint' && f.subject.kind !== 'entry') surroundings.push(f.message);
    else if (f.status === 'open') open.push(f.message);
    else {
      const exception = estate.register.exceptions.find((e) => e.id === f.exception);
      (exception?.kind === 'false-positive' ? falsePositives : acceptedDeviations).push(acceptedText(f, exception));
    }
  }
  const conditions = [...acceptedDeviations, ...falsePositives, ...unusual];
  if (facts.listeners.length === 0) {
    const doubts = [...absenceDoubts(facts, estate), ...surroundings, ...brokenDoubt(facts), ...conditions];
    return { word: 'UNDETERMINED', reasons: doubts };
  }
  if (open.length + acceptedDeviations.length > 0)
    return { word: 'DEVIATES', reasons: [...open, ...conditions, ...stalenessDoubts(facts, estate)] };
  const doubts = [...surroundings, ...doubtsAbout(facts, falsePositives.length > 0, estate)];
  if (doubts.length > 0) return { word: 'UNDETERMINED', reasons: [...doubts, ...conditions] };
  return { word: 'CONFORMS', reasons: [settledWords(facts, estate), ...conditions] };
}

/** Reasons why a match with the register does not settle the matter, most important first. */
function doubtsAbout(facts: EndpointFacts, someAccepted: boolean, estate: EstateFacts): string[] {
  const doubts: string[] = [];
  const decides = facts.entries[0];
  doubts.push(...brokenDoubt(facts));
  if (!decides) {
    doubts.push(
      facts.listeners.every((l) => l.listener.role === 'ephemeral')
        ? "a client's socket on an ephemeral port, not a service; no entry covers it"
        : 'no register entry covers it',
    );
  } else doubts.push(...approvalDoubts(decides, estate.now));
  doubts.push(...stalenessDoubts(facts, estate));
  if (decides) doubts.push(...processDoubts(facts, decides));
  if (widestBind(facts) !== 'loopback') {
    if (decides) doubts.push(...encryptionDoubt(facts, decides, estate));
    const match = someAccepted ? 'matches the register but for what is accepted' : 'matches the register';
    const open = admissionDoubt(facts, estate);
    // Somebody who was not let in explains nothing more where it is known who is.
    if (open !== null)
      doubts.push(`${decides ? match : 'reachable beyond loopback'}; ${open}`, ...unansweredWords(facts));
  }
  return doubts;
}

/** Why it is not settled that only approved sources can connect; null: it is. */
function admissionDoubt(facts: EndpointFacts, estate: EstateFacts): string | null {
  const standing = compareAdmission(facts, estate);
  const taken = utcTime(facts.admission?.takenAt ?? 0);
  const notVerified = 'who can connect is not verified';
  switch (standing.kind) {
    case 'inside':
      return null;
    case 'not-known':
      return notVerified;
    case 'stale':
      return `${notVerified}: the packet filters were last read at ${taken}, too long ago to speak of now`;
    case 'in-future':
      return `${notVerified}: the packet filters were read at ${taken}, which is after now: a clock is wrong`;
    case 'no-entry':
      return canWords(facts);
    case 'not-said':
      return `${standing.entry.id} does not say who may connect, and ${canWords(facts)}`;
    case 'unreadable':
      return `who may connect by ${standing.entry.id} is not known (${listWords(standing.sources)}), and ${canWords(facts)}`;
    case 'compared': {
      const { tooMany, undecided } = standing;
      if (!isEmpty(tooMany)) return `${describeSources(tooMany)} can connect and is not approved`;
      if (isEmpty(undecided)) return null;
      return `whether only approved sources can connect is undecided: ${undecidedReason(facts, undecided)}`;
    }
  }
}

/** Who can connect, where there is nothing to compare it with. */
function canWords({ admission }: EndpointFacts): string {
  const { lower, upper } = (admission as EndpointAdmission).admission.admitted;
  const by = `by the packet filters as of ${utcTime((admission as EndpointAdmission).takenAt)}`;
  if (isEmpty(upper)) return `nobody from outside can connect, ${by}`;
  return equals(lower, upper)
    ? `${describeSources(upper)} can connect, ${by}`
    : `who can connect is not decided, ${by}`;
}

/** What a port rests on that conforms. */
function settledWords(facts: EndpointFacts, estate: EstateFacts): string {
  const standing = compareAdmission(facts, estate);
  if (standing.kind !== 'compared') return `loopback only (${describeAddresses(facts)}), as registered`;
  const { admission, takenAt } = facts.admission as EndpointAdmission;
  const can = intersection(admission.admitted.upper, standing.approved);
  const by = `by the packet filters as of ${utcTime(takenAt)}`;
  return isEmpty(can)
    ? `nobody from outside can connect, ${by}`
    : `only approved sources can connect (${describeSources(can, estate.register.zones)}), ${by}`;
}

const NONE: readonly string[] = [];

function brokenDoubt(facts: EndpointFacts): readonly string[] {
  return facts.mayBeInBrokenPart ? ['a part of the register that could not be read may be about this port'] : NONE;
}

/** Where nothing is known to listen there is no port to judge: why nothing is known, or who looked and when. */
function absenceDoubts(facts: EndpointFacts, estate: EstateFacts): readonly string[] {
  const { endpoint, host } = facts;
  if (host.length === 0) return [`nobody looked at ${endpoint.host}`];
  const looks = host.filter((h) => isCovered(h.coverage, endpoint));
  const asked = looks.length === 0 ? outsideAnswers(facts) : [];
  if (asked.length > 0) return [...asked.map(answerText), `nobody looked at this port on ${endpoint.host} itself`];
  if (looks.length === 0) return [`nobody looked at this port of ${endpoint.host}`];
  const newest = Math.max(...looks.map((h) => h.lastObservedAt));
  const doubt = isInFuture(newest, estate)
    ? ', which is after now: a clock is wrong'
    : isStale(newest, estate)
      ? ', too long ago to speak of now'
      : '';
  return [`nothing listens: looked at ${utcTime(newest)}${doubt}`];
}

/** No exception makes an approval: where it is missing, nobody has said that the port may be open. */
function approvalDoubts(matched: MatchedEntry, now: number): readonly string[] {
  if (isProvenNow(matched, now)) return NONE;
  const { entry, approval, hostConfirmed } = matched;
  if (approval.kind === 'unknown') return [`whether ${entry.id} is approved cannot be said: ${approval.reason}`];
  if (approval.kind !== 'proven') return [`${entry.id} is not approved (${approval.kind})`];
  if (!hostConfirmed) return [`${entry.id} is approved, but not confirmed for this host`];
  return [`the approval of ${entry.id} expired on ${utcDay(entry.expires ?? now)}`];
}

/**
 * The listeners must be known from a vantage that looked recently: from inside, where they are known from there. A time
 * after now says nothing about now either.
 */
function stalenessDoubts(facts: EndpointFacts, estate: EstateFacts): readonly string[] {
  let newest = Number.NEGATIVE_INFINITY;
  const seen = preferInside(facts.listeners);
  for (const { vantage, lastObservedAt, coverage } of facts.host)
    for (const l of seen)
      if (l.vantage === vantage)
        // a look that failed, or was about other ports, says nothing of this one
        newest = Math.max(
          newest,
          isCovered(coverage, l.listener) ? lastObservedAt : Math.min(l.lastSeen, lastObservedAt),
        );
  if (newest === Number.NEGATIVE_INFINITY) return ['when the host was last observed is not known'];
  if (isInFuture(newest, estate)) return [`last observed at ${utcTime(newest)}, which is after now: a clock is wrong`];
  return isStale(newest, estate) ? [`last observed at ${utcTime(newest)}, too long ago to speak of now`] : NONE;
}

function processDoubts(facts: EndpointFacts, { entry }: MatchedEntry): readonly string[] {
  let unknown = NONE;
  for (const { listener } of preferInside(facts.listeners)) {
    const hidden = compareProcess(entry.process, listener).unknown;
    if (hidden.length > 0) unknown = [...unknown, ...hidden];
  }
  if (unknown.length === 0) return NONE;
  return [`${entry.id} names the process (${[...new Set(unknown)].join(', ')}), and that was not visible`];
}

/** An entry that demands encryption is met only where somebody asked. Where nobody ever does, nothing is expected. */
function encryptionDoubt(facts: EndpointFacts, { entry }: MatchedEntry, estate: EstateFacts): readonly string[] {
  if (entry.encryption === null || entry.encryption === 'none' || !hasOutsideLook(estate)) return NONE;
  if (facts.listeners.some(({ listener }) => listener.answer?.encryption !== undefined)) return NONE;
  return [`${entry.id} demands encryption (${entry.encryption}), and nobody has seen what it answers`];
}

/** `10.0.0.5 did not answer over the network from scanner-1 (filtered) at …`: bound, and something is in between. */
function unansweredWords(facts: EndpointFacts): readonly string[] {
  return outsideAnswers(facts)
    .filter((answer) => answer.thoughBound)
    .map(answerText);
}

function answerText({ address, vantage, outcome, at }: OutsideAnswer): string {
  return `${address} did not answer ${vantageWords(vantage)} (${outcome}) at ${utcTime(at)}`;
}

const KIND_WORDS: Readonly<Record<ExceptionKind, string>> = {
  'false-positive': 'false positive',
  'operational-requirement': 'operational requirement',
  'risk-adjustment': 'risk adjustment',
};

/** Exceptions carry no proof: who approved one is what its text says. */
function acceptedText(finding: Finding, exception: Exception | undefined): string {
  if (!exception) return `accepted by ${finding.exception ?? 'an exception that is not named'}: ${finding.message}`;
  const { id, expires, kind, approver } = exception;
  return (
    `accepted by ${id} until ${utcDay(expires)} (${KIND_WORDS[kind]}): ${finding.message} ` +
    `That ${approver} approved ${id} is claimed, not proven.`
  );
}
