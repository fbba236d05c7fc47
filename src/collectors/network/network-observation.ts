import { bindScopeOf } from '../../model/address.ts';
import type { AnswerFacts } from '../../model/answer.ts';
import type { Transport } from '../../model/endpoint.ts';
import type { Listener } from '../../model/listener.ts';
import type { Coverage, Gap, PortOutcome, PortRange, UnnamedObservation } from '../../model/observation.ts';
import { formatPorts, mergePorts } from '../../model/port-ranges.ts';
import { count } from '../../util/words.ts';
import type { HostResult } from './host-result.ts';
import type { UdpResult } from './udp.ts';

/** What was found out about one address. */
export interface AddressFindings {
  readonly tcp: HostResult;
  readonly udp?: UdpResult;
  /** By TCP port, of those that said something. */
  readonly answers: ReadonlyMap<number, AnswerFacts>;
  /** Names that the address was asked for, sorted. */
  readonly names: readonly string[];
}

/** Scope of what answers over the network: nobody can tell from outside. */
const SCOPE = 'unknown';

/**
 * Returns what a network scan saw of one address. Covered is what was asked and decided. An address that answered nothing
 * covers nothing: whether nobody is there or everything is filtered cannot be told, so nothing counts as closed.
 */
export function observationOfAddress(findings: AddressFindings, vantage: string): UnnamedObservation {
  const { tcp, udp, names } = findings;
  const { address } = tcp;
  const answered = tcp.answered || (udp !== undefined && udp.open.length + udp.closed.length > 0);
  return {
    collector: 'network',
    vantage,
    observedAt: tcp.startedAt,
    durationMs: tcp.durationMs,
    privilege: process.geteuid?.() === 0 ? 'root' : 'user',
    host: { name: address, addresses: [address], tags: [], ...(names.length > 0 && { names }) },
    coverage: answered ? coverageOf(findings) : [],
    gaps: gapsOf(findings, answered),
    listeners: listenersOf(findings),
    outcomes: outcomesOf(findings),
  };
}

function listenersOf({ tcp, udp, answers }: AddressFindings): Listener[] {
  const { address } = tcp;
  const listener = (transport: Transport, port: number, answer: AnswerFacts | undefined): Listener => ({
    host: address,
    scope: SCOPE,
    transport,
    port,
    address,
    bind: bindScopeOf(address),
    families: [address.includes(':') ? 'ipv6' : 'ipv4'],
    role: 'service',
    process: null,
    sharedWith: [],
    ...(answer && { answer }),
  });
  return [
    ...[...portsIn(tcp.ports.open)].map((port) => listener('tcp', port, answers.get(port))),
    ...(udp?.open ?? []).map(({ port, answer }) => listener('udp', port, answer)),
  ];
}

function coverageOf({ tcp, udp }: AddressFindings): Coverage[] {
  const { address } = tcp;
  const decided: [Transport, readonly PortRange[]][] = [['tcp', mergePorts(Object.values(tcp.ports).flat())]];
  if (udp) decided.push(['udp', rangesOf([...udp.open.map(({ port }) => port), ...udp.closed])]);
  return decided.flatMap(([transport, ports]) =>
    ports.length === 0 ? [] : [{ host: address, scope: SCOPE, transports: [transport], ports, addresses: [address] }],
  );
}

function outcomesOf({ tcp, udp }: AddressFindings): PortOutcome[] {
  const { address } = tcp;
  const all: PortOutcome[] = [
    ...(['closed', 'filtered', 'unreachable'] as const).map((outcome) => ({
      outcome,
      transport: 'tcp' as const,
      address,
      ports: tcp.ports[outcome],
    })),
    { outcome: 'closed', transport: 'udp', address, ports: rangesOf(udp?.closed ?? []) },
    { outcome: 'open|filtered', transport: 'udp', address, ports: rangesOf(udp?.openFiltered ?? []) },
  ];
  return all.filter(({ ports }) => ports.length > 0);
}

function gapsOf({ tcp, udp }: AddressFindings, answered: boolean): Gap[] {
  const gaps: Gap[] = [];
  if (!answered) {
    const unreachable = tcp.ports.unreachable.length > 0;
    const asked = sizeOf(Object.values(tcp.ports).flat()) + (udp?.openFiltered.length ?? 0);
    gaps.push({
      code: 'host-silent',
      subject: tcp.address,
      message: unreachable
        ? `${tcp.address} is not reachable from here: no port answered, and the network or a filter says so.`
        : `${tcp.address} answered on none of ${count(asked, 'port')}: it is down, or everything is filtered. Nothing there counts as closed.`,
    });
  }
  if (tcp.notAsked.length > 0 && (answered || tcp.refusal !== '')) {
    const why =
      tcp.refusal === '' ? 'the scan was told to leave silent hosts' : `this machine refused (${tcp.refusal})`;
    gaps.push({
      code: 'ports-not-asked',
      subject: tcp.address,
      message: `${count(sizeOf(tcp.notAsked), 'port')} of ${tcp.address} could not be asked: ${why}. First of them: ${formatPorts(tcp.notAsked.slice(0, 3))}.`,
      remedy: 'See whether this machine has a route and an address of that family, and may open connections.',
    });
  }
  return gaps;
}

/** Every port of ranges. */
export function* portsIn(ranges: readonly PortRange[]): Generator<number> {
  for (const { from, to } of ranges) for (let port = from; port <= to; port++) yield port;
}

function rangesOf(ports: readonly number[]): readonly PortRange[] {
  return mergePorts(ports.map((port) => ({ from: port, to: port })));
}

function sizeOf(ranges: readonly PortRange[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);
}
