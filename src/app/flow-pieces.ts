/** Whole lines of an input, as they lie in the memory of the reader: valid until the next piece is asked for. */
export interface Piece {
  readonly bytes: Uint8Array;
  readonly from: number;
  /** Behind the last line's end, or the end of the input. */
  readonly to: number;
  /** A line that is longer than the bound; its beginning. */
  readonly isTooLong: boolean;
}

/** Bytes of one line at most: no tool writes longer ones, and a file without line feeds must not fill the memory. */
export const MAX_LINE = 1024 * 1024;

const LF = 10;

/** Cuts an input into pieces of whole lines. What a chunk of it holds is not copied but for the line at its end. */
export async function* wholeLines(
  chunks: AsyncIterable<Uint8Array>,
  maxLine: number = MAX_LINE,
): AsyncGenerator<Piece, void, undefined> {
  /** The beginning of a line whose end has not come. */
  let rest = new Uint8Array(64 * 1024);
  let length = 0;
  let isTooLong = false;

  const keep = (bytes: Uint8Array): void => {
    if (isTooLong) return;
    const room = Math.min(bytes.length, maxLine + 1 - length);
    if (length + room > rest.length) {
      const larger = new Uint8Array(Math.min(Math.max(rest.length * 2, length + room), maxLine + 1));
      larger.set(rest.subarray(0, length));
      rest = larger;
    }
    rest.set(room < bytes.length ? bytes.subarray(0, room) : bytes, length);
    length += room;
    if (length > maxLine) isTooLong = true;
  };

  for await (const bytes of chunks) {
    let from = 0;
    if (length > 0) {
      const end = bytes.indexOf(LF);
      keep(end < 0 ? bytes : bytes.subarray(0, end + 1));
      if (end < 0) continue;
      yield { bytes: rest, from: 0, to: length, isTooLong };
      length = 0;
      isTooLong = false;
      from = end + 1;
    }
    const to = bytes.lastIndexOf(LF) + 1;
    if (to > from) yield { bytes, from, to, isTooLong: false };
    keep(bytes.subarray(Math.max(from, to)));
  }
  if (length > 0) yield { bytes: rest, from: 0, to: length, isTooLong };
}
