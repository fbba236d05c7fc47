import { spawn } from 'node:child_process';

/** What one run of the OpenSSH client brought. */
export interface ClientResult {
  readonly stdout: Buffer;
  /** At most 16 KiB. */
  readonly stderr: string;
  /** ssh's own failures end with 255; null where it was ended. */
  readonly code: number | null;
  readonly ended: 'by itself' | 'timeout' | 'output' | 'not started';
}

export interface ClientOptions {
  /** Everything behind the program's name. */
  readonly args: readonly string[];
  readonly input: string;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly env: NodeJS.ProcessEnv;
  /** Ends the client: nobody waits for it any more. */
  readonly signal?: AbortSignal | undefined;
}

const MAX_STDERR = 16 * 1024;
/** How long the client may take to end when it is asked to, and how long its pipes may stay open behind it, in ms. */
const GRACE_MS = 2_000;

/**
 * Options that hold whatever the person's configuration says: ask nothing, run our command and no other, hand the agent,
 * displays and ports of this machine to nobody. Host keys are checked as the configuration says, never less.
 */
const OPTIONS: readonly string[] = [
  '-T',
  '-a',
  '-x',
  ...[
    'BatchMode=yes',
    'ClearAllForwardings=yes',
    'PermitLocalCommand=no',
    'RemoteCommand=none',
    'LogLevel=ERROR',
  ].flatMap((option) => ['-o', option]),
];

/** Arguments of the client for a machine: never through a shell, and nothing of the machine's name can be an option. */
export function clientArguments(
  to: { readonly host: string; readonly user?: string; readonly port?: number },
  options: { readonly sudo: boolean; readonly connectTimeoutMs: number; readonly config?: string },
): string[] {
  return [
    ...(options.config === undefined ? [] : ['-F', options.config]),
    ...OPTIONS,
    '-o',
    `ConnectTimeout=${Math.max(1, Math.ceil(options.connectTimeoutMs / 1000))}`,
    ...(to.port === undefined ? [] : ['-p', String(to.port)]),
    ...(to.user === undefined ? [] : ['-l', to.user]),
    '--',
    to.host,
    options.sudo ? 'sudo -n sh -s' : 'sh -s',
  ];
}

/** Runs the system's OpenSSH client. Never throws; ends it when it takes too long or brings too much. */
export function runClient({ args, input, timeoutMs, maxBytes, env, signal }: ClientOptions): Promise<ClientResult> {
  return new Promise((resolve) => {
    const child = spawn('ssh', [...args], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...env, LC_ALL: 'C' } });
    const pieces: Buffer[] = [];
    let length = 0;
    let stderr = '';
    let ended: ClientResult['ended'] = 'by itself';
    let code: number | null = null;
    const timers: NodeJS.Timeout[] = [];
    const after = (ms: number, then: () => void) => timers.push(setTimeout(then, ms));

    const finish = () => {
      for (const timer of timers) clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ stdout: Buffer.concat(pieces, length), stderr, code, ended });
    };
    const end = (why: ClientResult['ended']) => {
      if (ended !== 'by itself') return;
      ended = why;
      child.kill('SIGTERM');
      after(GRACE_MS, () => child.kill('SIGKILL'));
    };

    const stop = () => end('timeout');
    after(timeoutMs, stop);
    signal?.addEventListener('abort', stop);
    child.stdout.on('data', (piece: Buffer) => {
      const room = maxBytes - length;
      if (room <= 0) return;
      pieces.push(piece.subarray(0, room));
      length += Math.min(piece.length, room);
      if (piece.length > room) end('output');
    });
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      if (stderr.length < MAX_STDERR) stderr += piece.slice(0, MAX_STDERR - stderr.length);
    });
    child.on('error', (error) => {
      ended = 'not started';
      stderr = error.message;
      finish();
    });
    child.on('exit', (status) => {
      code = status;
      // a connection shared in the background (ControlPersist) keeps the pipes open
      after(GRACE_MS, finish);
    });
    child.on('close', finish);
    child.stdin.on('error', () => {}); // a machine that does not want to read says why in another way
    child.stdin.end(input);
  });
}
