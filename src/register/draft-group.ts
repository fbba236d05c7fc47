import { type Endpoint, endpointKey, type Transport } from '../model/endpoint.ts';
import { BIND_SCOPES, type BindScope, type ProcessFacts } from '../model/listener.ts';
import type { PortRange } from '../model/observation.ts';
import { mergePorts } from '../model/port-ranges.ts';
import { holdersOf, isSocketActivator } from '../model/process-match.ts';
import { programName } from '../model/program.ts';
import type { ProcessRule } from '../model/register.ts';
import type { ListenerState } from '../model/state.ts';
import { canonicalJson } from '../util/canonical-json.ts';
import { compareText } from '../util/compare.ts';
import { patternOfExe, patternOfScope, patternOfUnit } from './draft-patterns.ts';
import { isStandIn } from './service-guess.ts';

/** An endpoint with everything seen of it: one or several addresses. */
export interface SeenEndpoint {
  readonly endpoint: Endpoint;
  /** Sorted. */
  readonly addresses: readonly string[];
  readonly bind: BindScope;
  readonly process: ProcessFacts | null;
  /** UTC milliseconds. */
  readonly firstSeen: number;
}

/** Endpoints that one entry can stand for: same program, same reach, same ports on each of the hosts. */
export interface EndpointGroup {
  readonly scope: string;
  readonly transport: Transport;
  readonly bind: BindScope;
  readonly ports: readonly PortRange[];
  readonly rule: ProcessRule;
  /** Name of the program, null where it was not visible. */
  readonly program: string | null;
  /** Sorted by host, scope, port. */
  readonly seen: readonly SeenEndpoint[];
}

/**
 * Groups endpoints in two steps: on each host the ports of one program, then hosts where the same program has the same
 * ports. A port is never drafted for a host where it was not seen. Deterministic: the order of the input does not matter.
 */
export function groupEndpoints(seen: readonly SeenEndpoint[]): readonly EndpointGroup[] {
  const perHost = Map.groupBy(seen, (s) => canonicalJson([s.endpoint.host, s.endpoint.scope, ...programKey(s)]));
  const groups: EndpointGroup[] = [];
  for (const members of perHost.values()) groups.push(groupOf(members));
  const acrossHosts = Map.groupBy(groups, groupKey);
  return [...acrossHosts.keys()].sort(compareText).map((key) => {
    const same = acrossHosts.get(key) as EndpointGroup[];
    const all = same.flatMap((g) => g.seen);
    return { ...(same[0] as EndpointGroup), seen: all.toSorted((a, b) => compareText(orderOf(a), orderOf(b))) };
  });
}

function orderOf({ endpoint: e }: SeenEndpoint): string {
  return `${e.host}\0${e.scope}\0${String(e.port).padStart(5, '0')}`;
}

/** What makes two ports of one host and scope the business of one entry. */
function programKey({ endpoint, bind, process }: SeenEndpoint): readonly (string | number | null)[] {
  const { transport, port } = endpoint;
  const program = programOf(process);
  if (process === null || program === null) return [transport, bind, 'port', port];
  const rule = canonicalJson({ ...ruleOf(process) });
  // One interpreter is as good as another: what tells their services apart is the unit, or else the very process.
  if (!isStandIn(program)) return [transport, bind, program, rule];
  if (isSocketActivator(process) || program === 'docker-proxy') return [transport, bind, 'port', port];
  return [transport, bind, program, rule, process.unit ?? process.pid];
}

function groupOf(members: readonly SeenEndpoint[]): EndpointGroup {
  const first = members[0] as SeenEndpoint;
  return {
    scope: patternOfScope(first.endpoint.scope),
    transport: first.endpoint.transport,
    bind: first.bind,
    ports: mergePorts(members.map(({ endpoint: { port } }) => ({ from: port, to: port }))),
    rule: ruleOf(first.process),
    program: programOf(first.process),
    seen: members,
  };
}

function groupKey(g: EndpointGroup): string {
  const ports = g.ports.map(({ from, to }) => [from, to]);
  return canonicalJson([g.scope, g.transport, g.bind, g.program, { ...g.rule }, ports]);
}

/** Name of the program; null where it is not visible. */
export function programOf(process: ProcessFacts | null): string | null {
  return process === null ? null : (programName(process) ?? null);
}

function ruleOf(process: ProcessFacts | null): ProcessRule {
  if (process === null) return {};
  const unit = process.unit === undefined ? null : patternOfUnit(process.unit);
  return {
    ...(process.exe === undefined ? {} : { exe: patternOfExe(process.exe) }),
    ...(process.user === undefined ? {} : { user: process.user }),
    ...(unit === null ? {} : { unit }),
    ...(process.package === undefined ? {} : { package: process.package.name }),
  };
}

/**
 * Folds listeners into endpoints: widest reach, all addresses, the process that the most was visible of. What a scan
 * from outside saw is left to what the host itself says of the same port.
 */
export function foldListeners(states: readonly ListenerState[]): readonly SeenEndpoint[] {
  const fromInside = new Set<string>();
  for (const { listener: l } of states) if (l.scope !== 'unknown') fromInside.add(outsideKey(l));
  const kept = states.filter(({ listener: l }) => l.scope !== 'unknown' || !fromInside.has(outsideKey(l)));
  const byEndpoint = Map.groupBy(kept, ({ listener }) => endpointKey(listener));
  return [...byEndpoint.values()].map((same) => {
    const { host, scope, transport, port } = (same[0] as ListenerState).listener;
    const reach = Math.max(...same.map((s) => BIND_SCOPES.indexOf(s.listener.bind)));
    return {
      endpoint: { host, scope, transport, port },
      addresses: [...new Set(same.map((s) => s.listener.address))].sort(compareText),
      bind: BIND_SCOPES[reach] as BindScope,
      process: bestProcess(same),
      firstSeen: Math.min(...same.map((s) => s.firstSeen)),
    };
  });
}

function outsideKey(e: Endpoint): string {
  return endpointKey({ ...e, scope: 'host' });
}

/** The service itself rather than the systemd that opened its socket; the one of which more is known; the older one. */
function bestProcess(states: readonly ListenerState[]): ProcessFacts | null {
  const all = states.flatMap((s) => holdersOf(s.listener));
  const own = all.filter((p) => !isSocketActivator(p));
  const known = (p: ProcessFacts) => [p.exe, p.user, p.unit, p.package].filter((fact) => fact !== undefined).length;
  const ranked = (own.length > 0 ? own : all).toSorted(
    (a, b) => known(b) - known(a) || a.pid - b.pid || compareText(JSON.stringify(a), JSON.stringify(b)),
  );
  return ranked[0] ?? null;
}
