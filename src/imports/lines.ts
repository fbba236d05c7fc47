import { StringDecoder } from 'node:string_decoder';

/** A line of a file. */
export interface Line {
  /** Without its line feed or CR LF. */
  readonly text: string;
  /** 1-based. */
  readonly number: number;
  /** It was longer than the bound; `text` is its beginning. */
  readonly isTooLong: boolean;
  /** A line feed followed. The last line of a file that was cut off has none. */
  readonly hasEnd: boolean;
}

/** UTF-16 units of one line at most: no tool writes longer ones, and a file without line feeds must not fill the memory. */
const MAX_LINE = 1024 * 1024;

/** Yields a file as text, piece by piece: UTF-8, or UTF-16 where a byte order mark says so (PowerShell writes it). */
export async function* decodeText(input: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  let decoder: { write(bytes: Uint8Array): string; end(): string } | undefined;
  let head = new Uint8Array(0);
  for await (const bytes of input) {
    if (decoder) {
      const text = decoder.write(bytes);
      if (text !== '') yield text;
      continue;
    }
    head = head.length === 0 ? bytes.slice() : Buffer.concat([head, bytes]);
    if (head.length < 3) continue;
    decoder = decoderOf(head);
    yield withoutMark(decoder.write(head));
  }
  decoder ??= decoderOf(head);
  const rest = head.length < 3 ? withoutMark(decoder.write(head)) + decoder.end() : decoder.end();
  if (rest !== '') yield rest;
}

function decoderOf(head: Uint8Array): { write(bytes: Uint8Array): string; end(): string } {
  if (head[0] === 0xff && head[1] === 0xfe) return new StringDecoder('utf16le');
  if (head[0] === 0xfe && head[1] === 0xff) {
    const decoder = new TextDecoder('utf-16be', { ignoreBOM: true });
    return { write: (bytes) => decoder.decode(bytes, { stream: true }), end: () => decoder.decode() };
  }
  return new StringDecoder('utf8');
}

function withoutMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/** Yields the lines of a file, in memory one at a time. `maxLength`: UTF-16 units. */
export function readLines(
  input: AsyncIterable<Uint8Array>,
  maxLength: number = MAX_LINE,
): AsyncGenerator<Line, void, undefined> {
  return linesOf(decodeText(input), maxLength);
}

/** The same for text. */
export async function* linesOf(
  pieces: AsyncIterable<string>,
  maxLength: number = MAX_LINE,
): AsyncGenerator<Line, void, undefined> {
  let number = 1;
  let pending = '';
  let isTooLong = false;
  for await (const piece of pieces) {
    let from = 0;
    for (let end = piece.indexOf('\n'); end >= 0; from = end + 1, end = piece.indexOf('\n', from)) {
      if (!isTooLong) pending += piece.slice(from, end);
      yield lineOf(pending, number++, isTooLong, maxLength, true);
      pending = '';
      isTooLong = false;
    }
    if (!isTooLong) pending += piece.slice(from);
    if (pending.length > maxLength + 1) {
      pending = pending.slice(0, maxLength);
      isTooLong = true;
    }
  }
  if (pending !== '') yield lineOf(pending, number, isTooLong, maxLength, false);
}

function lineOf(raw: string, number: number, isTooLong: boolean, maxLength: number, hasEnd: boolean): Line {
  const text = hasEnd && raw.endsWith('\r') ? raw.slice(0, -1) : raw;
  if (text.length <= maxLength) return { text, number, isTooLong, hasEnd };
  return { text: text.slice(0, maxLength), number, isTooLong: true, hasEnd };
}
