import { formatPosition } from '../model/errors.ts';
import { isInForce, parseExceptionSubject } from '../model/exception-match.ts';
import { missingFields } from '../model/missing-fields.ts';
import type { HostFacts } from '../model/observation.ts';
import { findOverlaps } from '../model/overlap.ts';
import { formatPorts } from '../model/port-ranges.ts';
import type { Exception, Policy, Register, RegisterEntry, RegisterProblem } from '../model/register.ts';
import { policyReviewDays } from '../model/review.ts';
import { matchesGlob } from '../util/glob.ts';
import { findSecrets } from './secrets.ts';
import { didYouMean } from './suggest.ts';
import { writeDatetime } from './times.ts';
import { type LoadedWorkspace, sortProblems } from './workspace.ts';

const ASKED: Readonly<Record<string, string>> = {
  purpose: 'why the port is open, in a sentence',
  owner: 'who answers for it, a name under owners',
  sources: 'who may connect; [] = nobody from outside the host',
  service: 'what runs there',
};

/**
 * Returns everything wrong or missing in a workspace, sorted by position: the problems of loading, and warnings of what
 * is well-formed but not in order. `hosts` are those known from observations: with them overlaps between selectors can
 * be told. `now` in UTC milliseconds. `rules`: ids of all rules; left out, those of exceptions are not looked up.
 */
export function lintWorkspace(
  loaded: LoadedWorkspace,
  hosts: readonly HostFacts[] = [],
  now: number = Date.now(),
  rules: readonly string[] | null = null,
): readonly RegisterProblem[] {
  const { register, files } = loaded;
  return sortProblems([
    ...register.problems,
    ...register.entries.flatMap((entry) => lintEntry(entry, register.policy, now)),
    ...register.exceptions.flatMap((exception) => lintException(exception, register, now)),
    ...lintReach(register, hosts, now, rules),
    ...lintOverlaps(register, hosts),
    ...files.flatMap((file) => findSecrets(file.text, file.path)),
  ]);
}

function lintEntry(entry: RegisterEntry, policy: Policy, now: number): RegisterProblem[] {
  const problems: RegisterProblem[] = [];
  const warn = (code: string, message: string, hint: string) =>
    problems.push({ severity: 'warning', code, message: `${entry.id}: ${message}`, hint, at: entry.at });
  for (const field of missingFields(entry)) warn('missing-field', `${field} is missing`, ASKED[field] ?? 'fill it in');
  if (entry.expires !== null && entry.expires <= now)
    warn('expired', `expired on ${writeDatetime(entry.expires)}`, 'approve it anew with a later date, or remove it');
  const most = policyReviewDays(entry, policy).days;
  const every = entry.review?.everyDays;
  if (every !== undefined && every > most)
    warn(
      'review-too-rare',
      `is reviewed every ${every} days, the policy asks for ${most}`,
      `write review: { every: ${most}d }`,
    );
  return problems;
}

function lintException(exception: Exception, register: Register, now: number): RegisterProblem[] {
  const problems: RegisterProblem[] = [];
  const warn = (code: string, message: string, hint: string) =>
    problems.push({ severity: 'warning', code, message: `${exception.id}: ${message}`, hint, at: exception.at });
  if (exception.ticket === null) warn('exception-no-ticket', 'has no ticket', 'name the ticket where it was decided');
  if (exception.expires <= now)
    warn(
      'exception-expired',
      `expired on ${writeDatetime(exception.expires)}; its findings count again`,
      'put right the cause, or decide anew',
    );
  const subject = parseExceptionSubject(exception.subject);
  if (subject?.kind === 'entry' && !register.entries.some((entry) => entry.id === subject.entry))
    warn('exception-unknown-entry', `there is no entry "${subject.entry}"`, 'correct the id, or remove the exception');
  return problems;
}

/** Exceptions in force that can accept nothing: of a rule that is none, or on a host that nobody knows. */
function lintReach(
  { exceptions, entries, hosts: declared }: Register,
  observed: readonly HostFacts[],
  now: number,
  rules: readonly string[] | null,
): RegisterProblem[] {
  const named = entries.flatMap((entry) => entry.hosts.filter((host) => !/[*?]/.test(host)));
  const hosts = [...[...observed, ...declared].map((host) => host.name), ...named].map((name) => name.toLowerCase());
  return exceptions.flatMap((exception): RegisterProblem[] => {
    if (!isInForce(exception, now)) return [];
    const subject = parseExceptionSubject(exception.subject);
    const warn = (message: string, hint: string): RegisterProblem[] => [
      {
        ...{ severity: 'warning', code: 'exception-accepts-nothing', hint, at: exception.at },
        message: `${exception.id}: accepts nothing: ${message}`,
      },
    ];
    if (rules !== null && !rules.includes(exception.rule))
      return warn(
        `there is no rule "${exception.rule}"`,
        didYouMean(exception.rule, rules) ?? 'quietdoor check names the rule of each finding',
      );
    const isOnHost = subject?.kind === 'endpoint' || subject?.kind === 'host';
    if (isOnHost && hosts.length > 0 && !hosts.some((host) => matchesGlob(subject.host, host)))
      return warn(`no known host is called ${subject.host}`, 'correct the subject, or remove the exception');
    return [];
  });
}

/** Entries that get in each other's way. Hosts are those observed and those that quietdoor.yaml declares. */
function lintOverlaps(register: Register, hosts: readonly HostFacts[]): RegisterProblem[] {
  const { overlaps, exhaustive } = findOverlaps(register.entries, [...hosts, ...register.hosts]);
  const byId = new Map(register.entries.map((entry) => [entry.id, entry]));
  const where = (id: string) => {
    const entry = byId.get(id);
    return entry ? `${id} (${formatPosition(entry.at)})` : id;
  };
  const problems: RegisterProblem[] = [];
  for (const overlap of overlaps) {
    const at = byId.get(overlap.entry)?.at;
    if (!at) continue;
    if (overlap.kind === 'unreachable') {
      const today = overlap.where === 'selectors' ? '' : ', for the hosts known today';
      const message = `${overlap.entry}: never decides${today}: all that it covers is covered by ${overlap.coveredBy.map(where).join(', ')}`;
      problems.push({ severity: 'warning', code: 'unreachable', message, hint: 'remove it, or narrow the others', at });
    } else {
      const ports = `${formatPorts(overlap.ports)}/${overlap.transport}`;
      const message = `${overlap.entry}: covers ${ports} on ${overlap.hosts.join(', ')} as well as ${where(overlap.decidedBy)}, which decides only by the order of the ids`;
      problems.push({ severity: 'warning', code: 'overlap', message, hint: 'make one of them more specific', at });
    }
  }
  const first = register.entries[0];
  if (!exhaustive && first) {
    const message = 'the entries overlap so much that the search was cut short: there may be more overlaps';
    problems.push({
      severity: 'warning',
      code: 'overlap-cut-short',
      message,
      at: { file: first.at.file, line: 1, column: 1 },
    });
  }
  return problems;
}
