import { constructFromEvents, FAILSAFE_SCHEMA, nullCoreTag, parseEvents, YAMLException } from 'js-yaml';
import { locate, type YamlPath } from './positions.ts';

/** Every scalar is text or null: `port: 0x50`, `change: 007` and `user: yes` mean what is written, not what YAML makes of it. */
const SCHEMA = FAILSAFE_SCHEMA.withTags(nullCoreTag);
/** Deepest nesting of lists and maps that is read. The schemas need 5. */
const MAX_DEPTH = 20;

/** Most errors of one file; a file with more is no register, and what follows is not read. */
const MAX_ERRORS = 1000;

/** A piece of a YAML file that was parsed by itself. */
export interface YamlPart {
  readonly value: unknown;
  /** Offset in the file of the first character of the value. */
  start(): number;
  /** Offset in the file of the node (or the key) at a path inside the value. */
  locate(path: YamlPath, what: 'key' | 'value'): number;
}

export interface YamlError {
  /** Offset in the file. */
  readonly offset: number;
  /** Slug: `yaml-syntax`, `yaml-alias`, `yaml-tab`, `duplicate-key`. */
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  /** What could not be read. */
  readonly text: string;
  /** The list it stands in, or null for what surrounds the lists. */
  readonly list: string | null;
}

export interface YamlFile {
  /** What surrounds the lists: a map, in pieces when a part of it is broken. */
  readonly sections: readonly YamlPart[];
  /** Items of the named lists, in the order of the file. */
  readonly items: ReadonlyArray<{ readonly list: string; readonly part: YamlPart }>;
  readonly errors: readonly YamlError[];
}

interface Slice {
  readonly list: string | null;
  readonly from: number;
  readonly to: number;
}

/**
 * Parses a YAML file whose top level is a map, item by item for the named lists: a broken item costs only itself, and a
 * long list takes less memory than at once. An item begins at a line with `- ` at the indentation of the first one,
 * which cannot be anything else there (YAML 1.2.2, 8.2.1: what belongs to an item is indented deeper).
 * A list written in another way (`ports: [...]`) stays in its section and is split by the caller.
 */
export function parseYamlParts(text: string, lists: readonly string[]): YamlFile {
  const slices = split(text, lists);
  const items: { list: string; part: YamlPart }[] = [];
  const errors: YamlError[] = [];
  const outside = slices.filter((s) => s.list === null);
  for (const slice of slices) {
    if (slice.list === null) continue;
    if (errors.length === MAX_ERRORS) {
      const message = `more than ${MAX_ERRORS} errors; the rest of the file is not read`;
      errors.push({ offset: slice.from, code: 'too-many-errors', message, text: '', list: null });
      break;
    }
    const part = parsePart(text, [slice], slice.list);
    if ('code' in part) errors.push(part);
    else if (Array.isArray(part.value))
      for (const [i, value] of part.value.entries())
        items.push({
          list: slice.list,
          part: inside(part, [i], value, i === 0 ? startOfItem(text, slice) : undefined),
        });
  }
  const whole = parsePart(text, outside, null);
  if (!('code' in whole)) return { sections: whole.value === null ? [] : [whole], items, errors };
  const sections: YamlPart[] = [];
  for (const slice of splitSections(text, outside)) {
    const part = parsePart(text, [slice], null);
    if ('code' in part) errors.push(part);
    else if (part.value !== null) sections.push(part);
  }
  // The pieces are well-formed but the whole is not, such as a key written twice or a second document.
  if (!errors.some((e) => e.list === null)) errors.push(whole);
  return { sections, items, errors };
}

/** The value at a path inside a part, as a part of its own. `start`: where it begins, if that is known already. */
export function inside(part: YamlPart, path: YamlPath, value: unknown, start?: number): YamlPart {
  return {
    value,
    start: () => start ?? part.locate(path, 'value'),
    locate: (deeper, what) => part.locate([...path, ...deeper], what),
  };
}

/** Where the value behind the dash of an item begins, if on the same line; saves parsing the item again. */
function startOfItem(text: string, slice: Slice): number | undefined {
  const dash = text.indexOf('-', slice.from);
  const start = text.slice(dash + 1, dash + 200).search(/[^ \t]/);
  const first = text[dash + 1 + start];
  return start < 0 || first === undefined || '#\r\n&!'.includes(first) ? undefined : dash + 1 + start;
}

/** Items of a list, whether it was cut into items or stands in a section (`ports: [...]`). */
export function itemsOf(yaml: YamlFile, list: string): YamlPart[] {
  const parts = yaml.items.filter((item) => item.list === list).map((item) => item.part);
  for (const section of yaml.sections) {
    const value = section.value;
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, list)) continue;
    const member = (value as Record<string, unknown>)[list];
    if (Array.isArray(member)) for (const [i, item] of member.entries()) parts.push(inside(section, [list, i], item));
  }
  return parts;
}

/** Cuts a file into the items of its lists and what surrounds them (`list: null`); together they are the file. */
export function splitLists(
  text: string,
  lists: readonly string[],
): { readonly list: string | null; readonly text: string }[] {
  return split(text, lists).map(({ list, from, to }) => ({ list, text: text.slice(from, to) }));
}

function split(text: string, lists: readonly string[]): Slice[] {
  const slices: Slice[] = [];
  const header = new RegExp(`^(${lists.join('|')}):[ \\t]*(?:#.*)?\\r?$`, 'gm');
  let done = 0;
  for (let m = header.exec(text); m; m = header.exec(text)) {
    const list = m[1] as string;
    const begin = m.index + m[0].length + 1;
    const first = /^(?:[ \t]*(?:#.*)?\r?\n)*( *)-(?=[ \t\r\n]|$)/.exec(text.slice(begin, begin + 65_536));
    if (!first) continue;
    const indent = first[1] as string;
    // The next thing at the left margin that is neither an item nor a comment ends the list.
    const ends = new RegExp(indent === '' ? '^(?!-[ \\t\\r\\n])[^\\s#]' : '^[^\\s#]', 'gm');
    ends.lastIndex = begin;
    const end = ends.exec(text)?.index ?? text.length;
    const starts = new RegExp(`^${indent}-(?=[ \\t\\r\\n]|$)`, 'gm');
    starts.lastIndex = begin;
    const at: number[] = [];
    for (let s = starts.exec(text); s && s.index < end; s = starts.exec(text)) at.push(s.index);
    slices.push({ list: null, from: done, to: at[0] ?? end });
    for (const [i, from] of at.entries()) slices.push({ list, from, to: at[i + 1] ?? end });
    done = end;
    header.lastIndex = end;
  }
  slices.push({ list: null, from: done, to: text.length });
  return slices;
}

/** Cuts what surrounds the lists before every key at the left margin. */
function splitSections(text: string, outside: readonly Slice[]): Slice[] {
  return outside.flatMap(({ from, to }) => {
    const cuts = [from];
    const keys = /^[^\s#\-\]}]/gm;
    keys.lastIndex = from;
    for (let m = keys.exec(text); m && m.index < to; m = keys.exec(text)) if (m.index > from) cuts.push(m.index);
    return cuts.map((cut, i) => ({ list: null, from: cut, to: cuts[i + 1] ?? to }));
  });
}

function parsePart(text: string, slices: readonly Slice[], list: string | null): YamlPart | YamlError {
  const source = slices.map((s) => text.slice(s.from, s.to)).join('');
  const inFile = (offset: number): number => {
    let left = offset;
    for (const s of slices) {
      if (left < s.to - s.from || s === slices.at(-1)) return s.from + left;
      left -= s.to - s.from;
    }
    return left;
  };
  try {
    const documents = constructFromEvents(parseEvents(source, { maxDepth: MAX_DEPTH }), {
      source,
      schema: SCHEMA,
      maxAliases: 0,
    });
    if (documents.length > 1) {
      const second = /^---/gm;
      second.lastIndex = source.search(/^[^\s#-]/m) + 1;
      const offset = inFile(second.exec(source)?.index ?? 0);
      const message = 'the file holds several YAML documents, one is expected';
      return { offset, code: 'yaml-documents', message, hint: 'remove the line ---', text: source, list };
    }
    const at = (path: YamlPath, what: 'key' | 'value') =>
      inFile(locate(parseEvents(source, { maxDepth: MAX_DEPTH }), source, path, what));
    return {
      value: documents[0] ?? null,
      start: () => at([], 'value'),
      locate: at,
    };
  } catch (error) {
    // js-yaml's documentation: all exceptions must be caught, not just its own.
    const reason =
      error instanceof YAMLException ? error.reason : error instanceof Error ? error.message : String(error);
    // What is left open is found at the end only: the last line of the piece is nearer than the next piece.
    const position = error instanceof YAMLException ? (error.mark?.position ?? 0) : 0;
    return {
      offset: inFile(Math.min(position, source.trimEnd().length)),
      text: source,
      list,
      ...explain(reason, source, position),
    };
  }
}

function explain(reason: string, source: string, position: number): { code: string; message: string; hint?: string } {
  if (reason.includes('maxAliases'))
    return {
      code: 'yaml-alias',
      message: 'YAML aliases (*name) are not read here',
      hint: 'write the value out: an entry must say by itself what it allows',
    };
  const line = source.slice(source.lastIndexOf('\n', position - 1) + 1, position + 1);
  if (reason.includes('tab character') || /^ *\t/.test(line))
    return { code: 'yaml-tab', message: 'a tab is used for indentation', hint: 'indent with blanks' };
  if (reason.includes('duplicated mapping key'))
    return { code: 'duplicate-key', message: 'the key is written twice in the same place', hint: 'keep one of them' };
  return { code: 'yaml-syntax', message: `not valid YAML: ${reason}` };
}
