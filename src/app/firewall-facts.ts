import { type AdmissionQuery, createEvaluator, type Evaluator } from '../firewall/evaluate.ts';
import { type Address, parseAddress } from '../model/address.ts';
import type { EndpointAdmission, HostFirewall, RulesetDump } from '../model/admission.ts';
import { servedFamilies } from '../model/admission-compare.ts';
import { type Endpoint, endpointKey, HOST_SCOPE, UNKNOWN_SCOPE } from '../model/endpoint.ts';
import type { Identities } from '../model/identity.ts';
import { buildMatcher, type Matcher } from '../model/match.ts';
import type { PortRange } from '../model/observation.ts';
import { mergePorts } from '../model/port-ranges.ts';
import type { Register, RegisterEntry } from '../model/register.ts';
import type { ListenerState } from '../model/state.ts';
import { preferInside } from '../model/vantage.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { doubtsOf, type HostPorts, hostFirewall, limited } from './firewall-facts-host.ts';
import { type HostRuleset, hostRulesets, isOfScope } from './firewall-facts-rulesets.ts';

export interface FirewallFactsInput {
  readonly dumps: readonly RulesetDump[];
  readonly identities: Pick<Identities, 'hosts' | 'listeners' | 'known' | 'nameOf'>;
  readonly register: Register;
  /** Endpoints to answer for although nothing may listen there. */
  readonly also?: readonly Endpoint[];
}

export interface FirewallFacts {
  /** Sorted by host. */
  readonly firewalls: readonly HostFirewall[];
  /** Who can connect; undefined: no filter in front of it is known, or it is not known where its packets go. */
  admissionOf(endpoint: Endpoint): EndpointAdmission | undefined;
}

/**
 * Asks the packet filters that were taken of hosts who can connect to their endpoints. Time goes with rules and endpoints
 * of hosts that have a dump.
 */
export function firewallFacts({ dumps, identities, register, also = [] }: FirewallFactsInput): FirewallFacts {
  const open = new Map<string, Map<string, ListenerState[]>>();
  const add = (endpoint: Endpoint) =>
    getOrMake(
      getOrMake(open, endpoint.host, () => new Map()),
      endpointKey(endpoint),
      () => [],
    );
  for (const state of identities.listeners) if (state.open) add(state.listener).push(state);
  for (const endpoint of also) add(endpoint);
  const endpoints = new Map([...also, ...identities.listeners.map((s) => s.listener)].map((e) => [endpointKey(e), e]));
  const matcher = buildMatcher(register.entries, identities.known);
  const entries = entriesByHost(register, matcher);

  const admissions = new Map<string, EndpointAdmission>();
  const firewalls: HostFirewall[] = [];
  for (const known of hostRulesets(dumps, identities)) {
    const evaluator = createEvaluator(known.ruleset);
    const states = open.get(known.host) ?? new Map<string, ListenerState[]>();
    for (const [key, listeners] of states) {
      const admission = admissionTo(endpoints.get(key) as Endpoint, listeners, known, evaluator);
      if (admission) admissions.set(key, admission);
    }
    const ports = hostPorts(states, entries.get(known.host) ?? [], endpoints, admissions);
    firewalls.push(hostFirewall(known, evaluator, ports));
  }
  return { firewalls, admissionOf: (endpoint) => admissions.get(endpointKey(endpoint)) };
}

function entriesByHost({ entries }: Register, matcher: Matcher): ReadonlyMap<string, readonly RegisterEntry[]> {
  const byHost = new Map<string, RegisterEntry[]>();
  for (const entry of entries)
    for (const host of matcher.hostsSelected(entry)) getOrMake(byHost, host, () => []).push(entry);
  return byHost;
}

/** What one host's filters say of one endpoint; undefined: nothing, as where its packets go is not known, or nobody asks them. */
export function admissionTo(
  endpoint: Endpoint,
  listeners: readonly ListenerState[],
  known: HostRuleset,
  evaluator: Evaluator,
): EndpointAdmission | undefined {
  const { scope, transport, port } = endpoint;
  if (transport === 'raw' || scope === UNKNOWN_SCOPE) return undefined;
  const beyond = preferInside(listeners).filter((l) => l.listener.bind !== 'loopback');
  if (beyond.length === 0 && listeners.length > 0) return undefined;
  const addresses = boundTo(beyond);
  const query: AdmissionQuery = { transport, port, addresses, iif: null, scope, view: 'socket', explain: true };
  const families = servedFamilies({ listeners });
  const doubts = doubtsOf(known);
  const answer = { takenAt: known.takenAt, source: known.source, scope };
  if (scope === HOST_SCOPE || (addresses !== null && !addresses.some(isAny))) {
    const admission = limited(evaluator.admission(query), families, known);
    return { ...answer, admission, ...(doubts.length > 0 && { doubts }) };
  }
  // The addresses of a scope of its own are not the host's: without one, only filters of that very scope can be asked, and
  // the chains of the host that its packets meet may refuse anything.
  const layers = known.ruleset.layers.filter((layer) => isOfScope(layer, scope));
  const [first] = layers;
  if (!first) return undefined;
  const own = { ...known, hasOwn: false, ruleset: { ...known.ruleset, layers } };
  const asked = createEvaluator(own.ruleset).admission({ ...query, addresses: null, scope: first.scope ?? scope });
  const admission = limited(asked, families, own);
  return { ...answer, admission, doubts: [...doubts, `the address of ${scope} is not known`] };
}

/** Addresses bound to, `0.0.0.0` and `::` among them; null: none is known, or one cannot be read. */
function boundTo(listeners: readonly ListenerState[]): readonly Address[] | null {
  const texts = [...new Set(listeners.map((l) => l.listener.address))];
  const addresses = texts.map((text) => parseAddress(text.split('%', 1)[0] as string));
  return addresses.length === 0 || addresses.includes(null) ? null : (addresses as readonly Address[]);
}

function isAny({ value }: Address): boolean {
  return value === 0 || value === 0n;
}

function hostPorts(
  states: ReadonlyMap<string, readonly ListenerState[]>,
  entries: readonly RegisterEntry[],
  endpoints: ReadonlyMap<string, Endpoint>,
  admissions: ReadonlyMap<string, EndpointAdmission>,
): HostPorts {
  const taken = new Map<string, PortRange[]>();
  for (const entry of entries) getOrMake(taken, entry.transport, () => []).push(...entry.ports);
  const exposed: HostPorts['exposed'][number][] = [];
  for (const [key, listeners] of states) {
    if (listeners.length === 0) continue;
    const { host, scope, transport, port } = endpoints.get(key) as Endpoint;
    getOrMake(taken, transport, () => []).push({ from: port, to: port });
    const isBeyond = preferInside(listeners).some((l) => l.listener.bind !== 'loopback');
    if (scope === HOST_SCOPE && isBeyond)
      exposed.push({ endpoint: { host, scope, transport, port }, admission: admissions.get(key) });
  }
  const merged = new Map([...taken].map(([transport, ranges]) => [transport, mergePorts(ranges)]));
  return { exposed, taken: (transport) => merged.get(transport) ?? [] };
}
