import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

/** What a program did. `missing`: it is not installed. `timeout`, `too-much`: it was ended for its time or its output. */
export interface ProgramResult {
  readonly kind: 'ended' | 'missing' | 'timeout' | 'too-much';
  /** Exit code; -1 where it did not end by itself. */
  readonly code: number;
  readonly stdout: Buffer;
  /** As text, bounded. */
  readonly stderr: string;
}

export interface RunOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly input?: string | Uint8Array;
  readonly maxBytes?: number;
}

const MAX_STDERR = 16_384;

/** Runs a program with an argument vector (never a shell), bounded in time and output. Does not throw. */
export function runProgram(file: string, args: readonly string[], options: RunOptions): Promise<ProgramResult> {
  const maxBytes = options.maxBytes ?? 1 << 20;
  return new Promise((resolve) => {
    const nothing = { code: -1, stdout: Buffer.alloc(0) };
    let child: ChildProcessWithoutNullStreams;
    try {
      child = spawn(file, args, { env: options.env, stdio: ['pipe', 'pipe', 'pipe'] });
    } catch (error) {
      // An argument that no program can be given: a NUL byte, or more than the system takes.
      return resolve({ kind: 'ended', ...nothing, stderr: (error as Error).message });
    }
    const out: Buffer[] = [];
    let size = 0;
    let stderr = '';
    let kind: ProgramResult['kind'] = 'ended';
    const end = (why: ProgramResult['kind']) => {
      kind = why;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => end('timeout'), options.timeoutMs);
    child.stdout.on('data', (part: Buffer) => {
      size += part.length;
      if (size > maxBytes) end('too-much');
      else out.push(part);
    });
    child.stderr.on('data', (part: Buffer) => {
      if (stderr.length < MAX_STDERR) stderr += part.toString('utf8');
    });
    child.stdin.on('error', () => {}); // it may end without reading all of its input
    child.stdin.end(options.input ?? '');
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const why = error.code === 'ENOENT' || error.code === 'EACCES' ? 'missing' : 'ended';
      resolve({ kind: why, ...nothing, stderr: error.message });
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ kind, code: code ?? -1, stdout: Buffer.concat(out), stderr: stderr.slice(0, MAX_STDERR) });
    });
  });
}

/** The environment without what would steer git from outside (`GIT_DIR`, `GIT_CONFIG_…`), messages in English. */
export function cleanEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(env)) if (!name.startsWith('GIT_')) kept[name] = value;
  return { ...kept, LC_ALL: 'C' };
}
