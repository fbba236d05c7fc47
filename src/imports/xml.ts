import { SaxesParser } from 'saxes';
import type { ImportProblem } from './import-format.ts';
import { decodeText } from './lines.ts';

export interface XmlPosition {
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
}

/** Takes the elements of a document as they come. */
export interface XmlHandler {
  open(name: string, attributes: Readonly<Record<string, string>>, at: XmlPosition): void;
  close(name: string, at: XmlPosition): void;
  text(text: string): void;
  /** The document is not well-formed here: elements that are open may lack something. Reported already. */
  broken(): void;
}

/** UTF-16 units between the ends of two tags, texts and comments: one larger than this is no tool's. */
const MAX_PIECE = 16 * 1024 * 1024;
/** No document of a scanner is deeper than ten or so. */
const MAX_DEPTH = 64;
/** Places that are not well-formed before the rest is given up. */
const MAX_ERRORS = 1_000;

const MANY_ROOTS = 'documents may contain only one root.';
/** Errors that cost no element: an odd character, an entity that is not expanded. */
const HARMLESS = new Set([
  'disallowed character.',
  'undefined entity.',
  'disallowed character in entity name.',
  'malformed character entity.',
  'empty entity name.',
  'the string "]]>" is disallowed in char data.',
]);

/**
 * Reads an XML document of any size and calls the handler; yields after each piece, so that what it gathered can be
 * taken. Entities other than the five of XML itself are never expanded, DTDs are passed over, nothing is fetched. What is
 * not well-formed is reported and reading goes on; a document that is too deep, or has a piece without an end, is not
 * read further.
 */
export async function* readXml(
  input: AsyncIterable<Uint8Array>,
  handler: XmlHandler,
  report: (problem: ImportProblem) => void,
): AsyncGenerator<void, void, undefined> {
  const parser = new SaxesParser();
  const here = (): XmlPosition => ({ line: parser.line, column: parser.column });
  let depth = 0;
  let errors = 0;
  let pieceLength = 0;
  let giveUp: string | undefined;
  const ended = () => {
    pieceLength = 0;
  };
  let hasManyRoots = false;
  parser.on('error', ({ message }) => {
    if (giveUp !== undefined || isClosing) return;
    const what = message.replace(/^(?:\d+:\d+: |undefined:\d+:\d+: )/, '');
    if (what === MANY_ROOTS) {
      // Said of every element behind the first document: files behind each other are read all the same.
      if (!hasManyRoots) report({ ...here(), message: 'another document follows in the same file' });
      hasManyRoots = true;
      return;
    }
    report({ ...here(), message: `this is no well-formed XML: ${what}` });
    if (!HARMLESS.has(what)) handler.broken();
    if (++errors >= MAX_ERRORS) giveUp = `more than ${MAX_ERRORS} places are not well-formed`;
  });
  parser.on('opentag', ({ name, attributes }) => {
    ended();
    if (giveUp !== undefined) return;
    if (++depth > MAX_DEPTH) giveUp = `elements are nested deeper than ${MAX_DEPTH} levels`;
    else handler.open(name, attributes, parser);
  });
  parser.on('closetag', ({ name }) => {
    ended();
    depth--;
    if (giveUp === undefined && !isClosing) handler.close(name, parser);
  });
  parser.on('text', (text) => {
    ended();
    if (giveUp === undefined) handler.text(text);
  });
  parser.on('comment', ended);
  parser.on('cdata', ended);
  let isClosing = false;
  for await (const piece of decodeText(input)) {
    parser.write(piece);
    pieceLength += piece.length;
    if (pieceLength > MAX_PIECE) giveUp ??= `a tag or text is longer than ${MAX_PIECE} characters`;
    yield;
    if (giveUp === undefined) continue;
    report({ ...here(), message: `${giveUp}: the file is read up to here` });
    return;
  }
  isClosing = true; // what is open at the end of the file is not complete, and never closed
  parser.close();
}
