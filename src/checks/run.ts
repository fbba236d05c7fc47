import { compareEndpoints, type Endpoint, endpointKey } from '../model/endpoint.ts';
import { exceptionFor } from '../model/exception-match.ts';
import type { EndpointFacts, EndpointResult, EstateFacts, Facts } from '../model/facts.ts';
import { type ControlRef, type Finding, type FindingDraft, SEVERITIES, type Subject } from '../model/finding.ts';
import { fingerprintOf } from '../model/fingerprint.ts';
import { verdictOf } from '../model/verdict.ts';
import { compareText } from '../util/compare.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { count } from '../util/words.ts';
import type { Check } from './check.ts';
import { checks } from './index.ts';

/** What the store remembers of findings. */
export interface FindingHistory {
  /** UTC milliseconds at which a finding was first raised; undefined where it is new. */
  firstSeen(fingerprint: string): number | undefined;
}

export interface CheckRun {
  /** Worst first, then by subject and rule; accepted ones included. */
  readonly findings: readonly Finding[];
  /** One per endpoint of the facts, in their order. */
  readonly results: readonly EndpointResult[];
}

type ControlsOf = (rule: string) => readonly ControlRef[];

/** Endpoints that a finding carries at most; the message and the evidence give the full number. */
const MAX_ENDPOINTS = 50;

/**
 * Runs every check over the facts. A check that throws becomes a finding of severity high and leaves what it was to
 * judge undetermined; the others go on.
 */
export function runChecks(
  facts: Facts,
  controlsOf: ControlsOf,
  history: FindingHistory,
  rules: readonly Check[] = checks,
): CheckRun {
  const { estate } = facts;
  const finish = finisher(estate, controlsOf, history);
  const wide: Wide[] = [];
  const failures = new Map<Check, Failure>();

  for (const check of rules) {
    if (!check.estate) continue;
    try {
      for (const draft of check.estate(estate))
        wide.push({ finding: finish(check, draft), endpoints: draft.endpoints });
    } catch (error) {
      failures.set(check, { error, endpoints: 'all' });
    }
  }

  const judging = rules.filter((check) => check.endpoint !== undefined);
  const own = facts.endpoints.map((endpoint) => {
    let found = NONE;
    if (endpoint.listeners.length === 0) return found;
    for (const check of judging) {
      try {
        const drafts = check.endpoint?.(endpoint, estate) ?? [];
        if (drafts.length > 0) found = found.concat(drafts.map((draft) => finish(check, draft)));
      } catch (error) {
        const failure = failures.get(check) ?? { error, endpoints: [] };
        failures.set(check, failure);
        if (failure.endpoints !== 'all') failure.endpoints.push(endpoint.endpoint);
      }
    }
    return found;
  });
  for (const [check, failure] of failures)
    wide.push({ finding: finish(check, failureDraft(check, failure)), endpoints: reached(failure), failed: true });

  const raised = [...wide.map((w) => w.finding), ...own.flat()];
  for (const check of rules)
    if (check.afterwards) raised.push(...check.afterwards(estate, raised).map((draft) => finish(check, draft)));
  const findings = sortFindings(raised);
  const attach = attacher(wide);
  const results = facts.endpoints.map((endpoint, i): EndpointResult => {
    const findings = attach(endpoint, own[i] ?? NONE);
    return { facts: endpoint, verdict: verdictOf(endpoint, findings, estate), findings };
  });
  return { findings, results };
}

/** Judges one endpoint, open or not, with the entries that cover it; the same answer as a whole run gives of it. */
export function runEndpoint(
  facts: EndpointFacts,
  estate: EstateFacts,
  controlsOf: ControlsOf,
  history: FindingHistory,
  rules: readonly Check[] = checks,
): EndpointResult {
  const covering = new Set(facts.entries.map((m) => m.entry.id));
  const near: EstateFacts = {
    ...estate,
    register: { ...estate.register, entries: estate.register.entries.filter((entry) => covering.has(entry.id)) },
  };
  const [result] = runChecks({ estate: near, endpoints: [facts] }, controlsOf, history, rules).results;
  if (!result) throw new Error('a run over one endpoint gave no result');
  return result;
}

/** A finding that is not about one endpoint alone. */
interface Wide {
  readonly finding: Finding;
  /** Endpoints it touches; undefined: every one that its entry decides. */
  readonly endpoints: readonly Endpoint[] | undefined;
  /** Raised because a check failed: concerns the endpoints it could not judge. */
  readonly failed?: true;
}

interface Failure {
  readonly error: unknown;
  readonly endpoints: Endpoint[] | 'all';
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Returns what turns a draft into a finding: severity, controls, fingerprint, age and exception filled in. */
function finisher(estate: EstateFacts, controlsOf: ControlsOf, history: FindingHistory) {
  const { exceptions } = estate.register;
  return (check: Check, draft: FindingDraft): Finding => {
    const fingerprint = fingerprintOf(check.id, draft.subject, draft.entry, draft.discriminator);
    const finding: Mutable<Finding> = {
      fingerprint,
      rule: check.id,
      severity: draft.severity ?? check.severity,
      subject: draft.subject,
      message: draft.message,
      evidence: draft.evidence,
      remediation: draft.remediation ?? check.remediation,
      controls: controlsOf(check.id),
      firstSeen: history.firstSeen(fingerprint) ?? estate.now,
      lastSeen: estate.now,
      status: 'open',
    };
    if (draft.subject.kind === 'endpoint') finding.endpoint = draft.subject.endpoint;
    if (draft.endpoints) finding.endpoints = draft.endpoints.slice(0, MAX_ENDPOINTS);
    if (draft.listener) finding.listener = draft.listener;
    if (draft.entry !== undefined) finding.entry = draft.entry;
    if (draft.discriminator !== undefined) finding.discriminator = draft.discriminator;
    if (draft.at) finding.at = draft.at;
    const exception = exceptions.length === 0 ? null : exceptionFor(finding, exceptions, estate.now);
    if (exception) {
      finding.status = 'accepted';
      finding.exception = exception.id;
    }
    return finding;
  };
}

function failureDraft(check: Check, { error, endpoints }: Failure): FindingDraft {
  const what = endpoints === 'all' ? '' : ` on ${count(endpoints.length, 'endpoint')}`;
  return {
    subject: { kind: 'estate' },
    discriminator: 'check-failed',
    severity: 'high',
    message: `The check ${check.id} failed${what}, so what it would have said is not known.`,
    evidence: [{ label: 'error', value: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }],
    remediation: 'This is a fault of the program, not of the register. Report it with the error above.',
    ...(endpoints === 'all' ? {} : { endpoints }),
  };
}

function reached({ endpoints }: Failure): readonly Endpoint[] | undefined {
  return endpoints === 'all' ? undefined : endpoints;
}

const NONE: readonly Finding[] = [];

/**
 * Returns what gives all findings of an endpoint, worst first: its own (a check of the estate may raise one too, as of a
 * port that closed), those of the entry that decides it, and failures.
 * Endpoints that have nothing of their own share the list of their entry.
 */
function attacher(wide: readonly Wide[]): (facts: EndpointFacts, own: readonly Finding[]) => readonly Finding[] {
  const keys = new Map<Wide, ReadonlySet<string>>();
  const concerns = (item: Wide, { endpoint }: EndpointFacts): boolean => {
    const { endpoints } = item;
    if (!endpoints) return true;
    return getOrMake(keys, item, () => new Set(endpoints.map(endpointKey))).has(endpointKey(endpoint));
  };
  const failed = wide.filter((item) => item.failed);
  const listOf = (items: readonly Wide[]) => ({
    items,
    /** All of them, where each concerns every endpoint. */
    shared: items.every((item) => !item.endpoints) ? items.map((item) => item.finding).sort(compareFindings) : null,
  });
  const others = listOf(failed);
  const byEntry = new Map<string, ReturnType<typeof listOf>>();
  const ofEntries = Map.groupBy(wide, ({ finding: { subject } }) => (subject.kind === 'entry' ? subject.entry : null));
  for (const [entry, items] of ofEntries) if (entry !== null) byEntry.set(entry, listOf([...items, ...failed]));

  const byEndpoint = new Map<string, Finding[]>();
  for (const { finding } of wide)
    if (finding.endpoint) getOrMake(byEndpoint, endpointKey(finding.endpoint), () => []).push(finding);
  const ofEstate = ({ endpoint }: EndpointFacts) =>
    byEndpoint.size === 0 ? NONE : (byEndpoint.get(endpointKey(endpoint)) ?? NONE);

  return (facts, ofIts) => {
    const own = [...ofIts, ...ofEstate(facts)];
    const { items, shared } = byEntry.get(facts.entries[0]?.entry.id ?? '') ?? others;
    if (own.length === 0 && shared) return shared;
    const attached = shared ?? items.filter((item) => concerns(item, facts)).map((item) => item.finding);
    return [...own, ...attached].sort(compareFindings);
  };
}

const KIND_ORDER: Readonly<Record<Subject['kind'], number>> = { estate: 0, host: 1, entry: 2, endpoint: 3 };

/** Orders findings: worst first, then estate, hosts, entries, endpoints, each in their own order, then rule. */
function compareFindings(a: Finding, b: Finding): number {
  if (a.severity !== b.severity) return SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity);
  return (
    compareSubjects(a.subject, b.subject) || compareText(a.rule, b.rule) || compareText(a.fingerprint, b.fingerprint)
  );
}

/** Sorts by severity first: what is left of each is nearly in order already. */
function sortFindings(findings: readonly Finding[]): Finding[] {
  const bySeverity = Map.groupBy(findings, (f) => f.severity);
  return SEVERITIES.toReversed().flatMap((severity) => (bySeverity.get(severity) ?? []).sort(compareFindings));
}

function compareSubjects(a: Subject, b: Subject): number {
  if (a.kind === 'endpoint' && b.kind === 'endpoint') return compareEndpoints(a.endpoint, b.endpoint);
  if (a.kind === 'entry' && b.kind === 'entry') return compareText(a.entry, b.entry);
  if (a.kind === 'host' && b.kind === 'host') return compareText(a.host, b.host);
  return KIND_ORDER[a.kind] - KIND_ORDER[b.kind];
}
