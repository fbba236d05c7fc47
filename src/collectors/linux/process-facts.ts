import { statSync } from 'node:fs';
import type { PackageFacts, ProcessFacts } from '../../model/listener.ts';
import { createHashCache } from './binary-hash.ts';
import { type CgroupFacts, parseCgroup } from './cgroup.ts';
import { createFileViews, type FileView } from './file-views.ts';
import { identityInside, openInside, readLink, readOnce, readText, readTextInside } from './files.ts';
import { type OpenedPackages, openPackages, type PackageProblem, packagedPaths, packagesIdentity } from './packages.ts';
import { parseBootTime, TICKS_PER_SECOND } from './process-stat.ts';
import { redactCommandLine } from './redact.ts';
import type { Holder } from './socket-owners.ts';
import { parsePasswd, uidInside } from './users.ts';

/** How long facts that the kernel does not announce (command line, user, package) are kept, in ms. */
const VALID_MS = 60_000;
/**
 * How long the link to the executable is believed, in ms. Its text changes when the process runs another program and
 * when the file is removed or replaced.
 */
const EXE_VALID_MS = 2_000;
const MAX_COMMAND_LINE_BYTES = 16 * 1024;
const DELETED = ' (deleted)';

interface Known {
  readonly startTicks: number;
  readonly exeLink: string | undefined;
  readonly at: number;
  linkAt: number;
  readonly hashed: boolean;
  readonly facts: ProcessFacts;
}

export interface ProcessReader {
  /** Starts a snapshot: reads what all processes share. */
  readonly begin: (hashes: boolean) => void;
  /** What can be seen of a process. One that just ended shows little. */
  readonly factsOf: (holder: Holder) => ProcessFacts;
  readonly cgroupOf: (pid: number) => CgroupFacts;
  /** A file as the process sees it, bounded. */
  readonly readAs: (pid: number, path: string) => string | undefined;
  /** Names of the host's own users. */
  readonly userNames: () => ReadonlyMap<number, string>;
  /** Ends a snapshot: forgets processes that nobody asked about. Returns package databases that could not be read. */
  readonly end: () => readonly PackageProblem[];
}

/** `root`: `/`, or a captured tree. `elapsed`: a clock that never steps back, in ms. */
export function createProcessReader(root: string, elapsed: () => number): ProcessReader {
  const live = root === '/';
  const proc = live ? '/proc' : `${root}/proc`;
  const views = createFileViews(root);
  const hashFile = createHashCache();
  const known = new Map<number, Known>();
  /** Answers of this snapshot: a server is asked for once per socket. */
  let answers = new Map<number, ProcessFacts>();
  const packages = new Map<string, { opened: OpenedPackages; root: string; identity: string; at: number }>();
  const owners = new Map<string, PackageFacts | null>();
  const users = new Map<string, { names: Map<number, string>; at: number }>();
  let identities = new Map<string, string | undefined>();
  /** Of this snapshot, by what the kernel prints: workers of one service have the same. */
  const cgroups = new Map<string, CgroupFacts>();
  const commandLines = new Map<string, string>();
  let bootTime: number | undefined;
  let hashes = false;

  const packagesOf = (view: FileView): OpenedPackages & { readonly identity: string } => {
    const before = packages.get(view.key);
    // the process through which the database was opened may have ended
    const isSame = before !== undefined && (before.root === view.root || identity(before.root) === view.key);
    if (isSame && elapsed() - before.at < VALID_MS) return { ...before.opened, identity: before.identity };
    const state = `${view.key}|${packagesIdentity(view.root)}`;
    const opened = isSame && before.identity === state ? before.opened : openPackages(view.root, view.own);
    const openedAt = isSame && before.identity === state ? before.root : view.root;
    packages.set(view.key, { opened, root: openedAt, identity: state, at: elapsed() });
    return { ...opened, identity: state };
  };

  const packageOf = (view: FileView, exe: string): PackageFacts | undefined => {
    const { databases, identity } = packagesOf(view);
    const key = `${identity}|${exe}`;
    const before = owners.get(key);
    if (before !== undefined) return before ?? undefined;
    let owner: PackageFacts | undefined;
    for (const database of databases) owner ??= database.ownerOf(packagedPaths(exe));
    if (owners.size > 20_000) owners.clear();
    owners.set(key, owner ?? null);
    return owner;
  };

  const namesOf = (view: FileView): Map<number, string> => {
    const before = users.get(view.key);
    if (before && elapsed() - before.at < VALID_MS) return before.names;
    const names = parsePasswd(readTextInside(view.root, 'etc/passwd') ?? '');
    users.set(view.key, { names, at: elapsed() });
    return names;
  };

  const userOf = (pid: number, view: FileView, uid: number): string | undefined => {
    if (view.own) return namesOf(view).get(uid);
    const inside = uidInside(readText(`${proc}/${pid}/uid_map`, 4096) ?? '', uid);
    return inside === undefined ? undefined : namesOf(view).get(inside);
  };

  const read = (pid: number, startTicks: number, name: string, exeLink: string | undefined): ProcessFacts => {
    const uid = uidOf(pid);
    const view = views.of(pid);
    const user = uid === undefined ? undefined : view ? userOf(pid, view, uid) : namesOf(views.host()).get(uid);
    const commandLine = commandLineOf(pid);
    const { unit, container } = cgroupOf(pid);
    const exe = exeLink?.endsWith(DELETED) ? exeLink.slice(0, -DELETED.length) : exeLink;
    const exeState = exe !== undefined && view ? stateOf(pid, exe, exeLink !== exe, view) : undefined;
    // what lies at the path now says nothing about the package that the running file came from, unless it is the same
    const owner = exe !== undefined && view && exeState === 'present' ? packageOf(view, exe) : undefined;
    const sha256 = hashes && exe !== undefined ? hash(pid, exe, exeState, view) : undefined;
    return {
      pid,
      ...(bootTime === undefined ? {} : { startedAt: bootTime + startTicks * (1000 / TICKS_PER_SECOND) }),
      name,
      ...(exe === undefined ? {} : { exe }),
      ...(exeState === undefined ? {} : { exeState }),
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(commandLine === undefined ? {} : { commandLine }),
      ...(uid === undefined ? {} : { uid }),
      ...(user === undefined ? {} : { user }),
      ...(unit === undefined ? {} : { unit }),
      ...(container === undefined ? {} : { container }),
      ...(owner === undefined ? {} : { package: owner }),
    };
  };

  const factsNow = ({ pid, startTicks, name }: Holder): ProcessFacts => {
    const now = elapsed();
    const before = known.get(pid);
    const isKept = before?.startTicks === startTicks && now - before.at < VALID_MS && (before.hashed || !hashes);
    if (isKept && now - before.linkAt < EXE_VALID_MS) return before.facts;
    const exeLink = readLink(`${proc}/${pid}/exe`);
    if (isKept && before.exeLink === exeLink) {
      before.linkAt = now;
      return before.facts;
    }
    const facts = read(pid, startTicks, name, exeLink);
    known.set(pid, { startTicks, exeLink, at: now, linkAt: now, hashed: hashes, facts });
    return facts;
  };

  /** Of the running file; a captured tree holds only what lies at its path. */
  const hash = (pid: number, exe: string, state: ProcessFacts['exeState'], view: FileView | undefined) => {
    if (live) return hashFile(`${proc}/${pid}/exe`);
    const file = view && state === 'present' ? openInside(view.root, exe) : undefined;
    if (file === undefined) return undefined;
    try {
      return hashFile(file.path);
    } finally {
      file.close();
    }
  };

  const cgroupOf = (pid: number) =>
    once(cgroups, readOnce(`${proc}/${pid}/cgroup`)?.toString('utf8') ?? '', parseCgroup);

  const commandLineOf = (pid: number): string | undefined => {
    const bytes = readOnce(`${proc}/${pid}/cmdline`, MAX_COMMAND_LINE_BYTES);
    // a kernel thread has none
    return bytes && bytes.length > 0 ? once(commandLines, bytes.toString('utf8'), parseCommandLine) : undefined;
  };

  /**
   * Effective uid. The kernel gives directories of /proc that everybody may enter to the effective user (fs/proc/base.c,
   * task_dump_owner), and asking for that takes a sixth of the time of /proc/PID/status.
   */
  const uidOf = (pid: number): number | undefined =>
    live ? ownerOf(`${proc}/${pid}`) : effectiveUid(readText(`${proc}/${pid}/status`) ?? '');

  /** Device and inode of what lies at a path; asked once a snapshot, as many processes run one program. */
  const identityOf = ({ root: where, key }: NonNullable<FileView['files']>, path: string): string | undefined => {
    const name = `${key}|${path}`;
    if (!identities.has(name)) identities.set(name, where === '/' ? identity(path) : identityInside(where, path));
    return identities.get(name);
  };

  /** Compares the running file with what lies at its path; in a captured tree only the kernel's mark can tell. */
  const stateOf = (pid: number, exe: string, gone: boolean, view: FileView): ProcessFacts['exeState'] => {
    if (!live && !gone) return 'present';
    if (view.files === undefined) return undefined;
    const there = identityOf(view.files, exe);
    if (there === undefined) return 'deleted';
    if (!live) return 'replaced';
    const running = identity(`${proc}/${pid}/exe`);
    return running === undefined ? undefined : running === there ? 'present' : 'replaced';
  };

  return {
    begin: (withHashes) => {
      hashes = withHashes;
      answers = new Map();
      views.begin();
      identities = new Map();
      cgroups.clear();
      commandLines.clear();
      bootTime = parseBootTime(readText(`${proc}/stat`, 4 * 1024 * 1024) ?? '');
    },
    factsOf: (holder) => {
      let facts = answers.get(holder.pid);
      if (facts === undefined) {
        facts = factsNow(holder);
        answers.set(holder.pid, facts);
      }
      return facts;
    },
    cgroupOf,
    readAs: (pid, path) => {
      const view = views.of(pid);
      return view && readTextInside(view.root, path, 64 * 1024);
    },
    userNames: () => namesOf(views.host()),
    end: () => {
      for (const pid of known.keys()) if (!answers.has(pid)) known.delete(pid);
      commandLines.clear(); // they may hold secrets
      const problems: PackageProblem[] = [];
      for (const [key, { opened, at }] of packages) {
        for (const database of opened.databases) database.release();
        problems.push(...opened.problems);
        if (elapsed() - at > 10 * VALID_MS) packages.delete(key);
      }
      return problems;
    },
  };
}

function identity(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid;
  } catch {
    return undefined;
  }
}

/** What `make` gives for a text, made once. */
function once<T>(made: Map<string, T>, text: string, make: (text: string) => T): T {
  let result = made.get(text);
  if (result === undefined) {
    result = make(text);
    made.set(text, result);
  }
  return result;
}

/** Effective uid: second number of the `Uid:` line of /proc/PID/status (proc(5)). */
export function effectiveUid(status: string): number | undefined {
  const match = /^Uid:\s+\d+\s+(\d{1,10})\s/m.exec(status);
  return match ? Number(match[1]) : undefined;
}

/** Arguments are ended by NUL; a title that a program wrote over them may hold blanks instead. */
export function parseCommandLine(text: string): string {
  const args = text.replace(/\0+$/, '').split('\0');
  return redactCommandLine(args.length === 1 ? (args[0] as string).split(' ') : args);
}
