import { stripVTControlCharacters } from 'node:util';

/** Longest text of an answer that is kept, in characters. */
export const MAX_TEXT = 256;

/** A text of a service as it may be shown: no control, format or unassigned characters, bounded. */
export function printable(text: string): string {
  return stripVTControlCharacters(text.slice(0, 4 * MAX_TEXT))
    .replace(/[\p{C}\p{Zl}\p{Zp}\uFFFD]/gu, '')
    .trim()
    .slice(0, MAX_TEXT)
    .toWellFormed();
}

/** First line of an answer that has something to show; empty where it has none. */
export function firstLine(answer: Buffer): string {
  for (const line of answer
    .subarray(0, 4096)
    .toString('utf8')
    .split(/\r?\n|\r/)) {
    const shown = printable(line);
    if (shown !== '') return shown;
  }
  return '';
}

/** Says whether most of an answer is text, so that its first line means something. */
export function isText(answer: Buffer): boolean {
  const head = answer.subarray(0, 512);
  let odd = 0;
  for (const byte of head) if ((byte < 32 && byte !== 9 && byte !== 10 && byte !== 13) || byte === 127) odd++;
  return head.length > 0 && odd * 10 <= head.length;
}

/** A field of facts where there is a text for it; nothing where it is empty or absent. */
export function field<K extends string>(name: K, text: string | undefined): { readonly [P in K]?: string } {
  const shown = text === undefined ? '' : printable(text);
  return (shown === '' ? {} : { [name]: shown }) as { readonly [P in K]?: string };
}
