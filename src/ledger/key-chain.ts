import { verify } from 'node:crypto';
import { type LedgerKey, ledgerKey } from './key.ts';
import type { LedgerProblem } from './problem.ts';

/** Events that say which key signs. */
export const KEY_EVENTS = ['ledger.key-made', 'ledger.key-rotated'] as const;

/** A key, and the record from which on it signs. */
export interface ChainedKey {
  readonly since: number;
  readonly key: LedgerKey;
}

export interface KeyChain {
  /** Name of the ledger; undefined where no key was ever made. */
  readonly origin: string | undefined;
  /** In order; each was signed for by the one before. */
  readonly keys: readonly ChainedKey[];
  readonly problems: readonly LedgerProblem[];
}

/** What an old key signs to hand over to a new one, and the new one to show that it exists. */
export function rotationText(origin: string, previous: string, next: string): string {
  return `quietdoor ledger key rotation\n${origin}\n${previous}\n${next}\n`;
}

/** Follows the keys through the records about them. */
export function readKeyChain(records: readonly { readonly sequence: number; readonly record: string }[]): KeyChain {
  const keys: ChainedKey[] = [];
  const problems: LedgerProblem[] = [];
  let origin: string | undefined;
  for (const { sequence, record } of records) {
    const refuse = (why: string) =>
      problems.push({ kind: 'key', sequence, message: `record ${sequence} names a key that does not count: ${why}` });
    try {
      const { type, body } = JSON.parse(record) as { type: string; body: Record<string, string> };
      const before = keys.at(-1)?.key;
      if (type === 'ledger.key-made') {
        if (before) {
          refuse('the ledger has a key already, and that one did not sign for it');
          continue;
        }
        origin = String(body.origin);
        keys.push({ since: sequence, key: named(origin, body) });
      } else if (before && origin !== undefined) {
        const key = named(origin, body);
        const text = Buffer.from(rotationText(origin, before.fingerprint, key.fingerprint));
        if (body.previous !== before.fingerprint) refuse('it follows another key than the one in force');
        else if (!isSigned(text, before, body.signature)) refuse('the key before did not sign for it');
        else if (!isSigned(text, key, body.possession)) refuse('it did not sign itself');
        else keys.push({ since: sequence, key });
      } else refuse('there is no key before it');
    } catch {
      refuse('it cannot be read');
    }
  }
  return { origin, keys, problems };
}

function named(origin: string, body: Record<string, string>): LedgerKey {
  const key = ledgerKey(origin, String(body.publicKey));
  if (key.fingerprint !== body.fingerprint) throw new TypeError('the fingerprint is of another key');
  return key;
}

function isSigned(text: Buffer, key: LedgerKey, signature: string | undefined): boolean {
  const algorithm = key.kind === 'ed25519' ? null : 'sha256';
  return verify(algorithm, text, key.publicKey, Buffer.from(String(signature), 'base64'));
}

/** The key that signs checkpoints of a size; undefined before the first. */
export function keyAt(chain: KeyChain, size: number): LedgerKey | undefined {
  return chain.keys.findLast(({ since }) => since <= size)?.key;
}
