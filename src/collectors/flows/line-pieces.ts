const LF = 10;
/** No line of a log is longer; what is, is not taken for one. */
const LONGEST_LINE = 1_048_576;

/** Cuts a stream of bytes into runs of whole lines. */
export interface LinePieces {
  /** Gives `take` what is whole now: bytes[from, to), good until it returns. */
  push(chunk: Uint8Array, take: (bytes: Uint8Array, from: number, to: number) => void): void;
  /** Bytes of the line that has no end yet. */
  readonly pending: number;
  /** Forgets that line; returns it. */
  drop(): Uint8Array;
  /** Lines that were longer than 1 MiB and are not given. */
  readonly tooLong: number;
}

export function createLinePieces(): LinePieces {
  let rest = new Uint8Array(0);
  let tooLong = 0;
  let isSkipping = false;
  return {
    get pending() {
      return rest.length;
    },
    get tooLong() {
      return tooLong;
    },
    push(chunk, take) {
      let from = 0;
      if (isSkipping) {
        const end = chunk.indexOf(LF);
        if (end < 0) return;
        isSkipping = false;
        from = end + 1;
      }
      const last = chunk.lastIndexOf(LF);
      if (last < from) {
        const more = chunk.subarray(from);
        if (rest.length + more.length > LONGEST_LINE) {
          tooLong++;
          isSkipping = true;
          rest = new Uint8Array(0);
        } else if (more.length > 0) rest = joined(rest, more);
        return;
      }
      if (rest.length > 0) {
        // The first line began in an earlier chunk.
        const end = chunk.indexOf(LF, from) + 1;
        const line = joined(rest, chunk.subarray(from, end));
        rest = new Uint8Array(0);
        take(line, 0, line.length);
        from = end;
      }
      if (last >= from) take(chunk, from, last + 1);
      rest = chunk.slice(last + 1);
    },
    drop() {
      const dropped = rest;
      rest = new Uint8Array(0);
      return dropped;
    },
  };
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
