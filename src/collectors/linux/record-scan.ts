/** How the records of an index are written. */
export interface RecordGrammar {
  /** What stands before the name, once in each record; `nameEnd` behind it. */
  readonly nameStart: string;
  readonly nameEnd: string;
  /** What stands between records. */
  readonly separator: string;
}

/** Longer records are cut off: the largest stanza of Debian has 60 KB. */
const MAX_RECORD_BYTES = 4 * 1024 * 1024;

/**
 * Gives the text of the records whose name is wanted, from the pieces of an index that is searched as bytes: nothing is
 * made of the others.
 */
export async function* wantedRecords(
  pieces: AsyncIterable<Buffer> | Iterable<Buffer>,
  wanted: { has(name: string): boolean },
  grammar: RecordGrammar,
): AsyncGenerator<string> {
  const separator = Buffer.from(grammar.separator);
  /** What is left of the piece before, from the beginning of a record. */
  let rest: Buffer = separator;
  for await (const piece of pieces) {
    const bytes = Buffer.concat([rest, piece]);
    const complete = bytes.lastIndexOf(separator);
    yield* recordsIn(bytes.subarray(0, complete + separator.length), wanted, grammar);
    rest = bytes.subarray(complete);
    if (rest.length > MAX_RECORD_BYTES) rest = separator;
  }
  yield* recordsIn(rest, wanted, grammar);
}

function* recordsIn(bytes: Buffer, wanted: { has(name: string): boolean }, grammar: RecordGrammar): Generator<string> {
  const nameStart = Buffer.from(grammar.nameStart);
  const nameEnd = Buffer.from(grammar.nameEnd);
  const separator = Buffer.from(grammar.separator);
  for (let at = bytes.indexOf(nameStart); at >= 0; ) {
    const from = at + nameStart.length;
    const to = bytes.indexOf(nameEnd, from);
    if (to < 0) return;
    if (wanted.has(bytes.toString('latin1', from, to))) {
      const begin = bytes.lastIndexOf(separator, at);
      const end = bytes.indexOf(separator, to);
      yield bytes.toString('utf8', begin < 0 ? 0 : begin + separator.length, end < 0 ? bytes.length : end);
    }
    at = bytes.indexOf(nameStart, to);
  }
}
