import type { PackageFacts } from '../../model/listener.ts';
import { getOrMake } from '../../util/get-or-make.ts';
import { ecosystemOf } from '../linux/ecosystem.ts';
import { type ProcessStat, parseProcessStat } from '../linux/process-stat.ts';
import { parsePasswd } from '../linux/users.ts';
import { readPackages } from './packages.ts';
import { MAX_LINES, MAX_SECTIONS, type Section } from './sections.ts';

/** A socket table of a namespace as it was printed. */
export interface PrintedTable {
  readonly bytes: Buffer;
  readonly state: 'read' | 'failed' | 'denied';
}

export interface PrintedSpace {
  /** Inode of the namespace itself, where its link could be read. */
  readonly link: string | undefined;
  readonly tables: Map<string, PrintedTable>;
  /** Every table was printed. */
  isWhole: boolean;
}

export interface PrintedProgram {
  /** As the kernel's link says, ` (deleted)` included. */
  readonly exe: string | undefined;
  readonly state: 'present' | 'replaced' | 'deleted' | undefined;
  /** Whose files the process sees: the machine's, or those of a container; absent: not visible. */
  readonly view: 'host' | 'own' | 'other' | 'chroot' | undefined;
}

/** What the probe said, in numbers and bounded texts; nothing in it is trusted to be true, only to have this shape. */
export interface Answer {
  /** How far the probe came: `tables` all socket tables, `seen` every listener's process, `end` everything. */
  readonly reached: 'begin' | 'tables' | 'seen' | 'end';
  /** It has more lines or sections than were read. */
  readonly isTooLong: boolean;
  /** Every process was asked which sockets it holds. */
  readonly isOwnerLookWhole: boolean;
  readonly uid: number;
  /** Programs that the machine lacks. */
  readonly missing: readonly string[];
  readonly files: ReadonlyMap<string, string>;
  readonly isLittleEndian: boolean;
  /** Inode of the namespace's tcp table, by pid. */
  readonly spaceOf: ReadonlyMap<number, string>;
  readonly ownSpace: string | undefined;
  readonly unknownPids: number;
  /** Names of namespaces by `ip netns add`, with the inode each is mounted from. */
  readonly mounted: ReadonlyMap<string, string>;
  readonly spaces: ReadonlyMap<string, PrintedSpace>;
  /** Pids by the inode of the socket they hold, ascending. */
  readonly holders: ReadonlyMap<number, ReadonlySet<number>>;
  readonly hiddenPids: number;
  readonly stats: ReadonlyMap<number, ProcessStat>;
  readonly cgroups: ReadonlyMap<number, string>;
  readonly uidMaps: ReadonlyMap<number, string>;
  readonly uids: ReadonlyMap<number, number>;
  readonly programs: ReadonlyMap<number, PrintedProgram>;
  /** Arguments ended by NUL. */
  readonly commandLines: ReadonlyMap<number, string>;
  /** By absolute path. */
  readonly packages: ReadonlyMap<string, PackageFacts>;
  readonly hashes: ReadonlyMap<number, string>;
  /** Names of users by number in containers, by pid. */
  readonly passwds: ReadonlyMap<number, ReadonlyMap<number, string>>;
}

const MAX_FILE_BYTES = 16 * 1024 * 1024;
const MAX_PASSWD_BYTES = 1024 * 1024;
const MAX_PATH_BYTES = 4096;
const MAX_COMMAND_LINE_BYTES = 16 * 1024;
const MAX_PID = 2 ** 22;
const BIG_ENDIAN = /^(?:s390x?|ppc|ppc64|mips|mips64|sparc|sparc64|armv\db|aarch64_be|parisc|m68k)$/;

/** Reads the sections of an answer; `undefined` if it has no beginning: the probe did not run. */
export function readAnswer(sections: readonly Section[]): Answer | undefined {
  const begin = sections.find((s) => s.kind === 'begin');
  if (begin?.words[0] !== '1') return undefined;
  const of = (kind: string) => sections.filter((s) => s.kind === kind);
  let isTooLong = sections.length >= MAX_SECTIONS;
  const linesOf = (section: Section | undefined): readonly string[] => {
    const lines = firstLines(section);
    isTooLong ||= lines.length === MAX_LINES;
    return lines;
  };
  const first = (kind: string) => linesOf(of(kind)[0]);
  const prefixed = (file: string) =>
    prefixedBy(file, linesOf(sections.find((s) => s.kind === 'lines' && s.words[0] === file)));
  const files = new Map<string, string>();
  for (const { words, body } of of('file')) {
    const name = words[0] as string;
    if (name !== undefined && !files.has(name)) files.set(name, body.subarray(0, MAX_FILE_BYTES).toString('utf8'));
  }
  for (const [path, text] of runtimeFiles(of('container'))) files.set(path, text);
  const holders = new Map<number, Set<number>>();
  let hiddenPids = 0;
  for (const line of first('holders')) {
    const [word, pidText, inodeText] = line.split(' ');
    const [pid, inode] = [pidOf(pidText), numberOf(inodeText)];
    if (word === 'hidden' && pid !== undefined) hiddenPids++;
    if (word !== 'holds' || pid === undefined || inode === undefined) continue;
    getOrMake(holders, inode, () => new Set()).add(pid);
  }
  const stats = new Map<number, ProcessStat>();
  for (const [pid, text] of prefixed('stat')) {
    const stat = parseProcessStat(Buffer.from(text, 'latin1'));
    if (stat) stats.set(pid, { ...stat, name: stat.name.slice(0, 64) });
  }
  const release = files.get('/etc/os-release') ?? files.get('/usr/lib/os-release') ?? '';
  const packages = new Map<string, PackageFacts>();
  for (const [path, facts] of readPackages(sections)) {
    const ecosystem = ecosystemOf(facts.manager, release);
    packages.set(path, ecosystem === undefined ? facts : { ...facts, ecosystem });
  }
  const kinds = new Set(sections.map((s) => s.kind));
  return {
    reached: kinds.has('end') ? 'end' : kinds.has('seen') ? 'seen' : kinds.has('holders') ? 'tables' : 'begin',
    isOwnerLookWhole: first('holders').includes('done'),
    uid: numberOf(begin.words[1]) ?? -1,
    missing: of('missing').flatMap((s) => (/^[a-z]{1,16}$/.test(s.words[0] ?? '') ? [s.words[0] as string] : [])),
    files,
    isLittleEndian: isLittleEndian(files),
    spaceOf: spacesOf(first('spaces')),
    ownSpace: /^\s*(\d{1,20}) /.exec(first('own')[0] ?? '')?.[1],
    unknownPids: first('unknown').filter((line) => pidOf(line) !== undefined).length,
    mounted: mountedOf(first('mounted')),
    spaces: tablesOf(sections),
    holders,
    hiddenPids,
    stats,
    cgroups: new Map([...prefixed('cgroup')].map(([pid, text]) => [pid, decode(text)])),
    uidMaps: prefixed('uid_map'),
    uids: uidsOf(first('uids')),
    programs: programsOf(sections),
    commandLines: new Map(
      of('cmdline').flatMap(({ words, body }) => {
        const pid = pidOf(words[0]);
        const text = body.subarray(0, MAX_COMMAND_LINE_BYTES).toString('utf8');
        return pid === undefined || text === '' ? [] : [[pid, text] as const];
      }),
    ),
    packages,
    hashes: hashesOf(first('hashes')),
    passwds: passwdsOf(of('passwd')),
    isTooLong,
  };
}

function firstLines(section: Section | undefined): string[] {
  return section === undefined ? [] : section.body.toString('latin1').split('\n', MAX_LINES);
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function pidOf(text: string | undefined): number | undefined {
  const pid = numberOf(text);
  return pid !== undefined && pid > 0 && pid <= MAX_PID ? pid : undefined;
}

function decode(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}

/** By the bytes 1 and 2 read as one number; where `od` is missing, by the name of the processor. */
function isLittleEndian(files: ReadonlyMap<string, string>): boolean {
  const order = files.get('order')?.trim();
  if (order === '0201') return true;
  if (order === '0102') return false;
  return !BIG_ENDIAN.test(files.get('arch')?.trim() ?? '');
}

/** `4026531910 123/net/tcp` */
function spacesOf(lines: readonly string[]): Map<number, string> {
  const spaces = new Map<number, string>();
  for (const line of lines) {
    const match = /^\s*(\d{1,20}) +(\d{1,10})\/net\/tcp$/.exec(line);
    const pid = pidOf(match?.[2]);
    if (match && pid !== undefined) spaces.set(pid, match[1] as string);
  }
  return spaces;
}

/** First number that the kernel gives to the inode of a namespace; a plain file in that directory has a lower one. */
const FIRST_NAMESPACE_INODE = 0xf0000000;

/** `4026532338 blue` */
function mountedOf(lines: readonly string[]): Map<string, string> {
  const mounted = new Map<string, string>();
  for (const line of lines) {
    const match = /^\s*(\d{1,20}) ([\w.@:+-]{1,200})$/.exec(line);
    if (match && Number(match[1]) >= FIRST_NAMESPACE_INODE) mounted.set(match[2] as string, match[1] as string);
  }
  return mounted;
}

function tablesOf(sections: readonly Section[]): Map<string, PrintedSpace> {
  const spaces = new Map<string, PrintedSpace>();
  for (const { kind, words, body } of sections) {
    const [id = '', file = '', state] = words;
    if (!/^\d{1,20}$/.test(id)) continue;
    if (kind === 'space' && !spaces.has(id)) {
      const link = / -> net:\[(\d{1,20})\]$/m.exec(body.toString('latin1'))?.[1];
      spaces.set(id, { link, tables: new Map(), isWhole: false });
    }
    const space = spaces.get(id);
    if (kind === 'table' && space && !space.tables.has(file))
      space.tables.set(file, { bytes: body, state: state === 'read' || state === 'denied' ? state : 'failed' });
    if (kind === 'done' && space) space.isWhole = true;
  }
  return spaces;
}

/** Texts of a file of /proc by pid, from what `grep` prints of many: each line after `PID/FILE:`. As latin1. */
function prefixedBy(file: string, lines: readonly string[]): Map<number, string> {
  const texts = new Map<number, string>();
  for (const line of lines) {
    const slash = line.indexOf('/');
    const pid = pidOf(line.slice(0, slash));
    if (pid === undefined || !line.startsWith(`${file}:`, slash + 1)) continue;
    const before = texts.get(pid);
    const text = line.slice(slash + file.length + 2);
    if (before === undefined || before.length < 64 * 1024)
      texts.set(pid, before === undefined ? text : `${before}\n${text}`);
  }
  return texts;
}

/** `dr-xr-xr-x 9 33 33 0 Nov 22 03:00 123`: the kernel gives the directory of a process to its effective user. */
function uidsOf(lines: readonly string[]): Map<number, number> {
  const uids = new Map<number, number>();
  for (const line of lines) {
    const match = /^d\S+ +\d+ +(\d{1,10}) .* (\d{1,10})$/.exec(line);
    const pid = pidOf(match?.[2]);
    if (match && pid !== undefined) uids.set(pid, Number(match[1]));
  }
  return uids;
}

function programsOf(sections: readonly Section[]): Map<number, PrintedProgram> {
  const programs = new Map<number, PrintedProgram>();
  for (const { kind, words, body } of sections) {
    const pid = pidOf(words[0]);
    if (pid === undefined || programs.has(pid) || (kind !== 'exe' && kind !== 'view')) continue;
    const [state, view] = kind === 'exe' ? [words[1], words[2]] : [undefined, words[1]];
    // the line feed behind it is the probe's
    const isPath = kind === 'exe' && body.length > 1 && body.length <= MAX_PATH_BYTES + 1;
    programs.set(pid, {
      exe: isPath ? body.toString('utf8', 0, body.length - 1) : undefined,
      state: isPath ? oneOf(state, ['present', 'replaced', 'deleted']) : undefined,
      view: oneOf(view, ['host', 'own', 'other', 'chroot']),
    });
  }
  return programs;
}

function oneOf<T extends string>(text: string | undefined, known: readonly T[]): T | undefined {
  return known.find((word) => word === text);
}

/** `123 HASH`, or `124 = 123` for another process of the same file. */
function hashesOf(lines: readonly string[]): Map<number, string> {
  const hashes = new Map<number, string>();
  for (const line of lines) {
    const [pidText, word = '', other] = line.split(' ');
    const pid = pidOf(pidText);
    if (pid === undefined) continue;
    const hash = word === '=' ? hashes.get(pidOf(other) ?? 0) : word;
    if (hash !== undefined && /^[0-9a-f]{64}$/.test(hash)) hashes.set(pid, hash);
  }
  return hashes;
}

function passwdsOf(sections: readonly Section[]): Map<number, ReadonlyMap<number, string>> {
  const known = new Map<number, ReadonlyMap<number, string>>();
  for (const { words, body } of sections) {
    const [pid, other] = words.map(pidOf);
    if (pid === undefined || known.has(pid)) continue;
    const names = other === undefined ? parsePasswd(body.toString('utf8', 0, MAX_PASSWD_BYTES)) : known.get(other);
    if (names !== undefined) known.set(pid, names);
  }
  return known;
}

/** Files of container runtimes as the namer of scopes reads them, rebuilt from the few words that the probe printed. */
function* runtimeFiles(sections: readonly Section[]): Generator<[string, string]> {
  for (const { words, body } of sections) {
    const [id = '', kind] = words;
    if (!/^[0-9a-f]{64}$/.test(id)) continue;
    const members = body.toString('utf8').trim().split('\n').slice(0, 100).join(',');
    if (kind === 'docker') yield [`/var/lib/docker/containers/${id}/config.v2.json`, `{${members}}`];
    if (kind === 'pod')
      yield [`/run/containerd/io.containerd.runtime.v2.task/k8s.io/${id}/config.json`, `{"annotations":{${members}}}`];
  }
}
