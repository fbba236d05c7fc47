import { type Hash, hashFromBase64, hashToBase64 } from './hash.ts';
import { type Note, parseNote } from './note.ts';

/** Head of a tree as it was signed (c2sp.org/tlog-checkpoint). */
export interface Checkpoint {
  /** Which ledger. */
  readonly origin: string;
  /** Records under it. */
  readonly size: number;
  readonly root: Hash;
  readonly note: Note;
  /** The whole note as it was read. */
  readonly signed: string;
}

/** Text that is signed: origin, size, root. We write no extension lines: nobody could audit them. */
export function checkpointText(origin: string, size: number, root: Hash): string {
  return `${origin}\n${size}\n${hashToBase64(root)}\n`;
}

/** Reads a checkpoint; undefined where it is none. That somebody signed it is not looked at. */
export function parseCheckpoint(signed: string): Checkpoint | undefined {
  const note = parseNote(signed);
  if (!note) return undefined;
  const [origin, size, base64, ...extensions] = note.text.slice(0, -1).split('\n');
  if (!origin || size === undefined || !/^(0|[1-9]\d{0,15})$/.test(size) || extensions.includes('')) return undefined;
  const root = hashFromBase64(base64 ?? '');
  if (root === undefined || !Number.isSafeInteger(Number(size))) return undefined;
  return { origin, size: Number(size), root, note, signed };
}

/** Lines before a checkpoint that belong to none. */
const MOST_LEFT_OVER = 16;

/** Checkpoints one after the other, as witnesses keep them, with the lines that belong to none. */
export function parseCheckpoints(text: string): { readonly checkpoints: Checkpoint[]; readonly unread: number } {
  const checkpoints: Checkpoint[] = [];
  let unread = 0;
  let lines: string[] = [];
  const end = (): void => {
    const signed = lines.map((line) => `${line}\n`);
    lines = [];
    // A checkpoint whose writing was broken off may stand right before a whole one.
    for (let skip = 0; skip < Math.min(signed.length, MOST_LEFT_OVER); skip++) {
      const checkpoint = parseCheckpoint(signed.slice(skip).join(''));
      if (!checkpoint) continue;
      checkpoints.push(checkpoint);
      if (skip > 0) unread++;
      return;
    }
    if (signed.join('').trim() !== '') unread++;
  };
  const all = text.replaceAll('\r\n', '\n').split('\n');
  for (const [i, line] of all.entries()) {
    if (lines.length === 0 && line === '') continue;
    lines.push(line);
    if (line.startsWith('— ') && !all[i + 1]?.startsWith('— ')) end();
  }
  end();
  return { checkpoints, unread };
}
