import { randomBytes } from 'node:crypto';
import { UserError } from '../model/errors.ts';
import type { EventDraft } from '../model/event.ts';
import { incidentId } from '../model/incident-record.ts';
import { type MaintenanceWindow, readWhere } from '../model/maintenance.ts';
import type { Context } from './context.ts';
import { parseTime } from './parse-time.ts';
import { parseUntil } from './parse-until.ts';
import { openStateToWrite, withStateToRead } from './state.ts';

/** A window as a person asks for it; texts as typed. */
export interface MaintenanceRequest {
  /** `host:NAME`, `endpoint:HOST:PORT[/transport]`, `zone:NAME`. */
  readonly where: readonly string[];
  /** Absent: now. */
  readonly from?: string;
  readonly until: string;
  readonly reason: string;
}

/** Longest window: what is wrong for longer is no maintenance. */
const LONGEST_MS = 90 * 86_400_000;
const LONGEST_REASON = 500;

/** Announces a maintenance window, with its record in the ledger. Throws UserError where it cannot be. */
export async function announceMaintenance(context: Context, request: MaintenanceRequest): Promise<MaintenanceWindow> {
  const now = context.now();
  const where = request.where.map((text) => {
    const read = readWhere(text);
    if ('problem' in read) throw new UserError(read.problem);
    return read.where;
  });
  if (where.length === 0)
    throw new UserError('a window is about something: expected host:NAME, endpoint:… or zone:NAME');
  const until = parseUntil(request.until, now);
  const from = request.from === undefined ? now : parseStart(request.from, now);
  if (until <= from) throw new UserError(`the window would end (${request.until}) before it begins (${request.from})`);
  if (until - from > LONGEST_MS)
    throw new UserError('a maintenance window of more than 90 days is none', {
      hint: 'Accept what stays for longer in exceptions.yaml, or name it under alerts.ignore.',
    });
  const reason = request.reason.trim();
  if (reason === '' || reason.length > LONGEST_REASON || !reason.isWellFormed())
    throw new UserError(`a reason of 1 to ${LONGEST_REASON} characters is expected`);
  const by = context.actor.replace(/^user:/, '');
  const id = incidentId(randomBytes(16).toString('hex')).replace('Q-', 'M-');
  const window: MaintenanceWindow = { id, where, from, until, reason, by, endedAt: null };
  await using store = await openStateToWrite(context);
  await store.incidents.write({ windows: [window], events: [eventOf(context, window, now)] }, now);
  return window;
}

/** A begin may lie in the past: nobody announces in time. `2h` is in two hours. */
function parseStart(text: string, now: number): number {
  return /^\d{1,6}[mhdw]$/.test(text) ? parseUntil(text, now) : parseTime(text, now);
}

/** Windows that are not over; all of them where asked. */
export async function listMaintenance(context: Context, isAll: boolean): Promise<readonly MaintenanceWindow[]> {
  return withStateToRead(context, async (store) =>
    store ? store.incidents.windows(isAll ? null : context.now()) : [],
  );
}

/** Ends a window before its time: what is still there is told by the next run. Throws UserError where there is none. */
export async function endMaintenance(context: Context, typed: string): Promise<MaintenanceWindow> {
  const now = context.now();
  await using store = await openStateToWrite(context);
  const id = typed.trim().toUpperCase();
  const found = (await store.incidents.windows(now)).find((window) => window.id === id || window.id === `M-${id}`);
  if (!found)
    throw new UserError(`there is no maintenance window ${typed.slice(0, 40)} that is not over`, {
      hint: 'See them: quietdoor alerts maintenance list',
    });
  const ended = { ...found, endedAt: now };
  await store.incidents.write({ windows: [ended], events: [eventOf(context, ended, now)] }, now);
  return ended;
}

function eventOf(context: Context, window: MaintenanceWindow, observedAt: number): EventDraft {
  const { id, where, from, until, reason, by, endedAt } = window;
  const iso = (ms: number) => new Date(ms).toISOString();
  return {
    ...{ type: 'maintenance.announced', observedAt, actor: context.actor, subject: id },
    body: {
      ...{ by, ...(endedAt !== null && { ended: iso(endedAt) }), from: iso(from), reason },
      ...{ until: iso(until), where: [...where] },
    },
  };
}
