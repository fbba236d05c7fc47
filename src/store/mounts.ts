import { readFileSync, realpathSync } from 'node:fs';

/**
 * File systems over a network, by the kernel's name (fstype of /proc/self/mountinfo, proc_pid_mountinfo(5)). SQLite's
 * write-ahead log needs shared memory between all who open it, which these do not give across machines
 * (sqlite.org/wal.html), and their locks are often not kept. 9p is what WSL uses for the drives of Windows.
 */
const NETWORK_TYPES = new Set([
  'nfs',
  'nfs4',
  'cifs',
  'smb3',
  'smbfs',
  '9p',
  'afs',
  'ceph',
  'coda',
  'gpfs',
  'lustre',
  'beegfs',
  'fuse.sshfs',
  'fuse.glusterfs',
  'fuse.ceph-fuse',
  'fuse.rclone',
  'fuse.s3fs',
  'fuse.gcsfuse',
  'davfs',
]);

/** Type of the file system that holds a path, from the text of mountinfo; undefined if no line covers it. */
export function fileSystemOf(mountinfo: string, path: string): string | undefined {
  let longest = -1;
  let type: string | undefined;
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ');
    const point = before
      ?.split(' ')[4]
      ?.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
    if (point === undefined || after === undefined) continue;
    const inside = point === '/' || path === point || path.startsWith(`${point}/`);
    // A later mount on the same point hides the earlier one.
    if (inside && point.length >= longest) {
      longest = point.length;
      type = after.split(' ')[0];
    }
  }
  return type;
}

/** Returns the type if a directory lies on a network file system; undefined if not, or where the kernel does not say. */
export function networkFileSystem(dir: string): string | undefined {
  let mountinfo: string;
  try {
    mountinfo = readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return undefined;
  }
  const type = fileSystemOf(mountinfo, realpathSync(dir));
  return type !== undefined && NETWORK_TYPES.has(type) ? type : undefined;
}
