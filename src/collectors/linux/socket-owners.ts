import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { failureOf } from './files.ts';
import { type ProcessStat, readProcessStat } from './process-stat.ts';

/** A process that holds a socket open. */
export interface Holder {
  readonly pid: number;
  readonly startTicks: number;
  /** The kernel's name of the task when it was looked at. */
  readonly name: string;
}

interface KnownHolder extends Holder {
  /** /proc/PID/fd/N */
  readonly path: string;
}

/** The sockets of a namespace, by inode, and the processes in it. */
export interface SocketGroup {
  readonly inodes: ReadonlySet<number>;
  readonly pids: readonly number[];
  /** They were not read this time: what is known of them is kept, and not asked about. */
  readonly resting?: boolean;
}

export interface SocketOwners {
  /**
   * Finds who holds the given sockets, among all processes. Cheap when little changed: known holders are verified (see
   * VERIFY_EVERY), and only new processes are looked through. A new socket costs a look at every descriptor in its
   * namespace, and one at every descriptor of the machine where nobody there holds it.
   */
  readonly update: (groups: readonly SocketGroup[], pids: readonly number[]) => void;
  /** Empty where nobody visible holds it; the very same list as before where nothing changed. */
  readonly holdersOf: (inode: number) => readonly Holder[];
  /** Processes whose descriptors may not be read. */
  readonly hiddenPids: () => number;
}

/**
 * How long "nobody holds it" and a complete look stay valid, in ms. A descriptor passed to an old process over a unix
 * socket is the one change that verification does not notice, so everything is looked through again after this time.
 */
const VALID_MS = 60_000;

/**
 * A socket that is still there and had one holder, which still runs, is still held by it, unless it was passed to a
 * process that ran already and then closed. So the descriptor itself (one readlink) is verified only in every 8th
 * snapshot; where several processes hold a socket, or a new one does, in every snapshot.
 */
const VERIFY_EVERY = 8;

const NOBODY: readonly Holder[] = [];

/** Inode in the text `socket:[123]`; -1 for any other descriptor. */
export function socketInode(link: string): number {
  const last = link.length - 1;
  if (!link.startsWith('socket:[') || link.charCodeAt(last) !== 0x5d) return -1;
  let inode = 0;
  for (let i = 8; i < last; i++) {
    const digit = link.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    inode = inode * 10 + digit;
  }
  return Number.isSafeInteger(inode) && inode > 0 ? inode : -1;
}

/** `elapsed`: a clock that never steps back, in ms. */
export function createSocketOwners(proc: string, elapsed: () => number): SocketOwners {
  const known = new Map<number, KnownHolder[]>();
  /** Inodes that each process was seen to hold. */
  const inodesOfPid = new Map<number, Set<number>>();
  const nobodyUntil = new Map<number, number>();
  let united: { from: readonly ReadonlySet<number>[]; inodes: ReadonlySet<number> } = { from: [], inodes: new Set() };
  let seenPids = new Set<number>();
  const hidden = new Set<number>();
  /**
   * Start times by the inode of /proc/PID. The kernel makes that inode for one process and never gives it to another
   * (fs/proc/base.c, proc_pid_make_inode), so while it stays the same one stat(2) shows that the pid was not used again.
   */
  const starts = new Map<number, { inode: number; stat: ProcessStat }>();
  let round = 0;
  let lookedAt = Number.NEGATIVE_INFINITY;

  const isUnknown = (inode: number) => !known.has(inode) && !nobodyUntil.has(inode);

  /** Inodes of groups; the very same set as before where no group changed. */
  const unite = (groups: readonly SocketGroup[]): ReadonlySet<number> => {
    if (groups.length === united.from.length && groups.every(({ inodes }, i) => inodes === united.from[i]))
      return united.inodes;
    const inodes = new Set<number>();
    for (const group of groups) for (const inode of group.inodes) inodes.add(inode);
    united = { from: groups.map((group) => group.inodes), inodes };
    return inodes;
  };

  /** Drops what is known of a process, before it is looked through again. */
  const forget = (pid: number) => {
    for (const inode of inodesOfPid.get(pid) ?? []) {
      const left = known.get(inode)?.filter((h) => h.pid !== pid) ?? [];
      if (left.length > 0) known.set(inode, left);
      else known.delete(inode);
    }
    inodesOfPid.delete(pid);
  };

  /** Looks through the descriptors of a process. */
  const look = (pid: number, inodes: ReadonlySet<number>) => {
    const directory = `${proc}/${pid}/fd`;
    let names: string[];
    try {
      names = readdirSync(directory);
      hidden.delete(pid);
    } catch (error) {
      if (failureOf(error) === 'denied') hidden.add(pid);
      return;
    }
    let start: ProcessStat | undefined;
    const found = new Set<number>();
    for (const name of names) {
      const path = `${directory}/${name}`;
      let inode: number;
      try {
        inode = socketInode(readlinkSync(path));
      } catch (error) {
        if (failureOf(error) !== 'denied') continue; // closed meanwhile
        hidden.add(pid);
        return;
      }
      if (inode < 0 || !inodes.has(inode) || found.has(inode)) continue;
      start ??= startOf(pid);
      if (start === undefined) return;
      found.add(inode);
      inodesOfPid.set(pid, found);
      const holders = known.get(inode);
      // a new list, as callers compare lists to see whether holders changed
      known.set(inode, [...(holders ?? []), { pid, ...start, path }]);
    }
  };

  /** Start and name of a running process; `undefined` if it ended. */
  const startOf = (pid: number): ProcessStat | undefined => {
    const inode = processInode(proc, pid);
    const before = starts.get(pid);
    if (inode !== undefined && before?.inode === inode) return before.stat;
    const stat = readProcessStat(proc, pid);
    if (inode === undefined || stat === undefined) starts.delete(pid);
    else starts.set(pid, { inode, stat });
    return stat;
  };

  /** Drops holders that ended or closed the socket; returns processes that may hold it by another descriptor. */
  const verify = (inodes: ReadonlySet<number>, all: ReadonlySet<number>): Set<number> => {
    const alive = new Map<number, number | undefined>();
    const doubtful = new Set<number>();
    known.forEach((holders, inode) => {
      if (!inodes.has(inode)) {
        if (!all.has(inode)) known.delete(inode);
        return;
      }
      const isDue = holders.length > 1 || (inode + round) % VERIFY_EVERY === 0;
      let dropped = false;
      for (const holder of holders) {
        if (!alive.has(holder.pid)) alive.set(holder.pid, startOf(holder.pid)?.startTicks);
        const isRunning = alive.get(holder.pid) === holder.startTicks;
        if (isRunning && (!isDue || isLinkTo(holder.path, `socket:[${inode}]`))) continue;
        dropped = true;
        if (alive.get(holder.pid) !== undefined) doubtful.add(holder.pid);
      }
      if (!dropped) return;
      const left = holders.filter((h) => alive.get(h.pid) === h.startTicks && !doubtful.has(h.pid));
      if (left.length > 0) known.set(inode, left);
      else known.delete(inode);
    });
    return doubtful;
  };

  return {
    update: (groups, pids) => {
      const now = elapsed();
      const read = groups.filter((group) => !group.resting);
      const inodes = unite(read);
      const all = read.length === groups.length ? inodes : new Set(inodes);
      if (all !== inodes)
        for (const group of groups)
          if (group.resting) for (const inode of group.inodes) (all as Set<number>).add(inode);
      for (const [inode, until] of nobodyUntil) if (until <= now || !all.has(inode)) nobodyUntil.delete(inode);
      const isStale = now - lookedAt >= VALID_MS;
      const looked = new Set<number>();
      const lookOnce = (pid: number) => {
        if (looked.has(pid)) return;
        looked.add(pid);
        forget(pid);
        look(pid, all);
      };
      if (isStale) {
        known.clear();
        hidden.clear();
        nobodyUntil.clear();
        inodesOfPid.clear();
      } else {
        round++;
        for (const pid of pids) if (!seenPids.has(pid)) lookOnce(pid);
        for (const pid of verify(inodes, all)) lookOnce(pid);
        // whoever opened a socket most likely lives in its namespace
        for (const group of read) if (some(group.inodes, isUnknown)) for (const pid of group.pids) lookOnce(pid);
      }
      if (isStale || some(inodes, isUnknown)) {
        for (const pid of pids) lookOnce(pid);
        lookedAt = now;
      }
      seenPids = new Set(pids);
      for (const memory of [starts, inodesOfPid])
        for (const pid of memory.keys()) if (!seenPids.has(pid)) memory.delete(pid);
      for (const pid of hidden) if (!seenPids.has(pid)) hidden.delete(pid);
      inodes.forEach((inode) => {
        if (isUnknown(inode)) nobodyUntil.set(inode, now + VALID_MS);
      });
    },
    holdersOf: (inode) => known.get(inode) ?? NOBODY,
    hiddenPids: () => hidden.size,
  };
}

function some(inodes: ReadonlySet<number>, is: (inode: number) => boolean): boolean {
  let found = false;
  // unlike an iterator, it makes no object per element
  inodes.forEach((inode) => {
    found ||= is(inode);
  });
  return found;
}

function processInode(proc: string, pid: number): number | undefined {
  try {
    return statSync(`${proc}/${pid}`, { throwIfNoEntry: false })?.ino;
  } catch {
    return undefined;
  }
}

function isLinkTo(path: string, expected: string): boolean {
  try {
    return readlinkSync(path) === expected;
  } catch {
    return false;
  }
}
