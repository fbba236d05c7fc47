import { join } from 'node:path';
import { UserError } from '../model/errors.ts';
import type { Context } from './context.ts';
import { makeCheckpoint, openSequencer } from './ledger-checkpoint.ts';
import { type ExportResult, writeExport } from './ledger-export.ts';
import { verifyExport } from './ledger-verify-export.ts';

/**
 * Moves records that were made before a time into an archive (an export) and out of the store; null where there are none.
 * The tree keeps their hashes, so that everything stays verifiable. The archive is on disk and verified before a record
 * leaves the store; broken off at any moment, nothing is lost.
 */
export async function archiveLedger(context: Context, before: number, folder: string): Promise<ExportResult | null> {
  await using sequencer = await openSequencer(context);
  const { store, reader, signing } = sequencer;
  const checkpoint = await makeCheckpoint(context, sequencer);
  const first = reader.head().archived + 1;
  const last = Math.min(reader.lastBefore(before), checkpoint.size);
  if (last < first) return null;
  const result = writeExport(context, sequencer, folder, first, last, checkpoint);
  const { problems } = await verifyExport(result.folder, { key: signing.key.fingerprint });
  if (problems[0])
    throw new UserError(`the archive in ${result.folder} does not hold: ${problems[0].message}`, {
      hint: 'No record left the store. Look at the disk, and at: quietdoor ledger verify',
    });
  const now = context.now();
  const body = { first, last, folder: result.folder, manifest: result.sha256, size: checkpoint.size };
  await store.appendEvents(
    [{ type: 'ledger.archived', observedAt: now, actor: context.actor, subject: 'ledger', body }],
    now,
  );
  for (let done = first - 1; done < last; ) {
    const archived = await store.ledger.forget(last);
    if (archived <= done) throw new Error(`records after ${done} could not be removed (${join(result.folder)})`);
    done = archived;
  }
  await makeCheckpoint(context, sequencer);
  return result;
}
