import type { HostFirewall } from '../model/admission.ts';
import { endpointKey } from '../model/endpoint.ts';
import type { EndpointResult, EstateFacts } from '../model/facts.ts';
import { outsideAnswers } from '../model/looks.ts';
import type { HostState } from '../model/state.ts';
import { admittedSetsJson } from './admitted-json.ts';
import { findingJson } from './finding-json.ts';
import { boundsJson } from './firewall-json.ts';
import { listenerJson } from './listener-json.ts';
import { printableJson } from './printable.ts';
import type { ReportFormat, ReportInput } from './report-format.ts';
import { isoTime } from './time.ts';
import { trafficJson } from './traffic-json.ts';
import { totalsOf } from './words.ts';

/** Sources that connect to an endpoint; `explain` lists all. */
const SHOWN_SOURCES = 20;

/** One line per finding, endpoint and gap: large estates stay half the size, and lines can be searched and compared. */
export const json: ReportFormat = {
  name: 'json',
  title: 'everything, for other programs',
  render: (input) => [...pieces(input)].join(''),
  pieces,
};

function* pieces({ result, failOn }: ReportInput): Iterable<string> {
  const { register, hosts } = result.facts.estate;
  const gaps = hosts.flatMap((h) => h.gaps.map((gap) => ({ host: h.host.name, vantage: h.vantage, ...gap })));
  yield `{\n${member('schemaVersion', result.schemaVersion)}`;
  yield `,\n${member('version', result.version)}`;
  yield `,\n${member('asOf', isoTime(result.now))}`;
  yield `,\n${member('register', { digest: register.digest, name: register.name })}`;
  yield `,\n${member('failOn', failOn)}`;
  yield `,\n${member('summary', totalsOf(result))}`;
  yield* list('findings', result.findings, findingJson);
  yield* list('resolved', result.resolved, findingJson);
  yield* list('endpoints', result.results, (r) => endpointJson(r, result.facts.estate));
  yield* list('coverage', hosts, coverageJson);
  yield* list('gaps', gaps, (gap) => gap);
  const { identity = [], firewalls = [] } = result.facts.estate;
  if (firewalls.length > 0) yield* list('firewalls', firewalls, firewallJson);
  if (identity.length > 0) yield* list('identity', identity, (notice) => notice);
  yield* list('problems', register.problems, (problem) => problem);
  yield '\n}\n';
}

function member(name: string, value: unknown): string {
  return `"${name}": ${printableJson(value)}`;
}

function* list<T>(name: string, items: readonly T[], toJson: (item: T) => unknown): Iterable<string> {
  if (items.length === 0) yield `,\n${member(name, [])}`;
  for (const [i, item] of items.entries()) yield `${i === 0 ? `,\n"${name}": [` : ','}\n${printableJson(toJson(item))}`;
  if (items.length > 0) yield '\n]';
}

/** An endpoint with its verdict; findings by fingerprint. `admitted` is null: nobody looked. */
function endpointJson({ facts, verdict, findings }: EndpointResult, estate: EstateFacts) {
  const asked = outsideAnswers(facts);
  return {
    key: endpointKey(facts.endpoint),
    ...facts.endpoint,
    verdict: verdict.word,
    reasons: verdict.reasons,
    entries: facts.entries.map((m) => ({ id: m.entry.id, approval: m.approval.kind, hostConfirmed: m.hostConfirmed })),
    admitted: admittedSetsJson(facts, estate),
    listeners: facts.listeners.map((s) => ({
      ...listenerJson(s.listener),
      vantage: s.vantage,
      openSince: isoTime(s.openSince),
      lastSeen: isoTime(s.lastSeen),
      restarts: s.restarts,
    })),
    ...(asked.length > 0 && { outside: asked.map((answer) => ({ ...answer, at: isoTime(answer.at) })) }),
    ...(facts.declared && { declared: facts.declared }),
    ...(facts.traffic && { traffic: trafficJson(facts.traffic, SHOWN_SOURCES) }),
    findings: findings.map((f) => f.fingerprint),
  };
}

/** The packet filter of a host as a whole: what was read of it, and what becomes of what no rule names. */
function firewallJson(firewall: HostFirewall) {
  const { host, takenAt, source, statements, notes, problems, filters, toUnnamedPorts } = firewall;
  return {
    ...{ host, takenAt: isoTime(takenAt), source, filters, problems, statements },
    notes: notes.map(({ status, text, reason, at }) => ({
      status,
      text,
      reason,
      file: at.file,
      line: at.line ?? null,
    })),
    toUnnamedPorts: boundsJson(toUnnamedPorts),
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
    ...(h.outcomes && { outcomes: h.outcomes }),
  };
}
