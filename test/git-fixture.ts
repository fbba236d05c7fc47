import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** Returns false where the tool runs, else the reason to skip a test. */
export function missingTool(tool: string, probe = '--version'): false | string {
  const found = spawnSync(tool, [probe], { stdio: 'ignore' });
  return found.error === undefined ? false : `${tool} is not installed`;
}

export function tempDir(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'quietdoor-test-'));
}

/** An ssh key made for one test. */
export interface TestKey {
  readonly file: string;
  /** `ssh-ed25519 AAAA… name` */
  readonly publicKey: string;
  /** `SHA256:…` */
  readonly fingerprint: string;
  sign(payload: string, namespace: string): Promise<string>;
  /** Loads the key into an agent of its own. */
  toAgent(socket: string): Promise<{ env: NodeJS.ProcessEnv; stop: () => void }>;
}

export async function makeKey(dir: string, name: string, passphrase = ''): Promise<TestKey> {
  const file = join(dir, name);
  await exec('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', name, '-f', file]);
  const publicKey = (await readFile(`${file}.pub`, 'utf8')).trim();
  const listed = await exec('ssh-keygen', ['-l', '-f', `${file}.pub`]);
  return {
    file,
    publicKey,
    fingerprint: listed.stdout.split(' ')[1] ?? '',
    async sign(payload, namespace) {
      const message = join(dir, `${name}.message`);
      await writeFile(message, payload);
      await exec('ssh-keygen', ['-Y', 'sign', '-n', namespace, '-f', file, message]);
      const signature = await readFile(`${message}.sig`, 'utf8');
      await exec('rm', [`${message}.sig`]);
      return signature;
    },
    async toAgent(socket) {
      const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
      await once(agent.stdout, 'data'); // it prints its address once it listens
      const env = { ...process.env, SSH_AUTH_SOCK: socket };
      await exec('ssh-add', ['-q', file], { env });
      return { env, stop: () => void agent.kill() };
    },
  };
}

export interface CommitOptions {
  /** `alice` gives alice@example.org. */
  readonly author: string;
  /** Default: the author. */
  readonly committer?: string;
  /** Signs the commit with this key. */
  readonly key?: TestKey;
  readonly message?: string;
}

/** A git repository in a temporary directory, made for one test. */
export interface TestRepo {
  readonly dir: string;
  git(...args: string[]): Promise<string>;
  /** Writes files (null removes one) and commits everything. Returns the commit's id. */
  commit(files: Record<string, string | null>, options: CommitOptions): Promise<string>;
}

let clock = Date.UTC(2026, 8, 1) / 1000;

export async function makeRepo(dir: string, branch = 'main'): Promise<TestRepo> {
  await mkdir(dir, { recursive: true });
  const base: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    HOME: dir,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
  };
  const run = async (args: string[], env: NodeJS.ProcessEnv = {}) =>
    (await exec('git', args, { cwd: dir, env: { ...base, ...env } })).stdout.trim();
  await run(['init', '-q', '-b', branch]);
  await run(['config', 'user.name', 'nobody']);
  await run(['config', 'user.email', 'nobody@example.org']);
  return {
    dir,
    git: (...args) => run(args),
    async commit(files, options) {
      for (const [name, text] of Object.entries(files)) {
        const path = join(dir, name);
        await mkdir(dirname(path), { recursive: true });
        if (text === null) await exec('rm', ['-f', path]);
        else await writeFile(path, text);
      }
      const committer = options.committer ?? options.author;
      clock += 60; // commits of one test are a minute apart, whatever the machine's clock says
      const date = `${clock} +0000`;
      await run(['add', '-A']);
      const signing = options.key
        ? ['-c', 'gpg.format=ssh', '-c', `user.signingkey=${options.key.file}`, 'commit', '-S']
        : ['commit', '--no-gpg-sign'];
      await run([...signing, '-q', '--allow-empty', '-m', options.message ?? 'change'], {
        GIT_AUTHOR_NAME: options.author,
        GIT_AUTHOR_EMAIL: `${options.author}@example.org`,
        GIT_AUTHOR_DATE: date,
        GIT_COMMITTER_NAME: committer,
        GIT_COMMITTER_EMAIL: `${committer}@example.org`,
        GIT_COMMITTER_DATE: date,
      });
      return run(['rev-parse', 'HEAD']);
    },
  };
}
