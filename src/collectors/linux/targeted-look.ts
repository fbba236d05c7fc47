import { endpointKey, type Scope, UNKNOWN_SCOPE } from '../../model/endpoint.ts';
import type { Listener, ProcessFacts } from '../../model/listener.ts';
import type { Gap } from '../../model/observation.ts';
import { getOrMake } from '../../util/get-or-make.ts';
import { readLink } from './files.ts';
import { createListenerFolder, type FoldContext } from './listeners.ts';
import { createProcessReader, type ProcessReader } from './process-facts.ts';
import { readProcessStat } from './process-stat.ts';
import { createSocketOwners, type Holder } from './socket-owners.ts';
import { SOCKET_TABLES, type Socket } from './socket-tables.ts';
import type { SocketTraceEvent } from './socket-trace-types.ts';
import { createTableReader } from './table-reader.ts';
import type { TargetedLook, TargetedLookOptions, TracedListener, TracedLook } from './targeted-look-types.ts';
import { tracedGaps } from './traced-gaps.ts';
import { foldTrace, lifeKey, type TracedLife } from './traced-lives.ts';
import { createTracedScopes } from './traced-scopes.ts';

const TCP_TABLES = SOCKET_TABLES.filter(({ transport }) => transport === 'tcp');

/** /proc gives starts since boot and the boot's time to the second: a process that began later is not the one meant. */
const START_JITTER_MS = 2_000;

/** Ports that the kernel hands to clients matter to UDP only. */
const NO_EPHEMERAL: FoldContext['ephemeral'] = { range: undefined, reserved: [] };

/** What the kernel's tables show of one namespace now: its sockets by address and port. */
interface Table {
  readonly sockets: ReadonlyMap<string, readonly Socket[]>;
  readonly byInode: ReadonlyMap<number, Socket>;
}

/**
 * A look at the processes and namespaces that a trace named, and at nothing else: one read of the TCP tables per
 * namespace, one of each process. Keep it for as long as the trace runs.
 */
export function createTargetedLook({ host, now, known }: TargetedLookOptions): TargetedLook {
  const elapsed = () => performance.now();
  const processes = createProcessReader('/', elapsed);
  const scopes = createTracedScopes(processes, elapsed);
  const reader = createTableReader(TCP_TABLES);

  const readTable = (netns: string, pids: readonly number[]): Table | undefined => {
    const read = reader.read(netns, scopes.tableDirectories(netns, pids));
    if (read === undefined) return undefined;
    const sockets = new Map<string, Socket[]>();
    const byInode = new Map<number, Socket>();
    for (const socket of read.tables.flat()) {
      const key = lifeKey({ netns, ...socket });
      const group = sockets.get(key);
      if (group) group.push(socket);
      else sockets.set(key, [socket]);
      byInode.set(socket.inode, socket);
    }
    return { sockets, byInode };
  };

  const look = (events: readonly SocketTraceEvent[]): Omit<TracedLook, 'lookedAt' | 'durationMs'> => {
    const holders = createHolders(processes);
    // first what will be gone first: some of these processes are about to end
    for (const event of events) holders.of(event.pid, event.at);
    const closes = createCloseFinder(known, scopes.netnsOf);
    const { lives, portless } = foldTrace(events, closes.netnsOf);
    const names = new Map<string | undefined, string>();
    const tables = new Map<string, Table | undefined>();
    for (const [netns, pids] of pidsByNamespace(events, lives)) {
      names.set(netns, scopes.scopeOf(netns));
      if (netns !== undefined) tables.set(netns, readTable(netns, pids));
    }
    reader.keepOnly(tables);

    const listeners: { readonly order: number; readonly found: TracedListener }[] = [];
    const unplaced: { event: SocketTraceEvent; gap: Gap }[] = [];
    const add = (life: TracedLife, table: Table | undefined, ceasedAt?: number) => {
      const named = names.get(life.netns) ?? UNKNOWN_SCOPE;
      const wasOpen = named === UNKNOWN_SCOPE && life.openedAt === null;
      const scope = (wasOpen ? closes.scopeOf(life) : undefined) ?? named;
      const sockets = table?.sockets.get(lifeKey(life)) ?? [];
      const holder = holders.of(life.pid, life.openedAt ?? life.closedAt ?? 0);
      const listener = fold({ host, scope, life, sockets, table, holder, processes });
      const gaps: Gap[] = [];
      const subject = endpointKey(listener);
      if (scope === UNKNOWN_SCOPE) gaps.push(tracedGaps.namespaceGone(subject, life));
      // of what closed all was known when it opened, or nothing ever was
      const hasOpened = life.openedAt !== null;
      if (hasOpened && holder === undefined) gaps.push(tracedGaps.processEnded(subject, life, sockets.length > 0));
      if (hasOpened && sockets.length === 0 && scope !== UNKNOWN_SCOPE) gaps.push(tracedGaps.socketGone(subject));
      const { openedAt, closedAt, order } = life;
      const seenInTable = sockets.length > 0;
      const ceased = ceasedAt === undefined || sockets.length > 1 ? {} : { ceasedAt };
      listeners.push({ order, found: { listener, openedAt, closedAt, ...ceased, seenInTable, gaps } });
    };

    const last = new Map<string, TracedLife>();
    for (const life of lives) last.set(lifeKey(life), life);
    for (const life of lives) {
      const table = life.netns === undefined ? undefined : tables.get(life.netns);
      const isThere = (table?.sockets.get(lifeKey(life))?.length ?? 0) > 0;
      const isLast = isThere && last.get(lifeKey(life)) === life;
      const ceasedAt = isLast ? (life.closedAt ?? undefined) : undefined;
      // another socket shares the port, or it was opened again just now
      if (isLast) life.closedAt = null;
      add(life, isLast ? table : undefined, ceasedAt);
    }
    for (const { event, order } of portless) {
      const table = event.netns === undefined ? undefined : tables.get(event.netns);
      const held =
        table === undefined ? [] : heldBy(event, table).filter((s) => !last.has(lifeKey({ ...event, ...s })));
      for (const { address, port, family } of held) {
        const { netns, pid, comm, at: openedAt } = event;
        add({ netns, family, address, port, openedAt, closedAt: null, pid, comm, order }, table);
      }
      if (held.length === 0) unplaced.push({ event, gap: tracedGaps.portUnknown(event) });
    }
    listeners.sort((a, b) => a.order - b.order);
    return { listeners: listeners.map(({ found }) => found), unplaced };
  };

  // what every look needs (users, packages) is read once, before the first is in a hurry
  processes.begin(false);
  createHolders(processes).of(process.pid, now());
  processes.end();

  return {
    lookAtTraced: (events) => {
      const lookedAt = now();
      const started = elapsed();
      processes.begin(false);
      const found = look(events);
      processes.end();
      return { lookedAt, durationMs: elapsed() - started, ...found };
    },
  };
}

/** Namespaces that the events name, with the processes that were seen in them, the latest first. */
function pidsByNamespace(
  events: readonly SocketTraceEvent[],
  lives: readonly TracedLife[],
): Map<string | undefined, number[]> {
  const found = new Map<string | undefined, Set<number>>(lives.map(({ netns }) => [netns, new Set()]));
  for (const { netns, pid } of events) {
    const pids = found.get(netns);
    if (pids) pids.add(pid);
    else found.set(netns, new Set([pid]));
  }
  return new Map([...found].map(([netns, pids]) => [netns, [...pids].reverse()]));
}

/** Processes of the events that still run, asked once each. */
function createHolders(processes: ProcessReader): { of: (pid: number, at: number) => Holder | undefined } {
  const stats = new Map<number, ReturnType<typeof readProcessStat>>();
  return {
    of: (pid, at) => {
      if (pid === 0) return undefined;
      if (!stats.has(pid)) stats.set(pid, readProcessStat('/proc', pid));
      const stat = stats.get(pid);
      if (stat === undefined) return undefined;
      const holder: Holder = { pid, ...stat };
      const { startedAt, exe } = processes.factsOf(holder);
      const isLater = startedAt !== undefined && startedAt > at + START_JITTER_MS;
      // one that has ended and waits for its parent to notice has no namespaces any more
      const hasEnded = exe === undefined && readLink(`/proc/${pid}/ns/net`) === undefined;
      return isLater || hasEnded ? undefined : holder;
    },
  };
}

/** Finds where a socket that closed had listened, by what is known to listen: its namespace may be gone by now. */
interface CloseFinder {
  readonly scopeOf: (
    closed: Pick<TracedLife, 'pid' | 'address' | 'port'> & { netns?: string | undefined },
  ) => Scope | undefined;
  /** Undefined where the namespace is gone. */
  readonly netnsOf: (closed: SocketTraceEvent) => string | undefined;
}

function createCloseFinder(
  known: (() => Iterable<Listener>) | undefined,
  netnsOf: (scope: Scope) => string | undefined,
): CloseFinder {
  /** By address and port: who listens there, and where. */
  let listening: Map<string, { readonly scope: Scope; readonly pids: readonly number[] }[]> | undefined;
  const find: CloseFinder['scopeOf'] = ({ pid, address, port, netns }) => {
    if (listening === undefined) {
      listening = new Map();
      for (const { address, port, scope, transport, process, sharedWith } of known?.() ?? []) {
        if (transport !== 'tcp') continue;
        const pids = process === null ? [] : [process.pid, ...sharedWith.map((other) => other.pid)];
        getOrMake(listening, `${address}|${port}`, () => []).push({ scope, pids });
      }
    }
    const there = (listening.get(`${address}|${port}`) ?? []).filter(({ scope }) => {
      const now = netnsOf(scope);
      return now === undefined || netns === undefined || now === netns;
    });
    const own = there.filter(({ pids }) => pids.includes(pid));
    if (own.length > 0) return own.length === 1 ? own[0]?.scope : undefined;
    // Not its process, which may be any that had it last: in a namespace that is gone only what was open there can close.
    const gone = netns === undefined ? [] : there.filter(({ scope }) => netnsOf(scope) === undefined);
    return gone.length === 1 ? gone[0]?.scope : undefined;
  };
  return {
    scopeOf: find,
    netnsOf: (closed) => {
      const scope = find(closed);
      return scope === undefined ? undefined : netnsOf(scope);
    },
  };
}

interface FoldInput {
  readonly host: string;
  readonly scope: string;
  readonly life: TracedLife;
  /** Those of the life that are there now. */
  readonly sockets: readonly Socket[];
  readonly table: Table | undefined;
  readonly holder: Holder | undefined;
  readonly processes: ProcessReader;
}

/** The listener as a snapshot would show it, with what is still there. */
function fold({ host, scope, life, sockets, table, holder, processes }: FoldInput): Listener {
  const { netns, family, address, port, pid, comm } = life;
  const gone: Socket = { transport: 'tcp', family, address, port, uid: -1, inode: 0 };
  const own = sockets.length > 0 ? sockets : [gone];
  // an IPv4 socket of another user on the port proves that `::` does not answer on IPv4
  const beside = address === '::' ? (table?.sockets.get(lifeKey({ netns, address: '0.0.0.0', port })) ?? []) : [];
  const folded = createListenerFolder().fold([{ scope, tables: [own, beside] }], {
    host,
    ephemeral: NO_EPHEMERAL,
    holdersOf: () => (holder === undefined ? [] : [holder]),
    factsOf: processes.factsOf,
    userNames: processes.userNames(),
    seesAllHolders: false,
  });
  const listener = folded.find((l) => l.address === address) as Listener;
  if (sockets.length > 0) return listener;
  const { uid: _, user: __, ...rest } = listener;
  // nobody else can have held it to the end: who closed it last, or opened it, is who it was
  const named: ProcessFacts | null = pid === 0 ? null : { pid, ...(comm === '' ? {} : { name: comm }) };
  return { ...rest, process: listener.process ?? named };
}

/** Sockets on the event's address that its process holds now. */
function heldBy({ pid, address, family }: SocketTraceEvent, { byInode }: Table): Socket[] {
  const onAddress = new Map([...byInode].filter(([, s]) => s.address === address && s.family === family));
  const owners = createSocketOwners('/proc', () => performance.now());
  owners.update([{ inodes: new Set(onAddress.keys()), pids: [pid] }], [pid]);
  return [...onAddress.values()].filter(({ inode }) => owners.holdersOf(inode).length > 0);
}
