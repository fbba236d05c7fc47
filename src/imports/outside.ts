import { bindScopeOf, formatAddress, parseAddress, unmapAddress } from '../model/address.ts';
import type { AnswerFacts } from '../model/answer.ts';
import type { Transport } from '../model/endpoint.ts';
import type { Listener } from '../model/listener.ts';
import type { Coverage, Gap, PortOutcome, PortRange, UnnamedObservation } from '../model/observation.ts';
import { mergePorts } from '../model/port-ranges.ts';
import { compareText } from '../util/compare.ts';

/** What a scan learned of one address. */
export interface ScannedAddress {
  /** Canonical text. */
  readonly address: string;
  readonly names: Iterable<string>;
  /** UTC milliseconds. */
  readonly observedAt: number;
  readonly durationMs: number;
  readonly privilege: 'root' | 'user';
  /** Open ports; no port of a transport twice. */
  readonly open: readonly OpenPort[];
  /** Ports that are not open, by what they are. */
  readonly outcomes: readonly ScannedPorts[];
  /** Ports that are not open, though it is not known which of closed and filtered they are. */
  readonly notOpen?: readonly Omit<ScannedPorts, 'outcome'>[];
  readonly gaps: readonly Gap[];
}

export interface OpenPort {
  readonly transport: Transport;
  readonly port: number;
  readonly answer?: AnswerFacts;
}

export interface ScannedPorts {
  readonly outcome: PortOutcome['outcome'];
  readonly transport: Transport;
  readonly ports: readonly PortRange[];
}

/** The canonical text of an address, an IPv4-mapped one as IPv4; null where the text is none. */
export function canonicalAddress(text: string): string | null {
  const address = parseAddress(text);
  return address === null ? null : formatAddress(unmapAddress(address));
}

const OUTCOMES = ['closed', 'filtered', 'unreachable', 'open|filtered'] as const;

/**
 * Returns the observation of one address from outside: open ports are listeners, and ports with a decided answer are
 * covered. A host is named by its address; whose it is gets worked out when the state is read.
 */
export function outsideObservation(format: string, seen: ScannedAddress): UnnamedObservation {
  const { address, open } = seen;
  const host = address;
  const shared = {
    host,
    scope: 'unknown',
    address,
    bind: bindScopeOf(address),
    families: [address.includes(':') ? 'ipv6' : 'ipv4'],
    role: 'service',
    process: null,
    sharedWith: [],
  } as const;
  const listeners = open.map(
    ({ transport, port, answer }): Listener => ({ ...shared, transport, port, ...(answer && { answer }) }),
  );
  const outcomes = mergeOutcomes(address, seen.outcomes);
  return {
    collector: format,
    vantage: `import:${format}`,
    observedAt: seen.observedAt,
    durationMs: seen.durationMs,
    privilege: seen.privilege,
    // Keys in order, here and below: canonicalJson is fast then.
    host: { addresses: [address], name: host, names: [...new Set(seen.names)].sort(compareText), tags: [] },
    coverage: coverageOf(seen),
    gaps: seen.gaps,
    listeners,
    ...(outcomes.length > 0 && { outcomes }),
  };
}

function mergeOutcomes(address: string, seen: readonly ScannedPorts[]): PortOutcome[] {
  const merged: PortOutcome[] = [];
  for (const transport of transportsOf(seen))
    for (const outcome of OUTCOMES) {
      const ports = seen.filter((s) => s.transport === transport && s.outcome === outcome).flatMap((s) => s.ports);
      if (ports.length > 0) merged.push({ address, outcome, ports: mergePorts(ports), transport });
    }
  return merged;
}

/** Transports with the same covered ports are one coverage. */
function coverageOf({ address, open, outcomes, notOpen = [] }: ScannedAddress): Coverage[] {
  const decided = [...outcomes.filter((o) => o.outcome !== 'open|filtered'), ...notOpen];
  const coverage = new Map<string, { transports: Transport[]; ports: readonly PortRange[] }>();
  for (const transport of transportsOf([...open, ...decided])) {
    const ranges = decided.filter((o) => o.transport === transport).flatMap((o) => o.ports);
    for (const o of open) if (o.transport === transport) ranges.push({ from: o.port, to: o.port });
    const ports = mergePorts(ranges);
    if (ports.length === 0) continue;
    const key = JSON.stringify(ports);
    const same = coverage.get(key);
    if (same) same.transports.push(transport);
    else coverage.set(key, { transports: [transport], ports });
  }
  return [...coverage.values()].map(({ ports, transports }) => ({
    addresses: [address],
    host: address,
    ports,
    scope: 'unknown',
    transports,
  }));
}

function transportsOf(items: readonly { readonly transport: Transport }[]): Transport[] {
  return [...new Set(items.map((item) => item.transport))].sort(compareText);
}
