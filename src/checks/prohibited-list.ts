import type { EndpointFacts } from '../model/facts.ts';
import type { ProcessFacts } from '../model/listener.ts';
import { parsePorts } from '../model/port-ranges.ts';
import { holdersOf, someHolder } from '../model/process-match.ts';
import { fileNameOf, isInterpreter } from '../model/program.ts';
import { getOrMake } from '../util/get-or-make.ts';
import list from './prohibited-services.json' with { type: 'json' };

/** A service of the built-in list. */
export interface ProhibitedService {
  /** What `policy.allow` names to take it off the list. */
  readonly id: string;
  readonly title: string;
  readonly transport: string;
  readonly ports: string;
  /** Names by which an entry may register it, besides the id: the IANA service names. */
  readonly services?: readonly string[];
  /** Programs that confirm it. */
  readonly processes: readonly string[];
  /** Severity where a process or the entry confirms it. */
  readonly severity: string;
  readonly reason: string;
  /** What does the same work safely. */
  readonly instead?: string;
  /** What makes it acceptable: bound to loopback, or registered, with a proven approval, with authentication or encryption. */
  readonly unless: readonly string[];
  /** Its programs speak nothing else, so they are recognised on any port. */
  readonly anyPort?: boolean;
}

/**
 * What says that the service is there: its program, what it answered, the entry's own `service`, the port alone; or
 * another program is seen, or it answered as another service.
 */
export type Proof = 'process' | 'answer' | 'entry' | 'port' | 'contradicted';

/** Programs that stand in front of others: they neither confirm a service nor speak against it. */
const FRONTS = new Set(['docker-proxy', 'rootlessport', 'inetd', 'xinetd', 'systemd', 'busybox', 'socat']);

/** Services by transport, then by port, or by program where one is recognised on any port. */
const BY_PORT = new Map<string, Map<number, ProhibitedService[]>>();
const BY_PROGRAM = new Map<string, Map<string, ProhibitedService[]>>();
for (const service of list as readonly ProhibitedService[]) {
  const byPort = getOrMake(BY_PORT, service.transport, () => new Map());
  for (const { from, to } of parsePorts(service.ports).ranges)
    for (let port = from; port <= to; port++) getOrMake(byPort, port, () => []).push(service);
  const byProgram = getOrMake(BY_PROGRAM, service.transport, () => new Map());
  if (service.anyPort) for (const program of service.processes) getOrMake(byProgram, program, () => []).push(service);
}

const NONE: readonly ProhibitedService[] = [];

/** Services of the list that the endpoint may be, by its port or by a program that speaks nothing else. */
export function candidates(facts: EndpointFacts): readonly ProhibitedService[] {
  const { port, transport } = facts.endpoint;
  const byPort = BY_PORT.get(transport)?.get(port);
  if (byPort) return byPort;
  const byProgram = BY_PROGRAM.get(transport);
  if (!byProgram) return NONE;
  const isKnown = (p: ProcessFacts) => byProgram.has(p.name ?? '') || byProgram.has(fileNameOf(p) ?? '');
  if (!someHolder(facts.listeners, isKnown)) return NONE;
  return programNames(facts).flatMap((name) => byProgram.get(name) ?? []);
}

/** What says that the endpoint offers the service. */
export function proofOf(service: ProhibitedService, facts: EndpointFacts): Proof {
  const names = programNames(facts);
  if (names.some((name) => service.processes.includes(name) && !FRONTS.has(name))) return 'process';
  const said = servicesSaid(facts);
  if (said.some((name) => isCalled(service, name))) return 'answer';
  if (isRegisteredAs(service, facts)) return 'entry';
  if (names.length === 0 && said.length > 0) return 'contradicted';
  return names.length === 0 || names.some((name) => FRONTS.has(name) || isInterpreter(name)) ? 'port' : 'contradicted';
}

/** The entry itself says so. Not one that was drafted: its service is a guess, often from the port alone. */
function isRegisteredAs(service: ProhibitedService, facts: EndpointFacts): boolean {
  const entry = facts.entries[0]?.entry;
  if (!entry || entry.evidence.length > 0) return false;
  const named = entry.service?.trim().toLowerCase();
  return named !== undefined && isCalled(service, named);
}

function isCalled({ id, services = [] }: ProhibitedService, name: string): boolean {
  return name === id || services.includes(name);
}

/** What it answered as, where somebody asked. */
function servicesSaid(facts: EndpointFacts): readonly string[] {
  return facts.listeners.flatMap(({ listener }) => listener.answer?.service ?? []);
}

function programNames(facts: EndpointFacts): readonly string[] {
  return facts.listeners.flatMap(({ listener }) => holdersOf(listener).flatMap(namesOf));
}

function namesOf(process: ProcessFacts): string[] {
  return [fileNameOf(process), process.name].filter((name) => name !== undefined);
}
