import { isDeepStrictEqual } from 'node:util';
import { isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument, type YAMLMap } from 'yaml';
import { formatPosition, UserError } from '../model/errors.ts';
import { isLoopbackBind } from '../model/missing-fields.ts';
import type { ApprovalStamp, ReviewStamp } from '../model/register.ts';
import { writeDatetime, writeDays } from './times.ts';
import { columnOf, endOfLine, endOfPair, eolOf, yamlList, yamlText } from './yaml-text.ts';

/** A stamp that says what it approves. */
export type CompleteApproval = ApprovalStamp & { readonly digest: string };

/** What must be written down before anybody can take responsibility for an entry. */
const JUSTIFICATION = [
  { key: 'purpose', why: 'what it is for' },
  { key: 'owner', why: 'who answers for it' },
  { key: 'sources', why: 'who may connect; [] = nobody from outside the host' },
] as const;

/**
 * Returns the text of a register file with the approval of one entry written or replaced, and its `evidence` of a draft
 * taken out: from here on somebody has taken responsibility. Everything else keeps its bytes, comments included.
 * Throws UserError where the entry is not in the file, or lacks what an approval must rest on.
 */
export function stampApproval(text: string, entryId: string, stamp: CompleteApproval, file: string): string {
  const { map, lines } = findEntry(text, entryId, file);
  const bind = map.get('bind');
  const missing = JUSTIFICATION.filter(
    ({ key }) => isBlank(map.get(key)) && !(key === 'sources' && typeof bind === 'string' && isLoopbackBind(bind)),
  );
  if (missing.length > 0) {
    const list = missing.map(({ key, why }) => {
      const offset = pairOf(map, key)?.key.range?.[0] ?? map.range?.[0] ?? 0;
      const { line, col } = lines.linePos(offset);
      return `  ${formatPosition({ file, line, column: col })}  ${key}: (${why})`;
    });
    throw new UserError(`${entryId} cannot be approved yet; it does not say:\n${list.join('\n')}`, {
      hint: `Fill in ${missing.map((m) => m.key).join(', ')} in ${file}, then approve it again.`,
    });
  }
  const fields: Field[] = [
    ['by', yamlText(stamp.by)],
    ['at', writeDatetime(stamp.at)],
  ];
  if (stamp.hosts) fields.push(['hosts', yamlList(stamp.hosts)]);
  if (stamp.proof !== undefined) fields.push(['proof', { lines: stamp.proof.trim().split(/\r?\n/) }]);
  fields.push(['digest', JSON.stringify(stamp.digest)]);
  const stamped = putField(text, map, 'approval', fields);
  const again = findEntry(stamped, entryId, file);
  return checked(text, dropField(stamped, again.map, 'evidence'), entryId, ['approval', 'evidence'], file);
}

/**
 * Returns the text of a register file with the review of one entry written: who, when, over which digest. The interval
 * that stands there is kept as it is written. Throws UserError where the entry is not in the file.
 */
export function stampReview(text: string, entryId: string, stamp: ReviewStamp, file: string): string {
  const { map } = findEntry(text, entryId, file);
  const old = map.get('review', true);
  const every = isMap(old) ? pairOf(old, 'every')?.value : undefined;
  const fields: Field[] = [];
  if (isScalar(every) && every.range && every.value !== null)
    fields.push(['every', text.slice(every.range[0], every.range[1])]);
  else if (stamp.everyDays !== undefined) fields.push(['every', writeDays(stamp.everyDays)]);
  if (stamp.last !== undefined) fields.push(['last', writeDatetime(stamp.last)]);
  if (stamp.by !== undefined) fields.push(['by', yamlText(stamp.by)]);
  if (stamp.digest !== undefined) fields.push(['digest', JSON.stringify(stamp.digest)]);
  return checked(text, putField(text, map, 'review', fields), entryId, ['review'], file);
}

/** Key and value on one line, or the lines of a longer text. */
type Field = readonly [key: string, value: string | { readonly lines: readonly string[] }];

/** Replaces the field where it stands, else adds it: in a block map behind a field that ends in a plain line. */
function putField(text: string, map: EntryMap, key: string, fields: readonly Field[]): string {
  const old = pairOf(map, key);
  if (map.flow) {
    const flow = `${key}: { ${fields.map(([k, v]) => `${k}: ${typeof v === 'string' ? v : JSON.stringify(`${v.lines.join('\n')}\n`)}`).join(', ')} }`;
    if (old) return splice(text, old.key.range[0], endOfPair(old).offset, flow);
    const last = map.items.at(-1) as EntryPair;
    const end = text.slice(0, endOfPair(last).offset).trimEnd().length;
    return splice(text, end, end, `${text[end - 1] === ':' ? ' ' : ''}, ${flow}`);
  }
  const eol = eolOf(text);
  const column = columnOf(text, map.items[0]?.key.range[0] ?? 0);
  const indent = ' '.repeat(column);
  const block = [
    `${key}:`,
    ...fields.flatMap(([k, v]) =>
      typeof v === 'string'
        ? [`${indent}  ${k}: ${v}`]
        : [`${indent}  ${k}: |`, ...v.lines.map((line) => `${indent}    ${line}`)],
    ),
  ].join(eol);
  if (old) {
    const start = old.key.range[0];
    const end = start + text.slice(start, endOfPair(old).offset).trimEnd().length;
    return splice(text, start, end, block);
  }
  const before = map.items.filter((p) => !endOfPair(p).inBlockScalar);
  const behind = before.findLast((p) => !['review', 'expires', 'evidence'].includes(p.key.value)) ?? before.at(-1);
  const at = endOfLine(text, endOfPair(behind as EntryPair).offset);
  return splice(text, at, at, `${eol}${indent}${block}`);
}

/** Takes a field out, with the lines it stands on in a block map. */
function dropField(text: string, map: EntryMap, key: string): string {
  const pair = pairOf(map, key);
  if (!pair) return text;
  const index = map.items.indexOf(pair);
  const start = pair.key.range[0];
  if (index === 0) return splice(text, start, map.items[1]?.key.range[0] ?? start, '');
  if (map.flow) {
    return splice(text, endOfPair(map.items[index - 1] as EntryPair).offset, endOfPair(pair).offset, '');
  }
  const end = start + text.slice(start, endOfPair(pair).offset).trimEnd().length;
  const lineEnd = endOfLine(text, end);
  // From the end of the line before, so that a file without a last newline keeps being one.
  const lineStart = text.lastIndexOf('\n', start - 1);
  const from = text[lineStart - 1] === '\r' ? lineStart - 1 : lineStart;
  return splice(text, from, lineEnd, '');
}

interface EntryPair extends Pair {
  readonly key: { readonly value: string; readonly range: [number, number, number] } & Pair['key'] & object;
}
type EntryMap = Omit<YAMLMap, 'items'> & { readonly items: readonly EntryPair[] };

function findEntry(text: string, entryId: string, file: string): { map: EntryMap; lines: LineCounter } {
  const lines = new LineCounter();
  const doc = parseDocument(text, { lineCounter: lines });
  const error = doc.errors[0];
  if (error) {
    const at = lines.linePos(error.pos[0]);
    throw new UserError(
      `${formatPosition({ file, line: at.line, column: at.col })}: the file is not valid YAML: ${error.message.split('\n')[0]}`,
      {
        hint: 'Put that right first; nothing was written.',
      },
    );
  }
  const ports = isMap(doc.contents) ? doc.contents.get('ports') : undefined;
  const found = isSeq(ports)
    ? ports.items.filter((item) => isMap(item) && (item as YAMLMap).get('id') === entryId)
    : [];
  if (found.length !== 1) {
    const what = found.length === 0 ? 'has no entry' : `has ${found.length} entries`;
    throw new UserError(`${file} ${what} with the id ${entryId}`, {
      hint: 'See quietdoor register list for the ids, and quietdoor register lint for ids used twice.',
    });
  }
  const map = found[0] as unknown as EntryMap;
  if (!map.items.every((p) => isScalar(p.key) && typeof p.key.value === 'string')) {
    throw new UserError(`the keys of ${entryId} in ${file} are not plain words`, {
      hint: 'Write each key as one word.',
    });
  }
  return { map, lines };
}

function pairOf(map: EntryMap | YAMLMap, key: string): EntryPair | undefined {
  return (map.items as readonly EntryPair[]).find((p) => isScalar(p.key) && p.key.value === key);
}

function isBlank(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}

function splice(text: string, from: number, to: number, put: string): string {
  return text.slice(0, from) + put + text.slice(to);
}

/** Returns the new text if it differs from the old in the named fields of the entry alone, as a reader sees it. */
function checked(before: string, after: string, entryId: string, fields: readonly string[], file: string): string {
  try {
    if (isDeepStrictEqual(meaning(before, entryId, fields), meaning(after, entryId, fields))) return after;
  } catch {
    // Does not parse any more, or has aliases that lead nowhere or grow without bound: refused below.
  }
  throw new UserError(`${entryId} in ${file} is written in a way that cannot be stamped safely; nothing was written`, {
    hint: 'Write the entry without anchors and aliases, then try again.',
  });
}

/** The file as a reader sees it, without the named fields of one entry. Throws where it is not valid. */
function meaning(text: string, entryId: string, without: readonly string[]): unknown {
  const doc = parseDocument(text);
  if (doc.errors[0]) throw doc.errors[0];
  const plain = doc.toJS({ maxAliasCount: 100 }) as { ports: Record<string, unknown>[] };
  for (const entry of plain.ports) if (entry?.id === entryId) for (const field of without) delete entry[field];
  return plain;
}
