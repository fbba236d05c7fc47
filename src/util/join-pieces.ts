/** UTF-16 code units. */
const SIZE = 1 << 20;

/** Returns the same text in pieces that are worth a system call each. */
export function* joinPieces(pieces: Iterable<string>): Iterable<string> {
  let joined = '';
  for (const piece of pieces) {
    joined += piece;
    if (joined.length < SIZE) continue;
    yield joined;
    joined = '';
  }
  if (joined !== '') yield joined;
}
