import { readLink } from './files.ts';
import { monotonicToUtc } from './socket-trace-clock.ts';
import {
  findTracefs,
  makeInstance,
  removeStaleInstances,
  startTrace,
  type TraceInstance,
} from './socket-trace-instance.ts';
import type { TracedLine } from './socket-trace-line.ts';
import { createTraceParser } from './socket-trace-parser.ts';
import { openTracePipe, type TracePipe } from './socket-trace-pipe.ts';
import { createEventQueue } from './socket-trace-queue.ts';
import { refusalBefore, refusalFrom } from './socket-trace-refusal.ts';
import type { NoSocketTrace, SocketTrace, SocketTraceEvent } from './socket-trace-types.ts';

export interface SocketTraceOptions {
  /** Where tracefs is mounted. Absent: where it belongs, below /sys/kernel. */
  readonly tracefs?: string;
  /** Size of the kernel's buffer per processor. Absent: 2048, less on machines with more than 32 processors. */
  readonly bufferKbPerCpu?: number;
  /** How new events are waited for, see `openTracePipe`. Absent: the best that this Node offers. */
  readonly readiness?: 'wait' | 'look';
}

/** Endpoints whose namespace is kept for the moment when they close and the process is gone; the oldest give way. */
const MAX_KEPT_NAMESPACES = 65_536;

/**
 * Traces TCP sockets that begin and cease to listen, in every network namespace, from now on. An instance of our own:
 * what others trace is left alone. Close it before the process ends; one left behind by a process that was killed is
 * removed by the next that starts.
 */
export async function openSocketTrace(options: SocketTraceOptions = {}): Promise<SocketTrace | NoSocketTrace> {
  const tracefs = options.tracefs ?? (process.platform === 'linux' ? findTracefs() : undefined);
  const unavailable = refusalBefore(tracefs);
  if (unavailable !== undefined || tracefs === undefined)
    return { unavailable: unavailable ?? 'tracefs is not mounted.' };
  let instance: TraceInstance | undefined;
  try {
    removeStaleInstances(tracefs);
    instance = makeInstance(tracefs, options.bufferKbPerCpu);
    startTrace(instance);
    return read(instance, options.readiness ?? 'best');
  } catch (error) {
    instance?.remove();
    return { unavailable: refusalFrom(error, tracefs) };
  }
}

/** From here on the instance is in use, and close() gives it back. */
function read(instance: TraceInstance, how: 'wait' | 'look' | 'best'): SocketTrace {
  const parser = createTraceParser();
  const queue = createEventQueue({ onFull: () => pipe.pause(), onRoom: () => pipe.resume() });
  const namespaces = new Map<string, string>();
  const pipe: TracePipe = openTracePipe(`${instance.path}/trace_pipe`, how, {
    onPiece: (bytes) => {
      const lines = parser.push(bytes);
      if (lines.length > 0) queue.push(complete(lines, namespaces));
    },
    onEnd: () => queue.end(),
  });
  // process.exit(), or an exception that nobody caught
  const onExit = () => {
    pipe.abandon();
    instance.remove();
  };
  let closing: Promise<void> | undefined;
  let lostInAll = 0;
  const close = () => {
    closing ??= (async () => {
      process.off('exit', onExit);
      await pipe.close();
      lostInAll = await instance.lost();
      instance.remove();
    })();
    return closing;
  };
  process.on('exit', onExit);
  return {
    events: queue,
    lost: async () => {
      if (closing === undefined) return instance.lost();
      await closing;
      return lostInAll;
    },
    unrecognised: parser.unrecognised,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Adds what only the moment of reading can tell: the time of day, and the namespace of a process that may end soon. */
function complete(lines: readonly TracedLine[], kept: Map<string, string>): SocketTraceEvent[] {
  const toUtc = monotonicToUtc();
  const seen = new Map<number, string | undefined>();
  return lines.map(({ seconds, ...line }) => {
    const { pid, kind } = line;
    if (!seen.has(pid)) seen.set(pid, pid === 0 ? undefined : readLink(`/proc/${pid}/ns/net`));
    const key = `${pid}|${line.address}|${line.port}`;
    const portless = `${pid}|${line.address}|0`;
    const netns = seen.get(pid) ?? (kind === 'unlisten' ? (kept.get(key) ?? kept.get(portless)) : undefined);
    if (kind === 'unlisten') kept.delete(key);
    else if (netns !== undefined) keep(kept, key, netns);
    return { ...line, at: toUtc(seconds), ...(netns === undefined ? {} : { netns }) };
  });
}

function keep(kept: Map<string, string>, key: string, netns: string): void {
  if (kept.size >= MAX_KEPT_NAMESPACES) kept.delete(kept.keys().next().value as string);
  kept.set(key, netns);
}
