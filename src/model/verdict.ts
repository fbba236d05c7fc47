import { utcDay, utcTime } from '../util/words.ts';
import { describeAddresses, widestBind } from './describe.ts';
import type { EndpointFacts, EstateFacts, MatchedEntry, Verdict } from './facts.ts';
import { type Finding, isAtLeast } from './finding.ts';
import { isInFuture, isStale } from './freshness.ts';
import { compareProcess } from './process-match.ts';

/**
 * Returns what can be said of an endpoint. DEVIATES where an open finding of severity low or above is about it or its
 * entry; else UNDETERMINED with every reason for doubt; else CONFORMS. `findings` are those about the endpoint, accepted
 * ones included; findings about its surroundings (the estate, its host) never deviate, they make it undetermined.
 */
export function verdictOf(facts: EndpointFacts, findings: readonly Finding[], estate: EstateFacts): Verdict {
  const open: string[] = [];
  const surroundings: string[] = [];
  const accepted: Finding[] = [];
  for (const f of findings) {
    if (!isAtLeast(f.severity, 'low') || f.status === 'resolved') continue;
    const isOwn = f.subject.kind === 'endpoint' || f.subject.kind === 'entry';
    if (f.status === 'open') (isOwn ? open : surroundings).push(f.message);
    else if (isOwn) accepted.push(f);
  }
  const conditions = accepted.map((f) => acceptedText(f, estate));
  if (open.length > 0) return { word: 'DEVIATES', reasons: open.concat(stalenessDoubts(facts, estate), conditions) };
  const doubts = surroundings.concat(doubtsAbout(facts, accepted, estate));
  if (doubts.length > 0) return { word: 'UNDETERMINED', reasons: doubts.concat(conditions) };
  const basis = facts.entries.length > 0 ? 'as registered' : 'accepted without a register entry';
  return { word: 'CONFORMS', reasons: [`loopback only (${describeAddresses(facts)}), ${basis}`, ...conditions] };
}

/** Reasons why a match with the register does not settle the matter, most important first. */
function doubtsAbout(facts: EndpointFacts, accepted: readonly Finding[], estate: EstateFacts): string[] {
  const doubts: string[] = [];
  const decides = facts.entries[0];
  const isAccepted = (rule: string) => accepted.some((f) => f.rule === rule);
  if (facts.mayBeInBrokenPart) doubts.push('a part of the register that could not be read may be about this port');
  if (facts.listeners.length === 0) doubts.push('no listener is visible');
  if (!decides) {
    if (facts.listeners.length > 0 && facts.listeners.every((l) => l.listener.role === 'ephemeral'))
      doubts.push("a client's socket on an ephemeral port, not a service; no entry covers it");
    else if (facts.listeners.length > 0 && !isAccepted('unregistered-listener'))
      doubts.push('no register entry covers it');
  } else if (!isAccepted('unapproved-entry')) doubts.push(...approvalDoubts(decides));
  doubts.push(...stalenessDoubts(facts, estate));
  if (decides) doubts.push(...processDoubts(facts, decides));
  if (facts.listeners.length > 0 && widestBind(facts) !== 'loopback') {
    const match = accepted.length > 0 ? 'matches the register but for what is accepted' : 'matches the register';
    doubts.push(`${decides ? match : 'reachable beyond loopback'}; who can connect is not verified`);
  }
  return doubts;
}

const NONE: readonly string[] = [];

function approvalDoubts({ entry, approval, hostConfirmed }: MatchedEntry): readonly string[] {
  if (approval.kind === 'unknown') return [`whether ${entry.id} is approved cannot be said: ${approval.reason}`];
  if (approval.kind !== 'proven') return [`${entry.id} is not approved (${approval.kind})`];
  return hostConfirmed ? NONE : [`${entry.id} is approved, but not confirmed for this host`];
}

/** The listeners must be known from a vantage that looked recently. A time after now says nothing about now either. */
function stalenessDoubts(facts: EndpointFacts, estate: EstateFacts): readonly string[] {
  if (facts.listeners.length === 0) return NONE;
  let newest = Number.NEGATIVE_INFINITY;
  for (const { vantage, lastObservedAt } of facts.host)
    if (facts.listeners.some((l) => l.vantage === vantage)) newest = Math.max(newest, lastObservedAt);
  if (newest === Number.NEGATIVE_INFINITY) return ['when the host was last observed is not known'];
  if (isInFuture(newest, estate)) return [`last observed at ${utcTime(newest)}, which is after now: a clock is wrong`];
  return isStale(newest, estate) ? [`last observed at ${utcTime(newest)}, too long ago to speak of now`] : NONE;
}

function processDoubts(facts: EndpointFacts, { entry }: MatchedEntry): readonly string[] {
  const unknown = new Set<string>();
  for (const { listener } of facts.listeners)
    for (const field of compareProcess(entry.process, listener).unknown) unknown.add(field);
  if (unknown.size === 0) return NONE;
  return [`${entry.id} names the process (${[...unknown].join(', ')}), and that was not visible`];
}

function acceptedText(finding: Finding, estate: EstateFacts): string {
  const exception = estate.register.exceptions.find((e) => e.id === finding.exception);
  const until = exception ? ` until ${utcDay(exception.expires)}` : '';
  return `accepted by exception ${finding.exception ?? 'unnamed'}${until}: ${finding.message}`;
}
