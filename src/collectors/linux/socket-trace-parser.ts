import { readTraceLine, type TracedLine } from './socket-trace-line.ts';

const NEWLINE = 0x0a;

/** A line is far shorter; what has no end by then is dropped and counted. */
const MAX_LINE_BYTES = 4096;

export interface TraceParser {
  /** Events whose lines end in this piece. */
  readonly push: (piece: Buffer) => TracedLine[];
  /** Lines so far that were not understood. */
  readonly unrecognised: () => number;
}

/** Cuts what is read from the trace into lines, wherever the pieces end. */
export function createTraceParser(): TraceParser {
  let rest: Buffer = Buffer.alloc(0);
  let unrecognised = 0;
  return {
    push: (piece) => {
      const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
      const events: TracedLine[] = [];
      let start = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
        const read = readTraceLine(bytes.toString('utf8', start, end));
        if (read === 'unrecognised') unrecognised++;
        else if (read !== 'other') events.push(read);
        start = end + 1;
      }
      if (bytes.length - start > MAX_LINE_BYTES) {
        unrecognised++;
        start = bytes.length;
      }
      // a copy: the piece may lie in a buffer that is read into again
      rest = Buffer.from(bytes.subarray(start));
      return events;
    },
    unrecognised: () => unrecognised,
  };
}
