import type { AnswerFacts } from '../model/answer.ts';
import type { Transport } from '../model/endpoint.ts';
import type { PortOutcome, PortRange, UnnamedObservation } from '../model/observation.ts';
import { outsideObservation, type ScannedPorts } from './outside.ts';

/** What one record of a scan says of one port. */
export interface SeenPort {
  /** Canonical text. */
  readonly address: string;
  readonly transport: Transport;
  readonly port: number;
  readonly state: 'open' | PortOutcome['outcome'];
  /** UTC milliseconds; null: the record does not say. */
  readonly at: number | null;
  /** Name that the address was asked for under. */
  readonly name?: string;
  readonly answer?: AnswerFacts;
}

export interface ScanFold {
  /** Takes a record; returns what is complete by it (nothing, until memory is full). */
  add(seen: SeenPort): Iterable<UnnamedObservation>;
  /** Returns the rest. */
  end(): Iterable<UnnamedObservation>;
}

interface Host {
  readonly names: Set<string>;
  first: number;
  last: number;
  /** By transport and port. */
  readonly ports: Map<string, SeenPort>;
}

/**
 * Ports of all addresses that are kept at once (some 150 MB). Beyond it everything gathered is given out, and an address
 * that comes again gets a further observation: that is right too, since each covers only the ports that it names.
 */
const MAX_PORTS = 500_000;
const MAX_NAMES = 64;

/**
 * Gathers the records of scanners that write one a port, in no order. Such a scan says nothing of the ports that it does
 * not name, so only those are covered. `fallbackAt`: time of a record that has none.
 */
export function newScanFold(
  format: string,
  privilege: 'root' | 'user',
  fallbackAt: () => number,
  maxPorts: number = MAX_PORTS,
): ScanFold {
  let hosts = new Map<string, Host>();
  let count = 0;

  function* end(): Generator<UnnamedObservation, void, undefined> {
    const done = hosts;
    hosts = new Map();
    count = 0;
    for (const [address, host] of done) {
      yield observationOf(address, host);
      done.delete(address);
    }
  }

  function observationOf(address: string, { names, first, last, ports }: Host): UnnamedObservation {
    const seen = [...ports.values()];
    return outsideObservation(format, {
      address,
      names,
      observedAt: first,
      durationMs: last - first,
      privilege,
      open: seen.filter((s) => s.state === 'open'),
      outcomes: outcomesOf(seen),
      gaps: [],
    });
  }

  return {
    add(seen) {
      const at = seen.at ?? fallbackAt();
      let host = hosts.get(seen.address);
      if (!host) {
        host = { names: new Set(), first: at, last: at, ports: new Map() };
        hosts.set(seen.address, host);
      }
      host.first = Math.min(host.first, at);
      host.last = Math.max(host.last, at);
      if (seen.name !== undefined && host.names.size < MAX_NAMES) host.names.add(seen.name);
      const key = `${seen.port}/${seen.transport}`;
      const known = host.ports.get(key);
      if (!known) count++;
      host.ports.set(key, known ? merge(known, seen) : seen);
      return count >= maxPorts ? end() : [];
    },
    end,
  };
}

/** Two records of one port: open once is open, and each says a part of the answer. */
function merge(a: SeenPort, b: SeenPort): SeenPort {
  const answer = { ...b.answer, ...a.answer };
  const isTls = a.answer?.encryption === 'tls' || b.answer?.encryption === 'tls';
  return {
    ...a,
    state: a.state === 'open' || b.state === 'open' ? 'open' : a.state,
    ...(Object.keys(answer).length > 0 && { answer: isTls ? { ...answer, encryption: 'tls' } : answer }),
  };
}

function outcomesOf(seen: readonly SeenPort[]): ScannedPorts[] {
  const ports = new Map<string, { outcome: PortOutcome['outcome']; transport: Transport; ports: PortRange[] }>();
  for (const { state, transport, port } of seen) {
    if (state === 'open') continue;
    const key = `${state}/${transport}`;
    const same = ports.get(key) ?? { outcome: state, transport, ports: [] };
    ports.set(key, same);
    same.ports.push({ from: port, to: port });
  }
  return [...ports.values()];
}
