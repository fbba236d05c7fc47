import { UserError } from '../model/errors.ts';
import { ACTION, PROTOCOL } from '../model/flow.ts';
import type { FlowTop, TopKey, TopMeasure } from '../model/flow-top.ts';
import type { Store } from '../store/store.ts';
import type { Context } from './context.ts';
import { addressesOfHost, parseFlowPlace } from './flow-places.ts';
import { damageOf, spanOf, type TimeTexts, withFlowsToRead } from './flows-read.ts';
import { loadHosts } from './identities.ts';
import { loadRegister } from './load-register.ts';

/** What a person asked for; texts as typed. */
export interface FlowTopQuery extends TimeTexts {
  readonly by: TopKey;
  readonly measure: TopMeasure;
  readonly limit: string;
  readonly source: readonly string[];
  readonly destination: readonly string[];
  /** `HOST:PORT/TRANSPORT`, or less of it; in place of `destination` and `port`. */
  readonly endpoint: string | undefined;
  /** `443` or `443/tcp`. */
  readonly port: string | undefined;
  readonly action: 'accepted' | 'denied' | undefined;
}

/** The largest flows. null: none are kept. Throws UserError on a query that cannot be read. */
export async function topFlows(
  context: Context,
  query: FlowTopQuery,
): Promise<{ readonly top: FlowTop | null; readonly damaged: readonly string[] }> {
  const limit = Number(query.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > 100_000)
    throw new UserError(`--limit is "${query.limit}"; a whole number from 1 to 100000 is expected`);
  const place = placeOf(query);
  return withFlowsToRead(context, async (flows, store) => {
    const addressesOf = await addressBook(context, store);
    const narrowed = {
      ...(query.source.length > 0 && { sources: query.source.flatMap((text) => addressesOf('--source', text)) }),
      ...(query.destination.length > 0 && {
        destinations: query.destination.flatMap((text) => addressesOf('--destination', text)),
      }),
      ...(query.endpoint !== undefined &&
        place.host !== undefined && { destinations: addressesOf('--endpoint', place.host) }),
      ...place.ports,
      ...(query.action === 'denied' && { actions: [ACTION.denied] }),
      ...(query.action === 'accepted' && { actions: [ACTION.accepted] }),
    };
    const span = await spanOf(context, flows, query);
    const damaged = await damageOf(flows);
    if (!span) return { top: null, damaged };
    return { top: await flows.top({ ...span, ...narrowed }, query.by, query.measure, limit), damaged };
  });
}

/** The host that --endpoint names, and the port of it or of --port. */
function placeOf({ endpoint, destination, port }: FlowTopQuery): {
  readonly host?: string;
  readonly ports: { port?: number; protocol?: number };
} {
  if (endpoint === undefined) return { ports: portOf(port) };
  if (destination.length > 0 || port !== undefined)
    throw new UserError('--endpoint says host and port: give it without --destination and --port');
  const place = parseFlowPlace('--endpoint', endpoint);
  const { transport } = place;
  return {
    host: place.host,
    ports: {
      ...(place.port !== undefined && { port: place.port }),
      ...(transport !== undefined && { protocol: (PROTOCOL as Readonly<Record<string, number>>)[transport] as number }),
    },
  };
}

/** Addresses of what a person named: an address itself, or a host that is known. */
async function addressBook(
  context: Context,
  store: Store,
): Promise<(option: string, text: string) => readonly string[]> {
  const { register } = await loadRegister(context, store);
  const hosts = await loadHosts(store, register, context.now());
  return (option, text) => addressesOfHost(hosts, option, text);
}

function portOf(text: string | undefined): { port?: number; protocol?: number } {
  if (text === undefined) return {};
  const [, port, transport] = /^(\d{1,5})(?:\/([a-z]+))?$/.exec(text) ?? [];
  const protocol = transport === undefined ? undefined : (PROTOCOL as Readonly<Record<string, number>>)[transport];
  if (port === undefined || Number(port) > 65_535 || (transport !== undefined && protocol === undefined))
    throw new UserError(`--port ${text} is no port`, {
      hint: `Such as 443 or 443/tcp; transports: ${Object.keys(PROTOCOL).join(', ')}`,
    });
  return { port: Number(port), ...(protocol !== undefined && { protocol }) };
}
