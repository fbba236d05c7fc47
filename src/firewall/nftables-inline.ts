/**
 * Reads the parts of a rule that `nft -j` prints in nft's own language, because it has no JSON for them: anonymous chains
 * and what adds to maps. Gives the JSON that nft would have printed. null: not understood, and nothing is guessed.
 */

/** `jump { ... }` or `goto { ... }`: the statements of each of its rules. */
export function readAnonymousChain(
  text: string,
): { readonly verdict: 'jump' | 'goto'; readonly rules: readonly string[] } | null {
  const whole = text.trimEnd();
  const match = /^(jump|goto) \{[ \t]*\n/.exec(whole);
  if (match === null || !whole.endsWith('}') || whole.length > 200_000) return null;
  const rules = whole
    .slice(match[0].length, -1)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return { verdict: match[1] as 'jump' | 'goto', rules };
}

/** `add @map { ip saddr : 0x5 }`: what the key is made of. */
export function readMapWrite(text: string): unknown | null {
  const words = wordsOf(text);
  if (words === null || !/^(add|update|delete)$/.test(words[0] ?? '') || !words[1]?.startsWith('@') || words[2] !== '{')
    return null;
  const cursor = { words, at: 3 };
  const left = keyOf(cursor);
  if (left === null) return null;
  // a timeout or a limit after the key is not read: then the rule may end here
  const plain = words[cursor.at] === ':' && words.at(-1) === '}' && words.indexOf('}') === words.length - 1;
  return plain ? { map: { op: words[0], elem: left, map: words[1] } } : null;
}

interface Cursor {
  readonly words: readonly string[];
  at: number;
}

/** Parts a line into words, quoted texts, braces, commas and colons. */
function wordsOf(text: string): string[] | null {
  const words: string[] = [];
  const pattern = /\s*("[^"\\]*"|[{},]|:(?=\s)|[^\s{},"]+)/y;
  let at = 0;
  while (at < text.trimEnd().length) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return null;
    words.push(match[1] as string);
    at = pattern.lastIndex;
    if (words.length > 20_000) return null;
  }
  return words;
}

const PORT_HEADERS = new Set(['tcp', 'udp', 'th', 'sctp', 'dccp', 'udplite']);
const META_SHORT = new Set(['iif', 'iifname', 'oif', 'oifname']);
const META_LONG = new Set(['iif', 'iifname', 'oif', 'oifname', 'l4proto', 'nfproto', 'protocol', 'mark']);

/** What a match looks at; leaves the cursor behind it. */
function keyOf(cursor: Cursor): unknown | null {
  const parts: unknown[] = [];
  for (;;) {
    const part = fieldOf(cursor);
    if (part === null) return null;
    parts.push(part);
    if (cursor.words[cursor.at] !== '.') break;
    cursor.at++;
  }
  return parts.length === 1 ? parts[0] : { concat: parts };
}

function fieldOf(cursor: Cursor): unknown | null {
  const [first = '', second = '', third = ''] = cursor.words.slice(cursor.at, cursor.at + 3);
  const take = (count: number, value: unknown): unknown => {
    cursor.at += count;
    return value;
  };
  if (META_SHORT.has(first)) return take(1, { meta: { key: first } });
  if (first === 'meta' && META_LONG.has(second)) return take(2, { meta: { key: second } });
  if (first === 'ct' && (second === 'state' || second === 'mark' || second === 'direction' || second === 'status'))
    return take(2, { ct: { key: second } });
  if ((first === 'ip' || first === 'ip6') && /^(saddr|daddr|protocol|nexthdr)$/.test(second))
    return take(2, { payload: { protocol: first, field: second } });
  if (PORT_HEADERS.has(first) && (second === 'sport' || second === 'dport'))
    return take(2, { payload: { protocol: first, field: second } });
  if ((first === 'icmp' || first === 'icmpv6') && second === 'type')
    return take(2, { payload: { protocol: first, field: second } });
  if (first === 'fib' && (second === 'saddr' || second === 'daddr') && third === 'type')
    return take(3, { fib: { result: 'type', flags: [second] } });
  return null;
}

const VERDICTS = new Set(['accept', 'drop', 'continue', 'return']);

/** Reads the statements of one rule. */
export function readInlineRule(text: string): readonly unknown[] | null {
  const comment = / comment "[^"]*"$/.exec(text);
  const words = wordsOf(comment === null ? text : text.slice(0, comment.index));
  if (words === null) return null;
  const cursor: Cursor = { words, at: 0 };
  const statements: unknown[] = [];
  while (cursor.at < words.length) {
    const statement = statementOf(cursor);
    if (statement === null) return null;
    statements.push(statement);
  }
  return statements;
}

function statementOf(cursor: Cursor): unknown | null {
  const { words } = cursor;
  const word = words[cursor.at] ?? '';
  if (VERDICTS.has(word)) {
    cursor.at++;
    return { [word]: null };
  }
  if (word === 'jump' || word === 'goto') {
    const target = words[cursor.at + 1];
    cursor.at += 2;
    return target === undefined || target === '{' ? null : { [word]: { target } };
  }
  if (word === 'counter') {
    if (words[cursor.at + 1] !== 'packets') {
      cursor.at++;
      return words[cursor.at] === 'name' ? null : { counter: null };
    }
    const [packets, bytes] = [Number(words[cursor.at + 2]), Number(words[cursor.at + 4])];
    cursor.at += 5;
    return Number.isSafeInteger(packets) && Number.isSafeInteger(bytes) ? { counter: { packets, bytes } } : null;
  }
  if (word === 'notrack') {
    cursor.at++;
    return { notrack: null };
  }
  if (word === 'reject') return rejectOf(cursor);
  if (word === 'log') return logOf(cursor);
  return matchOf(cursor);
}

function rejectOf(cursor: Cursor): unknown | null {
  cursor.at++;
  if (cursor.words[cursor.at] !== 'with') return cursor.at === cursor.words.length ? { reject: null } : null;
  const rest = cursor.words.slice(cursor.at + 1);
  cursor.at = cursor.words.length;
  if (rest.join(' ') === 'tcp reset') return { reject: { type: 'tcp reset' } };
  const [type = ''] = rest;
  return /^icmp(v6|x)?$/.test(type) ? { reject: { type, expr: rest.at(-1) } } : null;
}

function logOf(cursor: Cursor): unknown {
  cursor.at++;
  const log: Record<string, string> = {};
  while (cursor.words[cursor.at] === 'prefix' || cursor.words[cursor.at] === 'level') {
    log[cursor.words[cursor.at] as string] = (cursor.words[cursor.at + 1] ?? '').replaceAll('"', '');
    cursor.at += 2;
  }
  return { log };
}

function matchOf(cursor: Cursor): unknown | null {
  const left = keyOf(cursor);
  if (left === null) return null;
  let op = '==';
  const word = cursor.words[cursor.at] ?? '';
  if (word === 'vmap') {
    cursor.at++;
    const data = rightSideOf(cursor, true);
    return data === null ? null : { vmap: { key: left, data } };
  }
  if (/^(!=|==|<=?|>=?)$/.test(word)) {
    op = word;
    cursor.at++;
  } else if (flags(left)) op = 'in';
  const list = flags(left) && op !== 'in';
  const right = rightSideOf(cursor, false);
  if (right === null || (list && Array.isArray(right))) return null;
  return { match: { op, left, right } };
}

/** Says whether a field is a set of flags, of which a list means any. */
function flags(left: unknown): boolean {
  const key = (left as { ct?: { key: string } }).ct?.key;
  return key === 'state' || key === 'status';
}

/** `22`, `10.0.0.0/8`, `1-5`, `a . b`, `{ ... }`, `@set`, `new,established`. */
function rightSideOf(cursor: Cursor, isMap: boolean): unknown | null {
  if (cursor.words[cursor.at] !== '{') {
    const values: unknown[] = [];
    do {
      const value = elementOf(cursor);
      if (value === null) return null;
      values.push(value);
    } while (cursor.words[cursor.at] === ',' && ++cursor.at > 0);
    const [only] = values;
    if (isMap && !(values.length === 1 && typeof only === 'string' && only.startsWith('@'))) return null;
    return values.length === 1 ? only : values;
  }
  cursor.at++;
  const elements: unknown[] = [];
  for (;;) {
    const element = elementOf(cursor);
    if (element === null) return null;
    if (isMap) {
      if (cursor.words[cursor.at++] !== ':') return null;
      const word = cursor.words[cursor.at] ?? '';
      const verdict = VERDICTS.has(word) || word === 'jump' || word === 'goto' ? statementOf(cursor) : null;
      if (verdict === null) return null;
      elements.push([element, verdict]);
    } else elements.push(element);
    const end = cursor.words[cursor.at++];
    if (end === '}') return { set: elements };
    if (end !== ',') return null;
  }
}

function elementOf(cursor: Cursor): unknown | null {
  const parts: unknown[] = [];
  for (;;) {
    const part = plainValue(cursor.words[cursor.at++]);
    if (part === null) return null;
    parts.push(part);
    if (cursor.words[cursor.at] !== '.') break;
    cursor.at++;
  }
  return parts.length === 1 ? parts[0] : { concat: parts };
}

function plainValue(word: string | undefined): unknown | null {
  if (word === undefined || /^[{},:.]$/.test(word)) return null;
  if (word.startsWith('"')) return word.slice(1, -1);
  if (/^[0-9]{1,10}$/.test(word)) return Number(word);
  const slash = word.indexOf('/');
  if (slash > 0) return { prefix: { addr: word.slice(0, slash), len: Number(word.slice(slash + 1)) } };
  const range = /^([0-9a-f.:]+)-([0-9a-f.:]+)$/i.exec(word);
  if (range !== null) return { range: [plainValue(range[1]), plainValue(range[2])] };
  return /^[@A-Za-z0-9_.:*\\-]+$/.test(word) ? word : null;
}
