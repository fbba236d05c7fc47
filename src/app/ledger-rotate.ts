import { sign } from 'node:crypto';
import type { LedgerKey } from '../ledger/key.ts';
import { rotationText } from '../ledger/key-chain.ts';
import type { Context } from './context.ts';
import { makeCheckpoint, openSequencer, type Sequencer } from './ledger-checkpoint.ts';
import { makeKey, nextKeyFile, type SigningKey, takeOverKey, wantedKind } from './ledger-key.ts';

/** Replaces the key: the old one signs the new one, as an event, and is destroyed. Returns the new key. */
export async function rotateKey(context: Context, kind?: string): Promise<LedgerKey> {
  await using sequencer = await openSequencer(context);
  // Everything up to now is signed by the old key.
  await makeCheckpoint(context, sequencer);
  const old = sequencer.signing;
  const origin = old.key.name;
  const next = makeKey(context.state, nextKeyFile(context.state), origin, wantedKind(kind));
  const text = Buffer.from(rotationText(origin, old.key.fingerprint, next.key.fingerprint));
  const signed = ({ key, secret }: SigningKey): string =>
    sign(key.kind === 'ed25519' ? null : 'sha256', text, secret).toString('base64');
  const now = context.now();
  const body = {
    algorithm: next.key.kind,
    fingerprint: next.key.fingerprint,
    possession: signed(next),
    previous: old.key.fingerprint,
    publicKey: next.key.spki,
    signature: signed(old),
  };
  await sequencer.store.appendEvents(
    [{ type: 'ledger.key-rotated', observedAt: now, actor: context.actor, subject: 'ledger', body }],
    now,
  );
  takeOverKey(context.state);
  const renewed: Sequencer = { ...sequencer, signing: next };
  await makeCheckpoint(context, renewed);
  return next.key;
}
