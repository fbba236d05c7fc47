import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { AnswerFacts } from '../../model/answer.ts';
import { UserError } from '../../model/errors.ts';
import { compareText } from '../../util/compare.ts';
import { getOrMake } from '../../util/get-or-make.ts';
import { field } from './identify-text.ts';
import { type Fingerprint, readFingerprints } from './recog-file.ts';

/** Something of a fingerprint file that could not be used; the rest is. */
export interface RecogProblem {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** A user's own fingerprints in the format of rapid7/recog. */
export interface Recog {
  /** Fingerprints that can be used. */
  readonly size: number;
  readonly problems: readonly RecogProblem[];
  /** What the first fingerprint of that `matches` key says of a text; null: none knows it. */
  match(key: string, text: string): AnswerFacts | null;
}

/** Files of the folder, and bytes of one, that are read at most. */
const MAX_FILES = 200;
const MAX_BYTES = 16 * 1024 * 1024;

/** Characters of a text that are looked at: patterns are other people's, texts are strangers'. */
const MAX_SUBJECT = 512;

/**
 * Reads every `*.xml` of a folder, as a copy of github.com/rapid7/recog has them in `xml/`. Files and fingerprints that
 * cannot be used are in `problems`. Throws UserError where the folder cannot be read or holds no such file.
 */
export async function loadRecog(dir: string): Promise<Recog> {
  refuseBacktracking();
  const problems: RecogProblem[] = [];
  const byKey = new Map<string, Fingerprint[]>();
  for (const file of await xmlFiles(dir)) {
    const report = (line: number, message: string) => problems.push({ file, line, message });
    const text = await readBounded(join(dir, file), (message) => report(1, message));
    if (text === null) continue;
    const { matches, fingerprints } = readFingerprints(text, report);
    getOrMake(byKey, matches, () => []).push(...fingerprints);
  }
  const size = [...byKey.values()].reduce((sum, list) => sum + list.length, 0);
  return {
    size,
    problems,
    match: (key, text) => {
      const found = matchFirst(byKey.get(key) ?? [], text);
      return found && factsOf(found);
    },
  };
}

/** What the first of them that matches says, by recog's names: `service.version`. */
export function matchFirst(fingerprints: readonly Fingerprint[], text: string): ReadonlyMap<string, string> | null {
  const subject = text.slice(0, MAX_SUBJECT);
  for (const { regExp, params } of fingerprints) {
    const match = regExp.exec(subject);
    if (!match) continue;
    const found = new Map<string, string>();
    for (const { position, name, value } of params) {
      const said = position === 0 ? value : match[position];
      if (said !== undefined && said !== '') found.set(name, said);
    }
    // A text may name others of the fingerprint: cpe:/a:openbsd:openssh:{service.version}.
    for (const [name, value] of found)
      found.set(
        name,
        value.replace(/\{([\w.]+)\}/g, (_, other: string) => found.get(other) ?? '-'),
      );
    return found;
  }
  return null;
}

function factsOf(found: ReadonlyMap<string, string>): AnswerFacts {
  return {
    ...field('product', found.get('service.product') ?? found.get('hw.product') ?? found.get('os.product')),
    ...field('version', found.get('service.version')),
    ...field('cpe', found.get('service.cpe23')),
  };
}

async function xmlFiles(dir: string): Promise<readonly string[]> {
  const files = await readdir(dir).catch((cause: NodeJS.ErrnoException) => {
    throw new UserError(`cannot read the fingerprints in ${dir}: ${cause.code ?? cause.message}`, {
      hint: 'Name a folder of XML files in the format of github.com/rapid7/recog.',
      cause,
    });
  });
  const xml = files.filter((f) => f.endsWith('.xml')).sort(compareText);
  if (xml.length === 0)
    throw new UserError(`${dir} holds no XML file`, {
      hint: 'A copy of github.com/rapid7/recog has its fingerprints in the folder xml.',
    });
  return xml.slice(0, MAX_FILES);
}

async function readBounded(path: string, report: (message: string) => void): Promise<string | null> {
  try {
    const { size } = await stat(path);
    if (size <= MAX_BYTES) return await readFile(path, 'utf8');
    report(`the file has ${size} bytes; ${MAX_BYTES} are allowed`);
  } catch (error) {
    report(`the file cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  return null;
}

/**
 * Has V8 turn to its linear engine where a pattern goes back and forth too often (regular expressions compiled from now on).
 * Patterns that the linear engine does not know are refused by `translatePattern` where they could take long.
 */
function refuseBacktracking(): void {
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
}
