import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../model/errors.ts';
import { nmapArguments } from './nmap-arguments.ts';

export interface NmapOptions {
  /** Addresses, CIDRs and ranges, checked by the caller: none may begin with a hyphen. */
  readonly targets: readonly string[];
  readonly exclude: readonly string[];
  /** As nmap writes them: `22,80,8000-8100`. Absent: nmap's own choice. */
  readonly ports?: string;
  /** Further options of the user's, from the list that is allowed. */
  readonly flags: readonly string[];
  readonly ipv6: boolean;
  readonly signal?: AbortSignal;
  /** Lines of nmap's own progress and errors. */
  readonly onLine?: (line: string) => void;
  /** Program; default `nmap` of the PATH. */
  readonly program?: string;
}

/** What a run left: its XML is whole only where the exit code is 0. The caller imports it and calls `remove`. */
export interface NmapRun {
  /** Path of the XML (`-oX`). It may be cut where nmap was stopped; what it holds can be imported. */
  readonly xmlFile: string;
  /** As nmap was called, for the record. */
  readonly command: readonly string[];
  /** null: ended by a signal. */
  readonly exitCode: number | null;
  readonly remove: () => Promise<void>;
}

/** How long nmap may take to end after it was asked to, ms. */
const KILL_AFTER_MS = 5_000;

/**
 * Runs an installed nmap, without a shell, and returns its XML. Throws UserError where nmap is not installed, or where the
 * options are not allowed.
 */
export async function runNmap(options: NmapOptions): Promise<NmapRun> {
  const program = options.program ?? 'nmap';
  const folder = await mkdtemp(join(tmpdir(), 'quietdoor-nmap-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  const xmlFile = join(folder, 'scan.xml');
  try {
    const args = nmapArguments(options, xmlFile);
    const exitCode = await run(program, args, options);
    return { xmlFile, command: [program, ...args], exitCode, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

function run(program: string, args: readonly string[], { signal, onLine }: NmapOptions): Promise<number | null> {
  return new Promise((resolve, reject) => {
    // NMAPDIR and NMAP_ARGS could bring in scripts and options that nobody asked for.
    const { NMAPDIR: _, NMAP_ARGS: __, ...env } = process.env;
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    let killer: NodeJS.Timeout | undefined;
    const stop = () => {
      child.kill('SIGTERM');
      killer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
    };
    const settle = () => {
      clearTimeout(killer);
      signal?.removeEventListener('abort', stop);
    };
    child.once('error', (cause: NodeJS.ErrnoException) => {
      settle();
      reject(cause.code === 'ENOENT' ? notInstalled(program, cause) : cause);
    });
    child.once('close', (code) => {
      settle();
      resolve(code);
    });
    for (const stream of [child.stdout, child.stderr]) passLines(stream, onLine);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}

function notInstalled(program: string, cause: Error): UserError {
  return new UserError(`${program} is not installed`, {
    hint: 'Install it (apt install nmap, dnf install nmap), or scan without --engine nmap: quietdoor has a scanner of its own.',
    cause,
  });
}

/** Longest line that is passed on, in characters. */
const MAX_LINE = 1_000;

function passLines(stream: NodeJS.ReadableStream, onLine: ((line: string) => void) | undefined): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    if (!onLine) return;
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(0, MAX_LINE);
    for (const line of lines) onLine(line.slice(0, MAX_LINE));
  });
  stream.on('end', () => {
    if (rest !== '') onLine?.(rest);
  });
}
