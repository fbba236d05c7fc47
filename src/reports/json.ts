import { endpointKey } from '../model/endpoint.ts';
import type { EndpointResult } from '../model/facts.ts';
import { findingJson } from './finding-json.ts';
import { listenerJson } from './listener-json.ts';
import { printableJson } from './printable.ts';
import type { ReportFormat } from './report-format.ts';
import { isoTime } from './time.ts';
import { totalsOf } from './words.ts';

export const json: ReportFormat = {
  name: 'json',
  title: 'everything, for other programs',
  render({ result, failOn }) {
    const { register, hosts } = result.facts.estate;
    const document = {
      schemaVersion: result.schemaVersion,
      version: result.version,
      asOf: isoTime(result.now),
      register: { digest: register.digest, name: register.name },
      failOn,
      summary: totalsOf(result),
      findings: result.findings.map(findingJson),
      resolved: result.resolved.map(findingJson),
      endpoints: result.results.map(endpointJson),
      coverage: hosts.map((h) => ({
        host: h.host.name,
        vantage: h.vantage,
        collector: h.collector,
        privilege: h.privilege,
        observation: h.observationId,
        observedAt: isoTime(h.lastObservedAt),
        coverage: h.coverage,
      })),
      gaps: hosts.flatMap((h) => h.gaps.map((gap) => ({ host: h.host.name, vantage: h.vantage, ...gap }))),
      problems: register.problems,
    };
    return `${printableJson(document, 2)}\n`;
  },
};

/** An endpoint with its verdict; findings by fingerprint. `admitted` is null: nobody looked. */
function endpointJson({ facts, verdict, findings }: EndpointResult) {
  return {
    key: endpointKey(facts.endpoint),
    ...facts.endpoint,
    verdict: verdict.word,
    reasons: verdict.reasons,
    entries: facts.entries.map((m) => ({ id: m.entry.id, approval: m.approval.kind, hostConfirmed: m.hostConfirmed })),
    admitted: null,
    listeners: facts.listeners.map((s) => ({
      ...listenerJson(s.listener),
      vantage: s.vantage,
      openSince: isoTime(s.openSince),
      lastSeen: isoTime(s.lastSeen),
      restarts: s.restarts,
    })),
    findings: findings.map((f) => f.fingerprint),
  };
}
