import { UserError } from '../model/errors.ts';
import type { Cause, IncidentState } from '../model/incident.ts';
import type { IncidentRecord } from '../model/incident-record.ts';
import { type MaintenanceWindow, maintenanceOf } from '../model/maintenance.ts';
import type { AlertDelivery } from '../store/incident-store.ts';
import { readId } from './alerts-act.ts';
import type { Context } from './context.ts';
import { withStateToRead } from './state.ts';

export const INCIDENT_STATES: readonly IncidentState[] = ['open', 'acknowledged', 'snoozed', 'resolved'];

export interface ListedAlert {
  readonly record: IncidentRecord;
  /** The window that keeps it from being told now. */
  readonly maintenance: MaintenanceWindow | null;
}

export interface AlertList {
  readonly alerts: readonly ListedAlert[];
  /** Of the same states and owner: how many there are in all, and how many of them are open. */
  readonly total: number;
  readonly open: number;
  /** There are more than were asked for. */
  readonly isCut: boolean;
  /** Messages that could not be delivered. */
  readonly dead: readonly AlertDelivery[];
  /** Nothing was ever looked at: `alerts run` has not run. */
  readonly neverRan: boolean;
}

/** Messages that are read at once; more of them are not told apart. */
const MOST_DEAD = 10_000;

/** Incidents of states (`all`, or one), newest first. */
export async function listAlerts(
  context: Context,
  { state, owner, limit }: { readonly state?: string; readonly owner?: string; readonly limit: number },
): Promise<AlertList> {
  return withStateToRead(context, async (store) => {
    if (!store) return { alerts: [], total: 0, open: 0, isCut: false, dead: [], neverRan: true };
    const states = state === undefined ? INCIDENT_STATES.slice(0, 3) : state === 'all' ? INCIDENT_STATES : [state];
    // Whose they are stands in the record: read them all, as they are few by design.
    const records = (await store.incidents.list(states, 1_000_000)).filter(
      (record) => owner === undefined || record.owner === owner,
    );
    const windows = await store.incidents.windows(context.now());
    return {
      alerts: records.slice(0, limit).map((record) => ({
        record,
        maintenance: maintenanceOf(windows, record, context.now()) ?? null,
      })),
      total: records.length,
      open: records.filter(({ state }) => state === 'open').length,
      isCut: records.length > limit,
      dead: await store.incidents.deliveries('dead', MOST_DEAD),
      neverRan: (await store.incidents.marks()).cursor === null,
    };
  });
}

export interface ShownAlert extends ListedAlert {
  /** Newest first. */
  readonly causes: readonly Cause[];
  /** What was sent of it, newest first. */
  readonly deliveries: readonly AlertDelivery[];
}

/** One incident with everything known of it. Throws UserError where there is none. */
export async function showAlert(context: Context, typed: string): Promise<ShownAlert> {
  return withStateToRead(context, async (store) => {
    const found = await store?.incidents.find(readId(typed));
    if (!store || !found)
      throw new UserError(`there is no alert ${typed.slice(0, 40)}`, {
        hint: 'See them all: quietdoor alerts list --only all',
      });
    const windows = await store.incidents.windows(context.now());
    return { ...found, maintenance: maintenanceOf(windows, found.record, context.now()) ?? null };
  });
}
