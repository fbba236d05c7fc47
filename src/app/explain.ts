import { checks } from '../checks/index.ts';
import { bindScopeOf, formatAddress, parseAddress } from '../model/address.ts';
import type { Asset, AssetList } from '../model/asset.ts';
import { matchAssets } from '../model/asset-match.ts';
import { compareEndpoints, type Endpoint, endpointKey, HOST_SCOPE, UNKNOWN_SCOPE } from '../model/endpoint.ts';
import type { Event } from '../model/event.ts';
import type { EndpointFacts, EndpointResult, EstateFacts } from '../model/facts.ts';
import { isAtLeast } from '../model/finding.ts';
import type { Identities } from '../model/identity.ts';
import { nameKey } from '../model/identity-nodes.ts';
import type { HostState, ListenerState } from '../model/state.ts';
import { ticketWork } from '../model/ticket-work.ts';
import { isSeenInside, vantageKind } from '../model/vantage.ts';
import { type ExplainInput, explainJson, renderExplain } from '../reports/explain.ts';
import { printableJson } from '../reports/printable.ts';
import type { RenderOptions } from '../reports/report-format.ts';
import type { Store } from '../store/store.ts';
import { checkWith } from './check.ts';
import { type Context, thisHost } from './context.ts';
import type { EndpointQuery } from './parse-endpoint.ts';
import { withStateToRead } from './state.ts';

/** Events of a port that are read for its history. */
const EVENTS_PER_PORT = 50;

export interface Explanation {
  readonly text: string;
  /** `gaps`: nobody looked there. `findings`: an open finding of medium or above. */
  readonly outcome: 'clean' | 'findings' | 'gaps';
}

/** Everything known about the port that a person named; several ports that fit are shown one after the other. */
export async function explainEndpoint(
  context: Context,
  query: EndpointQuery,
  format: string,
  options: RenderOptions,
): Promise<Explanation> {
  return withStateToRead(context, async (store) => {
    let endpoints: readonly Endpoint[] = [];
    const outcome = await checkWith(context, store, {
      record: false,
      notRecorded: null,
      baseline: new Set(),
      also: (known) => {
        const states = known.listeners.filter((s) => s.listener.port === query.port);
        endpoints = endpointsMeant(query, meantBy(query, known, states, thisHost(context.env)), states, known.hosts);
        return endpoints;
      },
    });
    const { facts } = outcome.result;
    const tickets = ticketsByEvent(facts.estate);
    const keys = new Set(endpoints.map(endpointKey));
    const results = outcome.result.results.filter((result) => keys.has(endpointKey(result.facts.endpoint)));
    const inputs = await Promise.all(
      results.map(
        async (result): Promise<ExplainInput> => ({
          result,
          check: {
            now: outcome.result.now,
            register: { name: facts.estate.register.name, digest: facts.estate.register.digest },
            policy: facts.estate.register.policy,
            zones: facts.estate.register.zones,
            version: outcome.result.version,
          },
          tickets,
          ...(facts.estate.assets?.length ? { assets: assetsOf(facts.estate.assets, result) } : {}),
          events: store ? await eventsOf(store, result.facts, outcome.identities) : [],
          rules: checks,
          frameworks: outcome.frameworks,
          choices: facts.estate.register.frameworks,
        }),
      ),
    );
    return {
      text:
        format === 'json' ? explainJsonOf(inputs) : inputs.map((input) => renderExplain(input, options)).join('\n\n'),
      outcome: outcomeOf(results),
    };
  });
}

/**
 * Records of the port under every name and scope that it was written down by, newest first. What a look from outside
 * wrote of the host's addresses is none of another scope's, unless that is what answered.
 */
async function eventsOf(
  store: Store,
  { endpoint, listeners, closed }: EndpointFacts,
  { recordedAs }: Identities,
): Promise<readonly Event[]> {
  const isOfHost = endpoint.scope === HOST_SCOPE || endpoint.scope === UNKNOWN_SCOPE;
  const wasAsked = isOfHost || [...listeners, ...closed].some((s) => vantageKind(s.vantage) === 'outside');
  const pages = await Promise.all(
    recordedAs(endpoint.host).flatMap(({ name, isOutside }) => {
      if (isOutside && !wasAsked) return [];
      const scope = isOutside ? UNKNOWN_SCOPE : endpoint.scope;
      return store.events({ subject: endpointKey({ ...endpoint, host: name, scope }), limit: EVENTS_PER_PORT });
    }),
  );
  return pages
    .flat()
    .sort((a, b) => b.sequence - a.sequence)
    .slice(0, EVENTS_PER_PORT);
}

/** Ids of the authorised tickets that name a change, by the number of its event. */
function ticketsByEvent(estate: EstateFacts): ReadonlyMap<number, readonly string[]> {
  const named = (ticketWork(estate)?.changes ?? []).flatMap(({ change, matches }) => {
    const ids = matches.filter((match) => match.by === 'endpoint').map((match) => match.ticket.id);
    return ids.length === 0 ? [] : [[change.sequence, ids] as const];
  });
  return new Map(named);
}

/** What the inventories say of the endpoint's host. */
function assetsOf(lists: readonly AssetList[], { facts: { endpoint, host } }: EndpointResult): readonly Asset[] {
  return matchAssets(lists, host)
    .filter(({ asset, hosts }) => hosts.length > 0 || nameKey(asset.name) === nameKey(endpoint.host))
    .map(({ asset }) => asset);
}

/** One object for one port, else `{schemaVersion, matches: […]}`. */
function explainJsonOf(inputs: readonly ExplainInput[]): string {
  const [only, ...more] = inputs.map(explainJson);
  return printableJson(more.length === 0 ? only : { schemaVersion: 1, matches: [only, ...more] }, 2);
}

/** Hosts and, where an address was given, the address that is meant. */
interface Meant {
  readonly hosts: readonly string[];
  /** Only listeners that answer on it; undefined: any. */
  readonly address?: string;
}

/**
 * The hosts meant: by any of their names, by an address of theirs or of a listener in one of their scopes, or this
 * machine.
 */
export function meantBy(
  query: EndpointQuery,
  { hosts: known, nameOf }: Identities,
  states: readonly ListenerState[],
  here: string,
): Meant {
  const names = [...new Set(known.map((state) => state.host.name))];
  const self = nameOf(here) ?? here;
  const asked = query.host?.toLowerCase();
  // A workspace about one other host: there is nothing else that could be meant by "this machine".
  const thisOne = names.includes(self) || names.length !== 1 ? [self] : names;
  if (asked === undefined || asked === 'localhost') return { hosts: thisOne };
  const named = names.filter((name) => name.toLowerCase() === asked);
  if (named.length > 0) return { hosts: named };
  const parsed = parseAddress(asked);
  if (!parsed) return { hosts: [nameOf(asked) ?? (query.host as string)] };
  const address = formatAddress(parsed);
  const bound = states.filter((s) => s.listener.address === address).map((s) => s.listener.host);
  if (bound.length > 0) return { hosts: [...new Set(bound)], address };
  const holders = known.filter((state) => state.host.addresses.includes(address)).map((state) => state.host.name);
  if (holders.length > 0) return { hosts: [...new Set(holders)] };
  return { hosts: bindScopeOf(address) === 'loopback' ? thisOne : [nameOf(address) ?? (query.host as string)] };
}

/** Endpoints that fit: those that are or were open, else the bare question. */
export function endpointsMeant(
  query: EndpointQuery,
  { hosts, address }: Meant,
  states: readonly ListenerState[],
  looks: readonly HostState[],
): readonly Endpoint[] {
  const fits = (e: Endpoint) =>
    hosts.includes(e.host) &&
    (query.transport === undefined || e.transport === query.transport) &&
    (query.scope === undefined || e.scope === query.scope);
  const known = new Map(
    states
      .filter((s) => fits(s.listener) && (address === undefined || s.listener.address === address))
      .map((s) => [endpointKey(s.listener), endpointOf(s.listener)]),
  );
  if (known.size > 0) return [...known.values()].sort(compareEndpoints);
  return hosts.map((host) => ({
    host,
    scope: query.scope ?? (isSeenFromOutsideOnly(host, looks) ? UNKNOWN_SCOPE : HOST_SCOPE),
    transport: query.transport ?? 'tcp',
    port: query.port,
  }));
}

function isSeenFromOutsideOnly(host: string, looks: readonly HostState[]): boolean {
  const own = looks.filter((state) => state.host.name === host);
  return own.length > 0 && !isSeenInside(own);
}

function endpointOf({ host, scope, transport, port }: Endpoint): Endpoint {
  return { host, scope, transport, port };
}

function outcomeOf(results: readonly EndpointResult[]): Explanation['outcome'] {
  if (results.some((r) => r.findings.some((f) => f.status === 'open' && isAtLeast(f.severity, 'medium'))))
    return 'findings';
  if (results.every((r) => r.facts.host.length === 0)) return 'gaps';
  return 'clean';
}
