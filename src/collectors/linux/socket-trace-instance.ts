import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { failureOf, listDirectory } from './files.ts';
import { readProcessStat } from './process-stat.ts';

/** A trace of our own: its buffer, clock, filter and events are nobody else's (Documentation/trace/ftrace.rst, Instances). */
export interface TraceInstance {
  readonly path: string;
  /** Events that the kernel dropped so far, all processors. */
  readonly lost: () => Promise<number>;
  /** Removes it. Its pipe must be closed before. */
  readonly remove: () => void;
}

export const TRACEPOINT = 'events/sock/inet_sock_set_state';

/**
 * TCP (6), into LISTEN (10), or out of it into CLOSE (7). Without the last condition an event would come with every
 * connection that a listener takes in.
 */
const FILTER = 'protocol==6 && (newstate==10 || (oldstate==10 && newstate==7))';

const DEFAULT_KB_PER_CPU = 2048;
/** On a machine with many processors the buffers together stay below this; at least MIN_KB_PER_CPU each. */
const MAX_KB_IN_ALL = 64 * 1024;
const MIN_KB_PER_CPU = 256;

/** How lines are worded. A new instance takes over whatever somebody set for the whole machine. */
const OPTIONS: Readonly<Record<string, '0' | '1'>> = {
  'context-info': '1',
  'irq-info': '1',
  'record-tgid': '1',
  'latency-format': '0',
  bin: '0',
  block: '0',
  fields: '0',
  hex: '0',
  overwrite: '1',
  raw: '0',
  verbose: '0',
};

/** `quietdoor-PID-STARTTICKS-RANDOM`: the start tells the process from a later one of the same pid. */
const NAME = /^quietdoor-(\d{1,10})-(\d{1,20})-[0-9a-f]{8}$/;

/** Makes an instance and sets it up; nothing is traced before `startTrace`. Throws the error of the file system. */
export function makeInstance(tracefs: string, kbPerCpu: number | undefined): TraceInstance {
  const start = readProcessStat('/proc', process.pid)?.startTicks ?? 0;
  const path = `${tracefs}/instances/quietdoor-${process.pid}-${start}-${randomBytes(4).toString('hex')}`;
  mkdirSync(path);
  try {
    for (const [name, value] of Object.entries(OPTIONS)) writeIfThere(`${path}/options/${name}`, value);
    writeFileSync(`${path}/buffer_size_kb`, String(kbPerCpu ?? defaultKbPerCpu(path)));
    writeFileSync(`${path}/trace_clock`, 'mono');
    // who waits for the pipe is woken by the first event, not by a buffer that is half full
    writeIfThere(`${path}/buffer_percent`, '0');
    writeFileSync(`${path}/${TRACEPOINT}/filter`, FILTER);
  } catch (error) {
    rmdirSync(path);
    throw error;
  }
  return { path, lost: () => countLost(path), remove: () => rmdirSync(path) };
}

export function startTrace({ path }: TraceInstance): void {
  writeFileSync(`${path}/${TRACEPOINT}/enable`, '1');
}

/** Removes instances whose process has ended, and no others. One that cannot be removed is left. */
export function removeStaleInstances(tracefs: string): void {
  for (const name of listDirectory(`${tracefs}/instances`) ?? []) {
    const [, pid, start] = NAME.exec(name) ?? [];
    if (pid === undefined || isRunning(Number(pid), Number(start))) continue;
    try {
      rmdirSync(`${tracefs}/instances/${name}`);
    } catch {
      // somebody reads it, or removed it meanwhile
    }
  }
}

function isRunning(pid: number, startTicks: number): boolean {
  const stat = readProcessStat('/proc', pid);
  if (stat !== undefined) return stat.startTicks === startTicks;
  // hidden is not ended
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return failureOf(error) === 'denied';
  }
}

function defaultKbPerCpu(path: string): number {
  const share = Math.floor(MAX_KB_IN_ALL / Math.max(1, readdirSync(`${path}/per_cpu`).length));
  return Math.max(MIN_KB_PER_CPU, Math.min(DEFAULT_KB_PER_CPU, share));
}

/** An older kernel lacks some of the files. */
function writeIfThere(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    if (failureOf(error) !== 'missing') throw error;
  }
}

async function countLost(path: string): Promise<number> {
  let lost = 0;
  for (const cpu of readdirSync(`${path}/per_cpu`))
    lost += parseLost(await readFile(`${path}/per_cpu/${cpu}/stats`, 'utf8'));
  return lost;
}

/** Events overwritten before they were read, or never written, from the text of per_cpu/cpuN/stats. */
export function parseLost(stats: string): number {
  let lost = 0;
  for (const [, count] of stats.matchAll(/^(?:overrun|commit overrun|dropped events): (\d{1,15})$/gm))
    lost += Number(count);
  return lost;
}

/** Where tracefs is mounted, of the places where it belongs; `undefined` if nowhere. */
export function findTracefs(): string | undefined {
  const mounts = readFileSync('/proc/self/mounts', 'utf8');
  return ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'].find((path) => mounts.includes(` ${path} tracefs `));
}
