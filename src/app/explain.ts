import { checks } from '../checks/index.ts';
import type { Asset, AssetList } from '../model/asset.ts';
import { matchAssets } from '../model/asset-match.ts';
import { type Endpoint, endpointKey, HOST_SCOPE, UNKNOWN_SCOPE } from '../model/endpoint.ts';
import type { Event } from '../model/event.ts';
import type { EndpointFacts, EndpointResult, EstateFacts } from '../model/facts.ts';
import { isAtLeast } from '../model/finding.ts';
import type { Identities } from '../model/identity.ts';
import { nameKey } from '../model/identity-nodes.ts';
import { ticketWork } from '../model/ticket-work.ts';
import { vantageKind } from '../model/vantage.ts';
import { type ExplainInput, explainJson, renderExplain } from '../reports/explain.ts';
import { printableJson } from '../reports/printable.ts';
import type { RenderOptions } from '../reports/report-format.ts';
import type { Store } from '../store/store.ts';
import { checkWith } from './check.ts';
import { type Context, thisHost } from './context.ts';
import { endpointsMeant, meantBy } from './endpoints-meant.ts';
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

function outcomeOf(results: readonly EndpointResult[]): Explanation['outcome'] {
  if (results.some((r) => r.findings.some((f) => f.status === 'open' && isAtLeast(f.severity, 'medium'))))
    return 'findings';
  if (results.every((r) => r.facts.host.length === 0)) return 'gaps';
  return 'clean';
}
