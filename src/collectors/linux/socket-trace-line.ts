import { formatAddress, parseAddress } from '../../model/address.ts';
import type { SocketTraceEvent } from './socket-trace-types.ts';

/** An event as its line tells it. */
export interface TracedLine extends Omit<SocketTraceEvent, 'at' | 'netns'> {
  /** Seconds of the trace's clock, to the microsecond. */
  readonly seconds: number;
}

/**
 * `            nc-4711    (   4711) [001] ..... 34353.157873: inet_sock_set_state: family=AF_INET …`: name of the task,
 * its thread id, its process id, processor, flags and time (kernel/trace/trace_output.c, trace_print_context). A task
 * chooses its name freely, blanks, brackets and newlines included, so the last match of the rest counts. The process id
 * is `(-------)` where the kernel has lost it.
 */
const CONTEXT = /^(.*)-(\d{1,10}) +(?:\( *(\d{1,10}|-+)\) +)?\[\d{3,5}\] +(?:\S{3,8} +)?(\d{1,12}\.\d{6}): $/s;
const NAME = 'inet_sock_set_state: ';

/** What the kernel prints for a task whose name it has lost. */
const LOST_NAME = '<...>';

/** What became of a line. `other`: an event or note of the kernel that tells of no listener. */
export type ReadLine = TracedLine | 'other' | 'unrecognised';

/**
 * Reads a line of the trace (the event's own words: include/trace/events/sock.h). Fields are found by name, so that ones
 * which another kernel adds or moves do no harm.
 */
export function readTraceLine(line: string): ReadLine {
  const at = line.lastIndexOf(NAME);
  // between events the kernel says which it had to drop; the counters of the buffer say it too, and always
  if (at < 0) return /^CPU:\d+ \[LOST (?:\d+ )?EVENTS\]$/.test(line) || line === '' ? 'other' : 'unrecognised';
  const context = CONTEXT.exec(line.slice(0, at));
  const fields = new Map<string, string>();
  for (const field of line.slice(at + NAME.length).split(' ')) {
    const equals = field.indexOf('=');
    if (equals > 0) fields.set(field.slice(0, equals), field.slice(equals + 1));
  }
  const oldState = fields.get('oldstate');
  const newState = fields.get('newstate');
  if (context === null || oldState === undefined || newState === undefined) return 'unrecognised';
  // the filter in the kernel lets no others through
  const kind = newState === 'TCP_LISTEN' ? 'listen' : oldState === 'TCP_LISTEN' ? 'unlisten' : undefined;
  if (kind === undefined || fields.get('protocol') !== 'IPPROTO_TCP') return 'other';
  const family = familyOf(fields.get('family'));
  const address = family && addressOf(fields.get(family === 'ipv4' ? 'saddr' : 'saddrv6'), family);
  const port = /^\d{1,5}$/.test(fields.get('sport') ?? '') ? Number(fields.get('sport')) : -1;
  if (family === undefined || address === undefined || port < 0 || port > 65535) return 'unrecognised';
  const [, name = '', thread = '', group = '', seconds = ''] = context;
  const comm = name.trimStart();
  return {
    kind,
    seconds: Number(seconds),
    pid: Number(/^\d/.test(group) ? group : thread),
    comm: comm === LOST_NAME ? '' : comm,
    family,
    address,
    port,
  };
}

function familyOf(text: string | undefined): 'ipv4' | 'ipv6' | undefined {
  return text === 'AF_INET' ? 'ipv4' : text === 'AF_INET6' ? 'ipv6' : undefined;
}

function addressOf(text: string | undefined, family: 'ipv4' | 'ipv6'): string | undefined {
  const address = text === undefined ? null : parseAddress(text);
  return address?.family === family ? formatAddress(address) : undefined;
}
