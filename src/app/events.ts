import { UserError } from '../model/errors.ts';
import type { Event, EventType } from '../model/event.ts';
import type { Store } from '../store/store.ts';
import type { Context } from './context.ts';
import { loadHosts } from './identities.ts';
import { loadRegister } from './load-register.ts';
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
  const others = {
    ...(query.since === undefined ? {} : { since: parseTime(query.since, now) }),
    ...(query.until === undefined ? {} : { until: parseTime(query.until, now) }),
    ...(query.types === undefined ? {} : { types: query.types as EventType[] }),
    limit,
  };
  return withStateToRead(context, async (store) => {
    if (store === null) return [];
    if (query.subject === undefined) return store.events(others);
    const found = new Map<number, Event>();
    for (const subject of [{ subjectPrefix: query.subject }, ...(await otherNames(context, store, query.subject))])
      for (const event of await store.events({ ...others, ...subject })) found.set(event.sequence, event);
    return [...found.values()].sort((a, b) => b.sequence - a.sequence).slice(0, limit);
  });
}

/** What else the records of a host, or of a port of it, stand under: every name that it was recorded by. */
async function otherNames(context: Context, store: Store, asked: string) {
  const { register } = await loadRegister(context, store);
  const { nameOf, recordedAs } = await loadHosts(store, register, context.now());
  const [, host = asked, port] = nameOf(asked) === undefined ? (/^(.+):(\d+\S*)$/.exec(asked) ?? []) : [];
  const name = nameOf(host);
  if (name === undefined) return [];
  return recordedAs(name)
    .filter((recorded) => recorded.name !== host)
    .flatMap((recorded) =>
      port === undefined
        ? [{ subject: recorded.name }, { subjectPrefix: `${recorded.name}:` }]
        : [{ subjectPrefix: `${recorded.name}:${port}` }],
    );
}
