import { LineCounter, parseDocument, stringify } from 'yaml';
import { z } from 'zod';
import { UserError } from '../model/errors.ts';
import { REVIEW_DECISIONS, type ReviewDecision, type ReviewItem, type ReviewQueue } from '../model/log-review.ts';
import { count, utcTime } from '../util/words.ts';

/** What a person decided of an item. */
export interface DecidedItem {
  readonly id: string;
  readonly decision: ReviewDecision | null;
  readonly note: string | null;
  /** What the worksheet told of it; undefined where that was taken out. */
  readonly told: { readonly [field in keyof ToldItem]?: string | undefined };
}

/** What a worksheet tells of an item. */
interface ToldItem {
  readonly what: string;
  readonly about: string;
  readonly says: string;
  readonly seen: string;
  readonly records?: string;
}

/** A worksheet as a person hands it back. */
export interface Worksheet {
  /** SHA-256 of the queue it was made from, hex. */
  readonly queue: string;
  readonly items: readonly DecidedItem[];
}

export const MAX_WORKSHEET_BYTES = 16 * 1024 * 1024;

const HELP = [
  'Decide every item: normal (as it should be), follow-up (somebody looks further; say who in the note) or incident (say where it',
  'is handled). Then sign the sitting: quietdoor review log --sign THIS-FILE',
];

/** The queue as a file to fill in: everything is there to read, only `decision` and `note` are there to write. */
export function worksheetText(queue: ReviewQueue, digest: string, workspace: string): string {
  const { records } = queue;
  const head = [
    `# Review of the record of events of ${workspace.replace(/\s+/g, ' ')}, ${utcTime(queue.from)} to ${utcTime(queue.until)}`,
    ...HELP.map((line) => `# ${line}`),
    `# ${records ? `Records ${records.first} to ${records.last}` : 'No records'}; ${count(queue.items.length, 'item')} to decide.`,
    ...queue.routine.map((r) => `# Not to be decided one by one: ${r.type} ${r.count}×`),
  ];
  const items = queue.items.map((item) => ({
    id: item.id,
    ...tellItem(item),
    decision: null,
    note: null,
  }));
  const body = stringify({ queue: `sha256:${digest}`, items }, { lineWidth: 0, nullStr: '' });
  return `${head.join('\n')}\n${body}`;
}

function tellItem(item: ReviewItem): ToldItem {
  return {
    what: `${item.kind}: ${item.what}`,
    about: item.subject,
    says: item.message,
    seen: `${count(item.count, 'time')}, ${item.count === 1 ? utcTime(item.first) : `${utcTime(item.first)} to ${utcTime(item.last)}`}`,
    ...(item.records.length === 0 ? {} : { records: item.records.join(', ') }),
  };
}

/** What people read is what is signed: throws UserError where a worksheet tells something else than its queue. */
export function refuseChanges(items: readonly ReviewItem[], decided: readonly DecidedItem[], file: string): void {
  const byId = new Map(items.map((item) => [item.id, tellItem(item)]));
  for (const { id, told } of decided) {
    const kept = byId.get(id);
    for (const [field, text] of Object.entries(told))
      if (kept && text !== undefined && text !== kept[field as keyof ToldItem])
        throw new UserError(`${file}: what the worksheet tells of the item ${id} was changed (${field})`, {
          hint: 'Only decision and note are there to write. Make a new worksheet: quietdoor review log',
        });
  }
}

const text = z.coerce.string({ error: 'expected a text, as the worksheet was made with' }).optional();
const schema = z.object({
  queue: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, { error: 'expected sha256: and 64 hex digits, as the worksheet was made with' }),
  items: z.array(
    z.object({
      id: z.string(),
      decision: z
        .enum(REVIEW_DECISIONS, { error: `expected one of ${REVIEW_DECISIONS.join(', ')}` })
        .nullable()
        .default(null),
      note: z.string({ error: 'expected a text' }).max(10_000).nullable().default(null),
      ...{ what: text, about: text, says: text, seen: text, records: text },
    }),
    { error: 'expected a list of items' },
  ),
});

/** Reads a worksheet. Throws UserError that names every place at fault, the first twenty. */
export function parseWorksheet(text: string, file: string): Worksheet {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new UserError(`${file}:${line}:${col}: ${error.message}`, { hint: 'The file is expected to be YAML.' });
  }
  let plain: unknown;
  try {
    plain = document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    throw new UserError(`${file}: aliases are not expected here`, { cause });
  }
  const read = schema.safeParse(plain);
  if (read.success) {
    const items = read.data.items.map(({ id, decision, note, ...told }) => ({ id, decision, note, told }));
    return { queue: read.data.queue.slice('sha256:'.length), items };
  }
  const places = read.error.issues.slice(0, 20).map((issue) => {
    const node = document.getIn(issue.path as (string | number)[], true) as
      | { range?: [number, number, number] }
      | undefined;
    const { line, col } = lines.linePos(node?.range?.[0] ?? 0);
    return `${file}:${line}:${col}: ${issue.path.map(String).join('.')}: ${issue.message}`;
  });
  throw new UserError(places.join('\n'));
}

/** Puts decisions with the items they are about. Throws UserError where one is missing, unknown or told twice. */
export function decideAll(
  items: readonly ReviewItem[],
  decided: readonly DecidedItem[],
  file: string,
): readonly (ReviewItem & { readonly decision: ReviewDecision; readonly note: string | null })[] {
  const byId = new Map<string, DecidedItem>();
  for (const one of decided) {
    if (byId.has(one.id)) throw new UserError(`${file}: the item ${one.id} stands there twice`);
    byId.set(one.id, one);
  }
  const unknown = decided.find((one) => !items.some((item) => item.id === one.id));
  if (unknown)
    throw new UserError(`${file}: the item ${unknown.id} is not in the queue that the worksheet was made from`, {
      hint: 'Make a new worksheet: quietdoor review log',
    });
  const open = items.filter((item) => (byId.get(item.id)?.decision ?? null) === null);
  if (open.length > 0)
    throw new UserError(
      `${file}: ${count(open.length, 'item')} of ${items.length} not decided yet, first ${open[0]?.id}`,
      {
        hint: `Give each of them a decision: ${REVIEW_DECISIONS.join(', ')}.`,
      },
    );
  return items.map((item) => {
    const { decision, note } = byId.get(item.id) as { decision: ReviewDecision; note: string | null };
    if (decision !== 'normal' && (note ?? '').trim() === '')
      throw new UserError(`${file}: the item ${item.id} is decided as ${decision} and has no note`, {
        hint: 'Say who looks further, or where the incident is handled.',
      });
    return { ...item, decision, note: note === null || note.trim() === '' ? null : note.trim() };
  });
}

/** An item of a worksheet that nobody decided yet. */
export interface OpenItem {
  /** Its place in the list. */
  readonly index: number;
  readonly what: string;
  readonly says: string;
  readonly seen: string;
}

/** Items of a worksheet without a decision, in order. Throws UserError where the file is none. */
export function openItems(text: string, file: string): readonly OpenItem[] {
  const { items } = parseWorksheet(text, file);
  const plain = (parseDocument(text).toJS({ maxAliasCount: 0 }) as { items: Record<string, unknown>[] }).items;
  return items.flatMap((item, index) => {
    if (item.decision !== null) return [];
    const told = plain[index] as Record<string, unknown>;
    return [
      { index, what: String(told.what ?? item.id), says: String(told.says ?? ''), seen: String(told.seen ?? '') },
    ];
  });
}

/** The worksheet with one item decided; comments and all else stay. */
export function writeDecision(
  text: string,
  file: string,
  index: number,
  decision: ReviewDecision,
  note: string,
): string {
  parseWorksheet(text, file);
  const document = parseDocument(text);
  document.setIn(['items', index, 'decision'], decision);
  document.setIn(['items', index, 'note'], note === '' ? null : note);
  return document.toString({ lineWidth: 0, nullStr: '' });
}
