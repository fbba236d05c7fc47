/** Records that wait: few enough for all that they touch to stay in the nearest cache. */
export const MOST_PENDING = 64;

/** A record is six words and three doubles. */
export const PENDING_WORDS = 6;
export const PENDING_DOUBLES = 3;

/**
 * Records of one bucket that were read and are not counted yet. A table of a busy network is larger than the nearest
 * caches, so that a record alone would wait for memory several times; the waits of many that are looked up together overlap.
 */
export class PendingRecords {
  length = 0;
  /** Whether records that came before are to be told from others. */
  isChecked = false;
  /** Source, destination, what (packWhat), feed, and two independent hashes of all values of the record. */
  readonly words = new Uint32Array(MOST_PENDING * PENDING_WORDS);
  /** Connections, packets, bytes. */
  readonly doubles = new Float64Array(MOST_PENDING * PENDING_DOUBLES);
  /** What decided the direction. */
  readonly basis = new Uint8Array(MOST_PENDING);
  /** 1: the record came before. */
  readonly isRepeated = new Uint8Array(MOST_PENDING);
}
