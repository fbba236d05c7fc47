import { spawn } from 'node:child_process';
import { cleanEnv, type ProgramResult, runProgram } from './run-program.ts';

const TIMEOUT_MS = 20_000;

/**
 * Settings that a repository brings along and that would run programs of its choice, or show another history than the
 * one that is stored. A workspace may come from anybody.
 */
const SAFE_CONFIG = [
  ['core.quotepath', 'off'],
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.pager', 'cat'],
  ['core.useReplaceRefs', 'false'],
  ['log.showSignature', 'false'],
  ['log.mailmap', 'false'],
  ['gpg.program', 'false'],
  ['gpg.x509.program', 'false'],
  ['gpg.ssh.program', 'ssh-keygen'],
  ['protocol.allow', 'never'],
] as const;

export interface GitOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly config?: ReadonlyArray<readonly [string, string]>;
  readonly input?: string;
  readonly maxBytes?: number;
  readonly timeoutMs?: number;
}

/** Runs git in a folder: no hooks, no fetching, no pager, no settings from GIT_… variables, paths taken literally. */
export function runGit(dir: string, args: readonly string[], options: GitOptions): Promise<ProgramResult> {
  return runProgram('git', gitArgs(dir, args, options.config), {
    env: gitEnv(options.env),
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    maxBytes: options.maxBytes ?? 16 << 20,
    ...(options.input === undefined ? {} : { input: options.input }),
  });
}

/** The same as a process that goes on answering. */
export function spawnGit(dir: string, args: readonly string[], env: NodeJS.ProcessEnv) {
  return spawn('git', gitArgs(dir, args), { env: gitEnv(env), stdio: ['pipe', 'pipe', 'ignore'] });
}

function gitArgs(dir: string, args: readonly string[], more: GitOptions['config'] = []): string[] {
  const config = [...SAFE_CONFIG, ...more].flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  return ['-C', dir, '--no-pager', '--no-replace-objects', ...config, ...args];
}

/** Environment for git: see `runGit`. */
function gitEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    ...cleanEnv(env),
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_GRAFT_FILE: '/dev/null',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_OPTIONAL_LOCKS: '0',
  };
}

/** Returns what git printed, trimmed, or why it could not answer, in one sentence. */
export async function askGit(
  dir: string,
  args: readonly string[],
  options: GitOptions,
): Promise<
  { readonly kind: 'answer'; readonly text: string } | { readonly kind: 'no-answer'; readonly reason: string }
> {
  const done = await runGit(dir, args, options);
  if (done.kind === 'ended' && done.code === 0) return { kind: 'answer', text: done.stdout.toString('utf8').trim() };
  return { kind: 'no-answer', reason: whyNot(done) };
}

/** Says why git did not answer, for a person. */
export function whyNot(done: ProgramResult): string {
  if (done.kind === 'missing') return 'git is not installed';
  if (done.kind === 'timeout') return 'git did not answer in time';
  if (done.kind === 'too-much') return 'git answered with more than is read';
  if (/dubious ownership/.test(done.stderr))
    return 'git refuses the repository because another user owns it (git config --global --add safe.directory …)';
  if (/not a git repository/.test(done.stderr)) return 'the workspace is not in a git repository';
  const line = done.stderr.trim().split('\n')[0] ?? '';
  return line === '' ? `git ended with code ${done.code}` : `git says: ${line.slice(0, 200)}`;
}
