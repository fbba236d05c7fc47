import { answerWords, certificateWords } from '../model/answer-words.ts';
import type { EndpointFacts } from '../model/facts.ts';
import { insideLookAt, type OutsideAnswer, outsideAnswers } from '../model/looks.ts';
import type { ListenerState } from '../model/state.ts';
import { isSeenInside, preferInside, vantageKind, vantageWords } from '../model/vantage.ts';
import { count, listWords } from '../util/words.ts';
import type { Line } from './text-table.ts';
import { formatTime } from './time.ts';

/** Addresses of one look that are told one by one. */
const MAX_ADDRESSES = 4;

/** What looks from outside found of an endpoint: which address answered what and when, each vantage for itself. */
export function outsideLines(facts: EndpointFacts, now: number): Line[] {
  const answers = outsideAnswers(facts);
  const lines: Line[] = [];
  for (const [vantage, all] of Map.groupBy(answers, (answer) => answer.vantage)) {
    for (const answer of all.slice(0, MAX_ADDRESSES)) {
      const state = facts.listeners.find((s) => s.vantage === vantage && s.listener.address === answer.address);
      lines.push([vantageWords(vantage), ...answerItems(answer, state, facts)]);
      lines.push(...saidLines(state, now));
    }
    if (all.length > MAX_ADDRESSES)
      lines.push(`${vantageWords(vantage)}: ${count(all.length - MAX_ADDRESSES, 'more address', 'more addresses')}`);
  }
  return [...lines, ...unmatchedLines(facts)];
}

function answerItems(
  { address, outcome, at, thoughBound }: OutsideAnswer,
  state: ListenerState | undefined,
  facts: EndpointFacts,
): readonly string[] {
  if (outcome === 'open') {
    const seen = state?.lastSeen ?? at;
    return [`${address} answered`, formatTime(seen), ...restartedSince(facts, seen)];
  }
  const between = outcome === 'closed' ? 'something refuses in between' : 'something filters in between';
  const because = thoughBound ? [`bound there, so ${between}`] : [];
  return [`${address} did not answer (${outcome})`, formatTime(at), ...because];
}

/** What answered may have been another process than the one that listens now. */
function restartedSince(facts: EndpointFacts, seen: number): readonly string[] {
  const started = preferInside(facts.listeners).flatMap((s) => s.listener.process?.startedAt ?? []);
  const newest = started.length > 0 ? Math.max(...started) : 0;
  return newest > seen ? [`before its process restarted ${formatTime(newest)}`] : [];
}

/** What the service said of itself, which proves nothing; and its certificate. */
function saidLines(state: ListenerState | undefined, now: number): Line[] {
  const answer = state?.listener.answer;
  if (!answer) return [];
  const said = answerWords(answer);
  const items = [...(said === '' ? [] : [`says ${said}`]), ...(answer.tls ? certificateWords(answer.tls, now) : [])];
  return items.length === 0 ? [] : [items];
}

/** Where something answers that is not one listener of the host: what the host itself shows. */
function unmatchedLines(facts: EndpointFacts): Line[] {
  const { listeners, endpoint } = facts;
  if (listeners.length === 0 || isSeenInside(listeners)) return [];
  const scopes = [...new Set(listeners.flatMap((s) => s.possibleScopes ?? []))].sort();
  if (scopes.length > 0)
    return [`the host itself knows this port in ${listWords(scopes)}: which of them answered cannot be told`];
  const look = insideLookAt(facts);
  if (look)
    return [
      [
        `${vantageWords(look.state.vantage)}: no listener on this port`,
        formatTime(look.state.lastObservedAt),
        look.everyScope ? 'every network namespace' : 'its own network namespace only',
      ],
    ];
  const inside = facts.host.filter((h) => vantageKind(h.vantage) === 'inside');
  return inside.length === 0 ? [`nobody looked on ${endpoint.host} itself, so what listens is not known`] : [];
}
