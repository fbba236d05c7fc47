/** A thread of `ledger verify`: hashes the segments that it is handed, with a connection of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Segment, SegmentResult } from '../ledger/segment.ts';
import { UserError } from '../model/errors.ts';
import { openLedgerReader } from '../store/ledger-reader.ts';
import { readAndHash } from './ledger-verify.ts';

/** What a thread says. An error for people loses its class on the way, so it travels as what it says. */
export type ThreadAnswer =
  | { readonly result: SegmentResult }
  | { readonly message: string; readonly hint: string | undefined };

const { state, sequenced } = workerData as { state: string; sequenced: number };

function answer(work: () => SegmentResult): void {
  try {
    tell({ result: work() });
  } catch (error) {
    tellError(error);
  }
}

function tell(what: ThreadAnswer): void {
  parentPort?.postMessage(what);
}

function tellError(error: unknown): void {
  if (!(error instanceof UserError)) throw error;
  tell({ message: error.message, hint: error.hint });
}

try {
  const reader = await openLedgerReader(state);
  parentPort?.on('message', (segment: Segment) => answer(() => readAndHash(reader, segment, sequenced)));
} catch (error) {
  tellError(error);
}
