import { isAbsolute, posix, relative, resolve } from 'node:path';
import type { ApprovalStamp, ApprovalState, Policy, RegisterEntry } from '../model/register.ts';
import { isSamePerson, judgeCommit, judgeSignature } from './approval-proof.ts';
import { type EntryHistory, readHistory } from './history.ts';
import { type Location, locate } from './repository.ts';
import { approvalPayload } from './signature.ts';
import { findTrustRoot, type TrustRoot } from './trust-root.ts';
import { newVerifier, type Verifier } from './verified-signatures.ts';
import type { LoadedWorkspace, WorkspaceCache } from './workspace.ts';

/** `ssh-keygen` runs at the same time. */
const PARALLEL = 4;
/** Clocks of two machines may differ by this much. */
const CLOCK_SKEW_MS = 5 * 60_000;

export interface JudgeInput {
  readonly workspace: LoadedWorkspace;
  /** Folder of the workspace. */
  readonly dir: string;
  /** UTC milliseconds. */
  readonly now: number;
  readonly env: NodeJS.ProcessEnv;
  /** Default: /etc/quietdoor/config.yaml. */
  readonly machineConfig?: string;
  /** Remembers what was found in the history, and good signatures, from run to run. */
  readonly cache?: WorkspaceCache;
}

/**
 * Says for every entry what its approval is worth. An approval is proven by an ssh signature, or by a signed commit that
 * wrote the stamp, of somebody whom the trust root lists and who is not the one that last changed what the entry means.
 * Without stamps neither git nor ssh-keygen is run. Does not throw.
 */
export async function judgeApprovals(input: JudgeInput): Promise<ReadonlyMap<string, ApprovalState>> {
  const { register } = input.workspace;
  const states = new Map<string, ApprovalState>();
  const open: StampedEntry[] = [];
  for (const entry of register.entries) {
    const verdict = judgeText(entry, register.policy, input.now);
    if ('entry' in verdict) open.push(verdict);
    else states.set(entry.id, verdict);
  }
  const own = resolve(input.dir);
  const places = Map.groupBy(open, ({ entry }) => placeOf(entry, own));
  for (const [place, stamped] of places) {
    for (const [id, state] of await judgePlace(place, stamped, input)) states.set(id, state);
  }
  return new Map([...states].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** An entry with a stamp that says what it approves. */
interface StampedEntry {
  readonly entry: RegisterEntry;
  readonly stamp: ApprovalStamp & { readonly digest: string };
}

/** What the text alone says. */
function judgeText(entry: RegisterEntry, policy: Policy, now: number): ApprovalState | StampedEntry {
  const stamp = entry.approval;
  if (stamp === null) return { kind: 'draft' };
  const { digest } = stamp;
  if (digest === undefined)
    return { kind: 'claimed', reason: 'the stamp has no digest, so it does not say what was approved' };
  if (![stamp.by, stamp.proof ?? '', ...(stamp.hosts ?? [])].every((text) => text.isWellFormed()))
    return { kind: 'forged', reason: 'the stamp holds text that is not valid Unicode' };
  if (digest !== entry.digest) return { kind: 'void', approved: digest };
  if (policy.approvers.length > 0 && !policy.approvers.some((name) => isSamePerson(name, stamp.by))) {
    return { kind: 'not-allowed', by: stamp.by, reason: 'policy.approvers of quietdoor.yaml does not name them' };
  }
  if (stamp.at > now + CLOCK_SKEW_MS) return { kind: 'claimed', reason: 'the approval is dated in the future' };
  return { entry, stamp: { ...stamp, digest } };
}

/** Folder of the workspace that an entry comes from: the own one, or the one that `extends:` brought. */
function placeOf(entry: RegisterEntry, dir: string): string {
  if (entry.inheritedFrom === null) return dir;
  const from = resolve(dir, entry.inheritedFrom);
  return /\.ya?ml$/.test(from) ? posix.dirname(from) : from;
}

async function judgePlace(
  place: string,
  stamped: readonly StampedEntry[],
  { workspace, dir, env, machineConfig, cache }: JudgeInput,
): Promise<ReadonlyMap<string, ApprovalState>> {
  const own = await locate(dir, env);
  const there = place === resolve(dir) ? own : await locate(place, env);
  const isSameRepository = own.kind === 'in-git' && there.kind === 'in-git' && own.repoDir === there.repoDir;
  const trust = await trustRootOf([there, own], env, machineConfig);
  const signers = trust.kind === 'found' ? trust.text : '';
  const entries = stamped.map(({ entry }) => entry);
  // Shared policy of the same repository is read with this workspace around it: its zones may be this one's.
  const home = isSameRepository ? own : there;
  const histories: ReadonlyMap<string, EntryHistory> | string =
    home.kind === 'in-git'
      ? await readHistory({
          repoDir: home.repoDir,
          folder: home.folder,
          extended: isSameRepository ? extendedPaths(workspace, dir, home) : [],
          entries,
          allowedSigners: signers,
          registerDigest: workspace.register.digest,
          env,
          ...(cache === undefined ? {} : { cache }),
        })
      : home.reason;
  const verifier = await newVerifier(place, signers, env, cache);
  const states = new Map<string, ApprovalState>();
  let done = 0;
  const work = async () => {
    for (let next = stamped[done++]; next; next = stamped[done++]) {
      const history = typeof histories === 'string' ? unknownHistory(histories) : histories.get(next.entry.id);
      const judged = judgeProof(next, trust, history ?? unknownHistory('the history was not read'), verifier);
      states.set(next.entry.id, judged instanceof Promise ? await judged : judged);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  await verifier.remember();
  return states;
}

/** Files of the workspace that lie outside its folder, as paths in the repository. */
function extendedPaths(
  workspace: LoadedWorkspace,
  _dir: string,
  at: { repoDir: string; folder: string },
): readonly string[] {
  const paths: string[] = [];
  for (const { path } of workspace.files) {
    if (!isAbsolute(path) && !path.startsWith('../')) continue;
    const inRepo = isAbsolute(path) ? relative(at.repoDir, path) : posix.join(at.folder, path);
    if (inRepo !== '' && !inRepo.startsWith('..')) paths.push(inRepo);
  }
  for (const { inheritedFrom } of workspace.register.entries) {
    if (inheritedFrom === null || isAbsolute(inheritedFrom)) continue;
    const inRepo = posix.join(at.folder, inheritedFrom);
    if (!inRepo.startsWith('..') && inRepo !== '.') paths.push(inRepo); // entries may have moved between its files
  }
  return [...new Set(paths)];
}

/** The trust root of the place that an entry comes from, else that of the workspace. */
async function trustRootOf(
  places: readonly Location[],
  env: NodeJS.ProcessEnv,
  machineConfig: string | undefined,
): Promise<TrustRoot> {
  let trust: TrustRoot = { kind: 'none', reason: 'there is no workspace' };
  for (const place of places) {
    const where =
      place.kind === 'in-git'
        ? { repoDir: place.repoDir, noRepository: '', pathInRepo: place.folder }
        : { repoDir: null, noRepository: place.reason, pathInRepo: '' };
    trust = await findTrustRoot({ ...where, env, ...(machineConfig === undefined ? {} : { machineConfig }) });
    if (trust.kind === 'found') return trust;
  }
  return trust;
}

function unknownHistory(reason: string): EntryHistory {
  return { changed: { kind: 'unknown', reason }, stamped: { kind: 'unknown', reason } };
}

/** Only a signature takes its time. */
function judgeProof(
  { entry, stamp }: StampedEntry,
  trust: TrustRoot,
  history: EntryHistory,
  verifier: Verifier,
): ApprovalState | Promise<ApprovalState> {
  const proof = stamp.proof?.trim();
  if (proof === undefined || proof === 'commit') return judgeCommit(proof === 'commit', stamp.by, trust, history);
  const payload = approvalPayload({ ...stamp, entry: entry.id });
  return verifier.verify(payload, proof, stamp.by).then((verdict) => judgeSignature(verdict, stamp.by, trust, history));
}
