/** A TCP socket began or ceased to listen, as the kernel traced it (tracepoint sock:inet_sock_set_state). */
export interface SocketTraceEvent {
  readonly kind: 'listen' | 'unlisten';
  /** UTC milliseconds. */
  readonly at: number;
  /** Process that did it, and its name (comm); 0 where the kernel did it for nobody. The name is empty where it is lost. */
  readonly pid: number;
  readonly comm: string;
  readonly family: 'ipv4' | 'ipv6';
  /** Canonical text. */
  readonly address: string;
  /** 0 where listen(2) was called on a socket without a port: the kernel chooses one just after it tells of the event. */
  readonly port: number;
  /**
   * Network namespace of the process when the event was read, as /proc/PID/ns/net names it (`net:[4026531840]`). Absent:
   * the process had ended by then, or may not be looked into.
   */
  readonly netns?: string;
}

/** A running trace. */
export interface SocketTrace extends AsyncDisposable {
  /** Events as they come, in batches that were read together. Ends when the trace is closed. */
  readonly events: AsyncIterable<readonly SocketTraceEvent[]>;
  /** Events that the kernel dropped since the trace began, all CPUs. */
  lost(): Promise<number>;
  /** Lines of the trace since it began that were not understood: the kernel words them in another way. */
  unrecognised?(): number;
  close(): Promise<void>;
}

/** Why there is no trace: not root, no tracefs, no such tracepoint. A sentence. */
export interface NoSocketTrace {
  readonly unavailable: string;
}
