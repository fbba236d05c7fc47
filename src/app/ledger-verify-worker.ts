/** A thread of `ledger verify`: hashes the segments that it is handed, with a connection of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Segment } from '../ledger/segment.ts';
import { openLedgerReader } from '../store/ledger-reader.ts';
import { readAndHash } from './ledger-verify.ts';

const { state, sequenced } = workerData as { state: string; sequenced: number };
const reader = await openLedgerReader(state);
parentPort?.on('message', (segment: Segment) => {
  parentPort?.postMessage(readAndHash(reader, segment, sequenced));
});
