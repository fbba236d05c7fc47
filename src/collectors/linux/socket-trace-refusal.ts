import { failureOf, readLink, readText } from './files.ts';
import { TRACEPOINT } from './socket-trace-instance.ts';

/** Inode of the first pid namespace, the same in every kernel (include/linux/proc_ns.h, PROC_PID_INIT_INO). */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';

/** Why the trace cannot be had here, before anything was tried; `undefined`: it may well be had. */
export function refusalBefore(tracefs: string | undefined): string | undefined {
  if (process.platform !== 'linux') return `${process.platform} has no tracefs: only Linux has.`;
  const namespace = readLink('/proc/self/ns/pid');
  // the trace names processes by their pid on the machine, which is somebody else's in here
  if (namespace !== undefined && namespace !== FIRST_PID_NAMESPACE)
    return 'This process runs in a container with pids of its own, and the trace has those of the machine. Run it on the machine itself.';
  if (tracefs !== undefined) return undefined;
  return 'tracefs is not mounted at /sys/kernel/tracing. As root: mount -t tracefs tracefs /sys/kernel/tracing';
}

/** Why the trace cannot be had, from the error of the file system. */
export function refusalFrom(error: unknown, tracefs: string): string {
  const { code, path = tracefs, message } = error as NodeJS.ErrnoException;
  const what = failureOf(error);
  if (code === 'EROFS') return `${tracefs} is mounted read-only, as containers mount it. Run it on the machine itself.`;
  if (what === 'denied') {
    const lockdown = /\[(?:integrity|confidentiality)\]/.exec(readText('/sys/kernel/security/lockdown') ?? '');
    if (process.geteuid?.() === 0 && lockdown !== null)
      return `The kernel is locked down ${lockdown[0]} and denies tracing (${path}).`;
    if (process.geteuid?.() !== 0) return `Only root may trace (${path}).`;
    return `Tracing is denied although this is root (${path}): a security module, or a container.`;
  }
  if (what === 'missing' && path.includes(TRACEPOINT))
    return 'This kernel has no tracepoint sock:inet_sock_set_state (Linux 4.16 and later, with CONFIG_FTRACE and CONFIG_EVENT_TRACING).';
  if (what === 'missing') return `${path} is missing: this kernel makes no trace instances.`;
  if (code === 'ENOMEM') return 'There is no memory for the buffer of the trace; ask for a smaller one.';
  return `The trace could not be set up: ${message}`;
}
