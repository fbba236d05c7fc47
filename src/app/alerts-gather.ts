import type { Anomaly } from '../model/anomaly.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Identities } from '../model/identity.ts';
import type { Cause } from '../model/incident.ts';
import { CAUSE_EVENTS, causeOfEvent, causesOfAnomalies, causesOfFindings } from '../model/incident-causes.ts';
import { openPlaces, type Places } from '../model/incident-place.ts';
import { buildMatcher, mergeHosts } from '../model/match.ts';
import type { Register } from '../model/register.ts';
import type { Store } from '../store/store.ts';
import { checkWith } from './check.ts';
import type { Context } from './context.ts';

/** Unusual traffic of the last days. `now`: UTC milliseconds. */
export type AnomalySource = (
  context: Context,
  store: Store,
  at: { readonly identities: Identities; readonly now: number },
) => Promise<readonly Anomaly[]>;

export interface Gathered {
  readonly register: Register;
  readonly places: Places;
  /** Every cause of now: all open findings, what happened since the last run, unusual traffic of late. */
  readonly found: readonly Cause[];
  /** The findings are all there are: no part of the register is broken. */
  readonly isWhole: boolean;
  /** Last record of the ledger that was looked at. */
  readonly cursor: number;
}

/** Records of the ledger that are read at once. */
const ROUND = 5_000;

/** Gathers what may be a cause of trouble. `cursor`: where the last run stopped in the ledger; null: this is the first. */
export async function gatherCauses(
  context: Context,
  store: Store,
  cursor: number | null,
  anomalies: AnomalySource,
): Promise<Gathered> {
  // Before the check: what is recorded meanwhile is for the next run.
  const newest = await store.incidents.newestEvent();
  const { result, identities } = await checkWith(context, store, {
    record: true,
    notRecorded: null,
    baseline: new Set(),
  });
  const { now, facts } = result;
  const places = openPlaces(result, identities.owners);
  const unusual = await anomalies(context, store, { identities, now });
  const found = [
    ...causesOfFindings(result.findings, now),
    ...causesOfAnomalies(
      unusual,
      ({ host, transport, port }) => places.endpoint(host, transport, port),
      result.findings,
    ),
  ];
  const { register } = facts.estate;
  const isRegistered = registered(register, identities);
  for (let at = cursor ?? newest; at < newest; ) {
    const events = await store.incidents.eventsAfter(at, CAUSE_EVENTS, ROUND);
    for (const event of events) {
      if (event.sequence > newest) break;
      const cause = causeOfEvent(event, isRegistered);
      if (cause) found.push(cause);
    }
    at = events.length < ROUND ? newest : (events.at(-1)?.sequence ?? newest);
  }
  const isWhole = register.problems.every((problem) => problem.severity !== 'error');
  return { register, places, found, isWhole, cursor: newest };
}

/** The event names the host as it was recorded; the register may know it by another name. */
function registered(register: Register, identities: Identities): (endpoint: Endpoint) => boolean {
  const matcher = buildMatcher(register.entries, mergeHosts(identities.known));
  return (endpoint) =>
    [endpoint.host, identities.nameOf(endpoint.host) ?? endpoint.host].some(
      (host) => matcher.entriesFor({ ...endpoint, host }).length > 0,
    );
}
