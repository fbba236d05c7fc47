import { endpointKey } from '../model/endpoint.ts';
import type { EndpointResult } from '../model/facts.ts';
import type { HostState } from '../model/state.ts';
import { findingJson } from './finding-json.ts';
import { listenerJson } from './listener-json.ts';
import { printableJson } from './printable.ts';
import type { ReportFormat } from './report-format.ts';
import { isoTime } from './time.ts';
import { totalsOf } from './words.ts';

/** One line per finding, endpoint and gap: large estates stay half the size, and lines can be searched and compared. */
export const json: ReportFormat = {
  name: 'json',
  title: 'everything, for other programs',
  render({ result, failOn }) {
    const { register, hosts } = result.facts.estate;
    const gaps = hosts.flatMap((h) => h.gaps.map((gap) => ({ host: h.host.name, vantage: h.vantage, ...gap })));
    const members = [
      member('schemaVersion', result.schemaVersion),
      member('version', result.version),
      member('asOf', isoTime(result.now)),
      member('register', { digest: register.digest, name: register.name }),
      member('failOn', failOn),
      member('summary', totalsOf(result)),
      list('findings', result.findings, findingJson),
      list('resolved', result.resolved, findingJson),
      list('endpoints', result.results, endpointJson),
      list('coverage', hosts, coverageJson),
      list('gaps', gaps, (gap) => gap),
      list('problems', register.problems, (problem) => problem),
    ];
    return `{\n${members.join(',\n')}\n}\n`;
  },
};

function member(name: string, value: unknown): string {
  return `"${name}": ${printableJson(value)}`;
}

function list<T>(name: string, items: readonly T[], toJson: (item: T) => unknown): string {
  if (items.length === 0) return member(name, []);
  return `"${name}": [\n${items.map((item) => printableJson(toJson(item))).join(',\n')}\n]`;
}

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

function coverageJson(h: HostState) {
  return {
    host: h.host.name,
    vantage: h.vantage,
    collector: h.collector,
    privilege: h.privilege,
    observation: h.observationId,
    observedAt: isoTime(h.lastObservedAt),
    coverage: h.coverage,
  };
}
