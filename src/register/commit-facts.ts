import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runGit, whyNot } from './git.ts';

/** Who stands behind a commit. Only a good signature proves it; names and e-mail addresses are what its maker wrote. */
export interface CommitFacts {
  readonly author: string;
  readonly committer: string;
  /**
   * `good`: made with a key that the allowed signers list. `untrusted`: intact, another key. `bad`: does not fit the
   * commit. `none`: not signed, or in a way that is not verified here (OpenPGP, X.509).
   */
  readonly signature: 'good' | 'untrusted' | 'bad' | 'none';
  /** Principal of the allowed signers; only with a good signature. */
  readonly signer: string | null;
  /** `SHA256:…` */
  readonly key: string | null;
}

/** Fields by git-log(1), "PRETTY FORMATS"; %ae and not %aE: a .mailmap in the workspace could rename people. */
const FORMAT = ['%H', '%ae', '%ce', '%G?', '%GS', '%GF'].join('%x00');
const SIGNATURE: Readonly<Record<string, CommitFacts['signature']>> = { G: 'good', U: 'untrusted', B: 'bad' };

/** Reads who made commits and whether allowed signers signed them. The string is the reason why it could not be read. */
export async function readCommits(
  repoDir: string,
  commits: readonly string[],
  allowedSignersText: string,
  env: NodeJS.ProcessEnv,
): Promise<ReadonlyMap<string, CommitFacts> | string> {
  const facts = new Map<string, CommitFacts>();
  if (commits.length === 0) return facts;
  const dir = await mkdtemp(join(tmpdir(), 'quietdoor-verify-'));
  try {
    const allowed = join(dir, 'allowed_signers');
    await writeFile(allowed, allowedSignersText, { mode: 0o600 });
    const done = await runGit(repoDir, ['log', '--no-walk=unsorted', '-z', `--format=${FORMAT}%x00`, '--stdin'], {
      env,
      config: [['gpg.ssh.allowedSignersFile', allowed]],
      input: `${commits.join('\n')}\n`,
      timeoutMs: 60_000,
    });
    if (done.kind !== 'ended' || done.code !== 0) return whyNot(done);
    const fields = done.stdout.toString('utf8').split('\0');
    for (let i = 0; i + 6 < fields.length; i += 7) {
      const [commit, author, committer, verdict, signer, key] = fields.slice(i, i + 6) as [string, ...string[]];
      const signature = SIGNATURE[verdict ?? ''] ?? 'none';
      facts.set(commit, {
        author: author ?? '',
        committer: committer ?? '',
        signature,
        signer: signature === 'good' ? signer || null : null,
        key: signature === 'good' || signature === 'untrusted' ? key || null : null,
      });
    }
    return facts;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
