import type { Endpoint, Scope, Transport } from './endpoint.ts';
import type { Listener } from './listener.ts';

/** Inclusive range of ports. A single port has from = to. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** What a collector really looked at. An endpoint counts as closed only if an observation covers it and lacks it. */
export interface Coverage {
  readonly host: string;
  /** Scope looked at, or `*`: every scope of the host was enumerated, so one that is gone is closed too. */
  readonly scope: Scope | '*';
  readonly transports: readonly Transport[];
  readonly ports: readonly PortRange[];
  /** Local addresses looked at: all of them, or the ones named (plain addresses). */
  readonly addresses: 'all' | readonly string[];
}

/** Something a collector could not see. *Could not read* is not *nothing there*. */
export interface Gap {
  /** Stable slug, e.g. `process-owner-hidden`, `netns-unreadable`. */
  readonly code: string;
  /** What it concerns: a path, a scope, a transport. Part of the gap's identity: no pids, no times. */
  readonly subject: string;
  /** One sentence: what could not be seen and what follows. */
  readonly message: string;
  /** What to do about it, where something can be done. */
  readonly remedy?: string;
}

/** What was learned of the host itself. */
export interface HostFacts {
  readonly name: string;
  /** /etc/machine-id, where readable. */
  readonly machineId?: string;
  /** Addresses of its interfaces, loopback excluded, plain text, sorted. */
  readonly addresses: readonly string[];
  readonly tags: readonly string[];
  /** Further names that it was asked for or that it gives itself: FQDN, DNS name of a scan's target. Sorted. */
  readonly names?: readonly string[];
  /** `Debian GNU/Linux 12 (bookworm)`, from os-release. */
  readonly os?: string;
  readonly kernel?: string;
  /** net.ipv4.ip_local_port_range. */
  readonly ephemeralPorts?: PortRange;
}

/**
 * How ports that are not open answered, from outside. `closed`: refused (RST, or ICMP port unreachable where the two look
 * alike). `filtered`: no answer, or an ICMP that a filter sends. `unreachable`: no route, or host unreachable.
 * `open|filtered`: UDP that said nothing; it is not covered, since nobody can tell.
 */
export interface PortOutcome {
  readonly outcome: 'closed' | 'filtered' | 'unreachable' | 'open|filtered';
  readonly transport: Transport;
  /** Plain address that was asked. */
  readonly address: string;
  readonly ports: readonly PortRange[];
}

/**
 * Something that happened to a listener between two looks, as a trace of the kernel or a look at a part of the host told of
 * it. `closed`: the listener is as it was last seen.
 */
export interface Sighting {
  readonly kind: 'opened' | 'closed' | 'changed';
  /** UTC milliseconds. */
  readonly at: number;
  readonly listener: Listener;
}

/** What one collector saw at one time. */
export interface Observation {
  /** UUIDv7, given by `app`. */
  readonly id: string;
  /** Slug of the collector, e.g. `local`. */
  readonly collector: string;
  /**
   * Where it was looked from; state is kept per vantage, and only an observation from the same one closes what it
   * opened. `local`: the host's own socket tables.
   */
  readonly vantage: string;
  /** UTC milliseconds at the start of looking. */
  readonly observedAt: number;
  readonly durationMs: number;
  /** `root`, `user`: with what rights it looked. */
  readonly privilege: 'root' | 'user';
  readonly host: HostFacts;
  readonly coverage: readonly Coverage[];
  readonly gaps: readonly Gap[];
  readonly listeners: readonly Listener[];
  /** From outside only: what became of the ports that are not open. */
  readonly outcomes?: readonly PortOutcome[];
  /** What happened since the look before, oldest first; `listeners` is what became of it. Absent: only looks tell. */
  readonly sightings?: readonly Sighting[];
}

/** An observation before `app` gave it its id. */
export type UnnamedObservation = Omit<Observation, 'id'>;

export const ALL_PORTS: readonly PortRange[] = [{ from: 0, to: 65535 }];

/** Says whether one of the coverages includes the endpoint on the address. */
export function isCovered(coverage: readonly Coverage[], e: Endpoint & { readonly address?: string }): boolean {
  return coverage.some(
    (c) =>
      c.host === e.host &&
      (c.scope === '*' || c.scope === e.scope) &&
      c.transports.includes(e.transport) &&
      inRanges(c.ports, e.port) &&
      (c.addresses === 'all' || (e.address !== undefined && c.addresses.includes(e.address))),
  );
}

/** Says whether a look covers everything that another one covered. */
export function coversAll(coverage: readonly Coverage[], of: readonly Coverage[]): boolean {
  return of.every((part) =>
    coverage.some(
      (c) =>
        (c.scope === '*' || c.scope === part.scope) &&
        part.transports.every((transport) => c.transports.includes(transport)) &&
        part.ports.every((r) => c.ports.some((p) => p.from <= r.from && r.to <= p.to)) &&
        (c.addresses === 'all' || (part.addresses !== 'all' && part.addresses.every((a) => c.addresses.includes(a)))),
    ),
  );
}

/** Says whether a port lies in one of the ranges. */
export function inRanges(ranges: readonly PortRange[], port: number): boolean {
  for (const r of ranges) if (port >= r.from && port <= r.to) return true;
  return false;
}
