import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';

export const executable = join(resolve(import.meta.dirname, '..'), 'bin/quietdoor.js');

export interface Run {
  /** Exit code; null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program as a person would, with this Node. Ends it after a minute. */
export function quietdoor(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Run> {
  return run(process.execPath, [executable, ...args], options);
}

/**
 * The same as the user `nobody` (needs root). A copy of the program is run, made once: the clone itself may lie where that
 * user cannot look.
 */
export function asNobody(args: readonly string[], cwd: string): Promise<Run> {
  copy ??= copyProgram();
  chmodSync(cwd, 0o755);
  const who = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
  return run('setpriv', [...who, join(copy, 'node'), join(copy, 'bin/quietdoor.js'), ...args], { cwd });
}

let copy: string | undefined;

function copyProgram(): string {
  const root = resolve(import.meta.dirname, '..');
  const folder = mkdtempSync(join(tmpdir(), 'quietdoor-copy-'));
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages[''];
  for (const part of ['bin', 'src', 'package.json', ...Object.keys(dependencies).map((name) => `node_modules/${name}`)])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  cpSync(realpathSync(process.execPath), join(folder, 'node'));
  chmodSync(folder, 0o755);
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv },
): Promise<Run> {
  return new Promise((done, failed) => {
    const child = spawn(program, [...args], {
      cwd: options.cwd ?? tmpdir(),
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', failed);
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
}

/** A folder that is removed when the test ends. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'quietdoor-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
