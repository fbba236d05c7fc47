import { sha256 } from '../util/sha256.ts';
import type { WorkspaceCache } from './load-entries.ts';
import { type SignatureVerdict, verifySignature } from './signature.ts';

/** Verifies signatures against one list of allowed signers; those that were found good before are not verified again. */
export interface Verifier {
  /** As `verifySignature`. */
  verify(payload: string, signature: string, signer: string): Promise<SignatureVerdict>;
  /** Remembers the good ones of this run, in place of those of the run before. */
  remember(): Promise<void>;
}

/** Changes whenever the same signature would be judged otherwise. */
const FORMAT = 'quietdoor-signatures-1';

/** A list that allows a key for a time only (ssh-keygen(1), "ALLOWED SIGNERS") says something else every day. */
const TIMED = /\bvalid-(after|before)\s*=/i;

/**
 * `place`: the folder that the signed entries come from. `allowedSigners`: text of the list; it is part of what is
 * remembered, so that a key that is taken off it counts no more. A process of ssh-keygen for each of 20,000 signatures takes minutes.
 */
export async function newVerifier(
  place: string,
  allowedSigners: string,
  env: NodeJS.ProcessEnv,
  cache: WorkspaceCache | undefined,
): Promise<Verifier> {
  const lasting = TIMED.test(allowedSigners) ? undefined : cache;
  const name = sha256(JSON.stringify([FORMAT, place, allowedSigners]));
  const known = readKnown((await lasting?.get(name)) ?? '{}');
  const good: Record<string, string> = {};
  return {
    async verify(payload, signature, signer) {
      const id = sha256(JSON.stringify([payload, signature, signer]));
      const key = known.get(id);
      const verdict: SignatureVerdict =
        key === undefined
          ? await verifySignature(payload, signature, signer, allowedSigners, env)
          : { kind: 'good', key };
      if (verdict.kind === 'good') good[id] = verdict.key;
      return verdict;
    },
    async remember() {
      const ids = Object.keys(good);
      if (ids.length === known.size && ids.every((id) => known.has(id))) return;
      await lasting?.put(name, JSON.stringify(good));
    },
  };
}

/** Keys by signature. */
function readKnown(text: string): ReadonlyMap<string, string> {
  try {
    return new Map(Object.entries(JSON.parse(text)));
  } catch {
    return new Map(); // damaged: verified anew and replaced
  }
}
