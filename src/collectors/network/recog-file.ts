import { SaxesParser } from 'saxes';
import { translatePattern } from './recog-pattern.ts';

/** What a fingerprint says: a text, or what a group of its pattern matched. */
interface Param {
  /** Group of the pattern; 0: the text as it stands. */
  readonly position: number;
  readonly name: string;
  readonly value: string;
}

/** A text that its author says the fingerprint matches, and what it must say then. */
export interface RecogExample {
  readonly text: string;
  readonly want: Readonly<Record<string, string>>;
  readonly line: number;
}

export interface Fingerprint {
  readonly regExp: RegExp;
  readonly params: readonly Param[];
  readonly description: string;
  readonly examples: readonly RecogExample[];
  readonly line: number;
}

export interface FingerprintFile {
  /** What kind of text they match: `ssh.banner`. */
  readonly matches: string;
  readonly fingerprints: readonly Fingerprint[];
}

type Report = (line: number, message: string) => void;

/** Bounds of a file: depth of elements, fingerprints, params and examples of one fingerprint, characters of one text. */
const MAX_DEPTH = 8;
const MAX_FINGERPRINTS = 20_000;
const MAX_PARTS = 100;
const MAX_TEXT = 8_192;

/** Hidden in a fingerprint's texts. */
interface Draft {
  readonly line: number;
  readonly pattern: string;
  readonly flags: readonly string[];
  readonly params: Param[];
  readonly examples: RecogExample[];
  description: string;
}

/**
 * Reads a file of fingerprints as rapid7/recog writes them (its README, and xml/fingerprints.xsd). What cannot be used is
 * reported and left out; entities are refused by the parser, so that none can grow.
 */
export function readFingerprints(xml: string, report: Report): FingerprintFile {
  const parser = new SaxesParser({ xmlns: false, position: true });
  const fingerprints: Fingerprint[] = [];
  let matches = '';
  let depth = 0;
  let draft: Draft | null = null;
  let example: Readonly<Record<string, string>> | null = null;
  let text = '';

  parser.on('error', (error) => {
    throw error;
  });
  parser.on('doctype', () => {
    throw new Error('a document type is not expected here');
  });
  parser.on('opentag', ({ name, attributes }) => {
    if (++depth > MAX_DEPTH) throw new Error(`elements more than ${MAX_DEPTH} deep`);
    text = '';
    if (name === 'fingerprints') matches = attributes.matches ?? '';
    if (name === 'fingerprint')
      draft = {
        line: parser.line,
        pattern: attributes.pattern ?? '',
        flags: (attributes.flags ?? '').split(/[,|\s]+/).filter(Boolean),
        ...{ params: [], examples: [], description: '' },
      };
    if (name === 'example') example = attributes;
    if (name === 'param' && draft && draft.params.length < MAX_PARTS)
      draft.params.push({
        position: Number(attributes.pos ?? 0),
        name: attributes.name ?? '',
        value: attributes.value ?? '',
      });
  });
  const take = (piece: string) => {
    if (text.length < MAX_TEXT) text += piece;
  };
  parser.on('text', take);
  parser.on('cdata', take);
  parser.on('closetag', ({ name }) => {
    depth--;
    if (name === 'description' && draft) draft.description = text.trim();
    if (name === 'example' && draft && example) addExample(draft, example, text, parser.line, report);
    if (name !== 'fingerprint' || !draft) return;
    const finished = finish(draft, report);
    draft = null;
    if (!finished) return;
    if (fingerprints.length === MAX_FINGERPRINTS) throw new Error(`more than ${MAX_FINGERPRINTS} fingerprints`);
    fingerprints.push(finished);
  });
  let isWhole = true;
  try {
    parser.write(xml).close();
  } catch (error) {
    // What was read up to here is used.
    isWhole = false;
    report(parser.line, (error as Error).message.replace(/^\d+:\d+: /, ''));
  }
  if (matches === '' && isWhole)
    report(1, 'no <fingerprints matches="..."> names the texts that these fingerprints are for');
  return { matches, fingerprints: matches === '' ? [] : fingerprints };
}

function finish({ pattern, flags, params, ...rest }: Draft, report: Report): Fingerprint | null {
  if (pattern === '') {
    report(rest.line, 'a fingerprint without a pattern');
    return null;
  }
  const translation = translatePattern(pattern, flags);
  if (translation.kind === 'problem') {
    report(rest.line, `the pattern cannot be used: ${translation.message}`);
    return null;
  }
  const usable = params.filter((p) => p.name !== '' && Number.isInteger(p.position) && p.position >= 0);
  if (usable.length < params.length) report(rest.line, 'a param without a name or with a bad pos is left out');
  return { regExp: translation.regExp, params: usable, ...rest };
}

/** Attributes that begin with an underscore say how the text is written; the others are what must be found. */
function addExample(
  draft: Draft,
  attributes: Readonly<Record<string, string>>,
  text: string,
  line: number,
  report: Report,
): void {
  if (attributes._filename !== undefined || draft.examples.length >= MAX_PARTS) return;
  const encoding = attributes._encoding;
  if (encoding !== undefined && encoding !== 'base64') {
    report(line, `the encoding ${encoding} is not known`);
    return;
  }
  const want = Object.fromEntries(Object.entries(attributes).filter(([name]) => !name.startsWith('_')));
  draft.examples.push({ text: encoding ? Buffer.from(text, 'base64').toString('latin1') : text, want, line });
}
