/** A section of the probe's output: the words of its mark, and what was printed under it. */
export interface Section {
  readonly kind: string;
  readonly words: readonly string[];
  readonly body: Buffer;
}

/** More than any machine has processes that listen: three for each. A machine that prints more fills no memory here. */
export const MAX_SECTIONS = 300_000;
/** Lines of one section that are read: more than any machine has processes, or sockets that listen. */
export const MAX_LINES = 300_000;
const MAX_MARK_BYTES = 1024;
const NEWLINE = 0x0a;

/**
 * Sections of the probe's output, each begun by a line `@NONCE KIND WORDS…`. What comes before the first one (greetings
 * of a login shell) is passed over, and a last one that nothing follows is left out: it may have been cut off.
 */
export function readSections(bytes: Buffer, nonce: string): Section[] {
  const marker = Buffer.from(`\n@${nonce} `);
  const sections: Section[] = [];
  let at = bytes.indexOf(marker);
  while (at >= 0 && sections.length < MAX_SECTIONS) {
    const start = at + marker.length;
    const end = bytes.indexOf(NEWLINE, start);
    if (end < 0) break;
    const next = bytes.indexOf(marker, end);
    const words = end - start > MAX_MARK_BYTES ? [] : bytes.toString('latin1', start, end).split(' ');
    const [kind = '', ...rest] = words;
    // the end has nothing behind it
    if (next >= 0 || kind === 'end')
      sections.push({ kind, words: rest, body: bytes.subarray(end + 1, next < 0 ? end + 1 : next) });
    at = next;
  }
  return sections;
}
