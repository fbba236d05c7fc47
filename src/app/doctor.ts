import { execFileSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Context, openContext, type PlaceFlags } from './context.ts';
import { loadRegister } from './load-register.ts';
import { VERSION } from './version.ts';

/** One thing that the program needs or can use. */
export interface Diagnosis {
  readonly what: string;
  /** `ok`; `lacks`: something will not be seen or done; `broken`: the program cannot do its main job. */
  readonly status: 'ok' | 'lacks' | 'broken';
  /** What was found. */
  readonly found: string;
  /** What follows from it, and what to do; absent where all is well. */
  readonly advice?: string;
}

/** Examines this machine and, where there is one, the workspace. Changes nothing but a probe file that it removes. */
export async function diagnose(flags: PlaceFlags): Promise<readonly Diagnosis[]> {
  return [
    program(),
    privilege(),
    ...procfs(),
    ...packageDatabases(),
    ...tools(),
    await flowLibrary(),
    ...(await workspace(flags)),
  ];
}

function program(): Diagnosis {
  return {
    what: 'program',
    status: 'ok',
    found: `quietdoor ${VERSION}, Node ${process.versions.node}, ${process.platform} ${process.arch}`,
  };
}

/** CAP_DAC_READ_SEARCH (2) and CAP_SYS_PTRACE (19) let a process read other users' /proc/PID/fd (capabilities(7)). */
function privilege(): Diagnosis {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readOrEmpty('/proc/self/status'))?.[1];
  const capabilities = BigInt(`0x${effective ?? '0'}`);
  const has = (bit: bigint) => (capabilities >> bit) % 2n === 1n;
  if (process.getuid?.() === 0 && has(19n))
    return { what: 'rights', status: 'ok', found: 'root: every process owner is visible' };
  if (has(2n) && has(19n))
    return {
      what: 'rights',
      status: 'ok',
      found: 'CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE: every process owner is visible',
    };
  return {
    what: 'rights',
    status: 'lacks',
    found: process.getuid?.() === 0 ? 'root without CAP_SYS_PTRACE' : `user ${process.getuid?.() ?? '?'}`,
    advice:
      "Owners of other users' sockets and their network namespaces are not visible; run scans with sudo to see them.",
  };
}

function procfs(): Diagnosis[] {
  if (process.platform !== 'linux') {
    return [
      {
        what: '/proc',
        status: 'broken',
        found: `this is ${process.platform}`,
        advice: 'Only Linux is collected from; elsewhere work with the observations of other hosts.',
      },
    ];
  }
  const found: Diagnosis[] = [];
  const tables = ['tcp', 'tcp6', 'udp', 'udp6'].filter((table) => isReadable(`/proc/net/${table}`));
  found.push(
    tables.includes('tcp') && tables.includes('udp')
      ? { what: '/proc/net', status: 'ok', found: `socket tables: ${tables.join(', ')}` }
      : {
          what: '/proc/net',
          status: 'broken',
          found: `readable: ${tables.join(', ') || 'none'}`,
          advice: 'Listeners cannot be read. Is /proc mounted?',
        },
  );
  const hidepid = /^\S+ \/proc proc \S*\bhidepid=(?!0|off)(\w+)/m.exec(readOrEmpty('/proc/mounts'))?.[1];
  const namespaces = new Set<string>();
  let hidden = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      namespaces.add(readlinkSync(`/proc/${pid}/ns/net`));
    } catch {
      if (existsSync(`/proc/${pid}`)) hidden++;
    }
  }
  found.push({
    what: 'namespaces',
    status: hidden > 0 ? 'lacks' : 'ok',
    found: `${namespaces.size} network namespace${namespaces.size === 1 ? '' : 's'} visible`,
    ...(hidden > 0
      ? {
          advice:
            process.getuid?.() === 0
              ? 'Some processes do not show theirs, so containers may stay unseen: they have capabilities that this process lacks.'
              : 'Some processes do not show theirs; run scans with sudo, or containers may stay unseen.',
        }
      : {}),
  });
  if (hidepid) {
    found.push({
      what: 'hidepid',
      status: process.getuid?.() === 0 ? 'ok' : 'lacks',
      found: `/proc is mounted with hidepid=${hidepid}`,
      advice: 'Processes of other users are invisible without root; run scans with sudo.',
    });
  }
  return found;
}

const PACKAGE_DATABASES = {
  dpkg: ['/var/lib/dpkg/status'],
  rpm: [
    '/usr/lib/sysimage/rpm/rpmdb.sqlite',
    '/var/lib/rpm/rpmdb.sqlite',
    '/var/lib/rpm/Packages.db',
    '/var/lib/rpm/Packages',
  ],
  apk: ['/lib/apk/db/installed', '/usr/lib/apk/db/installed'],
} as const;

function packageDatabases(): Diagnosis[] {
  const found = Object.entries(PACKAGE_DATABASES).flatMap(([manager, paths]) =>
    paths.filter(isReadable).map((path) => `${manager} (${path})`),
  );
  if (found.length > 0) return [{ what: 'packages', status: 'ok', found: found.join(', ') }];
  return [
    {
      what: 'packages',
      status: 'lacks',
      found: 'no dpkg, rpm or apk database',
      advice: 'The package behind a listener stays unknown.',
    },
  ];
}

const TOOLS: readonly { name: string; args: readonly string[]; need: string }[] = [
  {
    name: 'git',
    args: ['--version'],
    need: 'who changed and who approved an entry cannot be proven; register diff works between files only.',
  },
  { name: 'ssh-keygen', args: ['-?'], need: 'approvals cannot be signed, nor signatures verified.' },
];

function tools(): Diagnosis[] {
  return TOOLS.map(({ name, args, need }) => {
    try {
      const version = execFileSync(name, args, {
        encoding: 'utf8',
        timeout: 5000,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      return { what: name, status: 'ok', found: version.split('\n')[0]?.trim() || 'there' };
    } catch (error) {
      // ssh-keygen has no version flag: it complains, which shows that it is there.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return { what: name, status: 'ok', found: 'there' };
      return { what: name, status: 'lacks', found: 'not on PATH', advice: `Without ${name} ${need}` };
    }
  });
}

/** DuckDB comes as a package per platform, which npm leaves out where there is none. */
async function flowLibrary(): Promise<Diagnosis> {
  const { loadDuckDb } = await import('../util/duckdb.ts');
  try {
    const { version } = await loadDuckDb();
    return { what: 'flows', status: 'ok', found: `DuckDB ${version()}: flow logs can be kept` };
  } catch (error) {
    return {
      what: 'flows',
      status: 'lacks',
      found: (error as Error).message,
      advice:
        'Flow logs cannot be kept here; everything else works. There are packages for Linux, macOS and Windows on x64 and arm64: was this one installed without its optional packages?',
    };
  }
}

async function workspace(flags: PlaceFlags): Promise<Diagnosis[]> {
  let context: Context;
  try {
    context = openContext(flags);
  } catch (error) {
    return [
      {
        what: 'workspace',
        status: 'lacks',
        found: (error as Error).message,
        advice: 'Make one with: quietdoor init DIR',
      },
    ];
  }
  const found: Diagnosis[] = [];
  try {
    const { register } = await loadRegister(context, null);
    const errors = register.problems.filter((problem) => problem.severity === 'error').length;
    found.push({
      what: 'workspace',
      status: errors > 0 ? 'broken' : 'ok',
      found: `${context.workspace}: ${register.entries.length} entries${errors > 0 ? `, ${errors} errors` : ''}`,
      ...(errors > 0 ? { advice: 'See: quietdoor register lint' } : {}),
    });
  } catch (error) {
    found.push({ what: 'workspace', status: 'broken', found: (error as Error).message });
  }
  return [...found, stateFolder(context.state), ...(await undelivered(context))];
}

/** Messages that nobody got; nothing where there are none, or no store that can be read. */
async function undelivered(context: Context): Promise<Diagnosis[]> {
  try {
    const { deadAlerts } = await import('./alerts-dead.ts');
    const dead = await deadAlerts(context);
    if (dead.length === 0) return [];
    const channels = [...new Set(dead.map((delivery) => delivery.channel))].join(', ');
    return [
      {
        what: 'alerts',
        status: 'lacks',
        found: `${dead.length} messages could not be delivered: ${channels}`,
        advice: 'See why: quietdoor alerts dead. Then send them again: quietdoor alerts dead --retry',
      },
    ];
  } catch {
    return []; // the state folder was judged above
  }
}

function stateFolder(dir: string): Diagnosis {
  const probe = join(dir, `.probe-${process.pid}`);
  try {
    const existed = existsSync(dir);
    if (!existed) mkdirSync(dir, { recursive: true, mode: 0o700 });
    try {
      writeFileSync(probe, 'probe', { flag: 'wx' });
    } finally {
      rmSync(probe, { force: true }); // a full disk takes the name and not the content
    }
    if (!existed) rmSync(dir, { recursive: true });
    return { what: 'state', status: 'ok', found: `${dir}: can be written` };
  } catch (error) {
    return {
      what: 'state',
      status: 'lacks',
      found: (error as Error).message,
      advice: 'Observations cannot be recorded there; give another place with --state.',
    };
  }
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
