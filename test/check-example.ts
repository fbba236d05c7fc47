import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { load } from 'js-yaml';
import * as z from 'zod';
import { firewallFacts } from '../src/app/firewall-facts.ts';
import { json as ticketTable } from '../src/inventories/tickets/json.ts';
import { bindScopeOf } from '../src/model/address.ts';
import type { RulesetDump } from '../src/model/admission.ts';
import type { AdvisoryData } from '../src/model/advisory.ts';
import { ANOMALY_KINDS, type Anomaly } from '../src/model/anomaly.ts';
import type { AnswerFacts } from '../src/model/answer.ts';
import type { AssetList } from '../src/model/asset.ts';
import { buildFacts } from '../src/model/build-facts.ts';
import { type Endpoint, endpointKey, TRANSPORTS, type Transport } from '../src/model/endpoint.ts';
import { EVENT_TYPES, type Event } from '../src/model/event.ts';
import type { Facts, Surroundings } from '../src/model/facts.ts';
import { SEVERITIES } from '../src/model/finding.ts';
import { unifyHosts } from '../src/model/identity.ts';
import type { Listener, PackageFacts, ProcessFacts } from '../src/model/listener.ts';
import type { LogReviewState } from '../src/model/log-review.ts';
import { ALL_PORTS, type PortOutcome } from '../src/model/observation.ts';
import { parsePorts } from '../src/model/port-ranges.ts';
import { type ApprovalState, DAY_MS } from '../src/model/register.ts';
import type { ScheduleItem } from '../src/model/schedule.ts';
import { scheduleStates } from '../src/model/schedule-state.ts';
import type { HostState, ListenerState } from '../src/model/state.ts';
import type { EndpointTraffic, SourceTraffic } from '../src/model/traffic.ts';
import { vantageKind } from '../src/model/vantage.ts';
import { loadWorkspace } from '../src/register/workspace.ts';

/** Where the examples lie: one folder per rule, one file per case. */
export const EXAMPLES_DIR = resolve(import.meta.dirname, '../fixtures/checks');

const time = z.iso.datetime();

const packageSchema = z.strictObject({
  manager: z.enum(['dpkg', 'rpm', 'apk']).default('dpkg'),
  name: z.string(),
  version: z.string(),
  source: z.string().optional(),
  ecosystem: z.string().optional(),
  candidate: z.strictObject({ version: z.string(), security: z.boolean().optional(), dataAt: time }).optional(),
});

/** AdvisoryData; `byPackage` by packageKeyText. */
const advisoriesSchema = z.strictObject({
  newest: time.nullable().default(null),
  ecosystems: z.array(z.string()).default([]),
  notCovered: z.array(z.strictObject({ ecosystem: z.string(), packages: z.int() })).default([]),
  problems: z.array(z.string()).default([]),
  byPackage: z
    .record(
      z.string(),
      z.array(z.looseObject({ id: z.string(), aliases: z.array(z.string()).default([]), summary: z.string() })),
    )
    .default({}),
});

const processSchema = z.strictObject({
  pid: z.int().default(812),
  exe: z.string().optional(),
  name: z.string().optional(),
  exeState: z.enum(['present', 'replaced', 'deleted']).optional(),
  sha256: z.string().optional(),
  uid: z.int().optional(),
  user: z.string().optional(),
  unit: z.string().optional(),
  container: z.string().optional(),
  package: z.union([z.string(), packageSchema]).optional(),
});

const listenerSchema = z.strictObject({
  /** `0.0.0.0:8080/tcp`, `[::]:53/udp`. */
  on: z.string(),
  host: z.string().optional(),
  /** Left out: the host itself, or `unknown` where it was seen from outside. */
  scope: z.string().optional(),
  vantage: z.string().default('local'),
  /** What it said when it was asked over the network; times as ISO 8601. */
  answer: z.looseObject({}).optional(),
  role: z.enum(['service', 'ephemeral']).default('service'),
  /** Left out: not visible. */
  process: processSchema.optional(),
  sharedWith: z.array(processSchema).default([]),
  since: time.optional(),
  lastSeen: time.optional(),
  closed: time.optional(),
});

const hostSchema = z.strictObject({
  /** From outside: the address that was asked. */
  name: z.string(),
  vantage: z.string().default('local'),
  names: z.array(z.string()).optional(),
  machineId: z.string().optional(),
  addresses: z.array(z.string()).default([]),
  firstObserved: time.optional(),
  lastObserved: time.optional(),
  /** Transports that were looked at; none: the look failed. */
  transports: z.array(z.enum(TRANSPORTS)).default(['tcp', 'udp']),
  /** Ports that were looked at; left out: all. */
  ports: z.string().optional(),
  /** Scope that was looked at: every one, or `host` alone. */
  scope: z.string().default('*'),
  /** From outside: ports that did not answer, by how. */
  outcomes: z.partialRecord(z.enum(['closed', 'filtered', 'unreachable']), z.string()).default({}),
  gaps: z
    .array(
      z.strictObject({ code: z.string(), subject: z.string(), message: z.string(), remedy: z.string().optional() }),
    )
    .default([]),
});

const rulesetSchema = z.strictObject({
  /** null: found by address. Left out: the first host. */
  host: z.string().nullable().optional(),
  taken: time.optional(),
  files: z.record(z.string(), z.string()),
  problems: z.array(z.string()).default([]),
  saved: z.record(z.string(), z.string()).optional(),
});

const sourceSchema = z.strictObject({
  source: z.string(),
  first: time.optional(),
  last: time.optional(),
  connections: z.int().default(0),
  /** Of them; left out: all. */
  accepted: z.int().optional(),
  denied: z.int().default(0),
  bytes: z.int().default(0),
  /** By the deciding entry; left out: it does not say. */
  approved: z.boolean().optional(),
});

/** Flows of one port; what is left out is unremarkable. */
const trafficSchema = z.strictObject({
  /** `db-1:5432/tcp`. */
  of: z.string(),
  covered: z.number().default(1),
  /** null: it is not covered. Left out: for a year. */
  coveredSince: time.nullable().optional(),
  sources: z.array(sourceSchema).default([]),
  unusedSources: z.array(z.string()).optional(),
  lastAccepted: time.optional(),
  learnedDays: z.int().default(28),
  undirected: z.int().default(0),
  anomalies: z
    .array(
      z.strictObject({
        kind: z.enum(ANOMALY_KINDS),
        also: z.array(z.enum(ANOMALY_KINDS)).default([]),
        source: z.string().optional(),
        from: time,
        to: time,
        expected: z.string(),
        seen: z.string(),
        surprise: z.number(),
        severity: z.enum(SEVERITIES),
        message: z.string(),
      }),
    )
    .default([]),
});

const exampleSchema = z.strictObject({
  /** What the case shows, in a sentence for the docs. */
  title: z.string(),
  now: time,
  /** Text of the files of the workspace. */
  config: z.string().default('owners: {}\n'),
  register: z.string().optional(),
  exceptions: z.string().optional(),
  /** Text of shared/quietdoor.yaml, for `extends: shared`. */
  shared: z.string().optional(),
  /** How the approval of an entry is judged; left out: a stamp is proven, none is a draft. */
  approvals: z.record(z.string(), z.looseObject({ kind: z.string() })).default({}),
  hosts: z.array(hostSchema).default(() => [hostSchema.parse({ name: 'web-1' })]),
  listeners: z.array(listenerSchema).default([]),
  /** Assets of one inventory, `netbox`. */
  assets: z
    .array(
      z.looseObject({
        name: z.string(),
        names: z.array(z.string()).default([]),
        addresses: z.array(z.string()).default([]),
        tags: z.array(z.string()).default([]),
      }),
    )
    .optional(),
  /** Tickets of one import, `jira`, read as its table of tickets says them. */
  tickets: z
    .strictObject({ covers: z.tuple([time, time]), items: z.array(z.record(z.string(), z.string())) })
    .optional(),
  /** What the ledger has, oldest first. */
  events: z
    .array(
      z.strictObject({
        type: z.enum(EVENT_TYPES),
        at: time,
        subject: z.string(),
        body: z.record(z.string(), z.json()).default({}),
      }),
    )
    .default([]),
  advisories: advisoriesSchema.optional(),
  /** Packet filters as they were taken, text by file name. */
  rulesets: z.array(rulesetSchema).default([]),
  /** Runs of the schedule in `config`, newest first; written down as they ran by the item as it is. */
  runs: z.array(z.strictObject({ name: z.string(), started: time, exit: z.int() })).default([]),
  /** When the schedule was first written down; left out: a year ago. */
  scheduledSince: time.optional(),
  traffic: z.array(trafficSchema).default([]),
  /** Where the review of the records stands. */
  logReview: z
    .strictObject({
      since: time,
      last: z
        .strictObject({ by: z.string(), at: time, from: time, until: time, items: z.int(), followUps: z.int() })
        .optional(),
    })
    .optional(),
  findings: z.array(z.strictObject({ rule: z.string(), severity: z.enum(SEVERITIES), message: z.string() })),
  verdicts: z.record(z.string(), z.enum(['CONFORMS', 'DEVIATES', 'UNDETERMINED'])).default({}),
});
export type CheckExample = z.infer<typeof exampleSchema>;

export interface NamedExample extends CheckExample {
  readonly rule: string;
  readonly name: string;
}

/** Returns the examples of a rule, `violates` first, then by name. */
export function examplesOf(rule: string): readonly NamedExample[] {
  return readdirSync(join(EXAMPLES_DIR, rule))
    .sort((a, b) => Number(b === 'violates.yaml') - Number(a === 'violates.yaml') || (a < b ? -1 : 1))
    .map((file) => {
      const parsed = exampleSchema.safeParse(load(readFileSync(join(EXAMPLES_DIR, rule, file), 'utf8')));
      if (!parsed.success) throw new Error(`fixtures/checks/${rule}/${file}: ${z.prettifyError(parsed.error)}`);
      return { ...parsed.data, rule, name: file.replace(/\.yaml$/, '') };
    });
}

/** Reads the workspace of an example as any other, and puts its listeners beside it. */
export async function factsOfExample(example: CheckExample): Promise<Facts> {
  const now = Date.parse(example.now);
  const { register } = await loadWorkspace(sourceOf(example), { now });
  const approvals = new Map<string, ApprovalState>();
  for (const entry of register.entries)
    approvals.set(
      entry.id,
      (example.approvals[entry.id] as ApprovalState | undefined) ??
        (entry.approval ? { kind: 'proven', by: entry.approval.by, how: 'ssh-signature' } : { kind: 'draft' }),
    );
  const assets: AssetList[] = example.assets
    ? [
        {
          source: 'netbox',
          importedAt: now,
          items: example.assets.map((a, i) => ({ id: String(i), source: 'netbox', ...a })),
        },
      ]
    : [];
  const identities = unifyHosts({
    hosts: example.hosts.map((host) => hostState(host, now)),
    listeners: example.listeners.map((listener) => listenerState(listener, example.hosts[0]?.name ?? 'web-1', now)),
    ...{ assets, declared: register.hosts, freshSince: now - register.policy.staleAfterHours * 3_600_000 },
  });
  const dumps = example.rulesets.map((taken) => dumpOf(taken, example.hosts[0]?.name ?? 'web-1', now));
  const filters = dumps.length > 0 ? firewallFacts({ dumps, identities, register }) : null;
  return buildFacts({
    ...{ now, register, approvals },
    ...{ hosts: identities.hosts, listeners: identities.listeners, known: identities.known },
    ...(filters && { admissionOf: filters.admissionOf }),
    trafficOf: trafficOf(example, now),
    surroundings: {
      ...(assets.length > 0 && { assets }),
      ...(example.advisories && { advisories: advisoryData(example.advisories) }),
      ...(register.schedule && { schedule: scheduleOf(example, register.schedule, now) }),
      identity: identities.notices,
      ...(filters && { firewalls: filters.firewalls }),
      ...ticketsOf(example, now),
      ...(example.logReview && { logReview: logReviewOf(example.logReview, register.policy.logReviewEveryDays) }),
    },
  });
}

function trafficOf({ traffic }: CheckExample, now: number): (endpoint: Endpoint) => EndpointTraffic | undefined {
  const byPort = new Map(traffic.map((one) => [one.of, one]));
  return (endpoint) => {
    const one = byPort.get(endpointKey(endpoint));
    if (!one) return undefined;
    const at = (text: string | undefined, otherwise: number) => (text === undefined ? otherwise : Date.parse(text));
    const sources = one.sources.map(({ first, last, approved, ...counts }): SourceTraffic => {
      const lastSeen = at(last, now - 3_600_000);
      const lastAccepted = counts.connections > 0 ? lastSeen : null;
      const firstSeen = at(first, lastSeen);
      const accepted = counts.accepted ?? counts.connections;
      return { ...counts, accepted, firstSeen, lastSeen, lastAccepted, approved: approved ?? null };
    });
    const sum = (key: 'connections' | 'denied' | 'bytes') => sources.reduce((n, source) => n + source[key], 0);
    const accepted = sources.flatMap((source) => source.lastAccepted ?? []);
    return {
      ...{ from: now - 30 * DAY_MS, until: now, covered: one.covered, feeds: ['conntrack:db-1'] },
      coveredSince: one.coveredSince === null ? null : at(one.coveredSince, now - 365 * DAY_MS),
      ...{ connections: sum('connections'), denied: sum('denied'), bytes: sum('bytes') },
      lastAccepted: one.lastAccepted ? at(one.lastAccepted, now) : accepted.length > 0 ? Math.max(...accepted) : null,
      ...{ sources, sourceCount: sources.length, unusedSources: one.unusedSources ?? null },
      acceptedCount: sources.filter((source) => source.connections > 0).length,
      unapprovedCount: sources.filter((source) => source.approved === false && source.accepted > 0).length,
      ...{ quarterDays: [], usualHours: null, learnedDays: one.learnedDays, now: null, undirected: one.undirected },
      anomalies: one.anomalies.map(({ expected, seen, source, ...anomaly }): Anomaly => {
        const { host, port, transport } = endpoint;
        const told = { id: anomaly.message, endpoint: { host, port, transport }, contributing: [] };
        return { ...anomaly, ...told, expected: { words: expected }, seen: { words: seen }, ...(source && { source }) };
      }),
    };
  };
}

function logReviewOf({ since, last }: NonNullable<CheckExample['logReview']>, everyDays?: number): LogReviewState {
  const at = (text: string) => Date.parse(text);
  const sitting = last && { ...last, record: 1, at: at(last.at), from: at(last.from), until: at(last.until) };
  return { everyDays: everyDays ?? null, last: sitting ?? null, since: at(since) };
}

function dumpOf(taken: z.infer<typeof rulesetSchema>, host: string, now: number): RulesetDump {
  const filesOf = (texts: Readonly<Record<string, string>>) =>
    Object.entries(texts).map(([name, text]) => ({ name, text }));
  return {
    ...{ host: taken.host === undefined ? host : taken.host, source: 'local', problems: taken.problems },
    takenAt: taken.taken === undefined ? now - 60_000 : Date.parse(taken.taken),
    files: filesOf(taken.files),
    ...(taken.saved && { saved: { files: filesOf(taken.saved), problems: [] } }),
  };
}

/** Tickets and the events that they are put beside. */
function ticketsOf({ tickets, events }: CheckExample, now: number): Pick<Surroundings, 'tickets' | 'changes'> {
  if (!tickets) return {};
  const file = { source: 'jira', text: JSON.stringify(tickets.items) };
  const options = { mapping: new Map(), timeZone: 'UTC', dateOrder: null, authorised: null };
  const items = ticketTable.read(file, options).tickets.map((ticket) => ({ ...ticket, source: 'jira' }));
  const [from = 0, to = now] = tickets.covers.map((text) => Date.parse(text));
  const changes = events.map(({ type, at, subject, body }, i): Event => {
    const observedAt = Date.parse(at);
    return { type, subject, body, observedAt, recordedAt: observedAt, actor: 'collector:local', sequence: i + 1 };
  });
  return { tickets: [{ source: 'jira', importedAt: now, covers: { from, to }, items }], changes };
}

function scheduleOf(example: CheckExample, items: readonly ScheduleItem[], now: number) {
  const since = example.scheduledSince === undefined ? now - 365 * DAY_MS : Date.parse(example.scheduledSince);
  const runs = example.runs.flatMap(({ name, started, exit }) => {
    const item = items.find((one) => one.name === name);
    return item ? [{ name, exit, started: Date.parse(started), cron: item.cron, timeZone: item.timeZone }] : [];
  });
  return scheduleStates(items, runs, since, now);
}

function sourceOf(example: CheckExample) {
  const files = new Map<string, string>([['quietdoor.yaml', example.config]]);
  if (example.register !== undefined) files.set('register/ports.yaml', example.register);
  if (example.exceptions !== undefined) files.set('exceptions.yaml', example.exceptions);
  const inMemory = (name: string, content: ReadonlyMap<string, string>) => ({
    name,
    list: async () => [...content.keys()].sort(),
    read: async (path: string) => Buffer.from(content.get(path) ?? ''),
  });
  const shared = new Map([['quietdoor.yaml', example.shared ?? '']]);
  return { ...inMemory('example', files), extended: async (path: string) => inMemory(path, shared) };
}

function hostState(host: CheckExample['hosts'][number], now: number): HostState {
  const isInside = vantageKind(host.vantage) === 'inside';
  const { names, machineId } = host;
  const outcomes = Object.entries(host.outcomes).flatMap(([outcome, ports]) =>
    host.transports.map((transport) => ({
      ...{ outcome: outcome as PortOutcome['outcome'], transport, address: host.name },
      ports: parsePorts(ports).ranges,
    })),
  );
  return {
    vantage: host.vantage,
    host: {
      name: host.name,
      ...(machineId !== undefined && { machineId }),
      addresses: isInside ? host.addresses : [host.name],
      tags: [],
      ...(names && { names }),
    },
    firstObservedAt: host.firstObserved ? Date.parse(host.firstObserved) : now - 60_000,
    lastObservedAt: host.lastObserved ? Date.parse(host.lastObserved) : now - 60_000,
    privilege: 'root',
    collector: host.vantage.split(':', 1)[0] as string,
    observationId: '00000000-0000-7000-8000-000000000000',
    coverage:
      host.transports.length === 0
        ? []
        : [
            {
              ...{
                host: host.name,
                transports: host.transports,
                ports: host.ports ? parsePorts(host.ports).ranges : ALL_PORTS,
              },
              ...(isInside ? { scope: host.scope, addresses: 'all' } : { scope: 'unknown', addresses: [host.name] }),
            },
          ],
    ...(outcomes.length > 0 && { outcomes }),
    gaps: host.gaps.map(({ remedy, ...gap }) => (remedy === undefined ? gap : { ...gap, remedy })),
  };
}

function listenerState(seen: CheckExample['listeners'][number], host: string, now: number): ListenerState {
  const { address, ...endpoint } = readAddress(seen.on);
  const closedAt = seen.closed === undefined ? null : Date.parse(seen.closed);
  const since = seen.since === undefined ? now - 60_000 : Date.parse(seen.since);
  const process = seen.process ? processFacts(seen.process) : null;
  const listener: Listener = {
    host: seen.host ?? host,
    scope: seen.scope ?? (vantageKind(seen.vantage) === 'inside' ? 'host' : 'unknown'),
    ...endpoint,
    address,
    bind: bindScopeOf(address),
    families: address === '::' ? ['ipv4', 'ipv6'] : [address.includes(':') ? 'ipv6' : 'ipv4'],
    role: seen.role,
    process,
    sharedWith: seen.sharedWith.map(processFacts),
    ...(seen.answer && { answer: answerFacts(seen.answer) }),
  };
  return {
    vantage: seen.vantage,
    listener,
    open: closedAt === null,
    firstSeen: since,
    openSince: since,
    lastSeen: closedAt ?? (seen.lastSeen === undefined ? now - 60_000 : Date.parse(seen.lastSeen)),
    closedAt,
    restarts: 0,
  };
}

function answerFacts({ tls, ...rest }: Readonly<Record<string, unknown>>): AnswerFacts {
  if (tls === undefined) return rest;
  const times = ['notBefore', 'notAfter'];
  const facts = Object.entries(tls as object).map(([k, v]) => [k, times.includes(k) ? Date.parse(v as string) : v]);
  return { ...rest, tls: Object.fromEntries(facts) };
}

function processFacts(process: z.infer<typeof processSchema>): ProcessFacts {
  const { package: owner, ...rest } = process;
  const known = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return {
    pid: process.pid,
    ...known,
    ...(owner === undefined ? {} : { package: packageFacts(owner) }),
  };
}

function packageFacts(owner: string | z.infer<typeof packageSchema>): PackageFacts {
  if (typeof owner === 'string') return { manager: 'dpkg', name: owner, version: '1.0' };
  const { candidate, ...rest } = owner;
  const known = candidate && { ...candidate, dataAt: Date.parse(candidate.dataAt) };
  return { ...rest, ...(known && { candidate: known }) } as PackageFacts;
}

function advisoryData({ newest, byPackage, ...rest }: z.infer<typeof advisoriesSchema>): AdvisoryData {
  return {
    ...rest,
    newest: newest === null ? null : Date.parse(newest),
    byPackage: new Map(Object.entries(byPackage)),
  };
}

function readAddress(text: string): Pick<Endpoint, 'port' | 'transport'> & { address: string } {
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)\/(\w+)$/.exec(text);
  if (!found) throw new Error(`"${text}" is not ADDRESS:PORT/TRANSPORT`);
  return { address: found[1] ?? found[2] ?? '', port: Number(found[3]), transport: found[4] as Transport };
}
