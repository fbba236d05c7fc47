/** A TCP socket began or ceased to listen, as the kernel traced it (tracepoint sock:inet_sock_set_state). */
export interface SocketTraceEvent {
  readonly kind: 'listen' | 'unlisten';
  /** UTC milliseconds. */
  readonly at: number;
  /** Process that did it, and its name (comm); 0 where the kernel did it for nobody. */
  readonly pid: number;
  readonly comm: string;
  readonly family: 'ipv4' | 'ipv6';
  /** Canonical text. */
  readonly address: string;
  readonly port: number;
}

/** A running trace. */
export interface SocketTrace extends AsyncDisposable {
  /** Events as they come, in batches that were read together. Ends when the trace is closed. */
  readonly events: AsyncIterable<readonly SocketTraceEvent[]>;
  /** Events that the kernel dropped since the trace began, all CPUs. */
  lost(): Promise<number>;
  close(): Promise<void>;
}

/** Why there is no trace: not root, no tracefs, no such tracepoint. A sentence. */
export interface NoSocketTrace {
  readonly unavailable: string;
}
