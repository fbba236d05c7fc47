import { readJson } from '../json-document.ts';
import { listOf, mapOf, type Values } from '../values.ts';
import type { TicketField, TicketProblem } from './ticket-format.ts';
import type { WrittenTicket } from './to-ticket.ts';

/** Paths by field, the first that says something counts. */
export type Paths = Readonly<Partial<Record<TicketField, readonly string[]>>>;

/** Texts of an ADF document (Jira Cloud) nest; deeper ones are cut. */
const MAX_DEPTH = 40;
const MAX_TEXTS = 5000;

/** A JSON export: the records under one of its lists, and what is around them. */
export interface JsonRecords {
  readonly records: readonly unknown[];
  /** Name of the list, for positions: `/issues`. */
  readonly place: string;
  readonly document: Values;
  readonly problems: readonly TicketProblem[];
}

/** Finds the records: the document itself where it is a list, else the first of `lists` that it has. */
export function readJsonRecords(
  file: { readonly source: string; readonly text: string },
  lists: readonly string[],
): JsonRecords {
  const { value, problem } = readJson(file.text);
  const problems: TicketProblem[] = problem ? [{ source: file.source, ...problem }] : [];
  if (Array.isArray(value)) return { records: value, place: '', document: {}, problems };
  const document = mapOf(value);
  const name = lists.find((list) => Array.isArray(document[list]));
  if (name === undefined && !problem) {
    problems.push({
      source: file.source,
      message: `no list of records was found; one of these is expected: ${lists.join(', ')}, or a list itself`,
    });
  }
  return {
    records: name === undefined ? [] : listOf(document[name]),
    place: name === undefined ? '' : `/${name}`,
    document,
    problems,
  };
}

/** A record whose fields are at paths: `fields.status.name`. What the person maps takes the place of the known paths. */
export function jsonTicket(
  record: unknown,
  at: string,
  paths: Paths,
  mapping: ReadonlyMap<TicketField, readonly string[]>,
): WrittenTicket {
  return {
    at,
    values(field) {
      const named = mapping.get(field);
      if (named) return named.flatMap((path) => textsAt(record, path));
      for (const path of paths[field] ?? []) {
        const texts = textsAt(record, path);
        if (texts.length > 0) return texts;
      }
      return [];
    },
  };
}

/** Texts at a path; of objects their name, of documents all texts in their order. */
function textsAt(record: unknown, path: string): readonly string[] {
  const whole = mapOf(record);
  let value: unknown = Object.hasOwn(whole, path) ? whole[path] : record;
  if (!Object.hasOwn(whole, path)) {
    for (const part of path.split('.')) {
      const map = mapOf(value);
      value = Object.hasOwn(map, part) ? map[part] : undefined;
    }
  }
  return textsOf(value);
}

function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.trim() === '' ? [] : [value];
  if (typeof value === 'number' || typeof value === 'boolean') return [String(value)];
  if (Array.isArray(value)) return value.slice(0, MAX_TEXTS).flatMap(elementTexts);
  const map = mapOf(value);
  if (map.type === 'doc') return [documentText(value)];
  for (const key of ['display_value', 'displayName', 'name', 'value', 'emailAddress', 'key']) {
    const inner = map[key];
    if ((typeof inner === 'string' && inner.trim() !== '') || typeof inner === 'number') return [String(inner)];
  }
  return [];
}

/** Elements of a list; lists in lists are not taken. */
function elementTexts(value: unknown): readonly string[] {
  return Array.isArray(value) ? [] : textsOf(value);
}

/** Text of an Atlassian Document Format tree: blocks are lines. */
function documentText(root: unknown): string {
  const texts: string[] = [];
  const walk = (node: unknown, depth: number) => {
    if (depth > MAX_DEPTH || texts.length > MAX_TEXTS) return;
    const map = mapOf(node);
    if (typeof map.text === 'string') texts.push(map.text);
    for (const child of listOf(map.content)) walk(child, depth + 1);
    if (map.type === 'paragraph' || map.type === 'heading' || map.type === 'listItem' || map.type === 'hardBreak')
      texts.push('\n');
  };
  walk(root, 0);
  return texts.join('');
}
