import { isCollection, isScalar, type Node, type Pair, Scalar } from 'yaml';

/** Where a node that was parsed from text ends, trailing blanks and comments left out; and the kind of its last line. */
export interface NodeEnd {
  readonly offset: number;
  /** The last line belongs to a block scalar (`|`, `>`): text put behind it would become part of it. */
  readonly inBlockScalar: boolean;
}

/** Returns where a pair of a block or flow map ends in the text. */
export function endOfPair(pair: Pair): NodeEnd {
  return endOfNode(pair.value as Node | null) ?? endOfNode(pair.key as Node) ?? { offset: 0, inBlockScalar: false };
}

function endOfNode(node: Node | null): NodeEnd | null {
  if (!node?.range) return null;
  if (isCollection(node) && !node.flow) {
    const last = node.items.at(-1) as Pair | Node | undefined;
    if (last && 'range' in last) return endOfNode(last as Node);
    if (last) return endOfPair(last as Pair);
  }
  const inBlockScalar = isScalar(node) && (node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED);
  return { offset: node.range[1], inBlockScalar };
}

/** Line ending that a text uses: that of its first line. */
export function eolOf(text: string): '\r\n' | '\n' {
  const at = text.indexOf('\n');
  return at > 0 && text[at - 1] === '\r' ? '\r\n' : '\n';
}

/** Offset just before the end of the line that `offset` lies in. */
export function endOfLine(text: string, offset: number): number {
  const at = text.indexOf('\n', offset);
  if (at < 0) return text.length;
  return at > 0 && text[at - 1] === '\r' && at > offset ? at - 1 : at;
}

/** Column of an offset, counted from 0. */
export function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf('\n', offset - 1) + 1);
}

const PLAIN = /^[A-Za-z/][\w./@+*-]*$/;
const NOT_TEXT = /^(true|false|null|yes|no|on|off|y|n)$/i;

/** A text as a YAML scalar on one line: plain where it cannot be mistaken for anything else, else double-quoted (JSON). */
export function yamlText(value: string): string {
  return PLAIN.test(value) && !NOT_TEXT.test(value) ? value : JSON.stringify(value);
}

/** Texts as a flow sequence on one line. */
export function yamlList(values: readonly string[]): string {
  return `[${values.map(yamlText).join(', ')}]`;
}
