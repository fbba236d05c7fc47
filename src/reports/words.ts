import { showsHost } from '../model/asset-match.ts';
import { type Endpoint, endpointKey, HOST_SCOPE, UNKNOWN_SCOPE } from '../model/endpoint.ts';
import type { CheckResult, EndpointResult, EstateFacts, VerdictWord } from '../model/facts.ts';
import { type Finding, SEVERITIES, type Severity, type Subject } from '../model/finding.ts';
import type { Framework } from '../model/framework.ts';
import type { ProcessFacts } from '../model/listener.ts';
import type { ApprovalState, HostDeclaration, Policy, RegisterEntry } from '../model/register.ts';
import { reviewStanding } from '../model/review.ts';
import type { HostState } from '../model/state.ts';
import { compareText } from '../util/compare.ts';
import { count, listWords } from '../util/words.ts';
import type { Style } from './text-table.ts';
import { daysBetween, formatDate, formatTime } from './time.ts';

/** `65,536`, in the same form on every machine. */
export function formatNumber(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** The first six digits, by which people name a register. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 6);
}

export const VERDICT_STYLE: Readonly<Record<VerdictWord, Style>> = {
  CONFORMS: 'green',
  DEVIATES: 'red',
  UNDETERMINED: 'gray',
};

export const SEVERITY_STYLE: Readonly<Record<Severity, Style>> = {
  critical: ['bold', 'red'],
  high: 'red',
  medium: 'yellow',
  low: 'cyan',
  info: 'gray',
};

/** Severities, worst first. */
export const WORST_FIRST: readonly Severity[] = SEVERITIES.toReversed();

/** `vm tcp/5432`, with the scope behind it where it is not the host itself. */
export function endpointWords(e: Endpoint): string {
  const scope = e.scope === HOST_SCOPE ? '' : e.scope === UNKNOWN_SCOPE ? ' (scope not known)' : ` in ${e.scope}`;
  return `${e.host} ${e.transport}/${e.port}${scope}`;
}

/** What a finding is about, short: an endpoint key, an entry id, a host, `workspace`. */
export function subjectText(subject: Subject): string {
  switch (subject.kind) {
    case 'endpoint':
      return endpointKey(subject.endpoint);
    case 'entry':
      return subject.entry;
    case 'host':
      return subject.host;
    case 'estate':
      return 'workspace';
  }
}

/** The finding counts against the run: neither accepted, nor resolved, nor known from the baseline. */
export function counts(f: Finding): boolean {
  return f.status === 'open' && f.inBaseline !== true;
}

/** `1 high, 3 medium`, worst first; empty for no finding. */
export function severityWords(findings: readonly Finding[]): string {
  return WORST_FIRST.map((s) => ({ s, n: findings.filter((f) => f.severity === s).length }))
    .filter(({ n }) => n > 0)
    .map(({ s, n }) => `${formatNumber(n)} ${s}`)
    .join(', ');
}

export interface Totals {
  readonly endpoints: number;
  readonly hosts: number;
  readonly deviates: number;
  /** Those among them where every deviation is accepted by an exception. */
  readonly deviatesAccepted: number;
  readonly undetermined: number;
  readonly conforms: number;
  /** Findings that count, by severity. */
  readonly open: Readonly<Record<Severity, number>>;
  readonly accepted: number;
  readonly inBaseline: number;
  readonly resolved: number;
  readonly gaps: number;
}

/** Counts what a report says of a whole run. */
export function totalsOf(result: CheckResult): Totals {
  const verdicts = { CONFORMS: 0, DEVIATES: 0, UNDETERMINED: 0 };
  let deviatesAccepted = 0;
  for (const r of result.results) {
    verdicts[r.verdict.word]++;
    if (r.verdict.word === 'DEVIATES' && isAccepted(r)) deviatesAccepted++;
  }
  const open = { info: 0, low: 0, medium: 0, high: 0, critical: 0 };
  for (const f of result.findings) if (counts(f)) open[f.severity]++;
  const hosts = result.facts.estate.hosts;
  return {
    endpoints: result.results.length,
    hosts: hostsSeen(hosts).length,
    deviates: verdicts.DEVIATES,
    deviatesAccepted,
    undetermined: verdicts.UNDETERMINED,
    conforms: verdicts.CONFORMS,
    open,
    accepted: result.findings.filter((f) => f.status === 'accepted').length,
    inBaseline: result.findings.filter((f) => f.status === 'open' && f.inBaseline === true).length,
    resolved: result.resolved.length,
    gaps: hosts.reduce((n, h) => n + h.gaps.length, 0),
  };
}

/** Names of the hosts of which something was seen, sorted. An address that gave no answer at all may have no host. */
export function hostsSeen(hosts: readonly HostState[]): readonly string[] {
  return [...new Set(hosts.filter(showsHost).map((h) => h.host.name))].sort(compareText);
}

/** Declared hosts of which nothing was seen, under none of their names. */
export function neverSeen({ hosts, register }: EstateFacts): readonly HostDeclaration[] {
  if (register.hosts.length === 0) return [];
  const seen = new Set(
    hosts.filter(showsHost).flatMap(({ host }) => [host.name, ...(host.names ?? [])].map((name) => name.toLowerCase())),
  );
  return register.hosts.filter((host) => !seen.has(host.name.toLowerCase()));
}

/** Nothing about the endpoint is left that nobody accepted. A remark (info) is no deviation. */
export function isAccepted({ findings }: EndpointResult): boolean {
  return findings.every((f) => f.status !== 'open' || f.severity === 'info');
}

/** `2 accepted by EXC-1 and EXC-2`; empty where nothing is. */
export function acceptedWords(findings: readonly Finding[]): string {
  const accepted = findings.filter((f) => f.status === 'accepted');
  if (accepted.length === 0) return '';
  const by = [...new Set(accepted.flatMap((f) => f.exception ?? []))].sort(compareText);
  return `${formatNumber(accepted.length)} accepted${by.length === 0 ? '' : ` by ${listWords(by, 3)}`}`;
}

/** The sentence of state, on top of every report for people. */
export function stateSentence(result: CheckResult): string {
  const t = totalsOf(result);
  const verdicts = [
    { n: t.deviates, one: 'deviates', many: 'deviate', accepted: t.deviatesAccepted },
    { n: t.undetermined, one: 'undetermined', many: 'undetermined', accepted: 0 },
    { n: t.conforms, one: 'conforms', many: 'conform', accepted: 0 },
  ].map(
    ({ n, one, many, accepted }) =>
      `${formatNumber(n)} ${n === 1 ? one : many}${accepted > 0 ? ` (${formatNumber(accepted)} accepted)` : ''}`,
  );
  const { digest } = result.facts.estate.register;
  const about = t.endpoints === 0 ? '' : `: ${verdicts.join(', ')}`;
  return `${count(t.endpoints, 'endpoint')} on ${count(t.hosts, 'host')}${about}; register ${shortDigest(digest)}, as of ${formatTime(result.now)}; ${observedWords(result)}`;
}

/**
 * `observed 2026-11-22 01:30 to 01:38 UTC`: from the host whose newest look is the oldest to the one looked at last. Not
 * the time of the command, which may run days later. `no host observed` where nobody looked.
 */
export function observedWords({ facts }: CheckResult): string {
  const byHost = Map.groupBy(facts.estate.hosts, (h) => h.host.name);
  const newest = [...byHost.values()].map((looks) => Math.max(...looks.map((h) => h.lastObservedAt)));
  if (newest.length === 0) return 'no host observed';
  const minute = (ms: number) => formatTime(ms).replace(/:\d\d UTC$/, '');
  const [from, to] = [newest.reduce((a, b) => Math.min(a, b)), newest.reduce((a, b) => Math.max(a, b))].map(minute) as [
    string,
    string,
  ];
  if (from === to) return `observed ${from} UTC`;
  const isSameDay = from.slice(0, 10) === to.slice(0, 10);
  return `observed ${from} to ${isSameDay ? to.slice(11) : to} UTC`;
}

/** Why the admitted truth is missing: the same words on screen and in JSON. */
export const NOT_VERIFIED = 'not verified: the packet filters of this host were not read';

/** Who may connect by an entry, in words. */
export function mayWords(entry: RegisterEntry): string {
  if (entry.sources === null) return 'not said';
  return entry.sources.length === 0 ? 'nobody from outside the host' : entry.sources.join(', ');
}

const PROOF_WORDS = {
  'ssh-signature': 'proven by an ssh signature',
  'signed-commit': 'proven by a signed commit',
  'server-session': 'proven by a server session',
} as const;

/** The approval of an entry as a phrase: who, when, and whether it counts. */
export function approvalWords(state: ApprovalState, entry: RegisterEntry): string {
  const stamp = entry.approval;
  const when = stamp === null ? '' : ` ${formatDate(stamp.at)}`;
  const change = entry.change === null ? '' : ` (${entry.change})`;
  switch (state.kind) {
    case 'draft':
      return 'draft, approved by nobody';
    case 'claimed':
      return `approval by ${stamp?.by ?? 'somebody'}${when}${change} is claimed, not proven: ${state.reason}`;
    case 'proven':
      return `approved by ${state.by}${when}${change}, ${PROOF_WORDS[state.how]}`;
    case 'void':
      return `approval by ${stamp?.by ?? 'somebody'}${when}${change} is void: the entry changed since`;
    case 'self-approved':
      return `approved by ${state.by}, who made the change: does not count`;
    case 'not-allowed':
      return `approved by ${state.by}, who may not approve: ${state.reason}`;
    case 'forged':
      return `the proof of approval is wrong: ${state.reason}`;
    case 'unknown':
      return `whether it is approved cannot be said: ${state.reason}`;
  }
}

/**
 * `reviewed on 2026-11-22; due 2027-11-22`, `not reviewed since its approval on …; due …`, `not reviewed: …`, with why a
 * review stamp does not count. The same rule as everywhere (src/model/review.ts).
 */
export function reviewWords(entry: RegisterEntry, state: ApprovalState, policy: Policy, now: number): string {
  const { reviewed, approved, ignored, due } = reviewStanding(entry, state, policy, now);
  if (state.kind === 'draft') return 'not reviewed: a draft';
  const stamp = entry.review?.last;
  const not =
    ignored === null || stamp === undefined ? '' : ` (the review of ${formatDate(stamp)} does not count: ${ignored})`;
  const since =
    reviewed !== null && reviewed >= (approved ?? reviewed)
      ? `reviewed on ${formatDate(reviewed)}`
      : approved !== null
        ? `not reviewed since its approval on ${formatDate(approved)}`
        : 'not reviewed: its approval is not proven';
  if (due === null) return `${since}${not}`;
  const when = `due ${formatDate(due)}`;
  return `${since}${not}; ${due > now ? when : `${when}, overdue by ${count(Math.max(daysBetween(due, now), 0), 'day')}`}`;
}

/** `expires 2027-09-30`; empty where it does not expire. */
export function expiryWords(entry: RegisterEntry, now: number): string {
  if (entry.expires === null) return '';
  return `${entry.expires <= now ? 'expired' : 'expires'} ${formatDate(entry.expires)}`;
}

/** The shortest name of a process that a person recognises. */
export function processName(p: ProcessFacts | null): string {
  if (p === null) return 'process not visible';
  return p.name ?? p.exe?.split('/').at(-1) ?? `pid ${p.pid}`;
}

/** One name for a framework and its edition: `NIST SP 800-53 Rev. 5`. A title that holds the edition stands alone. */
export function frameworkName({ title, version }: Framework): string {
  return title.includes(version) ? title : `${title} ${version}`;
}

/** Control ids of findings by framework, sorted, without repeats. */
export function controlsByFramework(findings: readonly Finding[]): ReadonlyMap<string, readonly string[]> {
  const byFramework = new Map<string, Set<string>>();
  for (const f of findings)
    for (const c of f.controls) {
      const ids = byFramework.get(c.framework) ?? new Set();
      byFramework.set(c.framework, ids.add(c.id));
    }
  return new Map([...byFramework].sort(([a], [b]) => compareText(a, b)).map(([k, ids]) => [k, sortIds([...ids])]));
}

/** Sorts control ids as people count: `8.9` before `8.20`. */
export function sortIds(ids: readonly string[]): string[] {
  const key = (id: string) => id.replace(/\d+/g, (digits) => digits.padStart(6, '0'));
  return ids.toSorted((a, b) => compareText(key(a), key(b)));
}

/** Who a loopback address can be reached from: a scope of its own has a loopback of its own. */
export function insideWords(scope: string): string {
  if (scope === HOST_SCOPE) return 'this host';
  const [kind] = scope.split(':');
  return kind === 'container' || kind === 'pod' ? `this ${kind}` : 'this namespace';
}
