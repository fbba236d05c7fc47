import type { EventDraft } from '../model/event.ts';

/** Hashes of the Merkle tree as they are stored; what they mean is the business of src/ledger. */
export interface StoredTile {
  readonly level: number;
  readonly number: number;
  /** 32 bytes a hash, as a latin1 text. */
  readonly hashes: string;
}

/** A checkpoint as it was signed. */
export interface StoredCheckpoint {
  /** Records under it. */
  readonly size: number;
  /** UTC milliseconds, by the clock of the machine. */
  readonly signedAt: number;
  readonly note: string;
}

/**
 * What the sequencer writes. Every method has written durably when its promise resolves, or nothing. Reading is done
 * through openLedgerReader, so that many threads can.
 */
export interface LedgerStore {
  /** Gives the ledger its name, and writes the event about its key; false where it has one. */
  begin(origin: string, event: EventDraft, recordedAt: number): Promise<boolean>;
  /** Adds records to the tree: writes the tiles that changed. False where the tree no longer has `from` records. */
  grow(from: number, size: number, tiles: readonly StoredTile[]): Promise<boolean>;
  /** Keeps a checkpoint; false where there is one of this size. */
  addCheckpoint(checkpoint: StoredCheckpoint): Promise<boolean>;
  /** Removes records up to a sequence from the table of events, some at a time; the newest always stays. Returns what is archived now. */
  forget(through: number): Promise<number>;
}
