import type { Listener } from '../../model/listener.ts';
import type { Gap } from '../../model/observation.ts';
import type { SocketTraceEvent } from './socket-trace-types.ts';

/** One stretch of time in which an endpoint listened on an address, as the trace told of it. */
export interface TracedListener {
  /**
   * With what could still be known. The process has only its pid and name (from the event) where it ended before it was
   * looked at; the scope is `unknown` where its network namespace could not be told any more.
   */
  readonly listener: Listener;
  /** UTC milliseconds; null: it listened before these events. */
  readonly openedAt: number | null;
  /** UTC milliseconds; null: it listens still, as far as the trace and the table tell. */
  readonly closedAt: number | null;
  /**
   * UTC milliseconds of a socket that ceased to listen although the table shows one, and only one, that does: it was
   * opened again before the look (the event of that is to come), or two shared the port. Absent: there was none.
   */
  readonly ceasedAt?: number;
  /** The kernel's own table showed it during the look. */
  readonly seenInTable: boolean;
  /** What could not be known any more, and why. */
  readonly gaps: readonly Gap[];
}

/** What a targeted look gives. */
export interface TracedLook {
  /** UTC milliseconds at the start of the look. */
  readonly lookedAt: number;
  readonly durationMs: number;
  /** In the order of their first event. One endpoint may come several times: it opened and closed and opened again. */
  readonly listeners: readonly TracedListener[];
  /** Events that name no port and whose socket was gone before it could be found: something listened, on an unknown port. */
  readonly unplaced: readonly { readonly event: SocketTraceEvent; readonly gap: Gap }[];
}

/** Looks at what the trace told of, and at nothing else. Remembers what seldom changes; one per machine. */
export interface TargetedLook {
  /** `events`: one or more batches of the trace, in their order. Never throws for what could not be read. */
  lookAtTraced(events: readonly SocketTraceEvent[]): TracedLook;
}

export interface TargetedLookOptions {
  /** Name of this host in listeners, as the snapshots give it. */
  readonly host: string;
  /** UTC milliseconds. */
  readonly now: () => number;
  /**
   * What is known to listen. A process that is killed shows its namespace to nobody any more when its sockets close; one
   * that is known to have held the port was in that port's scope.
   */
  readonly known?: () => Iterable<Listener>;
}
