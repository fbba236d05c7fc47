import type { Transport } from '../model/endpoint.ts';
import { isInterpreter } from '../model/program.ts';
import services from '../model/services.json' with { type: 'json' };

/** What a guess rests on. `conflict`: the process is well known and its usual port is another one. */
export type GuessBasis = 'port-and-process' | 'process' | 'port' | 'conflict' | 'none';

export interface ServiceGuess {
  /** IANA service name where one exists; null where neither port nor process is known. */
  readonly service: string | null;
  readonly basis: GuessBasis;
  /** What the port alone would say, where that is something else. */
  readonly usualForPort?: string;
}

const PORTS: Readonly<Record<string, Readonly<Record<string, string>>>> = services.ports;
const PROCESSES: Readonly<Record<string, readonly string[]>> = services.processes;
const PROXIES: ReadonlySet<string> = new Set(services.proxies);

/**
 * Guesses the service behind a port. Port and process that agree are a good guess; where only one speaks, or they
 * contradict each other, the process counts more (it can be seen, a port number is a habit), and the basis says so.
 */
export function guessService(transport: Transport, port: number, process: string | null): ServiceGuess {
  const byPort = own(PORTS[transport] ?? {}, String(port));
  const byProcess = process === null ? undefined : own(PROCESSES, process);
  if (byProcess?.[0] === undefined) return { service: byPort ?? null, basis: byPort === undefined ? 'none' : 'port' };
  if (byPort === undefined) return { service: byProcess[0], basis: 'process' };
  if (byProcess.includes(byPort)) return { service: byPort, basis: 'port-and-process' };
  return { service: byProcess[0], basis: 'conflict', usualForPort: byPort };
}

/**
 * Says whether a program stands for whatever it was told to run or to forward to (an interpreter, a proxy, systemd):
 * two of its processes are not the same service, whatever they share.
 */
export function isStandIn(process: string): boolean {
  return PROXIES.has(process) || isInterpreter(process);
}

/** A member of a table that is not inherited: `constructor` is no service. */
function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
