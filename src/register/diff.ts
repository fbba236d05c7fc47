import { isDeepStrictEqual } from 'node:util';
import { formatPorts } from '../model/port-ranges.ts';
import type { Exception, HostDeclaration, Owner, Register, RegisterEntry } from '../model/register.ts';
import type { FieldDifference, RegisterDifference } from '../model/register-difference.ts';
import { compareBy, compareText } from '../util/compare.ts';
import { compareAccess, compareSources } from './access.ts';
import { writeDatetime } from './times.ts';

export type { RegisterDifference } from '../model/register-difference.ts';

/**
 * Returns what differs in meaning between two registers, sorted by kind and name: spelling, order, comments and place
 * are no difference. For entries and zones it says whether more or less may connect.
 */
export function diffRegisters(before: Register, after: Register): readonly RegisterDifference[] {
  return [
    ...diffEntries(before, after),
    ...diffZones(before, after),
    ...diffNamed('owner', before.owners, after.owners, ownerFields),
    ...diffNamed('host', before.hosts, after.hosts, hostFields),
    ...diffPolicy(before, after),
    ...diffNamed('exception', named(before.exceptions), named(after.exceptions), exceptionFields),
  ];
}

function diffEntries(before: Register, after: Register): RegisterDifference[] {
  return diffNamed('entry', named(before.entries), named(after.entries), entryFields).map((difference) => {
    if (difference.change === 'added') return { ...difference, access: 'widened' };
    if (difference.change === 'removed') return { ...difference, access: 'narrowed' };
    const old = before.entries.find((entry) => entry.id === difference.name) as RegisterEntry;
    const now = after.entries.find((entry) => entry.id === difference.name) as RegisterEntry;
    const voided = isVoided(old, now) ? [now.id] : [];
    return { ...difference, access: compareAccess(old, before.zones, now, after.zones), voided };
  });
}

function isVoided(old: RegisterEntry, now: RegisterEntry): boolean {
  return old.approval?.digest === old.digest && now.approval?.digest !== now.digest;
}

function diffZones(before: Register, after: Register): RegisterDifference[] {
  return diffNamed('zone', before.zones, after.zones, (zone) => ({ cidrs: zone.cidrs.join(', ') })).map(
    (difference) => {
      const source = `zone:${difference.name}`;
      const affects = after.entries.filter((entry) => entry.sources?.includes(source)).map((entry) => entry.id);
      const old = new Map(before.entries.map((entry) => [entry.id, entry]));
      const voided = after.entries
        .filter((entry) => affects.includes(entry.id) && isVoided(old.get(entry.id) ?? entry, entry))
        .map((entry) => entry.id);
      const access = affects.length === 0 ? 'neither' : compareSources([source], before.zones, [source], after.zones);
      return { ...difference, access, affects, voided };
    },
  );
}

function diffPolicy(before: Register, after: Register): RegisterDifference[] {
  const settings = (register: Register): { name: string; value: unknown }[] => [
    ...Object.entries(register.policy).map(([name, value]) => ({ name, value })),
    { name: 'frameworks', value: register.frameworks },
    { name: 'site', value: register.site },
    { name: 'boundary', value: register.boundary },
    { name: 'failOn', value: register.failOn ?? 'medium' },
    { name: 'authority', value: register.authority ?? 'git' },
  ];
  return diffNamed('policy', settings(before), settings(after), ({ value }) => ({
    value: typeof value === 'string' ? value : JSON.stringify(value),
  }));
}

type Fields = Readonly<Record<string, string | null>>;

function diffNamed<T extends { readonly name: string }>(
  what: RegisterDifference['what'],
  before: readonly T[],
  after: readonly T[],
  fieldsOf: (item: T) => Fields,
): RegisterDifference[] {
  const old = new Map(before.map((item) => [item.name, item]));
  const now = new Map(after.map((item) => [item.name, item]));
  const differences: RegisterDifference[] = [];
  for (const name of new Set([...old.keys(), ...now.keys()])) {
    const [a, b] = [old.get(name), now.get(name)];
    if (a && b && isDeepStrictEqual(fieldsOf(a), fieldsOf(b))) continue;
    const fields = compareFields(a ? fieldsOf(a) : {}, b ? fieldsOf(b) : {});
    const at =
      (b as { at?: RegisterEntry['at'] } | undefined)?.at ?? (a as { at?: RegisterEntry['at'] } | undefined)?.at;
    const change = a === undefined ? 'added' : b === undefined ? 'removed' : 'changed';
    differences.push({ what, change, name, ...(at ? { at } : {}), access: 'neither', fields, affects: [], voided: [] });
  }
  return differences.sort(compareBy((difference) => difference.name));
}

function compareFields(before: Fields, after: Fields): FieldDifference[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .map((field) => ({ field, before: before[field] ?? null, after: after[field] ?? null }))
    .filter((difference) => difference.before !== difference.after);
}

/** `id` as the name, to be compared like the rest. */
function named<T extends { readonly id: string }>(items: readonly T[]): (T & { name: string })[] {
  return items.map((item) => ({ ...item, name: item.id }));
}

/** The fields of an entry that carry meaning, and its stamps, as texts. */
function entryFields(entry: RegisterEntry): Fields {
  const { process, review, approval } = entry;
  return {
    service: entry.service,
    purpose: entry.purpose,
    workflow: entry.workflow,
    owner: entry.owner,
    hosts: entry.hosts.join(', '),
    scope: entry.scope,
    workload: list(Object.entries(entry.workload).map(([key, value]) => `${key}: ${value}`)),
    port: formatPorts(entry.ports),
    transport: entry.transport,
    bind: entry.bind,
    'process.exe': process.exe ?? null,
    'process.user': process.user ?? null,
    'process.unit': process.unit ?? null,
    'process.package': process.package ?? null,
    'process.sha256': list(process.sha256 ?? []),
    sources: entry.sources === null ? null : entry.sources.length === 0 ? '[]' : entry.sources.join(', '),
    data: list(entry.data),
    encryption: entry.encryption,
    auth: entry.auth,
    change: entry.change,
    risk: entry.risk,
    'approval.by': approval?.by ?? null,
    'approval.at': approval ? writeDatetime(approval.at) : null,
    'review.every': review?.everyDays === undefined ? null : `${review.everyDays}d`,
    'review.last': review?.last === undefined ? null : writeDatetime(review.last),
    'review.by': review?.by ?? null,
    expires: entry.expires === null ? null : writeDatetime(entry.expires),
  };
}

function ownerFields(owner: Owner): Fields {
  return { title: owner.title, email: owner.email, codeowners: list(owner.codeowners), members: list(owner.members) };
}

function hostFields(host: HostDeclaration): Fields {
  return { addresses: list(host.addresses), tags: list(host.tags), owner: host.owner ?? null };
}

function exceptionFields(exception: Exception): Fields {
  const { kind, rule, subject, reason, approver, ticket } = exception;
  const from = exception.from === null ? null : writeDatetime(exception.from);
  return { kind, rule, subject, reason, approver, ticket, from, expires: writeDatetime(exception.expires) };
}

function list(items: readonly string[]): string | null {
  return items.length === 0 ? null : [...items].sort(compareText).join(', ');
}
