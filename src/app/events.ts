import { UserError } from '../model/errors.ts';
import type { Event, EventType } from '../model/event.ts';
import type { Context } from './context.ts';
import { parseTime } from './parse-time.ts';
import { withStateToRead } from './state.ts';

/** What a person asked for; texts as typed. */
export interface EventQuery {
  readonly subject: string | undefined;
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly types: readonly string[] | undefined;
  readonly limit: string;
}

/** Events that match, newest first. Throws UserError on a query that cannot be read. */
export async function listEvents(context: Context, query: EventQuery): Promise<readonly Event[]> {
  const now = context.now();
  const limit = Number(query.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000_000) {
    throw new UserError(`--limit is "${query.limit}"; a whole number from 1 to 1000000 is expected`);
  }
  return withStateToRead(context, async (store) =>
    store === null
      ? []
      : store.events({
          ...(query.subject === undefined ? {} : { subjectPrefix: query.subject }),
          ...(query.since === undefined ? {} : { since: parseTime(query.since, now) }),
          ...(query.until === undefined ? {} : { until: parseTime(query.until, now) }),
          ...(query.types === undefined ? {} : { types: query.types as EventType[] }),
          limit,
        }),
  );
}
