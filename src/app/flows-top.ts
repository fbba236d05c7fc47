import { parseAddress } from '../model/address.ts';
import { UserError } from '../model/errors.ts';
import { ACTION, PROTOCOL } from '../model/flow.ts';
import type { FlowTop, TopKey, TopMeasure } from '../model/flow-top.ts';
import type { Context } from './context.ts';
import { damageOf, spanOf, type TimeTexts, withFlowsToRead } from './flows-read.ts';

/** What a person asked for; texts as typed. */
export interface FlowTopQuery extends TimeTexts {
  readonly by: TopKey;
  readonly measure: TopMeasure;
  readonly limit: string;
  readonly source: readonly string[];
  readonly destination: readonly string[];
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
  const narrowed = {
    ...(query.source.length > 0 && { sources: query.source.map((text) => addressOf('--source', text)) }),
    ...(query.destination.length > 0 && {
      destinations: query.destination.map((text) => addressOf('--destination', text)),
    }),
    ...portOf(query.port),
    ...(query.action === 'denied' && { actions: [ACTION.denied] }),
    ...(query.action === 'accepted' && { actions: [ACTION.accepted] }),
  };
  return withFlowsToRead(context, async (flows) => {
    const span = await spanOf(context, flows, query);
    const damaged = await damageOf(flows);
    if (!span) return { top: null, damaged };
    return { top: await flows.top({ ...span, ...narrowed }, query.by, query.measure, limit), damaged };
  });
}

function addressOf(option: string, text: string): string {
  if (parseAddress(text)) return text;
  throw new UserError(`${option} ${text} is no address`, { hint: 'Flows know addresses, no names. Such as 10.20.0.5' });
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
