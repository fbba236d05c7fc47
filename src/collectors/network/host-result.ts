import type { PortRange } from '../../model/observation.ts';
import { mergePorts } from '../../model/port-ranges.ts';
import { type HostProbe, PENDING, verdictOf } from './host-probe.ts';
import type { Verdict } from './verdict.ts';

/** What became of one address. */
export interface HostResult {
  readonly address: string;
  /** UTC milliseconds. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** It accepted or refused at least one connection. */
  readonly answered: boolean;
  /** Sorted and merged. */
  readonly ports: Readonly<Record<Verdict, readonly PortRange[]>>;
  /** Ports that were not asked, or that this machine could not ask. */
  readonly notAsked: readonly PortRange[];
  /** errno of the last attempt that this machine did not let happen, also if a later one did; empty text: none. */
  readonly refusal: string;
}

/** Ports decided since the last time it was asked, for a journal; `silent` as in KnownPorts. */
export interface ScanNews {
  readonly address: string;
  readonly ports: Readonly<Record<Verdict | 'silent', readonly PortRange[]>>;
}

/** Ports by what is known of them; `silent`: asked, and not decided yet. */
function portsByState(
  host: HostProbe,
  ports: Uint16Array,
  indices: Iterable<number>,
): Record<Verdict | 'silent' | 'notAsked', readonly PortRange[]> {
  const lists: Record<Verdict | 'silent' | 'notAsked', PortRange[]> = {
    open: [],
    closed: [],
    filtered: [],
    unreachable: [],
    silent: [],
    notAsked: [],
  };
  for (const index of indices) {
    const state = host.states[index] as number;
    const port = ports[index] as number;
    const list = lists[verdictOf(state) ?? (state === PENDING && host.tries[index] !== 0 ? 'silent' : 'notAsked')];
    const last = list.at(-1);
    if (last?.to === port - 1) list[list.length - 1] = { from: last.from, to: port };
    else list.push({ from: port, to: port });
  }
  for (const name of Object.keys(lists) as (keyof typeof lists)[]) lists[name] = [...mergePorts(lists[name])];
  return lists;
}

/** What became of a host that is finished at `tick`. */
export function resultOf(host: HostProbe, ports: Uint16Array, tick: number): HostResult {
  const { notAsked, silent, ...byVerdict } = portsByState(host, ports, ports.keys());
  return {
    address: host.address,
    startedAt: host.startedAt,
    durationMs: Math.round(tick - host.startedTick),
    answered: host.answered,
    ports: byVerdict,
    notAsked: mergePorts([...notAsked, ...silent]),
    refusal: host.refusal,
  };
}

/** What is new of a host since this was called last. */
export function newsOf(host: HostProbe, ports: Uint16Array): ScanNews {
  const { notAsked: _, ...known } = portsByState(host, ports, host.news.splice(0));
  return { address: host.address, ports: known };
}
