import { getOrMake } from '../util/get-or-make.ts';
import { matchesGlob } from '../util/glob.ts';
import { type Endpoint, HOST_SCOPE } from './endpoint.ts';
import type { Finding } from './finding.ts';
import { inRanges, type PortRange } from './observation.ts';
import { parsePorts } from './port-ranges.ts';
import type { Exception } from './register.ts';

/** What of a finding an exception looks at. */
export type Acceptable = Pick<Finding, 'rule' | 'subject' | 'fingerprint'> & Partial<Pick<Finding, 'entry'>>;

/** What an exception's subject covers. */
export type ExceptionSubject =
  | { readonly kind: 'fingerprint'; readonly fingerprint: string }
  | { readonly kind: 'entry'; readonly entry: string }
  | { readonly kind: 'host'; readonly host: string }
  | {
      readonly kind: 'endpoint';
      /** Lower case; wildcards. */
      readonly host: string;
      /** null = every port. */
      readonly ports: readonly PortRange[] | null;
      /** null = every transport. */
      readonly transport: string | null;
      /** Wildcards; `any` = every scope. */
      readonly scope: string;
    };

/** The host is what stands before the last colon that ports follow: IPv6 addresses have colons themselves. */
const ENDPOINT = /^(.+):(\*|[0-9]+(?:-[0-9]+)?)(?:\/([a-z]+|\*))?(?:@(.+))?$/;

/**
 * Reads the subject of an exception, or returns null: `entry:ID`, `host:NAME` (wildcards), a fingerprint, or
 * `HOST:PORT[/transport][@scope]`. There HOST and scope may have wildcards, PORT is a number, a range or `*`; without a
 * transport it is every transport, without a scope the host itself as in endpointKey; `@any` is every scope.
 */
export function parseExceptionSubject(text: string): ExceptionSubject | null {
  if (/^[0-9a-f]{32}$/.test(text)) return { kind: 'fingerprint', fingerprint: text };
  if (/^entry:./.test(text)) return { kind: 'entry', entry: text.slice(6) };
  if (/^host:./.test(text)) return { kind: 'host', host: text.slice(5).toLowerCase() };
  const found = ENDPOINT.exec(text);
  if (!found) return null;
  const [, host = '', port = '', transport = '*', scope = HOST_SCOPE] = found;
  const parsed = port === '*' ? null : parsePorts(port, transport === 'raw' ? 'raw' : 'tcp');
  if (parsed && parsed.problems.length > 0) return null;
  return {
    kind: 'endpoint',
    host: host.toLowerCase(),
    ports: parsed?.ranges ?? null,
    transport: transport === '*' ? null : transport,
    scope,
  };
}

/** An exception of which the dates are still to be looked at. */
interface Candidate {
  readonly exception: Exception;
  readonly subject: ExceptionSubject;
}

/** What a candidate is found by; null: its host has wildcards, so it has to be tried. */
function keyOf(subject: ExceptionSubject): string | null {
  switch (subject.kind) {
    case 'fingerprint':
      return `fingerprint ${subject.fingerprint}`;
    case 'entry':
      return `entry ${subject.entry}`;
    case 'host':
    case 'endpoint':
      return /[*?]/.test(subject.host) ? null : `host ${subject.host}`;
  }
}

type ExceptionIndex = ReadonlyMap<string, readonly Candidate[]>;
const indexes = new WeakMap<readonly Exception[], ExceptionIndex>();

/** Exceptions by rule and key; made once per list. */
function indexOf(exceptions: readonly Exception[]): ExceptionIndex {
  const known = indexes.get(exceptions);
  if (known) return known;
  const index = new Map<string, Candidate[]>();
  for (const exception of exceptions) {
    const subject = parseExceptionSubject(exception.subject);
    if (subject) getOrMake(index, `${exception.rule} ${keyOf(subject) ?? ''}`, () => []).push({ exception, subject });
  }
  indexes.set(exceptions, index);
  return index;
}

function coversEndpoint(subject: ExceptionSubject & { kind: 'endpoint' }, endpoint: Endpoint): boolean {
  return (
    matchesGlob(subject.host, endpoint.host.toLowerCase()) &&
    (subject.ports === null || inRanges(subject.ports, endpoint.port)) &&
    (subject.transport === null || subject.transport === endpoint.transport) &&
    (subject.scope === 'any' || matchesGlob(subject.scope, endpoint.scope))
  );
}

/**
 * Says whether a subject covers a finding. One of an entry covers what is about the entry or names it; one of a host what
 * is about the host or an endpoint of it; one of an endpoint only findings about such an endpoint. A finding about an
 * entry or the estate may touch more endpoints than it lists, so an endpoint cannot accept it.
 */
function covers(subject: ExceptionSubject, finding: Acceptable): boolean {
  switch (subject.kind) {
    case 'fingerprint':
      return subject.fingerprint === finding.fingerprint;
    case 'entry':
      return subject.entry === entryOf(finding);
    case 'host': {
      const host = hostOf(finding);
      return host !== undefined && matchesGlob(subject.host, host);
    }
    case 'endpoint':
      return finding.subject.kind === 'endpoint' && coversEndpoint(subject, finding.subject.endpoint);
  }
}

function entryOf({ subject, entry }: Acceptable): string | undefined {
  return subject.kind === 'entry' ? subject.entry : entry;
}

function hostOf({ subject }: Acceptable): string | undefined {
  if (subject.kind === 'host') return subject.host.toLowerCase();
  return subject.kind === 'endpoint' ? subject.endpoint.host.toLowerCase() : undefined;
}

/** `from` <= now < `expires`. `now` in UTC milliseconds. */
export function isInForce(exception: Exception, now: number): boolean {
  return (exception.from === null || exception.from <= now) && now < exception.expires;
}

/** Returns the exception in force at `now` that accepts the finding, the one that lasts longest; null if none does. */
export function exceptionFor(finding: Acceptable, exceptions: readonly Exception[], now: number): Exception | null {
  const index = indexOf(exceptions);
  const keys = [`fingerprint ${finding.fingerprint}`, `entry ${entryOf(finding)}`, `host ${hostOf(finding)}`, ''];
  let best: Exception | null = null;
  for (const key of keys)
    for (const { exception, subject } of index.get(`${finding.rule} ${key}`) ?? []) {
      if (!isInForce(exception, now) || !covers(subject, finding)) continue;
      if (!best || exception.expires > best.expires || (exception.expires === best.expires && exception.id < best.id))
        best = exception;
    }
  return best;
}

/** Returns the exceptions that have run out at `now`, in their order. `now` in UTC milliseconds. */
export function expiredExceptions(exceptions: readonly Exception[], now: number): readonly Exception[] {
  return exceptions.filter((exception) => exception.expires <= now);
}
