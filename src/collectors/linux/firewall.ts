import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import type { RulesetDump } from '../../model/admission.ts';
import {
  dumpOf,
  FIREWALL_PROGRAMS,
  type KernelFilters,
  legacyTables,
  MAX_OUTPUT_BYTES,
  notTaken,
  OUTPUT_TIMEOUT_MS,
  type ProgramOutput,
  ROOT_PATH,
} from './firewall-dump.ts';

export interface LocalFirewallOptions {
  readonly host: string;
  /** UTC milliseconds. */
  readonly now: () => number;
  /** Folders of the programs, separated by colons; tests give others. */
  readonly path?: string;
}

/**
 * The packet filters of this machine (of the network namespace that we run in), by the programs that print them. Reads, never
 * writes, and loads no table that is not there. Never throws: what could not be seen is in `problems`.
 */
export async function collectLocalFirewall({
  host,
  now,
  path = ROOT_PATH,
}: LocalFirewallOptions): Promise<RulesetDump> {
  const origin = { host, source: 'local', takenAt: now() };
  if (process.platform !== 'linux') return notTaken(origin, `the packet filters of ${process.platform} are not read`);
  if (process.geteuid?.() !== 0) return notTaken(origin, 'packet filters can only be read as root');
  const kernel = kernelFilters();
  const tables = { ip_tables_names: kernel.legacyIpv4, ip6_tables_names: kernel.legacyIpv6 };
  const outputs = await Promise.all(
    FIREWALL_PROGRAMS.map(async ({ name, ways, onlyWith }) => {
      if (onlyWith !== undefined && (tables[onlyWith]?.length ?? 0) === 0) return [name, NOT_ASKED] as const;
      return [name, await firstOf(ways, path)] as const;
    }),
  );
  return dumpOf(origin, new Map(outputs), kernel);
}

/**
 * Says whether we run in another network namespace than the machine's first process (`ip netns exec`): then the filters that
 * programs print are not those in front of the machine's own sockets.
 */
export function isInOtherNamespace(): boolean {
  // the kernel makes one table of sockets per namespace, and anybody may ask for its number
  const [own, first] = ['self', '1'].map((pid) => statSync(`/proc/${pid}/net/tcp`, { throwIfNoEntry: false })?.ino);
  return own !== undefined && first !== undefined && own !== first;
}

const NOT_ASKED: ProgramOutput = { status: 'not-asked', text: '', error: '' };
const MISSING: ProgramOutput = { status: 'missing', text: '', error: '' };
const MAX_ERROR = 4_096;

/** Output of the first program that is installed; bounded in length and time. */
export async function firstOf(
  ways: ReadonlyArray<readonly [string, ...string[]]>,
  path: string,
): Promise<ProgramOutput> {
  for (const [program, ...args] of ways) {
    const found = path
      .split(':')
      .map((folder) => join(folder, program))
      .find((file) => existsSync(file));
    if (found !== undefined) return run(found, args, path);
  }
  return MISSING;
}

function run(program: string, args: readonly string[], path: string): Promise<ProgramOutput> {
  return new Promise((resolve) => {
    // nothing of the caller's environment: XTABLES_LIBDIR and others load code
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: path, LC_ALL: 'C' } });
    const pieces: Buffer[] = [];
    let length = 0;
    let error = '';
    let cut: 'too-long' | 'timeout' | undefined;
    const stop = (why: 'too-long' | 'timeout') => {
      cut ??= why;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(stop, OUTPUT_TIMEOUT_MS, 'timeout');
    child.stdout.on('data', (piece: Buffer) => {
      length += piece.length;
      if (length > MAX_OUTPUT_BYTES) stop('too-long');
      else pieces.push(piece);
    });
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      if (error.length < MAX_ERROR) error += piece.slice(0, MAX_ERROR - error.length);
    });
    child.on('error', (cause) => {
      clearTimeout(timer);
      resolve({ status: 'failed', text: '', error: cause.message });
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      if (cut !== undefined || code !== 0) resolve({ status: cut ?? 'failed', text: '', error });
      else resolve({ status: 'ok', text: Buffer.concat(pieces, length).toString('utf8'), error });
    });
  });
}

function kernelFilters(): KernelFilters {
  return {
    legacyIpv4: legacyTables(readNames('ip_tables_names')),
    legacyIpv6: legacyTables(readNames('ip6_tables_names')),
    hasNfTables: hasNfTables(),
  };
}

/** Empty where the file is not there: the module that makes it is not loaded. */
function readNames(file: string): string | null {
  return readSmall(`/proc/net/${file}`) ?? (existsSync(`/proc/net/${file}`) ? null : '');
}

/** Says whether the kernel runs nf_tables; null where neither its modules nor what is built into it can be listed. */
function hasNfTables(): boolean | null {
  if (existsSync('/sys/module/nf_tables')) return true;
  const loaded = readSmall('/proc/modules');
  const builtIn = readSmall(`/lib/modules/${release()}/modules.builtin`);
  if (loaded === null || builtIn === null) return null;
  return /^nf_tables /m.test(loaded) || /\/nf_tables\.ko/.test(builtIn);
}

function readSmall(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
