import type { ApprovalState } from '../model/register.ts';
import type { CommitFacts } from './commit-facts.ts';
import type { EntryHistory } from './history.ts';
import type { SignatureVerdict } from './signature.ts';
import type { TrustRoot } from './trust-root.ts';

/** What a signature in the stamp is worth, given who last changed the entry. */
export function judgeSignature(
  verdict: SignatureVerdict,
  by: string,
  trust: TrustRoot,
  history: EntryHistory,
): ApprovalState {
  if (verdict.kind !== 'good') return judgeDoubtful(verdict, trust);
  if (history.changed.kind === 'unknown') {
    const reason = `the signature of ${by} is good, but who made the last change is not known: ${history.changed.reason}`;
    return { kind: 'unknown', reason };
  }
  if (madeBy(history.changed.by, by, verdict.key)) return { kind: 'self-approved', by };
  return { kind: 'proven', by, how: 'ssh-signature' };
}

function judgeDoubtful(verdict: Exclude<SignatureVerdict, { kind: 'good' }>, trust: TrustRoot): ApprovalState {
  const { kind, reason } = verdict;
  if (kind === 'forged') return { kind: 'forged', reason };
  if (kind === 'unavailable') return { kind: 'unknown', reason: `the signature was not verified: ${reason}` };
  if (trust.kind === 'none')
    return { kind: 'claimed', reason: `it is signed, but whose key that is cannot be said: ${trust.reason}` };
  if (kind === 'untrusted') return { kind: 'forged', reason: `${reason} (${trust.where})` };
  return { kind: 'claimed', reason };
}

/** Approval without a signature of its own: the commit that wrote the stamp may be signed. */
export function judgeCommit(
  saysCommit: boolean,
  by: string,
  trust: TrustRoot,
  { changed, stamped }: EntryHistory,
): ApprovalState {
  const none = saysCommit ? 'the proof is said to be a signed commit' : 'there is no proof';
  if (changed.kind === 'unknown') {
    return {
      kind: saysCommit ? 'unknown' : 'claimed',
      reason: `${none}, and who made the last change is not known: ${changed.reason}`,
    };
  }
  const approver = stamped.kind === 'found' ? stamped.by : null;
  const isSigned = approver?.signature === 'good' && approver.signer !== null && isSamePerson(approver.signer, by);
  if (madeBy(changed.by, by, isSigned ? approver.key : null)) return { kind: 'self-approved', by };
  if (stamped.kind === 'unknown') return { kind: 'claimed', reason: `${none}: ${stamped.reason}` };
  if (isSigned) return { kind: 'proven', by, how: 'signed-commit' };
  const commit = `commit ${stamped.commit.slice(0, 12)}, which wrote the stamp,`;
  switch (stamped.by.signature) {
    case 'bad':
      return { kind: 'forged', reason: `${commit} has a signature that does not fit it` };
    case 'good':
      return { kind: 'claimed', reason: `${none}: ${commit} is signed by ${stamped.by.signer}, not by ${by}` };
    case 'untrusted':
      return {
        kind: 'claimed',
        reason:
          trust.kind === 'none'
            ? `${none} that can be verified: ${trust.reason}`
            : `${none}: ${commit} is signed with a key that the allowed signers do not list (${trust.where})`,
      };
    case 'none':
      return { kind: 'claimed', reason: `${none}: ${commit} is not signed` };
  }
}

/**
 * Says whether a person made a commit: by the key of its signature, the signer, or the author it names. The committer
 * counts only where no trusted signature says who made it: rebasing somebody's signed-off change is not writing it.
 */
function madeBy(commit: CommitFacts, person: string, key: string | null): boolean {
  if (key !== null && commit.key === key) return true;
  const names = [commit.author, ...(commit.signature === 'good' ? [commit.signer ?? ''] : [commit.committer])];
  return names.some((name) => isSamePerson(name, person));
}

/** E-mail addresses are compared without regard to case, so that a capital letter does not make a second person. */
export function isSamePerson(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase();
}
