import type { Gap } from '../../model/observation.ts';
import type { SocketTraceEvent } from './socket-trace-types.ts';
import type { TracedLife } from './traced-lives.ts';

/** Gaps of a look that came too late for something. `subject`: key of the endpoint. */
export const tracedGaps = {
  processEnded: (subject: string, who: TracedLife, isStillOpen: boolean): Gap => ({
    code: 'process-ended',
    subject,
    message: isStillOpen
      ? `${name(who)} opened it and has ended; which process holds it now shows the next full look.`
      : `${name(who)} ended before it could be looked at: its program, user, unit, container and package stay unknown.`,
  }),
  socketGone: (subject: string): Gap => ({
    code: 'socket-gone',
    subject,
    message:
      'It was closed before the socket tables were read: the user that the kernel names for the socket stays unknown.',
  }),
  namespaceGone: (subject: string, who: TracedLife): Gap => ({
    code: 'netns-unknown',
    subject,
    message: `${name(who)} ended before its network namespace could be told: the host itself or any container.`,
  }),
  portUnknown: (event: SocketTraceEvent): Gap => ({
    code: 'port-unknown',
    subject: event.address,
    message: `${name(event)} listened on ${event.address} and a port that the kernel chose, and closed it before the port could be told.`,
  }),
} as const;

function name({ comm, pid }: Pick<SocketTraceEvent, 'comm' | 'pid'>): string {
  return comm === '' ? `The process ${pid}` : `${comm} (pid ${pid})`;
}
