import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Netlink family of netfilter. */
const NETFILTER = '12';

/** The socket of a process that listens to events of netfilter. */
export interface NetlinkListener {
  /** Messages that found no room in its buffer, since it was opened: each is one event. */
  readonly drops: number;
  /** Its descriptor in that process. */
  readonly fd: number;
}

/**
 * The event socket of a process, from its own view of /proc/net/netlink; null: it has none (yet, or any more). The kernel
 * counts there every event that it could not deliver, which the process itself learns only as "some".
 */
export function netlinkListener(pid: number): NetlinkListener | null {
  const inodes = new Map<string, number>();
  let table: string;
  try {
    for (const fd of readdirSync(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode !== undefined) inodes.set(inode, Number(fd));
    }
    table = readFileSync(`/proc/${pid}/net/netlink`, 'latin1');
  } catch {
    return null; // it ended
  }
  return parseNetlinkTable(table, inodes);
}

/** Finds the row of a socket that has joined groups; `inodes`: descriptors by inode. Columns: sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode. */
export function parseNetlinkTable(table: string, inodes: ReadonlyMap<string, number>): NetlinkListener | null {
  for (const line of table.split('\n')) {
    const columns = line.trim().split(/\s+/);
    const [, family, , groups = '', , , , , drops = '', inode = ''] = columns;
    const fd = inodes.get(inode);
    if (family !== NETFILTER || fd === undefined || !/^\d+$/.test(drops)) continue;
    if (/^0*$/.test(groups)) continue;
    return { drops: Number(drops), fd };
  }
  return null;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed meanwhile
  }
}
