/** What a sequence number says of what came before it. */
export type Followed =
  /** Nothing is missing. */
  | { readonly kind: 'next' }
  /** So many numbers were passed over. */
  | { readonly kind: 'lost'; readonly count: number }
  /** One that was counted as lost: it came late. */
  | { readonly kind: 'late' }
  /** It was here before. */
  | { readonly kind: 'duplicate' }
  /** The exporter counts anew: nobody knows how much is missing. */
  | { readonly kind: 'restarted' };

const NEXT: Followed = { kind: 'next' };
/** A leap ahead of more than this is a restart, not loss: at 100,000 records a second it is over two minutes of them. */
const LONGEST_LEAP = 2 ** 24;
/** Ranges of missing numbers that may still come. */
const MOST_MISSING = 1024;
/** Datagrams that are remembered to know one that comes twice. A power of two. */
const REMEMBERED = 256;

/** A number for the content of a datagram (FNV-1a): not proof against malice, which could as well forge the datagram. */
export function contentHash(bytes: Uint8Array, length: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  return hash >>> 0;
}

/** Follows the sequence numbers (modulo 2^32) of one exporter. */
export interface Sequence {
  /** A datagram with this number is there. `restarted`: its uptime says that the exporter did; `hash`: of the content. */
  begin(number: number, restarted: boolean, hash: number): Followed;
  /**
   * It was read. `advance`: how much it adds to the numbers; null: unknown, because not all of it could be read. Returns
   * how much of that had been counted as lost.
   */
  end(advance: number | null): number;
}

export function createSequence(): Sequence {
  let expected: number | null = null;
  const numbers = new Uint32Array(REMEMBERED);
  const hashes = new Uint32Array(REMEMBERED);
  let seen = 0;
  let current = 0;
  let isLate = false;
  let missing: { from: number; count: number }[] = [];

  function remember(number: number, hash: number): void {
    numbers[seen & (REMEMBERED - 1)] = number;
    hashes[seen & (REMEMBERED - 1)] = hash;
    seen++;
  }

  function wasHere(number: number, hash: number): boolean {
    for (let i = Math.min(seen, REMEMBERED) - 1; i >= 0; i--)
      if (numbers[i] === number && hashes[i] === hash) return true;
    return false;
  }

  function isMissing(number: number): boolean {
    return missing.some(({ from, count }) => (number - from) >>> 0 < count);
  }

  /** Takes numbers out of what is missing; how many of them were. */
  function find(number: number, advance: number): number {
    for (const range of missing) {
      const at = (number - range.from) >>> 0;
      if (at >= range.count) continue;
      const count = Math.min(advance, range.count - at);
      missing = missing.filter((other) => other !== range);
      if (at > 0) missing.push({ from: range.from, count: at });
      const rest = range.count - at - count;
      if (rest > 0) missing.push({ from: (number + count) >>> 0, count: rest });
      return count;
    }
    return 0;
  }

  return {
    begin(number, restarted, hash) {
      const isNext = number === expected;
      if (!isNext && wasHere(number, hash)) return { kind: 'duplicate' };
      remember(number, hash);
      current = number;
      isLate = false;
      if (isNext || expected === null) return NEXT;
      const ahead = (number - expected) >>> 0;
      if (!restarted && ahead <= LONGEST_LEAP) {
        missing.push({ from: expected, count: ahead });
        if (missing.length > MOST_MISSING) missing.shift();
        return { kind: 'lost', count: ahead };
      }
      isLate = !restarted && isMissing(number);
      if (isLate) return { kind: 'late' };
      missing = [];
      return { kind: 'restarted' };
    },
    end(advance) {
      if (isLate) return find(current, Math.max(1, advance ?? 1));
      expected = advance === null ? null : (current + advance) >>> 0;
      return 0;
    },
  };
}
