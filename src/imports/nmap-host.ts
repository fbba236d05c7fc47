import type { AnswerFacts } from '../model/answer.ts';
import type { Transport } from '../model/endpoint.ts';
import type { Gap, PortOutcome, PortRange, UnnamedObservation } from '../model/observation.ts';
import { mergePorts, portsContain } from '../model/port-ranges.ts';
import { type OpenPort, outsideObservation, type ScannedPorts } from './outside.ts';

/** A `<port>` of a host. */
export interface NmapPort {
  readonly transport: Transport;
  readonly port: number;
  /** `open`, `closed|filtered`…: as nmap writes it. */
  readonly state: string;
  readonly reason: string;
  readonly answer: AnswerFacts | null;
}

/** An `<extraports>` of a host: ports that it does not list one by one. */
export interface NmapExtraPorts {
  readonly state: string;
  readonly count: number;
  readonly reasons: readonly {
    readonly reason: string;
    /** Absent before nmap 7.80. */
    readonly transport?: Transport;
    readonly ports?: readonly PortRange[];
  }[];
}

/** A `<host>` of a file, complete. */
export interface NmapHost {
  readonly address: string;
  readonly names: readonly string[];
  /** `up`, `down`, `skipped`, `unknown`. */
  readonly status: string;
  readonly statusReason: string;
  readonly isTimedOut: boolean;
  /** UTC milliseconds. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly ports: readonly NmapPort[];
  readonly extraPorts: readonly NmapExtraPorts[];
}

/** What a run was to look at, from its `<scaninfo>`. */
export interface NmapScan {
  readonly privilege: 'root' | 'user';
  readonly ports: ReadonlyMap<Transport, readonly PortRange[]>;
}

/** States of nmap that tell what a port is. `unfiltered` (ACK scan) and `open|filtered` do not say whether it is open. */
const DECIDED: Readonly<Record<string, PortOutcome['outcome']>> = {
  closed: 'closed',
  filtered: 'filtered',
  'open|filtered': 'open|filtered',
};
const NO_ROUTE = new Set(['host-unreach', 'net-unreach', 'host-unreaches', 'net-unreaches']);
/** Reasons that are no packet of the host's. */
const SILENCE = new Set(['no-response', 'no-responses', 'user-set', 'unknown-response', 'unknown-responses']);

/**
 * Returns what a host of a file comes to: null where its ports were not looked at. `doubt` is called for ports whose state
 * the file does not tell.
 */
export function nmapObservation(
  host: NmapHost,
  scan: NmapScan,
  doubt: (message: string) => void,
): UnnamedObservation | null {
  const open: OpenPort[] = [];
  const outcomes: ScannedPorts[] = [];
  const notOpen: { transport: Transport; ports: readonly PortRange[] }[] = [];
  const note = (state: string, reason: string, transport: Transport, ports: readonly PortRange[]) => {
    const outcome = state === 'filtered' && NO_ROUTE.has(reason) ? 'unreachable' : DECIDED[state];
    if (outcome) outcomes.push({ outcome, transport, ports });
    else if (state === 'closed|filtered') notOpen.push({ transport, ports });
  };
  for (const { transport, port, state, reason, answer } of host.ports) {
    if (state === 'open') open.push({ transport, port, ...(answer && { answer }) });
    else note(state, reason, transport, [{ from: port, to: port }]);
  }
  for (const extra of host.extraPorts) {
    for (const { reason, transport, ports } of extra.reasons)
      if (transport && ports) note(extra.state, reason, transport, ports);
  }
  const rest = host.extraPorts.filter((extra) => !extra.reasons.some((r) => r.transport && r.ports));
  if (rest.length > 0) noteUnlisted(host, rest, scan, note, notOpen, doubt);

  const gap = gapOf(host);
  if (gap === null && host.ports.length === 0 && host.extraPorts.length === 0) return null;
  const { address, names, startedAt: observedAt, durationMs } = host;
  const seen = { address, names, observedAt, durationMs, privilege: scan.privilege };
  if (gap) return outsideObservation('nmap', { ...seen, open, outcomes: [], gaps: [gap] });
  return outsideObservation('nmap', { ...seen, open, outcomes, notOpen, gaps: [] });
}

/** Ports that an older nmap only counts: what was to be scanned without the ports that the host lists. */
function noteUnlisted(
  host: NmapHost,
  extras: readonly NmapExtraPorts[],
  scan: NmapScan,
  note: (state: string, reason: string, transport: Transport, ports: readonly PortRange[]) => void,
  notOpen: { transport: Transport; ports: readonly PortRange[] }[],
  doubt: (message: string) => void,
): void {
  const [only, ...others] = scan.ports;
  const counted = extras.reduce((sum, extra) => sum + extra.count, 0);
  const unlisted = only && others.length === 0 ? without(only[1], host.ports) : [];
  const isExact = unlisted.reduce((sum, r) => sum + r.to - r.from + 1, 0) === counted;
  if (!only || others.length > 0 || !isExact) {
    doubt(`does not tell which ${counted} ports it means by <extraports>: they count as not scanned`);
    return;
  }
  const [extra, ...more] = extras;
  if (extra && more.length === 0) note(extra.state, extra.reasons[0]?.reason ?? '', only[0], unlisted);
  else if (extras.every(({ state }) => state === 'closed' || state === 'filtered'))
    notOpen.push({ transport: only[0], ports: unlisted });
  else doubt(`does not tell which of ${counted} ports are open|filtered: they count as not scanned`);
}

/** Ranges without the ports of a list. */
function without(ranges: readonly PortRange[], ports: readonly NmapPort[]): PortRange[] {
  const listed = mergePorts(ports.map(({ port }) => ({ from: port, to: port })));
  if (!portsContain(ranges, listed)) return [];
  const left: PortRange[] = [];
  let i = 0;
  for (const { from, to } of ranges) {
    let next = from;
    for (let r = listed[i]; r && r.from <= to; r = listed[++i]) {
      if (r.from > next) left.push({ from: next, to: r.from - 1 });
      next = r.to + 1;
    }
    if (next <= to) left.push({ from: next, to });
  }
  return left;
}

/** Why nothing can be said of the host's ports; null where something can. */
function gapOf(host: NmapHost): Gap | null {
  const subject = host.address;
  if (host.isTimedOut)
    return {
      code: 'host-timed-out',
      subject,
      message: `nmap gave ${subject} up after its --host-timeout, so its ports were not all looked at.`,
      remedy: 'Scan it again with a longer --host-timeout.',
    };
  if (host.status === 'skipped' || host.status === 'unknown')
    return { code: 'host-skipped', subject, message: `nmap did not scan ${subject} (${host.status}).` };
  if (host.status === 'down' || isSilent(host))
    return {
      code: 'host-silent',
      subject,
      message: `${subject} answered nothing: it is down, or everything to it is filtered.`,
    };
  return null;
}

/** Nothing that nmap got came from the host: it was said to be up by `-Pn`, and every probe stayed without an answer. */
function isSilent(host: NmapHost): boolean {
  if (!SILENCE.has(host.statusReason)) return false;
  const reasons = [...host.ports, ...host.extraPorts.flatMap((extra) => extra.reasons)].map(({ reason }) => reason);
  const states = [...host.ports, ...host.extraPorts].map(({ state }) => state);
  return reasons.length > 0 && reasons.every((r) => SILENCE.has(r)) && !states.includes('open');
}
