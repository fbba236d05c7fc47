import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Clocks read at one moment, ms. */
export interface Clocks {
  /** UTC. */
  readonly wall: number;
  /** Never steps back, and stands still while the machine is suspended. */
  readonly running: number;
  /** Since the machine started, suspension included; null where the system does not say. */
  readonly booted: number | null;
}

/** Why nothing was watched between two readings of the clocks. */
export interface MissedTime {
  readonly because: string;
  readonly seconds: number;
}

/** Readings differ by less than this from loads and slewed clocks. */
const JITTER_MS = 2_000;

/**
 * What happened to the time between two readings that were to lie `expectedMs` apart: the machine was suspended, or this
 * process was held up; null: nothing. A clock that was set is no gap: what was seen was seen.
 */
export function missedBetween(before: Clocks, now: Clocks, expectedMs: number): MissedTime | null {
  const ran = now.running - before.running;
  const passed = before.booted !== null && now.booted !== null ? now.booted - before.booted : now.wall - before.wall;
  if (passed - ran > JITTER_MS)
    return { because: 'the machine was suspended', seconds: Math.round((passed - ran) / 1000) };
  if (ran > expectedMs + Math.max(JITTER_MS, 5 * expectedMs))
    return {
      because: 'the watch was held up: it got no processor time, or was stopped',
      seconds: Math.round(ran / 1000),
    };
  return null;
}

/** What a watch leaves in the state, so that the next one knows since when nothing was watched. */
export interface Heartbeat {
  readonly schemaVersion: 1;
  /** UTC milliseconds. */
  readonly startedAt: number;
  readonly beatAt: number;
  /** It ended by itself and said so. */
  readonly stopped: boolean;
  /** Of the machine's present run; another one means that it was restarted meanwhile. Null: not known. */
  readonly boot: string | null;
}

function heartbeatFile(state: string): string {
  return join(state, 'watch.json');
}

/** Replaced whole, and not forced to the disk: what a power failure takes makes the gap that is told longer, not shorter. */
export function writeHeartbeat(state: string, beat: Heartbeat): void {
  const file = heartbeatFile(state);
  writeFileSync(`${file}.part`, `${JSON.stringify(beat)}\n`, { mode: 0o600 });
  renameSync(`${file}.part`, file);
}

/** Null: nobody ever watched here, or the file is damaged. */
export function readHeartbeat(state: string): Heartbeat | null {
  try {
    const beat: unknown = JSON.parse(readFileSync(heartbeatFile(state), 'utf8'));
    return isHeartbeat(beat) ? beat : null;
  } catch {
    return null;
  }
}

function isHeartbeat(value: unknown): value is Heartbeat {
  if (typeof value !== 'object' || value === null) return false;
  const { schemaVersion, startedAt, beatAt, stopped, boot } = value as Partial<Record<keyof Heartbeat, unknown>>;
  return (
    schemaVersion === 1 &&
    Number.isSafeInteger(startedAt) &&
    Number.isSafeInteger(beatAt) &&
    typeof stopped === 'boolean' &&
    (boot === null || typeof boot === 'string')
  );
}

/** Why nothing was watched since the watch before, and for how long; null: there was none, or it ends in the future. */
export function gapSince(last: Heartbeat | null, now: number, boot: string | null): MissedTime | null {
  if (last === null || now <= last.beatAt) return null;
  const because = last.stopped
    ? 'the watch was stopped'
    : last.boot !== null && boot !== null && last.boot !== boot
      ? 'the machine was restarted, or went down, while the watch ran'
      : 'the watch ended without saying so';
  return { because, seconds: Math.ceil((now - last.beatAt) / 1000) };
}

/** Id that the kernel gives each run of the machine (proc_sys_kernel(5)). */
export function bootId(): string | null {
  return readSmall('/proc/sys/kernel/random/boot_id');
}

export function readClocks(): Clocks {
  const uptime = Number(readSmall('/proc/uptime')?.split(' ')[0]);
  return {
    wall: Date.now(),
    running: performance.now(),
    booted: Number.isFinite(uptime) ? uptime * 1000 : null,
  };
}

function readSmall(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}
