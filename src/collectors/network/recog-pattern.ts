/** A pattern of a fingerprint file as JavaScript's, or why it cannot be one. */
export type Translation =
  | { readonly kind: 'pattern'; readonly regExp: RegExp }
  | { readonly kind: 'problem'; readonly message: string };

/** Longest pattern that is taken, in characters. */
const MAX_PATTERN = 4096;

const POSIX: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  digit: '0-9',
  lower: 'a-z',
  upper: 'A-Z',
  space: '\\s',
  blank: ' \\t',
  xdigit: '0-9A-Fa-f',
  punct: '!-\\/:-@\\[-`{-~',
  word: '\\w',
  print: ' -~',
};

/** Escapes of Ruby (Onigmo, doc/RE) that JavaScript has not, outside a class. */
const ANCHORS: Readonly<Record<string, string>> = {
  A: '(?<![\\s\\S])',
  z: '(?![\\s\\S])',
  Z: '(?=\\n?(?![\\s\\S]))',
  h: '[0-9a-fA-F]',
  H: '[^0-9a-fA-F]',
  a: '\\x07',
  e: '\\x1b',
  R: '(?:\\r\\n|[\\n\\v\\f\\r])',
};

/**
 * Translates a pattern of rapid7/recog, which is Ruby's, with the flags that its element names (REG_ICASE, REG_DOT_NEWLINE,
 * REG_MULTILINE). Letters that match in both cases are written as classes, as V8's engine that cannot be led astray
 * knows no flag i.
 */
export function translatePattern(pattern: string, flags: readonly string[]): Translation {
  const problem = (message: string): Translation => ({ kind: 'problem', message });
  if (pattern.length > MAX_PATTERN)
    return problem(`a pattern of ${pattern.length} characters; ${MAX_PATTERN} are allowed`);
  let rest = pattern;
  let anyCase = flags.includes('REG_ICASE');
  let dotAll = flags.includes('REG_DOT_NEWLINE') || flags.includes('REG_MULTILINE');
  const inline = /^(\^?)\(\?([mi]+)\)/.exec(rest);
  if (inline) {
    anyCase ||= inline[2]?.includes('i') === true;
    dotAll ||= inline[2]?.includes('m') === true;
    rest = `${inline[1]}${rest.slice(inline[0].length)}`;
  }
  let out = '';
  for (let i = 0; i < rest.length; ) {
    const char = rest[i] as string;
    if (char === '\\') {
      const next = rest[i + 1] ?? '';
      const known = ANCHORS[next];
      // What is matched twice can take very long, and no engine helps.
      if (/[1-9kgGKX]/.test(next)) return problem(`\\${next} is not understood`);
      out += known ?? char + next;
      i += 2;
    } else if (char === '[') {
      const end = classEnd(rest, i);
      if (end < 0) return problem('a character class without an end');
      const translated = translateClass(rest.slice(i, end), anyCase);
      if (translated === null) return problem(`the character class ${rest.slice(i, end)} is not understood`);
      out += translated;
      i = end;
    } else if (char === '(' && rest[i + 1] === '?') {
      const group = /^\(\?(?::|=|!|<=|<!|<[A-Za-z_]\w*>|#[^)]*\)|-mix:)/.exec(rest.slice(i))?.[0];
      if (group === undefined) return problem(`the group ${rest.slice(i, i + 4)}... is not understood`);
      out += group.startsWith('(?#') ? '' : group === '(?-mix:' ? '(?:' : group;
      i += group.length;
    } else if (/^(?:[*+?]|\{\d*,?\d*\})\+/.test(rest.slice(i)))
      return problem('possessive quantifiers are not understood');
    else {
      out += anyCase ? bothCases(char) : char;
      i++;
    }
  }
  out = out.replace(/\{,(\d+)\}/g, '{0,$1}');
  if (/\(\?<?[=!]/.test(out) && canTakeLong(out))
    return problem('it could take very long: it repeats too much beside a look-around, \\A or \\z');
  try {
    return { kind: 'pattern', regExp: new RegExp(out, dotAll ? 'ms' : 'm') };
  } catch (error) {
    return problem((error as Error).message);
  }
}

function bothCases(char: string): string {
  return /[a-z]/i.test(char) ? `[${char.toLowerCase()}${char.toUpperCase()}]` : char;
}

/** Index behind a character class that begins at `from`, or -1. */
function classEnd(text: string, from: number): number {
  let i = from + 1;
  if (text[i] === '^') i++;
  if (text[i] === ']') i++;
  for (; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '[' && text[i + 1] === ':') {
      const end = text.indexOf(':]', i);
      if (end < 0) return -1;
      i = end + 1;
    } else if (text[i] === ']') return i + 1;
  }
  return -1;
}

function translateClass(text: string, anyCase: boolean): string | null {
  const isNegated = text[1] === '^';
  let body = text.slice(isNegated ? 2 : 1, -1);
  // A bracket that comes first stands for itself.
  if (body.startsWith(']')) body = `\\${body}`;
  if (/&&/.test(body)) return null;
  let isKnown = true;
  body = body.replace(/\[:(\^?)(\w+):\]/g, (_, not: string, name: string) => {
    const set = POSIX[name];
    isKnown &&= set !== undefined && not === '';
    return set ?? '';
  });
  if (!isKnown) return null;
  body = body.replaceAll(/\\([hHe])/g, (_, c: string) => (c === 'h' ? '0-9a-fA-F' : c === 'e' ? '\\x1b' : ''));
  if (anyCase) body += otherCase(body);
  return `[${isNegated ? '^' : ''}${body}]`;
}

/** Letters and ranges of letters of a class in the other case; escapes are left alone. */
function otherCase(body: string): string {
  const swap = (c: string) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase());
  let more = '';
  for (const [, from, to, single] of body.matchAll(/\\x[0-9a-f]{2}|\\.|([a-z])-([a-z])|([a-z])/gi)) {
    if (from && to && (from === from.toLowerCase()) === (to === to.toLowerCase())) more += `${swap(from)}-${swap(to)}`;
    else if (from && to) more += 'A-Za-z';
    else if (single) more += swap(single);
  }
  return more;
}

/** Parts that repeat without end, in a pattern that V8's linear engine does not know: three of them are a second's work. */
const MOST_REPEATS = 2;

/** A group that repeats and holds what repeats, or a choice: `(a+)*`, `(a|a)*`, `(a?){99}`; or too much that repeats. */
function canTakeLong(pattern: string): boolean {
  const plain = pattern
    .replaceAll(/\\./g, 'e')
    .replaceAll(/\[[^\]]*\]/g, 'c')
    .replaceAll(/\(\?(?::|<?[=!]|<\w+>)/g, '(');
  const open: boolean[] = [];
  let holds = false;
  for (const [i, char] of [...plain].entries()) {
    if (char === '(') {
      open.push(holds);
      holds = false;
    } else if (char === ')') {
      if (holds && /[*+{]/.test(plain[i + 1] ?? '')) return true;
      holds = open.pop() || holds;
    } else if (/[*+?|{]/.test(char)) holds = true;
  }
  return (plain.match(/[*+]|\{\d+,\d*\}/g)?.length ?? 0) > MOST_REPEATS;
}
