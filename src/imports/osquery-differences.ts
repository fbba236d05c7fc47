import type { HostFacts, UnnamedObservation } from '../model/observation.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { type OsqueryRow, rowOf } from './osquery-row.ts';
import { newListing, type SocketRow } from './socket-listing.ts';

/** What one query found to differ on a host at one time. */
interface Difference {
  readonly host: HostFacts;
  readonly query: string;
  /** UTC milliseconds. */
  readonly at: number;
  /** The first result of the query: every row there is counts as added. */
  readonly isFirst: boolean;
  readonly added: readonly OsqueryRow[];
  readonly removed: readonly OsqueryRow[];
}

/** Turns differences into observations of the endpoints that they name, in the order of the log. */
export interface Differences {
  add(difference: Difference): Iterable<UnnamedObservation>;
  flush(): Iterable<UnnamedObservation>;
}

/** What is known of a query's rows on a host. */
interface Known {
  /** By endpoint and address, then by process. */
  readonly rows: Map<string, Map<number, OsqueryRow>>;
  /** The log shows the query's first result, so the rows are all there are. */
  isWhole: boolean;
}

/**
 * A row is a socket of a process: while another process holds the socket, a removed row closes nothing. An endpoint counts
 * as closed where the query does not select the process, or where the log shows every holder since the query's first result.
 */
export function newDifferences(): Differences {
  const known = new Map<string, Known>();
  let waiting: Difference | null = null;

  function* flush(): Generator<UnnamedObservation> {
    if (!waiting) return;
    const difference = waiting;
    waiting = null;
    yield observe(
      difference,
      getOrMake(known, `${difference.host.name} ${difference.query}`, () => ({ rows: new Map(), isWhole: false })),
    );
  }

  return {
    *add(next) {
      if (waiting && isSame(waiting, next)) {
        waiting = {
          ...waiting,
          added: [...waiting.added, ...next.added],
          removed: [...waiting.removed, ...next.removed],
        };
        return;
      }
      yield* flush();
      waiting = next;
    },
    flush,
  };
}

function isSame(a: Difference, b: Difference): boolean {
  return a.host.name === b.host.name && a.query === b.query && a.at === b.at && a.isFirst === b.isFirst;
}

function observe({ host, at, isFirst, added, removed }: Difference, state: Known): UnnamedObservation {
  if (isFirst) {
    state.rows.clear();
    state.isWhole = true;
  }
  const touched = new Map<string, OsqueryRow>();
  for (const row of removed) {
    touched.set(keyOf(row), row);
    state.rows.get(keyOf(row))?.delete(row.process?.pid ?? 0);
  }
  for (const row of added) {
    touched.set(keyOf(row), row);
    getOrMake(state.rows, keyOf(row), () => new Map()).set(row.process?.pid ?? 0, row);
  }
  const listing = newListing({ format: 'osquery', host, observedAt: at }, () => undefined);
  const closed: SocketRow[] = [];
  let uncertain = 0;
  for (const [key, row] of touched) {
    const holders = state.rows.get(key);
    if (holders && holders.size > 0) for (const holder of holders.values()) listing.add(rowOf(holder, scopeOf(holder)));
    else if (state.isWhole || !row.hasPid) closed.push(rowOf(row, scopeOf(row)));
    else uncertain++;
    if (holders?.size === 0) state.rows.delete(key);
  }
  if (uncertain > 0) {
    listing.gap({
      code: 'closing-not-certain',
      subject: 'removed rows',
      message: `${uncertain === 1 ? 'A removed row does' : 'Removed rows do'} not show that the port closed: other processes may hold the socket, and the log does not begin with the first result of the query.`,
      remedy: 'Give a log from the first result on, or a query that does not select the pid, or a snapshot.',
    });
  }
  return listing.finish({ partial: true, closed });
}

function keyOf({ namespace, transport, address, port }: OsqueryRow): string {
  return `${namespace ?? ''}|${transport}|${address}|${port}`;
}

/** A difference shows one namespace at a time, so a numbered one may be anybody's. */
function scopeOf({ namespace, process }: OsqueryRow): string {
  return namespace === undefined || process?.pid === 1 ? 'host' : 'unknown';
}
