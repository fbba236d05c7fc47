import type { KeyObject } from 'node:crypto';
import { sign, verify } from 'node:crypto';
import type { LedgerKey } from './key.ts';

/** A line under a note: who signed, with which key (4 bytes), and what came out. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: Buffer;
  readonly signature: Buffer;
}

/** A signed note (c2sp.org/signed-note@v1.0.0). `text` ends with a line feed. */
export interface Note {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Bounds for notes of others; a checkpoint with a signature takes about 250 bytes. */
const MAX_NOTE_BYTES = 1_000_000;
const MAX_SIGNATURES = 100;

/** Reads a signed note; undefined where it is none, or longer than a million bytes. */
export function parseNote(note: string): Note | undefined {
  if (note.length > MAX_NOTE_BYTES || !note.isWellFormed() || hasControls(note)) return undefined;
  const cut = note.lastIndexOf('\n\n');
  if (cut < 0 || !note.endsWith('\n')) return undefined;
  const lines = note.slice(cut + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) return undefined;
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const [dash, name, base64, ...more] = line.split(' ');
    const bytes = Buffer.from(base64 ?? '', 'base64');
    if (dash !== '—' || !name || !isKeyName(name) || more.length > 0) return undefined;
    if (bytes.length < 5 || bytes.toString('base64') !== base64) return undefined;
    signatures.push({ name, keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) });
  }
  return { text: note.slice(0, cut + 1), signatures };
}

/** Signs a text that ends with a line feed; one line for each key, in order. */
export function signNote(text: string, signers: readonly { key: LedgerKey; secret: KeyObject }[]): string {
  if (!text.endsWith('\n') || hasControls(text) || !text.isWellFormed())
    throw new TypeError('a note is lines of text, each with its line feed');
  const lines = signers.map(({ key, secret }) => {
    const signature = sign(key.kind === 'ed25519' ? null : 'sha256', Buffer.from(text), secret);
    return `— ${key.name} ${Buffer.concat([key.id, signature]).toString('base64')}\n`;
  });
  return `${text}\n${lines.join('')}`;
}

/** Says what a key has to do with a note: signed it, signed it wrongly, or nothing. */
export function signedBy(note: Note, key: LedgerKey): 'yes' | 'wrong' | 'no' {
  let signed: 'yes' | 'no' = 'no';
  for (const { name, keyId, signature } of note.signatures) {
    if (name !== key.name || !keyId.equals(key.id)) continue;
    const algorithm = key.kind === 'ed25519' ? null : 'sha256';
    if (!verify(algorithm, Buffer.from(note.text), key.publicKey, signature)) return 'wrong';
    signed = 'yes';
  }
  return signed;
}

/** Names have no spaces of any kind and no plus. */
export function isKeyName(name: string): boolean {
  return name !== '' && !/[\s+\p{Z}]/u.test(name);
}

function hasControls(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x20 && text[i] !== '\n') return true;
  return false;
}
