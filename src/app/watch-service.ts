import { spawn } from 'node:child_process';

/** Tells systemd how we are, where it started us (sd_notify(3)); else does nothing. */
export interface ServiceManager {
  readonly ready: (status: string) => void;
  readonly stopping: () => void;
  /** Ms between signs of life that systemd wants; null: none. */
  readonly watchdogMs: number | null;
  readonly alive: () => void;
}

/** Node has no datagram sockets of Unix, so the program of systemd sends what is said. */
export function serviceManager(env: NodeJS.ProcessEnv): ServiceManager {
  const isService = (env.NOTIFY_SOCKET ?? '') !== '';
  const say = (...assignments: string[]) => {
    if (!isService) return;
    // The unit takes messages of children too (NotifyAccess=all); --pid names us.
    const child = spawn('systemd-notify', [`--pid=${process.pid}`, ...assignments], { stdio: 'ignore', env });
    child.on('error', () => {}); // without the program systemd waits, and says so itself
    child.unref();
  };
  return {
    ready: (status) => say('--ready', `--status=${status}`),
    stopping: () => say('STOPPING=1'),
    watchdogMs: isService ? watchdogOf(env) : null,
    alive: () => say('WATCHDOG=1'),
  };
}

/** Half of what systemd waits for at most (sd_watchdog_enabled(3)); a value for another process is not for us. */
export function watchdogOf({ WATCHDOG_USEC, WATCHDOG_PID }: NodeJS.ProcessEnv): number | null {
  if (WATCHDOG_PID !== undefined && Number(WATCHDOG_PID) !== process.pid) return null;
  const micros = Number(WATCHDOG_USEC);
  return /^\d{1,15}$/.test(WATCHDOG_USEC ?? '') && micros > 0 ? Math.max(500, micros / 2_000) : null;
}
