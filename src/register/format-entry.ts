import { isDeepStrictEqual } from 'node:util';
import { isMap, isScalar, isSeq, type Pair, parseDocument, type Scalar, type YAMLMap } from 'yaml';
import { readFields } from './load-register.ts';
import type { EntryFields } from './normalise.ts';
import { canonicalList, canonicalText, isCanonical, KEY_ORDER } from './spelling.ts';
import { parseYamlParts } from './yaml-parts.ts';
import { endOfPair } from './yaml-text.ts';

/** A range of a text and what takes its place. */
interface Splice {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/**
 * Returns the text of one list item in canonical form; the same text where it is that already, cannot be read, or
 * would come to mean something else.
 */
export function formatEntry(item: string): string {
  const before = readItem(item);
  if (before === null || isCanonical(before.value)) return item;
  let text = item.endsWith('\n') ? item : `${item}\n`;
  for (const pass of [spell, orderNested, orderEntry]) {
    const map = parseItem(text);
    if (map === null) return item;
    text = applySplices(text, pass(text, map));
  }
  text = text.replace(/^( *)-([ \t]+)((?:#[^\n]*\n[ \t]*)+)/, commentsAbove);
  return isDeepStrictEqual(readItem(text)?.fields, before.fields) ? text : item;
}

/** Comments between the dash and the first key, which has come from further down, stand above the dash. */
function commentsAbove(_: string, indent: string, blanks: string, comments: string): string {
  const lines = comments.split('\n').slice(0, -1);
  return `${lines.map((line) => `${indent}${line.trimStart()}\n`).join('')}${indent}-${blanks}`;
}

function readItem(item: string): { readonly value: unknown; readonly fields: EntryFields } | null {
  const { items, errors } = parseYamlParts(`ports:\n${item}`, ['ports']);
  const value = items[0]?.part.value;
  if (errors.length > 0 || items.length !== 1) return null;
  const { fields, issues } = readFields(value);
  return fields === null || issues.length > 0 ? null : { value, fields };
}

function parseItem(text: string): YAMLMap<Scalar<string>> | null {
  const document = parseDocument(text, { schema: 'failsafe', keepSourceTokens: false });
  const item = isSeq(document.contents) ? document.contents.items[0] : null;
  if (document.errors.length > 0 || !isMap(item)) return null;
  return item.items.every((pair) => isScalar(pair.key)) ? (item as YAMLMap<Scalar<string>>) : null;
}

function applySplices(text: string, splices: readonly Splice[]): string {
  let result = '';
  let done = 0;
  for (const { from, to, text: instead } of splices.toSorted((a, b) => a.from - b.from)) {
    result += text.slice(done, from) + instead;
    done = to;
  }
  return result + text.slice(done);
}

/** Respells values; sorts lists that stand on one line. */
function spell(text: string, map: YAMLMap<Scalar<string>>, prefix = ''): Splice[] {
  const transport = prefix === '' ? String(map.get('transport') ?? 'tcp') : 'tcp';
  return map.items.flatMap((pair): Splice[] => {
    const path = prefix + pair.key.value;
    const { value } = pair;
    if (isMap(value)) return prefix === '' ? spell(text, value as YAMLMap<Scalar<string>>, `${path}.`) : [];
    if (isScalar(value)) return respell(value as Scalar<string>, canonicalText(path, String(value.value), transport));
    if (!isSeq(value) || !value.range || !value.items.every((item) => isScalar(item))) return [];
    const [from, to] = value.range;
    const items = value.items as Scalar<string>[];
    const source = text.slice(from, to);
    if (!value.flow || /[\n#]/.test(source))
      return items.flatMap((item) => respell(item, canonicalText(path, item.value, transport)));
    const canonical = canonicalList(
      path,
      items.map((item) => item.value),
      transport,
    );
    if (
      canonical === null ||
      isDeepStrictEqual(
        canonical,
        items.map((item) => item.value),
      )
    )
      return [];
    return [{ from, to, text: `[${canonical.map((item) => yamlScalar(item)).join(', ')}]` }];
  });
}

function respell(scalar: Scalar<string>, canonical: string): Splice[] {
  if (canonical === scalar.value || !scalar.range) return [];
  return [{ from: scalar.range[0], to: scalar.range[1], text: yamlScalar(canonical) }];
}

/** A canonical value (address, port, time, word) as YAML, plain where it is safe in a list on one line too. */
function yamlScalar(value: string): string {
  const plain = /^[A-Za-z0-9*][A-Za-z0-9./*?_:-]*$/.test(value) && !value.startsWith('*') && !value.endsWith(':');
  const isOtherType = /^(true|false|null|yes|no|on|off|y|n)$/i.test(value) || /^\d+-\d+$/.test(value);
  return plain && !isOtherType ? value : JSON.stringify(value);
}

function orderNested(text: string, map: YAMLMap<Scalar<string>>): Splice[] {
  return map.items.flatMap((pair): Splice[] => {
    const order = KEY_ORDER[pair.key.value];
    const value = pair.value;
    if (!order || !isMap(value) || !value.items.every((inner) => isScalar(inner.key))) return [];
    const nested = value as YAMLMap<Scalar<string>>;
    return nested.flow ? orderFlow(text, nested, order) : orderBlock(text, nested, order);
  });
}

function orderEntry(text: string, map: YAMLMap<Scalar<string>>): Splice[] {
  return map.flow ? orderFlow(text, map, KEY_ORDER[''] ?? []) : orderBlock(text, map, KEY_ORDER[''] ?? []);
}

type KeyedPair = Pair<Scalar<string>>;

function inOrder(pairs: readonly KeyedPair[], order: readonly string[]): readonly KeyedPair[] | null {
  const rank = (pair: KeyedPair) => order.indexOf(pair.key.value);
  const sorted = pairs.toSorted((a, b) => rank(a) - rank(b));
  return sorted.every((pair, i) => pair === pairs[i]) ? null : sorted;
}

/** Pairs of a map on one line change places; one that goes over several lines or has comments stays. */
function orderFlow(text: string, map: YAMLMap<Scalar<string>>, order: readonly string[]): Splice[] {
  const pairs = map.items as KeyedPair[];
  const sorted = inOrder(pairs, order);
  if (!sorted || !map.range || /[\n#]/.test(text.slice(map.range[0], map.range[1]))) return [];
  const from = startOf(pairs[0]);
  const to = endOfPair(pairs.at(-1) as KeyedPair).offset;
  return [{ from, to, text: sorted.map((pair) => text.slice(startOf(pair), endOfPair(pair).offset)).join(', ') }];
}

/**
 * Pairs of a block map change places with their lines: the comments right above a key and behind its value go along,
 * so do blank lines below it.
 */
function orderBlock(text: string, map: YAMLMap<Scalar<string>>, order: readonly string[]): Splice[] {
  const pairs = map.items as KeyedPair[];
  const sorted = inOrder(pairs, order);
  if (!sorted) return [];
  const from = startOf(pairs[0]);
  const indent = ' '.repeat(from - (text.lastIndexOf('\n', from - 1) + 1));
  const starts = pairs.map((pair, i) =>
    i === 0 ? from : leadOf(text, endOfLine(text, pairs[i - 1] as KeyedPair), startOf(pair)),
  );
  const to = endOfLine(text, pairs.at(-1) as KeyedPair);
  const segments = new Map(
    pairs.map((pair, i) => [pair, (i === 0 ? indent : '') + text.slice(starts[i], starts[i + 1] ?? to)]),
  );
  const joined = sorted.map((pair) => segments.get(pair) as string).join('');
  return joined.startsWith(indent) ? [{ from, to, text: joined.slice(indent.length) }] : [];
}

function startOf(pair: KeyedPair | undefined): number {
  return pair?.key.range?.[0] ?? 0;
}

/** Offset behind the line on which a pair ends. */
function endOfLine(text: string, pair: KeyedPair): number {
  const { offset } = endOfPair(pair);
  if (text[offset - 1] === '\n') return offset;
  const end = text.indexOf('\n', offset);
  return end < 0 ? text.length : end + 1;
}

/** Offset where the comment lines right above a key begin, or the line of the key. */
function leadOf(text: string, after: number, key: number): number {
  let lead = text.lastIndexOf('\n', key - 1) + 1;
  while (lead > after) {
    const line = text.lastIndexOf('\n', lead - 2) + 1;
    if (line < after || !/^[ \t]*#/.test(text.slice(line, lead))) break;
    lead = line;
  }
  return lead;
}
