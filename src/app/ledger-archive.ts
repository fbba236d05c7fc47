import { join } from 'node:path';
import { UserError } from '../model/errors.ts';
import type { Context } from './context.ts';
import { makeCheckpoint, openSequencer } from './ledger-checkpoint.ts';
import { type ExportResult, writeExport } from './ledger-export.ts';
import { verifyExport } from './ledger-verify-export.ts';
import { loadRegister } from './load-register.ts';
import { lastSitting, reviewedTo } from './review-state.ts';

export interface ArchiveResult {
  /** null: there was nothing to archive. */
  readonly archived: ExportResult | null;
  /** Records that are old enough and stayed, as no sitting covered them. */
  readonly unreviewed: number;
}

/**
 * Moves records that were made before a time into an archive (an export) and out of the store. Where records are reviewed
 * (`policy.reviewLog`, or a sitting was held), those stay that nobody reviewed: what left the store is in no sitting.
 * The tree keeps their hashes, so that everything stays verifiable. The archive is on disk and verified before a record
 * leaves the store; broken off at any moment, nothing is lost.
 */
export async function archiveLedger(context: Context, before: number, folder: string): Promise<ArchiveResult> {
  const policy = (await loadRegister(context, null)).register.policy;
  await using sequencer = await openSequencer(context);
  const { store, reader, signing } = sequencer;
  const checkpoint = await makeCheckpoint(context, sequencer);
  const first = reader.head().archived + 1;
  const old = Math.min(reader.lastBefore(before), checkpoint.size);
  const isReviewed = policy.logReviewEveryDays !== undefined || (await lastSitting(store)) !== null;
  const last = isReviewed ? Math.min(old, await reviewedTo(store)) : old;
  const unreviewed = Math.max(0, old - Math.max(last, first - 1));
  if (last < first) return { archived: null, unreviewed };
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
  return { archived: result, unreviewed };
}
