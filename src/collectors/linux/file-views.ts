import { statSync } from 'node:fs';
import { isLink, readLink } from './files.ts';

/** Where a process sees its files, seen from here. */
export interface FileView {
  /** Directory whose users and packages are the process's. */
  readonly root: string;
  /** That directory is the machine's own root, not a container's. */
  readonly own: boolean;
  /** Tells such directories apart. */
  readonly key: string;
  /** Where the path of an executable, as the kernel prints it, can be looked up; `undefined` if nowhere. */
  readonly files: Place | undefined;
}

/** A root directory and what tells its mounts from others. */
interface Place {
  readonly root: string;
  readonly key: string;
}

export interface FileViews {
  /** Starts a snapshot: roots may have changed. */
  readonly begin: () => void;
  /** `undefined`: the process ended, or its root may not be looked into. */
  readonly of: (pid: number) => FileView | undefined;
  readonly host: () => FileView;
}

/** `root`: `/`, or a captured tree, where `proc/PID/root` is a link for a process of the host and else a directory. */
export function createFileViews(root: string): FileViews {
  const live = root === '/';
  const proc = live ? '/proc' : `${root}/proc`;
  let views = new Map<number, FileView | undefined>();
  /** By mount namespace and path of the root directory in it. */
  let keys = new Map<string, string | undefined>();
  let ownKey = '';
  let ownMounts: string | undefined;

  const host = (): FileView => ({ root, own: true, key: ownKey, files: { root, key: 'host' } });

  const readCaptured = (path: string): FileView => {
    const key = directoryKey(path);
    return key === undefined || isLink(path) ? host() : { root: path, own: false, key, files: { root: path, key } };
  };

  const read = (pid: number): FileView | undefined => {
    const path = `${proc}/${pid}/root`;
    if (!live) return readCaptured(path);
    const mounts = readLink(`${proc}/${pid}/ns/mnt`);
    const shown = readLink(path);
    if (mounts === undefined || shown === undefined) return undefined;
    const place = `${mounts}|${shown}`;
    if (!keys.has(place)) keys.set(place, directoryKey(path));
    const key = keys.get(place);
    if (key === undefined) return undefined;
    if (shown === '/') {
      if (key === ownKey && mounts === ownMounts) return host();
      // other mounts may lie over the same root: a unit with PrivateTmp, `ip netns exec`, a container
      const files = { root: path, key: `${mounts}|${key}` };
      return key === ownKey ? { ...host(), files } : { root: path, own: false, key, files };
    }
    // chroot(2): within the machine's own mounts the kernel prints paths from the machine's root, as of other programs
    if (mounts === ownMounts) return host();
    return { root: path, own: false, key, files: undefined };
  };

  return {
    begin: () => {
      views = new Map();
      keys = new Map();
      ownKey = directoryKey(root) ?? '';
      ownMounts = live ? readLink('/proc/self/ns/mnt') : undefined;
    },
    of: (pid) => {
      if (!views.has(pid)) views.set(pid, read(pid));
      return views.get(pid);
    },
    host,
  };
}

function directoryKey(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
