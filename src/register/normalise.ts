import { HOST_SCOPE, type Transport } from '../model/endpoint.ts';
import { BIND_SCOPES } from '../model/listener.ts';
import type { PortRange } from '../model/observation.ts';
import { mergePorts, parsePorts } from '../model/port-ranges.ts';
import type { ApprovalStamp, ProcessRule, RegisterEntry, ReviewStamp } from '../model/register.ts';
import { compareText } from '../util/compare.ts';
import { looksLikeAddress, readCidr } from './addresses.ts';
import { type Issue, take } from './issues.ts';
import type { EntryInput } from './schema.ts';
import { didYouMean } from './suggest.ts';
import { cut, type Read, readDatetime, readDay, readDays } from './times.ts';

/** An entry without what depends on where it stands and on the zones. */
export type EntryFields = Omit<RegisterEntry, 'digest' | 'at' | 'inheritedFrom'>;

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const HOST_NAME = /^[A-Za-z0-9_*?][A-Za-z0-9_.*?-]{0,253}$/;
const SCOPE = /^(host|any|container:[^\s:]+|pod:[^\s/]+\/\S+|netns:\S+)$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/**
 * Returns the canonical form of an entry: defaults filled, sets sorted, addresses, CIDRs, ports and times in their one
 * spelling. What cannot be read is recorded in `issues`; the result counts only when nothing was.
 */
export function normaliseEntry(input: EntryInput, issues: Issue[]): EntryFields {
  if (!ID.test(input.id))
    issues.push({
      path: ['id'],
      code: 'bad-id',
      message: `id: expected letters, digits, dots, dashes and underscores (at most 128, a letter or digit first), not "${cut(input.id)}"`,
    });
  const transport = input.transport ?? 'tcp';
  const hosts = readList(input.hosts, ['hosts'], issues, readHost);
  if (list(input.hosts).length === 0)
    issues.push({
      path: ['hosts'],
      code: 'no-hosts',
      message: 'hosts: the list is empty, so the entry covers nothing',
    });
  return {
    id: input.id,
    service: trim(input.service),
    purpose: trim(input.purpose),
    workflow: trim(input.workflow),
    owner: trim(input.owner),
    hosts,
    scope: readScope(input.scope, issues),
    workload: Object.fromEntries(Object.entries(input.workload ?? {}).sort(([a], [b]) => compareText(a, b))),
    ports: readPorts(input.port, transport, issues),
    transport,
    bind: readBind(input.bind, issues),
    process: readProcess(input.process ?? {}, issues),
    sources: input.sources === undefined ? null : readList(input.sources, ['sources'], issues, readSource),
    data: readList(input.data ?? [], ['data'], issues, (text) => ({ value: text.trim().toLowerCase() })),
    encryption: input.encryption ?? null,
    auth: input.auth ?? null,
    change: trim(input.change),
    risk: trim(input.risk),
    approval: input.approval ? readApproval(input.approval, issues) : null,
    review: input.review ? readReview(input.review, issues) : null,
    expires: input.expires === undefined ? null : (take(readDatetime(input.expires), ['expires'], issues) ?? null),
    evidence: list(input.evidence ?? []).map((line) => line.trim()),
  };
}

/** Ports of an entry, or of whatever can be read of them; [] when nothing can. */
export function readPorts(port: EntryInput['port'], transport: Transport, issues: Issue[]): readonly PortRange[] {
  const single = !Array.isArray(port);
  const items = single ? [port] : port;
  if (items.length === 0) issues.push({ path: ['port'], code: 'bad-port', message: 'port: the list is empty' });
  const ranges: PortRange[] = [];
  for (const [i, item] of items.entries()) {
    const read = parsePorts(item, transport);
    ranges.push(...read.ranges);
    for (const { message } of read.problems) {
      const code = message.includes('reversed') ? 'reversed-range' : 'bad-port';
      issues.push({ path: single ? ['port'] : ['port', i], code, message: `port: ${message}` });
    }
  }
  return mergePorts(ranges);
}

/** Canonical text of one host selector. */
export function readHost(text: string): Read<string> {
  const host = text.trim();
  if (host.startsWith('tag:')) {
    if (/^tag:[A-Za-z0-9][\w.:/-]*$/.test(host)) return { value: host };
    return { code: 'bad-host', message: `expected tag:NAME, not "${cut(text)}"` };
  }
  if (host.includes('/') || looksLikeAddress(host)) return readCidr(host);
  if (HOST_NAME.test(host)) return { value: host };
  return {
    code: 'bad-host',
    message: `expected a host name (* and ? are wildcards), an address, a CIDR or tag:NAME, not "${cut(text)}"`,
  };
}

/** Canonical text of one source. */
export function readSource(text: string): Read<string> {
  const source = text.trim();
  if (/^zone:[A-Za-z0-9][\w.-]*$/.test(source)) return { value: source };
  if (looksLikeAddress(source) || source.includes('/')) return readCidr(source);
  const hint =
    source === 'any' || source === '*'
      ? 'write 0.0.0.0/0 and "::/0" for everybody'
      : /^[A-Za-z][\w.-]*$/.test(source)
        ? `did you mean "zone:${source}"?`
        : undefined;
  const read = { code: 'bad-source', message: `expected an address, a CIDR or zone:NAME, not "${cut(text)}"` };
  return hint === undefined ? read : { ...read, hint };
}

function readScope(text: string | undefined, issues: Issue[]): string {
  const scope = text?.trim() ?? HOST_SCOPE;
  if (SCOPE.test(scope)) return scope;
  const message = `scope: expected host, container:NAME, pod:NAMESPACE/NAME, netns:NAME or any, not "${cut(scope)}"`;
  issues.push({ path: ['scope'], code: 'bad-scope', message, hint: didYouMean(scope, ['host', 'any']) });
  return scope;
}

function readBind(text: string | undefined, issues: Issue[]): string {
  const bind = text?.trim() ?? 'private';
  if ((BIND_SCOPES as readonly string[]).includes(bind)) return bind;
  if (looksLikeAddress(bind) && !bind.includes('/')) {
    const address = take(readCidr(bind), ['bind'], issues) ?? bind;
    return address === '0.0.0.0' || address === '::' ? 'any' : address;
  }
  const message = `bind: expected loopback, private, public, any or one address, not "${cut(bind)}"`;
  issues.push({ path: ['bind'], code: 'bad-bind', message, hint: didYouMean(bind, BIND_SCOPES) });
  return bind;
}

function readProcess(input: NonNullable<EntryInput['process']>, issues: Issue[]): ProcessRule {
  const hashes = readList(input.sha256 ?? [], ['process', 'sha256'], issues, readSha256);
  return {
    ...(input.exe === undefined ? {} : { exe: input.exe.trim() }),
    ...(input.user === undefined ? {} : { user: input.user.trim() }),
    ...(input.unit === undefined ? {} : { unit: input.unit.trim() }),
    ...(input.package === undefined ? {} : { package: input.package.trim() }),
    ...(hashes.length === 0 ? {} : { sha256: hashes }),
  };
}

/** Canonical text of a SHA-256. */
export function readSha256(text: string): Read<string> {
  const hash = text
    .trim()
    .toLowerCase()
    .replace(/^sha256:/, '');
  if (/^[0-9a-f]{64}$/.test(hash)) return { value: hash };
  return { code: 'bad-hash', message: `expected 64 hex digits, not "${cut(text)}"` };
}

function readApproval(input: NonNullable<EntryInput['approval']>, issues: Issue[]): ApprovalStamp {
  const digest = readDigest(input.digest, ['approval', 'digest'], issues);
  return {
    by: input.by.trim(),
    at: take(readDatetime(input.at), ['approval', 'at'], issues) ?? 0,
    ...(digest === undefined ? {} : { digest }),
    ...(input.hosts === undefined ? {} : { hosts: [...new Set(list(input.hosts))].sort(compareText) }),
    ...(input.proof === undefined ? {} : { proof: input.proof }),
  };
}

function readReview(input: NonNullable<EntryInput['review']>, issues: Issue[]): ReviewStamp {
  const every = input.every === undefined ? undefined : take(readDays(input.every), ['review', 'every'], issues);
  const last = input.last === undefined ? undefined : take(readDay(input.last), ['review', 'last'], issues);
  const digest = readDigest(input.digest, ['review', 'digest'], issues);
  return {
    ...(every === undefined ? {} : { everyDays: every }),
    ...(last === undefined ? {} : { last }),
    ...(input.by === undefined ? {} : { by: input.by.trim() }),
    ...(digest === undefined ? {} : { digest }),
  };
}

function readDigest(text: string | undefined, path: readonly string[], issues: Issue[]): string | undefined {
  const digest = text?.trim();
  if (digest !== undefined && !DIGEST.test(digest))
    issues.push({
      path,
      code: 'bad-digest',
      message: `digest: expected sha256: and 64 hex digits, not "${cut(digest)}"`,
    });
  return digest;
}

/** Reads every item of a list, or the single value; returns the set, sorted. */
function readList(
  input: string | readonly string[],
  path: readonly string[],
  issues: Issue[],
  read: (text: string) => Read<string>,
): string[] {
  const found = new Set<string>();
  for (const [i, item] of list(input).entries()) {
    const at = typeof input === 'string' ? path : [...path, i];
    const value = take(
      item.trim() === '' ? { code: 'empty-item', message: 'the list has an empty item' } : read(item),
      at,
      issues,
    );
    if (value !== undefined) found.add(value);
  }
  return [...found].sort(compareText);
}

function list(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}

function trim(text: string | undefined): string | null {
  return text === undefined ? null : text.trim();
}
