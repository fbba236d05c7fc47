import { compareObservation, type StateChange } from '../model/changes.ts';
import type { Event } from '../model/event.ts';
import type { Observation } from '../model/observation.ts';
import type { ListenerState } from '../model/state.ts';
import { sha256 as digestOf } from '../util/sha256.ts';
import type { Database } from './database.ts';
import { writeDocuments } from './tables/documents.ts';
import { insertEvents } from './tables/events.ts';
import { type HostKey, hostKey, type StoredHost, selectHosts, upsertHosts } from './tables/host-states.ts';
import { dropUnusedShapes } from './tables/listener-shapes.ts';
import {
  deleteListeners,
  type ListenersWanted,
  selectListenersOf,
  touchListeners,
  upsertListeners,
} from './tables/listener-states.ts';
import { insertObservations, knownObservations } from './tables/observations.ts';

/** Hosts compared at once. What is known of all of them is in memory. */
const ROUND = 100;

/** An observation with what it does. */
interface Compared {
  readonly observation: Observation;
  readonly stored: StoredHost | undefined;
  readonly change: StateChange;
  readonly basis: string;
}

/**
 * The one place where observations become state and ledger, inside one transaction. A hundred hosts are read, compared and
 * written at a time: a statement for each of them would cost more than the rest. Returns the events in their order.
 */
export async function recordObservations(
  db: Database,
  observations: readonly Observation[],
  recordedAt: number,
): Promise<readonly Event[]> {
  const events: Event[] = [];
  for (const round of rounds(observations))
    for (const event of await recordRound(db, round, recordedAt)) events.push(event);
  return events;
}

/** Splits observations, in order, so that no host and vantage, and no id, occurs twice in a part. */
function* rounds(observations: readonly Observation[]): Generator<readonly Observation[], void, undefined> {
  let round: Observation[] = [];
  let seen = new Set<string>();
  for (const o of observations) {
    const key = hostKey(keyOf(o));
    if (round.length === ROUND || seen.has(key) || seen.has(o.id)) {
      yield round;
      round = [];
      seen = new Set();
    }
    round.push(o);
    seen.add(key).add(o.id);
  }
  if (round.length > 0) yield round;
}

function keyOf(o: Observation): HostKey {
  return { host: o.host.name, vantage: o.vantage };
}

async function recordRound(db: Database, round: readonly Observation[], recordedAt: number): Promise<Event[]> {
  const known = await knownObservations(
    db,
    round.map((o) => o.id),
  );
  const fresh = round.filter((o) => !known.has(o.id));
  const compared = await compareRound(db, fresh, recordedAt);

  await writeDocuments(db, 'basis', new Map(compared.map(({ basis, change }) => [basis, Buffer.from(change.basis)])));
  await writeState(db, compared);
  const events = await insertEvents(
    db,
    compared.flatMap(({ change }) => change.events),
    recordedAt,
  );
  let next = 0;
  const rows = compared.map(({ observation, change }) => {
    const own = events.slice(next, next + change.events.length);
    next += own.length;
    const record = own.find((event) => event.subject === observation.host.name && event.type !== 'host.first-seen');
    return { observation, sequence: record?.sequence ?? 0 };
  });
  await insertObservations(db, rows, recordedAt);
  return events;
}

async function compareRound(
  db: Database,
  observations: readonly Observation[],
  recordedAt: number,
): Promise<readonly Compared[]> {
  const hosts = new Map((await selectHosts(db, observations.map(keyOf))).map((stored) => [hostKey(stored.at), stored]));
  const known = observations.flatMap((observation) => {
    const host = hosts.get(hostKey(keyOf(observation)));
    return host ? [{ host, wanted: wantedOf(observation, host) }] : [];
  });
  const states = await selectListenersOf(db, known);
  return observations.map((observation) => {
    const stored = hosts.get(hostKey(keyOf(observation)));
    const listeners = stored ? (states.get(stored.id) ?? []) : [];
    const change = compareObservation({ listeners, host: stored?.state ?? null }, observation, recordedAt);
    return { observation, stored, change, basis: digestOf(change.basis) };
  });
}

/**
 * What compareObservation asks of what is known. A listener that is closed matters only where it is seen again, and
 * a host on which ports come and go has more of them than memory for them. After a look that failed, and where the clock
 * stepped back, all of them matter.
 */
function wantedOf(o: Observation, { state }: StoredHost): ListenersWanted {
  if (o.sightings === undefined || o.observedAt < state.lastObservedAt || state.coverage.length === 0) return 'all';
  const ports = new Set<number>();
  for (const { port } of o.listeners) ports.add(port);
  for (const { listener } of o.sightings) ports.add(listener.port);
  return ports;
}

/** Writes hosts, then what of their listeners is new, changed, confirmed or forgotten. */
async function writeState(db: Database, compared: readonly Compared[]): Promise<void> {
  const written = compared.filter(
    ({ stored, change }) => change.kind === 'applied' || (change.kind === 'clock' && stored),
  );
  const ids = await upsertHosts(
    db,
    written.map(({ observation, stored, change, basis }) => ({
      at: keyOf(observation),
      state: change.host,
      confirmedAt: confirmedAt(observation, stored, change),
      basis: change.kind === 'applied' || !stored ? basis : stored.basis,
    })),
  );
  const upserts: { hostState: number; state: ListenerState }[] = [];
  let isReplacing = false;
  for (const { observation, stored, change } of written) {
    const hostState = ids.get(hostKey(keyOf(observation)));
    if (hostState === undefined) throw new Error(`the host ${observation.host.name} was not written`);
    if (change.kind === 'applied' && !change.confirmsAll) await touchListeners(db, hostState, change.confirmed);
    for (const state of change.listeners) upserts.push({ hostState, state });
    await deleteListeners(db, hostState, change.forgotten);
    if (stored && change.listeners.length + change.forgotten.length > 0) isReplacing = true;
  }
  await upsertListeners(db, upserts);
  // Of hosts that are new no shape can have fallen out of use.
  if (isReplacing) await dropUnusedShapes(db);
}

function confirmedAt(o: Observation, stored: StoredHost | undefined, change: StateChange): number {
  if (change.kind === 'clock') return Math.min(stored?.confirmedAt ?? 0, o.observedAt);
  return change.confirmsAll ? o.observedAt : (stored?.confirmedAt ?? 0);
}
