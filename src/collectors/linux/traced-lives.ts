import type { SocketTraceEvent } from './socket-trace-types.ts';

/** A stretch of time in which something listened on an address and port of a namespace. */
export interface TracedLife {
  /** As /proc/PID/ns/net names it; `undefined`: not known any more. */
  readonly netns: string | undefined;
  readonly family: SocketTraceEvent['family'];
  readonly address: string;
  readonly port: number;
  /** UTC milliseconds; null: before these events, or after them. */
  openedAt: number | null;
  closedAt: number | null;
  /** Who opened it; who closed it where nobody was seen to open it. */
  readonly pid: number;
  readonly comm: string;
  /** Place among the events of the one that began it. */
  readonly order: number;
}

export interface TracedLives {
  /** In the order of their first event. Only the last of an endpoint can still be open. */
  readonly lives: readonly TracedLife[];
  /** `listen` events without a port that no later event told. */
  readonly portless: readonly { readonly event: SocketTraceEvent; readonly order: number }[];
}

interface Endpoint {
  last: TracedLife;
  /** Sockets of these events that listen on it; several may share it (SO_REUSEPORT). */
  sockets: number;
}

export function lifeKey(l: { readonly netns?: string | undefined; readonly address: string; readonly port: number }) {
  return `${l.netns ?? ''}|${l.address}|${l.port}`;
}

/**
 * Folds events into stretches of time. Sockets that share an address and port are one: it opens with the first and
 * closes with the last. What a socket without a port got is told when it closes, by the same process on the same
 * address; where several could be meant it stays open which.
 * `netnsOf`: namespace of a socket that closed, where the event does not name it.
 */
export function foldTrace(
  events: readonly SocketTraceEvent[],
  netnsOf: (closed: SocketTraceEvent) => string | undefined = () => undefined,
): TracedLives {
  const lives: TracedLife[] = [];
  const endpoints = new Map<string, Endpoint>();
  /** By process and address. The namespace of a process that has ended by the time it closes a socket is not told. */
  const opened = new Map<string, string | undefined>();
  const portless = new Map<string, { event: SocketTraceEvent; order: number }[]>();

  const begin = (from: SocketTraceEvent, netns: string | undefined, order: number, life: Partial<TracedLife>) => {
    const { family, address, port, pid, comm } = from;
    const made: TracedLife = {
      ...{ netns, family, address, port, pid, comm, order },
      ...{ openedAt: null, closedAt: null },
      ...life,
    };
    lives.push(made);
    endpoints.set(lifeKey(made), { last: made, sockets: made.closedAt === null ? 1 : 0 });
  };

  for (const [order, event] of events.entries()) {
    const { kind, at, pid, address, port } = event;
    const owner = `${pid}|${event.family}|${address}`;
    if (kind === 'listen' && port === 0) {
      const waiting = portless.get(owner);
      if (waiting) waiting.push({ event, order });
      else portless.set(owner, [{ event, order }]);
      continue;
    }
    let netns = event.netns ?? opened.get(`${owner}|${port}`);
    if (kind === 'unlisten') netns ??= netnsOf(event);
    const endpoint = endpoints.get(lifeKey({ netns, address, port }));
    if (kind === 'listen') {
      opened.set(`${owner}|${port}`, netns);
      if (endpoint && endpoint.sockets > 0) endpoint.sockets++;
      else begin(event, netns, order, { openedAt: at });
      continue;
    }
    if (endpoint && endpoint.sockets > 0) {
      endpoint.sockets--;
      if (endpoint.sockets === 0) endpoint.last.closedAt = at;
      continue;
    }
    const waiting = portless.get(owner);
    const only = waiting?.length === 1 ? waiting[0] : undefined;
    if (only) portless.delete(owner);
    begin(event, netns ?? only?.event.netns, only?.order ?? order, { openedAt: only?.event.at ?? null, closedAt: at });
  }
  return {
    lives: lives.sort((a, b) => a.order - b.order),
    portless: [...portless.values()].flat().sort((a, b) => a.order - b.order),
  };
}
