import { readlinkSync, statSync } from 'node:fs';
import { failureOf, listDirectory, readLink } from './files.ts';

/** A network namespace with the processes in it. Its id is an inode and never leaves the collector. */
export interface NetworkNamespace {
  readonly id: string;
  /** Ascending. */
  readonly pids: number[];
}

export interface NamespaceSurvey {
  readonly byId: ReadonlyMap<string, NetworkNamespace>;
  /** Every process that was listed, ascending. */
  readonly pids: readonly number[];
  /** The namespace that the host itself lives in; `undefined` if not even that could be told. */
  readonly hostId: string | undefined;
  /** Processes whose namespace could not be told. */
  readonly unknownPids: number;
}

/** Pids in /proc, ascending; `undefined` if /proc cannot be listed. */
function listPids(proc: string): number[] | undefined {
  const pids: number[] = [];
  const names = listDirectory(proc);
  if (names === undefined) return undefined;
  for (const name of names) {
    const first = name.charCodeAt(0);
    if (first >= 0x31 && first <= 0x39 && /^\d{1,10}$/.test(name)) pids.push(Number(name));
  }
  return pids.sort((a, b) => a - b);
}

/** Inode of the namespace's tcp table: the kernel makes one per namespace, and anybody may stat it (fs/proc/proc_net.c). */
function tableInode(proc: string, pid: number): number | undefined {
  try {
    return statSync(`${proc}/${pid}/net/tcp`).ino;
  } catch {
    return undefined;
  }
}

/**
 * Sorts every process into its network namespace. The link /proc/PID/ns/net needs the right to trace the process; where
 * it is denied, the inode of /proc/PID/net/tcp tells namespaces apart just as well and needs none. A process that ended
 * meanwhile (or is a zombie) is passed over.
 */
export function surveyNamespaces(proc: string): NamespaceSurvey | undefined {
  const pids = listPids(proc);
  if (pids === undefined) return undefined;
  const byId = new Map<string, NetworkNamespace>();
  const denied: number[] = [];
  const idOf = new Map<number, string>();
  const join = (id: string, pid: number) => {
    const known = byId.get(id);
    if (known) known.pids.push(pid);
    else byId.set(id, { id, pids: [pid] });
    idOf.set(pid, id);
  };
  for (const pid of pids) {
    try {
      join(readlinkSync(`${proc}/${pid}/ns/net`), pid);
    } catch (error) {
      if (failureOf(error) !== 'missing') denied.push(pid);
    }
  }
  let unknownPids = 0;
  if (denied.length > 0) {
    const idByTable = new Map<number, string>();
    for (const { id, pids: members } of byId.values()) {
      const inode = firstDefined(members, (pid) => tableInode(proc, pid));
      if (inode !== undefined) idByTable.set(inode, id);
    }
    for (const pid of denied) {
      const inode = tableInode(proc, pid);
      if (inode === undefined) {
        if (isStillThere(proc, pid)) unknownPids++;
        continue;
      }
      const id = idByTable.get(inode) ?? `table:[${inode}]`;
      idByTable.set(inode, id);
      join(id, pid);
    }
    for (const namespace of byId.values()) namespace.pids.sort((a, b) => a - b);
  }
  const own = readLink(`${proc}/self/ns/net`);
  return { byId, pids, unknownPids, hostId: idOf.get(1) ?? own ?? idOf.get(pids[0] ?? -1) };
}

function firstDefined<T, R>(items: readonly T[], of: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const result = of(item);
    if (result !== undefined) return result;
  }
  return undefined;
}

/** Says whether the process runs on (a zombie has no namespaces any more). */
function isStillThere(proc: string, pid: number): boolean {
  try {
    statSync(`${proc}/${pid}/net`);
    return true;
  } catch (error) {
    return failureOf(error) === 'denied';
  }
}

/** A namespace that was given a name by `ip netns add` (a bind mount in /run/netns). */
export interface NamedNamespace {
  readonly name: string;
  /** Its id as in the survey, where a process lives in it. */
  readonly id: string | undefined;
}

/** Names of namespaces, sorted. `live`: compare by device and inode; in a captured tree the link's text is compared. */
export function listNamedNamespaces(root: string, survey: NamespaceSurvey, live: boolean): NamedNamespace[] {
  const directory = `${root === '/' ? '' : root}/run/netns`;
  const names = (listDirectory(directory) ?? []).filter((name) => /^[\w.@:+-]{1,200}$/.test(name)).sort();
  if (names.length === 0) return [];
  const idByIdentity = new Map<string, string>();
  const proc = `${root === '/' ? '' : root}/proc`;
  for (const { id, pids } of survey.byId.values()) {
    const identity = live ? firstDefined(pids, (pid) => fileIdentity(`${proc}/${pid}/ns/net`)) : id;
    if (identity !== undefined) idByIdentity.set(identity, id);
  }
  const named: NamedNamespace[] = [];
  for (const name of names) {
    const path = `${directory}/${name}`;
    const identity = live ? fileIdentity(path, directory) : readLink(path);
    if (identity !== undefined) named.push({ name, id: idByIdentity.get(identity) });
  }
  return named;
}

/** `dev:ino` of what the path leads to. `mountedIn`: nothing for a plain file left in that directory without a mount. */
function fileIdentity(path: string, mountedIn?: string): string | undefined {
  try {
    const stat = statSync(path);
    return mountedIn !== undefined && stat.dev === statSync(mountedIn).dev ? undefined : `${stat.dev}:${stat.ino}`;
  } catch {
    return undefined;
  }
}
