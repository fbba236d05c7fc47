import { isMap, isScalar, isSeq, type Node, parseDocument, type YAMLMap } from 'yaml';
import { compareText } from '../util/compare.ts';
import { columnOf, endOfLine, eolOf, yamlText } from './yaml-text.ts';

/** Returns the text of a register file with hosts added to those of one entry; the rest keeps its bytes. */
export function joinHosts(text: string, entryId: string, hosts: readonly string[]): string {
  const root: unknown = parseDocument(text).contents;
  const ports: unknown = isMap(root) ? root.get('ports') : null;
  const entry = isSeq(ports)
    ? ports.items.find((item) => isMap(item) && (item as YAMLMap).get('id') === entryId)
    : null;
  const node = isMap(entry) ? ((entry as YAMLMap).get('hosts', true) as Node | undefined) : undefined;
  if (!node?.range) return text;
  const before: readonly unknown[] = isSeq(node) ? node.items.map((item) => (isScalar(item) ? item.value : null)) : [];
  const added = hosts.filter((host) => !before.includes(host)).toSorted(compareText);
  const put = (from: number, to: number, what: string) => text.slice(0, from) + what + text.slice(to);
  if (added.length === 0) return text;
  if (isScalar(node)) {
    if (node.value === null || node.value === '') return text;
    const [from, to] = node.range;
    return put(from, to, `[${[text.slice(from, to), ...added.map(yamlText)].join(', ')}]`);
  }
  const last = isSeq(node) ? (node.items.at(-1) as Node | undefined) : undefined;
  if (!isSeq(node) || !last?.range) return text;
  const end = last.range[1];
  if (node.flow) return put(end, end, added.map((host) => `, ${yamlText(host)}`).join(''));
  const indent = ' '.repeat(columnOf(text, node.range[0]));
  const line = endOfLine(text, end);
  return put(line, line, added.map((host) => `${eolOf(text)}${indent}- ${yamlText(host)}`).join(''));
}
