import { endpointKey } from '../model/endpoint.ts';
import { outsideAnswers } from '../model/looks.ts';
import { isCovered } from '../model/observation.ts';
import type { ApprovalState, RegisterEntry } from '../model/register.ts';
import { reviewStanding } from '../model/review.ts';
import { MAX_SOURCES } from '../model/traffic.ts';
import { vantageKind } from '../model/vantage.ts';
import { admittedJson } from './admitted-json.ts';
import { eventJson } from './events.ts';
import type { ExplainInput } from './explain-input.ts';
import { findingJson } from './finding-json.ts';
import { listenerJson } from './listener-json.ts';
import { isoTime } from './time.ts';
import { trafficJson } from './traffic-json.ts';
import { controlsByFramework } from './words.ts';

/** The review that counts, the interval in force, and when the next one is due: what every report says. */
function reviewJson(entry: RegisterEntry, approval: ApprovalState, { policy, now }: ExplainInput['check']) {
  const { reviewed, everyDays, due } = reviewStanding(entry, approval, policy, now);
  return { reviewed: isoTime(reviewed), reviewEveryDays: everyDays, reviewDue: isoTime(due) };
}

/** The same answer as data: the three truths, history, findings, controls. Times as ISO 8601 in UTC. */
export function explainJson({ result, check, events, tickets, assets }: ExplainInput) {
  const { facts, verdict, findings } = result;
  const asked = outsideAnswers(facts);
  return {
    schemaVersion: 1,
    version: check.version,
    asOf: isoTime(check.now),
    register: check.register,
    key: endpointKey(facts.endpoint),
    endpoint: facts.endpoint,
    verdict: verdict.word,
    reasons: verdict.reasons,
    approved: {
      entries: facts.entries.map(({ entry, approval, hostConfirmed }) => {
        const { id, service, purpose, owner, sources, bind, change, digest, at } = entry;
        return {
          ...{ id, service, purpose, owner, sources, bind, change, digest, at, approval, hostConfirmed },
          expires: isoTime(entry.expires),
          ...reviewJson(entry, approval, check),
        };
      }),
      mayBeInBrokenPart: facts.mayBeInBrokenPart,
    },
    admitted: admittedJson(facts, { now: check.now, register: check }),
    ...(facts.declared && { declared: facts.declared }),
    observed: {
      looks: facts.host.map((h) => ({
        vantage: h.vantage,
        collector: h.collector,
        privilege: h.privilege,
        observation: h.observationId,
        at: isoTime(h.lastObservedAt),
        covered:
          vantageKind(h.vantage) === 'inside'
            ? isCovered(h.coverage, facts.endpoint)
            : asked.some((answer) => answer.vantage === h.vantage && h.host.addresses.includes(answer.address)),
        gaps: h.gaps,
      })),
      listeners: [...facts.listeners, ...facts.closed].map((s) => ({
        ...listenerJson(s.listener),
        vantage: s.vantage,
        open: s.open,
        firstSeen: isoTime(s.firstSeen),
        openSince: isoTime(s.openSince),
        lastSeen: isoTime(s.lastSeen),
        closedAt: isoTime(s.closedAt),
        restarts: s.restarts,
        ...(s.possibleScopes && { possibleScopes: s.possibleScopes }),
      })),
      ...(asked.length > 0 && { outside: asked.map((answer) => ({ ...answer, at: isoTime(answer.at) })) }),
    },
    ...(facts.traffic && { traffic: trafficJson(facts.traffic, MAX_SOURCES) }),
    ...(assets && { assets }),
    history: events.map((e) => ({
      ...eventJson(e),
      ...(tickets?.has(e.sequence) && { tickets: tickets.get(e.sequence) }),
    })),
    findings: findings.map(findingJson),
    controls: Object.fromEntries(controlsByFramework(findings)),
  };
}
