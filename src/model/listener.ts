import type { AnswerFacts } from './answer.ts';
import type { Endpoint } from './endpoint.ts';

/**
 * How far an address reaches: `loopback` (127/8, ::1), `private` (RFC 1918, RFC 6598, RFC 4193, link-local),
 * `public` (any other single address), `any` (0.0.0.0 or ::, every address of the host). Each is wider than the last.
 */
export const BIND_SCOPES = ['loopback', 'private', 'public', 'any'] as const;
export type BindScope = (typeof BIND_SCOPES)[number];

export type AddressFamily = 'ipv4' | 'ipv6';

/** The package that owns a file, from the package manager's own database. */
export interface PackageFacts {
  readonly manager: 'dpkg' | 'rpm' | 'apk';
  readonly name: string;
  readonly version: string;
  /** Source package, where it has another name, and its version, where that differs (dpkg `Source:`, apk `o:`). */
  readonly source?: string;
  readonly sourceVersion?: string;
  /** OSV ecosystem of the distribution it comes from: `Debian:12`, `Alpine:v3.20`. Absent: not known. */
  readonly ecosystem?: string;
  /** Newest version that the package manager's own cached data offers; absent: no data, so not known. */
  readonly candidate?: { readonly version: string; readonly security?: boolean; readonly dataAt: number };
}

/**
 * Facts of one process that holds a listening socket. An absent field was not visible: unknown, never "none".
 * Attributes, not identity: a restart changes pid and start time and is no event.
 */
export interface ProcessFacts {
  readonly pid: number;
  /** UTC milliseconds. */
  readonly startedAt?: number;
  /** The kernel's name of the task, at most 15 bytes (`comm` of proc(5)). */
  readonly name?: string;
  /** Path of the executable as seen inside its own mount namespace, without the kernel's " (deleted)". */
  readonly exe?: string;
  /**
   * `present`: the path still is the running file. `replaced`: another file lies there now (updated, restart needed).
   * `deleted`: nothing lies there. Absent: not visible.
   */
  readonly exeState?: 'present' | 'replaced' | 'deleted';
  /** SHA-256 of the running binary, hex. */
  readonly sha256?: string;
  /** Arguments joined by blanks, secrets redacted, bounded in length. */
  readonly commandLine?: string;
  readonly uid?: number;
  readonly user?: string;
  /** systemd unit from the cgroup, e.g. `nginx.service`. */
  readonly unit?: string;
  /** Container id from the cgroup, 64 hex digits; for lxc and systemd-nspawn the container's name. */
  readonly container?: string;
  readonly package?: PackageFacts;
}

/**
 * An endpoint seen listening on an address. One per host, scope, transport, address and port: sockets that share a port
 * by SO_REUSEPORT are one listener with several processes, a dual-stack `::` is one listener of both families.
 */
export interface Listener extends Endpoint {
  /** Plain text: `0.0.0.0`, `::`, `127.0.0.1`, IPv6 as RFC 5952 writes it. */
  readonly address: string;
  readonly bind: BindScope;
  /** Families it answers on. `::` counts as both unless it is known to be IPv6 only. */
  readonly families: readonly AddressFamily[];
  /** `ephemeral`: a UDP socket on a port of the local range that the kernel hands to clients; else `service`. */
  readonly role: 'service' | 'ephemeral';
  /** Owner of the socket by the kernel's table; visible even where the process is not. Absent: not visible. */
  readonly uid?: number;
  readonly user?: string;
  /** The process that holds the socket; the oldest if several do. `null`: not visible, or none (kernel service). */
  readonly process: ProcessFacts | null;
  /** Further processes that hold it (forked workers, SO_REUSEPORT), by pid. */
  readonly sharedWith: readonly ProcessFacts[];
  /** What it said when it was asked over the network. Absent: not asked, or it said nothing. */
  readonly answer?: AnswerFacts;
}

/** Unique text of a listener: its endpoint and address. Process facts are no part of it. */
export function listenerKey(l: Endpoint & { readonly address: string }): string {
  return `${l.host}|${l.scope}|${l.transport}|${l.address}|${l.port}`;
}

/** Orders listeners by host, scope, port, transport, address. For deterministic output. */
export function compareListeners(a: Listener, b: Listener): number {
  if (a.host !== b.host) return a.host < b.host ? -1 : 1;
  if (a.scope !== b.scope) return a.scope === 'host' ? -1 : b.scope === 'host' ? 1 : a.scope < b.scope ? -1 : 1;
  if (a.port !== b.port) return a.port - b.port;
  if (a.transport !== b.transport) return a.transport < b.transport ? -1 : 1;
  return a.address < b.address ? -1 : a.address > b.address ? 1 : 0;
}

/** Says whether `observed` reaches further than `approved`. */
export function isWiderBind(observed: BindScope, approved: BindScope): boolean {
  return BIND_SCOPES.indexOf(observed) > BIND_SCOPES.indexOf(approved);
}
