import { compareDigits } from './digits.ts';

/**
 * Orders two versions of Alpine packages, `digits{.digits}[letter]{_suffix[digits]}[~hash][-rN]`: negative, 0, positive
 * (apk-package(5); the order of apk-tools 3, where a part with a leading zero is compared as text).
 */
export function compareApkVersions(a: string, b: string): number {
  const x = tokensOf(a);
  const y = tokensOf(b);
  for (let i = 0; ; i++) {
    const left = x[i] as Token;
    const right = y[i] as Token;
    if (left.kind !== right.kind) return compareKinds(left, right);
    if (left.kind >= END) return 0;
    const difference = compareTokens(left, right);
    if (difference !== 0) return difference;
  }
}

/** What may follow what: each kind only after a lower one, but parts and suffixes repeat. */
const FIRST = 0;
const PART = 1;
const LETTER = 2;
const SUFFIX = 3;
const SUFFIX_NUMBER = 4;
const HASH = 5;
const REVISION = 6;
const END = 7;
const INVALID = 8;

interface Token {
  readonly kind: number;
  readonly text: string;
}

/** In their order; those before '' come before the version without a suffix. */
const SUFFIXES = ['alpha', 'beta', 'pre', 'rc', '', 'cvs', 'svn', 'git', 'hg', 'p'];
const NO_SUFFIX = SUFFIXES.indexOf('');

const PATTERNS: ReadonlyArray<{ readonly kind: number; readonly pattern: RegExp; readonly last: number }> = [
  { kind: PART, pattern: /\.([0-9]+)/y, last: PART },
  { kind: LETTER, pattern: /([a-z])/y, last: PART },
  { kind: SUFFIX, pattern: /_(alpha|beta|pre|rc|cvs|svn|git|hg|p)(?![a-z])/y, last: SUFFIX_NUMBER },
  { kind: HASH, pattern: /~([0-9a-f]+)/y, last: SUFFIX_NUMBER },
  { kind: REVISION, pattern: /-r([0-9]+)/y, last: HASH },
];

/** Ends in END, or in INVALID where the text is no version from there on. */
function tokensOf(version: string): readonly Token[] {
  const first = /^[0-9]+/.exec(version)?.[0];
  if (first === undefined) return [{ kind: INVALID, text: '' }];
  const tokens: Token[] = [{ kind: FIRST, text: first }];
  let at = first.length;
  let kind = FIRST;
  while (at < version.length) {
    const found = nextToken(version, at, kind);
    if (found === null) return [...tokens, { kind: INVALID, text: '' }];
    tokens.push(found.token);
    kind = found.token.kind;
    at = found.end;
  }
  return [...tokens, { kind: END, text: '' }];
}

function nextToken(version: string, at: number, before: number): { token: Token; end: number } | null {
  if (before === SUFFIX) {
    const number = /[0-9]+/y;
    number.lastIndex = at;
    const text = number.exec(version)?.[0];
    if (text !== undefined) return { token: { kind: SUFFIX_NUMBER, text }, end: at + text.length };
  }
  for (const { kind, pattern, last } of PATTERNS) {
    pattern.lastIndex = at;
    const found = before <= last ? pattern.exec(version) : null;
    if (found) return { token: { kind, text: found[1] as string }, end: at + found[0].length };
  }
  return null;
}

function compareTokens(a: Token, b: Token): number {
  if (a.kind === SUFFIX) return SUFFIXES.indexOf(a.text) - SUFFIXES.indexOf(b.text);
  const asText =
    a.kind === LETTER || a.kind === HASH || (a.kind === PART && (a.text.startsWith('0') || b.text.startsWith('0')));
  if (!asText) return compareDigits(a.text, b.text);
  return a.text < b.text ? -1 : a.text > b.text ? 1 : 0;
}

/** The longer version is newer, unless it goes on as a pre-release. */
function compareKinds(a: Token, b: Token): number {
  if (a.kind === SUFFIX && SUFFIXES.indexOf(a.text) < NO_SUFFIX) return -1;
  if (b.kind === SUFFIX && SUFFIXES.indexOf(b.text) < NO_SUFFIX) return 1;
  return a.kind > b.kind ? -1 : 1;
}
