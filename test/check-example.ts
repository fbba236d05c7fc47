import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { load } from 'js-yaml';
import * as z from 'zod';
import { bindScopeOf } from '../src/model/address.ts';
import { buildFacts } from '../src/model/build-facts.ts';
import { type Endpoint, TRANSPORTS, type Transport } from '../src/model/endpoint.ts';
import type { Facts } from '../src/model/facts.ts';
import { SEVERITIES } from '../src/model/finding.ts';
import type { Listener, ProcessFacts } from '../src/model/listener.ts';
import { ALL_PORTS } from '../src/model/observation.ts';
import type { ApprovalState } from '../src/model/register.ts';
import type { HostState, ListenerState } from '../src/model/state.ts';
import { loadWorkspace } from '../src/register/workspace.ts';

/** Where the examples lie: one folder per rule, one file per case. */
export const EXAMPLES_DIR = resolve(import.meta.dirname, '../fixtures/checks');

const time = z.iso.datetime();

const processSchema = z.strictObject({
  pid: z.int().default(812),
  exe: z.string().optional(),
  name: z.string().optional(),
  exeState: z.enum(['present', 'replaced', 'deleted']).optional(),
  sha256: z.string().optional(),
  uid: z.int().optional(),
  user: z.string().optional(),
  unit: z.string().optional(),
  package: z.string().optional(),
});

const listenerSchema = z.strictObject({
  /** `0.0.0.0:8080/tcp`, `[::]:53/udp`. */
  on: z.string(),
  host: z.string().optional(),
  scope: z.string().default('host'),
  role: z.enum(['service', 'ephemeral']).default('service'),
  /** Left out: not visible. */
  process: processSchema.optional(),
  sharedWith: z.array(processSchema).default([]),
  since: time.optional(),
  closed: time.optional(),
});

const hostSchema = z.strictObject({
  name: z.string(),
  addresses: z.array(z.string()).default([]),
  firstObserved: time.optional(),
  lastObserved: time.optional(),
  /** Transports that were looked at. */
  transports: z.array(z.enum(TRANSPORTS)).default(['tcp', 'udp']),
  gaps: z
    .array(
      z.strictObject({ code: z.string(), subject: z.string(), message: z.string(), remedy: z.string().optional() }),
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
  hosts: z.array(hostSchema).default([{ name: 'web-1', addresses: [], transports: ['tcp', 'udp'], gaps: [] }]),
  listeners: z.array(listenerSchema).default([]),
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
  return buildFacts({
    now,
    register,
    approvals,
    hosts: example.hosts.map((host) => hostState(host, now)),
    listeners: example.listeners.map((listener) => listenerState(listener, example.hosts[0]?.name ?? 'web-1', now)),
  });
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
  return {
    vantage: 'local',
    host: { name: host.name, addresses: host.addresses, tags: [] },
    firstObservedAt: host.firstObserved ? Date.parse(host.firstObserved) : now - 60_000,
    lastObservedAt: host.lastObserved ? Date.parse(host.lastObserved) : now - 60_000,
    privilege: 'root',
    collector: 'local',
    observationId: '00000000-0000-7000-8000-000000000000',
    coverage: [{ host: host.name, scope: '*', transports: host.transports, ports: ALL_PORTS, addresses: 'all' }],
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
    scope: seen.scope,
    ...endpoint,
    address,
    bind: bindScopeOf(address),
    families: address === '::' ? ['ipv4', 'ipv6'] : [address.includes(':') ? 'ipv6' : 'ipv4'],
    role: seen.role,
    process,
    sharedWith: seen.sharedWith.map(processFacts),
  };
  return {
    vantage: 'local',
    listener,
    open: closedAt === null,
    firstSeen: since,
    openSince: since,
    lastSeen: closedAt ?? now - 60_000,
    closedAt,
    restarts: 0,
  };
}

function processFacts(process: z.infer<typeof processSchema>): ProcessFacts {
  const { package: owner, ...rest } = process;
  const known = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return {
    pid: process.pid,
    ...known,
    ...(owner === undefined ? {} : { package: { manager: 'dpkg' as const, name: owner, version: '1.0' } }),
  };
}

function readAddress(text: string): Pick<Endpoint, 'port' | 'transport'> & { address: string } {
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)\/(\w+)$/.exec(text);
  if (!found) throw new Error(`"${text}" is not ADDRESS:PORT/TRANSPORT`);
  return { address: found[1] ?? found[2] ?? '', port: Number(found[3]), transport: found[4] as Transport };
}
