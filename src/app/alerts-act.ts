import { endpointKey } from '../model/endpoint.ts';
import { UserError } from '../model/errors.ts';
import type { EventDraft } from '../model/event.ts';
import type { IncidentRecord } from '../model/incident-record.ts';
import type { Store } from '../store/store.ts';
import type { Context } from './context.ts';
import { parseUntil } from './parse-until.ts';
import { openStateToWrite } from './state.ts';

/** What a person does with an incident. */
export type AlertAction =
  | { readonly verb: 'ack'; readonly note: string }
  | { readonly verb: 'resolve'; readonly note: string }
  | { readonly verb: 'snooze'; readonly until: string; readonly note: string | null };

/** Longest note, characters. */
const LONGEST_NOTE = 2_000;
/** What was there when a person resolved it opens it again only after this: the next look may come late. */
const RESOLVED_QUIET_MS = 24 * 3_600_000;
const MOST_TRIES = 5;

/** Acknowledges, snoozes or resolves an incident, with its record in the ledger. Throws UserError where that cannot be. */
export async function actOnAlert(context: Context, typed: string, action: AlertAction): Promise<IncidentRecord> {
  const now = context.now();
  const note = noteOf(action);
  const until = action.verb === 'snooze' ? parseUntil(action.until, now) : null;
  await using store = await openStateToWrite(context);
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const { version } = await store.incidents.marks();
    const record = await findRecord(store, typed);
    const by = context.actor.replace(/^user:/, '');
    const changed = changedBy(record, action.verb, { by, note, until, now });
    if (
      await store.incidents.write(
        { version, records: [changed], events: [eventOf(context, changed, action, now)] },
        now,
      )
    )
      return changed;
  }
  throw new UserError('incidents were changed by others again and again meanwhile', {
    hint: 'Nothing was changed. Try again.',
  });
}

function noteOf(action: AlertAction): string | null {
  const note = action.note?.trim() ?? null;
  if (note === null) return null;
  if (note === '') throw new UserError('the note is empty', { hint: 'Say why, for whoever reads the record later.' });
  if (note.length > LONGEST_NOTE || !note.isWellFormed())
    throw new UserError(`the note has ${note.length} characters; text of at most ${LONGEST_NOTE} is expected`);
  return note;
}

/** An id as it is typed: in any case, without `Q-`, and with the letters that are no digits of it. */
export function readId(typed: string): string {
  const digits = typed
    .trim()
    .toUpperCase()
    .replace(/^Q-?(?=.)/, '')
    .replaceAll('O', '0')
    .replaceAll(/[IL]/g, '1');
  return `Q-${digits}`;
}

/** Throws UserError where there is no such incident. */
export async function findRecord(store: Store, typed: string): Promise<IncidentRecord> {
  const found = await store.incidents.find(readId(typed));
  if (found) return found.record;
  throw new UserError(`there is no alert ${typed.slice(0, 40)}`, {
    hint: 'See them all: quietdoor alerts list --only all',
  });
}

interface Acting {
  readonly by: string;
  readonly note: string | null;
  readonly until: number | null;
  readonly now: number;
}

function changedBy(
  record: IncidentRecord,
  verb: AlertAction['verb'],
  { by, note, until, now }: Acting,
): IncidentRecord {
  if (record.state === 'resolved')
    throw new UserError(`${record.id} is resolved already`, {
      hint: 'It opens again by itself when its cause comes back.',
    });
  const said = { by, note: note ?? record.note, waiting: [] };
  switch (verb) {
    case 'ack':
      return { ...record, ...said, state: 'acknowledged', snoozedUntil: null };
    case 'snooze':
      return { ...record, ...said, state: 'snoozed', snoozedUntil: until };
    case 'resolve':
      return {
        ...{ ...record, ...said, state: 'resolved', snoozedUntil: null },
        ...{ resolvedAt: now, quietUntil: now + RESOLVED_QUIET_MS },
      };
  }
}

const EVENTS = { ack: 'alert.acknowledged', snooze: 'alert.snoozed', resolve: 'alert.resolved' } as const;

function eventOf(context: Context, record: IncidentRecord, action: AlertAction, observedAt: number): EventDraft {
  const { id, severity, title, by, endpoint, snoozedUntil } = record;
  const note = noteOf(action);
  return {
    ...{ type: EVENTS[action.verb], observedAt, actor: context.actor },
    subject: endpoint ? endpointKey(endpoint) : id,
    body: {
      ...{ by, incident: id, ...(note !== null && { note }), severity, title },
      ...(snoozedUntil !== null && { until: new Date(snoozedUntil).toISOString() }),
    },
  };
}
