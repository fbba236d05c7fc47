import { endpointKey } from '../model/endpoint.ts';
import { isCovered } from '../model/observation.ts';
import { eventJson } from './events.ts';
import type { ExplainInput } from './explain-input.ts';
import { findingJson } from './finding-json.ts';
import { listenerJson } from './listener-json.ts';
import { isoTime } from './time.ts';
import { controlsByFramework, NOT_VERIFIED } from './words.ts';

/** The same answer as data: the three truths, history, findings, controls. Times as ISO 8601 in UTC. */
export function explainJson({ result, check, events }: ExplainInput) {
  const { facts, verdict, findings } = result;
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
          reviewed: isoTime(entry.review?.last),
          reviewEveryDays: entry.review?.everyDays ?? null,
        };
      }),
      mayBeInBrokenPart: facts.mayBeInBrokenPart,
    },
    admitted: { known: false, reason: NOT_VERIFIED },
    observed: {
      looks: facts.host.map((h) => ({
        vantage: h.vantage,
        collector: h.collector,
        privilege: h.privilege,
        observation: h.observationId,
        at: isoTime(h.lastObservedAt),
        covered: isCovered(h.coverage, facts.endpoint),
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
      })),
    },
    history: events.map(eventJson),
    findings: findings.map(findingJson),
    controls: Object.fromEntries(controlsByFramework(findings)),
  };
}
