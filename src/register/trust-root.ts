import { readFile, stat } from 'node:fs/promises';
import { posix } from 'node:path';
import { load } from 'js-yaml';
import { askGit, runGit } from './git.ts';

/** The list of allowed signers (ssh-keygen(1), "ALLOWED SIGNERS") that signatures are verified against. */
export type TrustRoot =
  | { readonly kind: 'found'; readonly text: string; readonly where: string }
  | { readonly kind: 'none'; readonly reason: string };

export const MACHINE_CONFIG = '/etc/quietdoor/config.yaml';
const FILE = 'allowed_signers';
const MAX_BYTES = 1 << 20;

export interface TrustRootInput {
  /** Top folder of the git repository; null: there is none, `noRepository` says why. */
  readonly repoDir: string | null;
  readonly noRepository: string;
  /** Folder of the workspace inside it, `''` for its top. */
  readonly pathInRepo: string;
  readonly env: NodeJS.ProcessEnv;
  /** Default: /etc/quietdoor/config.yaml. */
  readonly machineConfig?: string;
}

/**
 * Finds the trust root: a file that this machine's configuration names, else `allowed_signers` of the workspace as it is
 * on the base branch. Never the working tree's and never the copy that a change brings along: whoever writes the change
 * could write that too.
 */
export async function findTrustRoot(input: TrustRootInput): Promise<TrustRoot> {
  const named = input.env.QUIETDOOR_ALLOWED_SIGNERS;
  if (named) return readSigners(named, 'QUIETDOOR_ALLOWED_SIGNERS');
  const configured = await machineSetting(input.machineConfig ?? MACHINE_CONFIG);
  if (configured) return 'kind' in configured ? configured : readSigners(configured.file, configured.from);
  return fromBaseBranch(input);
}

async function machineSetting(path: string): Promise<{ file: string; from: string } | TrustRoot | null> {
  let text: string;
  try {
    text = await readBounded(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    return { kind: 'none', reason: `${path} could not be read (${(error as Error).message})` };
  }
  try {
    const config: unknown = load(text);
    if (typeof config !== 'object' || config === null || !('allowedSigners' in config)) return null;
    if (typeof config.allowedSigners === 'string') return { file: config.allowedSigners, from: path };
    return { kind: 'none', reason: `allowedSigners in ${path} is not the path of a file` };
  } catch {
    return { kind: 'none', reason: `${path} is not valid YAML` };
  }
}

async function readSigners(path: string, from: string): Promise<TrustRoot> {
  try {
    return { kind: 'found', text: await readBounded(path), where: `${path} (named by ${from})` };
  } catch (error) {
    return { kind: 'none', reason: `${path}, named by ${from}, could not be read (${(error as Error).message})` };
  }
}

async function readBounded(path: string): Promise<string> {
  const info = await stat(path);
  if (!info.isFile() || info.size > MAX_BYTES) throw new Error('not a regular file of at most 1 MiB');
  return readFile(path, 'utf8');
}

async function fromBaseBranch({ repoDir, noRepository, pathInRepo, env }: TrustRootInput): Promise<TrustRoot> {
  if (repoDir === null) return { kind: 'none', reason: `no allowed signers: ${noRepository}` };
  const base = await findBaseRef(repoDir, env);
  if ('reason' in base) return { kind: 'none', reason: base.reason };
  const path = posix.join(pathInRepo, FILE);
  const shown = `${path} on ${base.name}`;
  const size = await askGit(repoDir, ['cat-file', '-s', `${base.commit}:${path}`], { env });
  if (size.kind === 'no-answer') return { kind: 'none', reason: `there is no ${shown}` };
  if (Number(size.text) > MAX_BYTES) return { kind: 'none', reason: `${shown} is larger than 1 MiB` };
  const blob = await runGit(repoDir, ['cat-file', 'blob', `${base.commit}:${path}`], { env });
  if (blob.kind !== 'ended' || blob.code !== 0) return { kind: 'none', reason: `${shown} could not be read` };
  return { kind: 'found', text: blob.stdout.toString('utf8'), where: shown };
}

/**
 * The branch that changes are merged into: QUIETDOOR_BASE_REF, else the default branch of the remote `origin`, else,
 * where there is no remote, the default branch of the repository itself (init.defaultBranch, main, master).
 */
export async function findBaseRef(
  repoDir: string,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly name: string; readonly commit: string } | { readonly reason: string }> {
  const resolve = async (name: string) => {
    const found = await askGit(repoDir, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`], {
      env,
    });
    return found.kind === 'answer' && /^[0-9a-f]{40,64}$/.test(found.text) ? { name, commit: found.text } : null;
  };
  const named = env.QUIETDOOR_BASE_REF;
  if (named)
    return (await resolve(named)) ?? { reason: `QUIETDOOR_BASE_REF names ${named}, which git does not know here` };
  const remote = await askGit(repoDir, ['symbolic-ref', '--quiet', 'refs/remotes/origin/HEAD'], { env });
  if (remote.kind === 'answer') {
    const found = await resolve(remote.text);
    if (found) return { ...found, name: remote.text.replace('refs/remotes/', '') };
  }
  const remotes = await askGit(repoDir, ['remote'], { env });
  if (remotes.kind === 'answer' && remotes.text !== '') {
    const reason = 'the base branch is not known: set QUIETDOOR_BASE_REF, or run git remote set-head origin --auto';
    return { reason };
  }
  const configured = await askGit(repoDir, ['config', '--global', '--get', 'init.defaultBranch'], { env });
  const names = [...(configured.kind === 'answer' ? [configured.text] : []), 'main', 'master'];
  for (const name of names) {
    const found = await resolve(`refs/heads/${name}`);
    if (found) return { ...found, name };
  }
  return { reason: `the base branch is not known (none of ${names.join(', ')}): set QUIETDOOR_BASE_REF` };
}
