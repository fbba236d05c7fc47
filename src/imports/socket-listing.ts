import { bindScopeOf } from '../model/address.ts';
import { HOST_SCOPE, type Scope, type Transport } from '../model/endpoint.ts';
import {
  type AddressFamily,
  compareListeners,
  type Listener,
  listenerKey,
  type ProcessFacts,
} from '../model/listener.ts';
import { ALL_PORTS, type Coverage, type Gap, type HostFacts, type UnnamedObservation } from '../model/observation.ts';
import { compareBy, compareText } from '../util/compare.ts';
import { count, listWords } from '../util/words.ts';
import type { ImportProblem } from './import-format.ts';
import type { SocketAddress } from './socket-address.ts';

/** A socket that waits for anybody, as another tool's listing of the host's own tables says it. */
export interface SocketRow extends SocketAddress {
  readonly transport: Transport;
  readonly port: number;
  /** Absent: the host itself. */
  readonly scope?: Scope;
  /** IPV6_V6ONLY; absent: not said. */
  readonly isIpv6Only?: boolean;
  /** Owner of the socket, where the tool says it. */
  readonly uid?: number;
  readonly user?: string;
  readonly processes: readonly ProcessFacts[];
}

export interface SocketListing {
  /** Slug of the format. */
  readonly format: string;
  readonly host: HostFacts;
  /** UTC milliseconds. */
  readonly observedAt: number;
}

/** Collects the sockets of one host and makes the observation of them. */
export interface ListingBuilder {
  add(row: SocketRow): void;
  /** Something of the transport (null: of any) could not be read: reported, and what is missing is not closed. */
  unreadable(transport: Transport | null, problem: ImportProblem): void;
  /** The listing was asked for every waiting socket of the transport. */
  listed(transport: Transport): void;
  gap(gap: Gap): void;
  /** `partial`: the rows are a part of the host's; each covers its own endpoint and nothing else. */
  finish(facts?: {
    readonly host?: Partial<HostFacts>;
    readonly partial?: boolean;
    /** Endpoints that are known to be closed. */
    readonly closed?: readonly SocketRow[];
    /** Scopes that were listed, besides the host's own and those of the rows. */
    readonly scopes?: readonly Scope[];
    /** The tool shows only what its user may see. */
    readonly hidesOthers?: boolean;
  }): UnnamedObservation;
}

/** More waiting sockets than any host has; a file that names more is broken or hostile. */
const MAX_ROWS = 500_000;

/**
 * From here on systems hand out ports by themselves: Linux from 32768 (ip_local_port_range), Windows and macOS from 49152.
 * Only used to say that client sockets may be among the services, never to call one a client.
 */
const MAYBE_EPHEMERAL = 32_768;

const BOTH: readonly AddressFamily[] = ['ipv4', 'ipv6'];

export function newListing(listing: SocketListing, report: (problem: ImportProblem) => void): ListingBuilder {
  const groups = new Map<string, SocketRow[]>();
  const listed = new Set<Transport>();
  const broken = new Set<Transport | null>();
  const gaps: Gap[] = [];
  let rows = 0;
  const keyOf = (row: SocketRow) => listenerKey({ host: '', ...row, scope: row.scope ?? HOST_SCOPE });

  return {
    add(row) {
      if (++rows > MAX_ROWS) {
        if (rows === MAX_ROWS + 1)
          report({ message: `more than ${MAX_ROWS} sockets of one host; the rest is left out` });
        broken.add(null);
        return;
      }
      const group = groups.get(keyOf(row));
      if (group) group.push(row);
      else groups.set(keyOf(row), [row]);
    },
    unreadable(transport, problem) {
      broken.add(transport);
      report(problem);
    },
    listed: (transport) => void listed.add(transport),
    gap: (gap) => void gaps.push(gap),
    finish({ host: more, partial = false, closed = [], scopes = [], hidesOthers = false } = {}) {
      const host: HostFacts = { ...listing.host, ...more };
      const listeners = [...groups.values()].map((group) => fold(host, group)).sort(compareListeners);
      const covered = broken.has(null) ? [] : [...listed].filter((t) => !broken.has(t)).sort(compareText);
      const all = [...gaps, ...gapsOf(host, listeners, covered, partial)];
      return {
        collector: listing.format,
        vantage: `import:${listing.format}`,
        observedAt: listing.observedAt,
        durationMs: 0,
        privilege: !hidesOthers && listeners.length > 0 && listeners.every((l) => l.process !== null) ? 'root' : 'user',
        host,
        coverage: partial
          ? rowCoverage([...listeners, ...closed.map((row) => fold(host, [row]))])
          : wholeCoverage(host.name, covered, listeners, scopes),
        gaps: all.sort(
          compareBy(
            (g) => g.code,
            (g) => g.subject,
          ),
        ),
        listeners,
      };
    },
  };
}

/** One listener of the sockets that share an address and port. Without start times the lowest pid counts as the oldest. */
function fold(host: HostFacts, group: readonly SocketRow[]): Listener {
  const first = group[0] as SocketRow;
  const byPid = new Map<number, ProcessFacts>();
  for (const { processes } of group) for (const p of processes) if (!byPid.has(p.pid)) byPid.set(p.pid, p);
  const [owner, ...others] = [...byPid.values()].sort(
    compareBy(
      (p) => p.startedAt ?? Number.MAX_SAFE_INTEGER,
      (p) => p.pid,
    ),
  );
  const withUid = group.find((row) => row.uid !== undefined);
  const withUser = group.find((row) => row.user !== undefined);
  return {
    host: host.name,
    scope: first.scope ?? HOST_SCOPE,
    transport: first.transport,
    port: first.port,
    address: first.address,
    bind: bindScopeOf(first.address),
    families: familiesOf(group),
    role: roleOf(host, group),
    ...(withUid?.uid !== undefined && { uid: withUid.uid }),
    ...(withUser?.user !== undefined && { user: withUser.user }),
    process: owner ?? null,
    sharedWith: others.sort(compareBy((p) => p.pid)),
  };
}

function familiesOf(group: readonly SocketRow[]): readonly AddressFamily[] {
  const { family, address } = group[0] as SocketRow;
  if (family === 'ipv4' || address.startsWith('::ffff:')) return ['ipv4'];
  return address === '::' && !group.every((row) => row.isIpv6Only === true) ? BOTH : ['ipv6'];
}

/** A client's only where the host's own range is known; a service that is taken for a client would never be seen. */
function roleOf(host: HostFacts, group: readonly SocketRow[]): Listener['role'] {
  const { transport, port } = group[0] as SocketRow;
  const range = host.ephemeralPorts;
  if (transport !== 'udp' || range === undefined || group.length > 1) return 'service';
  return port >= range.from && port <= range.to ? 'ephemeral' : 'service';
}

/** Namespaces were not enumerated: what was listed is covered scope by scope, never `*`. */
function wholeCoverage(
  host: string,
  transports: readonly Transport[],
  listeners: readonly Listener[],
  more: readonly Scope[],
): Coverage[] {
  if (transports.length === 0) return rowCoverage(listeners);
  const scopes = new Set([HOST_SCOPE, ...more, ...listeners.map((l) => l.scope)]);
  const whole = [...scopes].map((scope) => ({ host, scope, transports, ports: ALL_PORTS, addresses: 'all' as const }));
  return [...whole, ...rowCoverage(listeners.filter((l) => !transports.includes(l.transport)))];
}

/** What was seen was looked at, whatever else was not. */
function rowCoverage(listeners: readonly Listener[]): Coverage[] {
  const byAddress = Map.groupBy(listeners, (l) => `${l.scope}|${l.transport}|${l.address}`);
  return [...byAddress.values()].map((same) => {
    const { host, scope, transport, address } = same[0] as Listener;
    const ports = same.map(({ port }) => ({ from: port, to: port }));
    return { host, scope, transports: [transport], ports, addresses: [address] };
  });
}

function gapsOf(
  host: HostFacts,
  listeners: readonly Listener[],
  covered: readonly Transport[],
  partial: boolean,
): Gap[] {
  const found: Gap[] = [];
  const ownerless = Map.groupBy(
    listeners.filter((l) => l.process === null),
    (l) => l.scope,
  );
  for (const [scope, { length }] of ownerless)
    found.push({
      code: 'process-owner-hidden',
      subject: scope,
      message: `${count(length, 'listener')} in ${scope} could not be matched to a process: the listing does not name it, or was made without the rights to see it.`,
      remedy: 'Make the listing as root (or administrator), with process names.',
    });
  const missing = (['tcp', 'udp'] as const).filter((t) => !covered.includes(t));
  if (!partial && missing.length > 0)
    found.push({
      code: 'transport-not-listed',
      subject: missing.join(' '),
      message: `The listing does not show that every ${listWords(missing.map((t) => t.toUpperCase()))} socket was asked for and could be read, so none of them counts as closed.`,
      remedy: 'Make the listing with TCP and UDP and without filters; docs/how-to/import-listings.md has the command.',
    });
  const high = listeners.filter((l) => l.transport === 'udp' && l.port >= MAYBE_EPHEMERAL);
  if (host.ephemeralPorts === undefined && high.length > 0)
    found.push({
      code: 'ephemeral-ports-unknown',
      subject: 'udp',
      message: `${count(high.length, 'UDP socket')} from port ${MAYBE_EPHEMERAL} up may belong to clients: the listing does not say which ports the host hands out, so they count as services.`,
      remedy: 'On Linux put the output of "sysctl net.ipv4.ip_local_port_range" in front of the listing.',
    });
  return found;
}
