import { readOnce } from './files.ts';

/** What /proc/PID/stat says (proc(5)). */
export interface ProcessStat {
  /** At most 15 bytes. */
  readonly name: string;
  /** Field 22: clock ticks since boot; with the pid it tells a process from a later one of the same pid. */
  readonly startTicks: number;
}

/** Ticks per second of the kernel's user interface (USER_HZ): 100 on every architecture Linux runs Node on. */
export const TICKS_PER_SECOND = 100;

/** Reads name and start from the bytes of /proc/PID/stat; the name may hold blanks and parentheses. */
export function parseProcessStat(bytes: Buffer): ProcessStat | undefined {
  const open = bytes.indexOf(0x28);
  const close = bytes.lastIndexOf(0x29);
  if (open < 0 || close < open) return undefined;
  // state is field 3, so field 22 is the 20th behind the name
  let at = close + 2;
  for (let field = 3; field < 22; field++) {
    at = bytes.indexOf(0x20, at) + 1;
    if (at === 0) return undefined;
  }
  let startTicks = 0;
  const from = at;
  for (; at < bytes.length; at++) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) break;
    startTicks = startTicks * 10 + digit;
  }
  return at === from ? undefined : { name: bytes.toString('utf8', open + 1, close), startTicks };
}

/** `undefined`: the process is gone, or hidden. */
export function readProcessStat(proc: string, pid: number): ProcessStat | undefined {
  const bytes = readOnce(`${proc}/${pid}/stat`);
  return bytes && parseProcessStat(bytes);
}

/** UTC milliseconds of the boot, from the `btime` line of /proc/stat. */
export function parseBootTime(text: string): number | undefined {
  const match = /^btime (\d{1,12})$/m.exec(text);
  return match ? Number(match[1]) * 1000 : undefined;
}
