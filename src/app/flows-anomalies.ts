import { describeCard } from '../detection/describe.ts';
import { dayOf } from '../detection/gather.ts';
import { DAY_SECONDS } from '../detection/history.ts';
import { DEFAULTS } from '../detection/parameters.ts';
import type { Anomaly, AnomalyKind } from '../model/anomaly.ts';
import { UserError } from '../model/errors.ts';
import { BUCKET_SECONDS } from '../model/flow.ts';
import type { FlowStore } from '../store/flow-store.ts';
import type { Store } from '../store/store.ts';
import type { Context } from './context.ts';
import { detectFlows } from './detect-flows.ts';
import { addressesOfHost, parseFlowPlace } from './flow-places.ts';
import { hostOfAddress } from './host-of-address.ts';
import { loadHosts } from './identities.ts';
import { loadRegister } from './load-register.ts';
import { parseTime } from './parse-time.ts';
import { withStateToRead } from './state.ts';

/** Unusual traffic of a time, UTC seconds. */
export interface FoundAnomalies {
  readonly from: number;
  readonly until: number;
  /** Days of flows before `from`. */
  readonly learnedDays: number;
  /** Ports with accepted connections. */
  readonly ports: number;
  /** In order of time. */
  readonly anomalies: readonly Anomaly[];
}

/** Days before the time asked for that are judged too, so that a card that began there is whole. */
const LEAD_DAYS = 1;

/**
 * Finds what is unusual in [from, until) (UTC seconds), learned from the flows before it. The same over the same flows,
 * whoever asks and when: a card that touches the time is told as a whole. `store`: where whole days are remembered.
 */
export async function loadAnomalies(
  flows: FlowStore,
  nameOf: (address: string) => string,
  { from, until, store = null }: { readonly from: number; readonly until: number; readonly store?: Store | null },
): Promise<FoundAnomalies> {
  const span = await flows.span();
  const end = Math.min(until, span?.until ?? 0);
  if (!span || from >= end) return { from, until, learnedDays: 0, ports: 0, anomalies: [] };
  const judged = Math.max(dayOf(span.from), dayOf(from) - LEAD_DAYS * DAY_SECONDS);
  const { cards, table, ports } = await detectFlows(flows, { first: span.from, from: judged, until: end }, store);
  return {
    ...{ from, until, ports, learnedDays: Math.max(0, Math.floor((from - span.from) / DAY_SECONDS)) },
    anomalies: cards
      .filter((card) => card.to > from && card.from < until)
      .map((card) => describeCard(card, table, nameOf)),
  };
}

/** What is known of hosts, for flows. */
export interface FlowHosts {
  /** The name of the host with this address, else the address. */
  nameOf(address: string): string;
  /** Addresses of a host that a person named. Throws UserError where it is not known. */
  addressesOf(option: string, host: string): readonly string[];
}

/** Runs something with the flows of a workspace and the names of hosts. Throws UserError where there are no flows. */
export async function withObservedFlows<T>(
  context: Context,
  use: (flows: FlowStore, hosts: FlowHosts, store: Store) => Promise<T>,
): Promise<T> {
  const { openFlowStore } = await import('../store/flows.ts');
  return withStateToRead(context, async (store) => {
    if (!store) throw noFlows();
    const { register } = await loadRegister(context, store);
    const hosts = await loadHosts(store, register, context.now());
    await using flows = await openFlowStore(context.state, store, 'read');
    const hostOf = hostOfAddress(hosts);
    const nameOf = (address: string) => hostOf(address) ?? address;
    return await use(flows, { nameOf, addressesOf: (option, host) => addressesOfHost(hosts, option, host) }, store);
  });
}

function noFlows(): UserError {
  return new UserError('no flows are recorded here', {
    hint: 'Take some in first: quietdoor flows import FILE, or quietdoor flows collect.',
  });
}

/** What a person asked for; texts as typed. */
export interface AnomalyRequest {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly endpoint: string | undefined;
  readonly kinds: readonly AnomalyKind[];
  /** Days that are looked at where --from is not given; null: all that can be judged. */
  readonly defaultDays: number | null;
}

/** Unusual traffic that a person asked for. Throws UserError. */
export async function findAnomalies(context: Context, request: AnomalyRequest): Promise<FoundAnomalies> {
  const place = request.endpoint === undefined ? null : parseFlowPlace('--endpoint', request.endpoint);
  return withObservedFlows(context, async (flows, { nameOf, addressesOf }, store) => {
    const asked = place && { ...place, hosts: new Set(addressesOf('--endpoint', place.host).map(nameOf)) };
    const span = await flows.span();
    if (!span) throw noFlows();
    const now = context.now();
    const until = request.to === undefined ? span.until : Math.floor(parseTime(request.to, now) / 1_000);
    const from =
      request.from === undefined ? defaultFrom(request, span.from, until) : parseTime(request.from, now) / 1_000;
    if (!(from < until)) throw new UserError('the time to look at is empty: --from must be before --to');
    const bucket = (time: number) => Math.floor(time / BUCKET_SECONDS) * BUCKET_SECONDS;
    const found = await loadAnomalies(flows, nameOf, {
      from: bucket(from),
      until: bucket(until + BUCKET_SECONDS - 1),
      store,
    });
    return { ...found, anomalies: found.anomalies.filter((anomaly) => isAsked(anomaly, asked, request.kinds)) };
  });
}

/** A week by default; for a backtest, everything after the first weeks that are only learned from. */
function defaultFrom({ defaultDays }: AnomalyRequest, spanFrom: number, until: number): number {
  if (defaultDays !== null) return until - defaultDays * DAY_SECONDS;
  return Math.min(dayOf(spanFrom) + DEFAULTS.learningDays * DAY_SECONDS, until - DAY_SECONDS);
}

/** Of the anomaly's own port, or one of its many. */
function isAsked(
  anomaly: Anomaly,
  place: { readonly hosts: ReadonlySet<string>; readonly port?: number; readonly transport?: string } | null,
  kinds: readonly AnomalyKind[],
): boolean {
  if (kinds.length > 0 && !kinds.includes(anomaly.kind) && !anomaly.also.some((kind) => kinds.includes(kind)))
    return false;
  if (place === null) return true;
  const all = [...(anomaly.endpoint ? [anomaly.endpoint] : []), ...(anomaly.endpoints ?? [])];
  return all.some(
    ({ host, port, transport }) =>
      place.hosts.has(host) && (place.port ?? port) === port && (place.transport ?? transport) === transport,
  );
}
