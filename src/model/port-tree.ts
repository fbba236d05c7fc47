import type { PortRange } from './observation.ts';

const LEAVES = 65_536;

/**
 * Things that hold for ranges of ports, found again by one port: a segment tree over the 65,536 ports of which only the
 * nodes in use exist. A range is kept at no more than 30 nodes, a look-up visits no more than 17.
 */
export interface PortTree<T> {
  readonly nodes: Map<number, T[]>;
  /** Bit n: some node n steps below the root is in use. */
  levels: number;
}

export function newPortTree<T>(): PortTree<T> {
  return { nodes: new Map(), levels: 0 };
}

/** The fewest nodes that are together exactly the range. Node n has children 2n and 2n+1; port p is leaf 65536 + p. */
export function nodesOf(range: PortRange): number[] {
  if (range.from === range.to) return [range.from + LEAVES];
  const nodes: number[] = [];
  for (let low = range.from + LEAVES, high = range.to + LEAVES + 1; low < high; low >>= 1, high >>= 1) {
    if (low & 1) nodes.push(low++);
    if (high & 1) nodes.push(--high);
  }
  return nodes;
}

export function addToPortTree<T>(tree: PortTree<T>, range: PortRange, item: T): void {
  for (const node of nodesOf(range)) {
    const items = tree.nodes.get(node);
    if (items) items.push(item);
    else tree.nodes.set(node, [item]);
    tree.levels |= 1 << (31 - Math.clz32(node));
  }
}

/** Calls `visit` with the items of every range that holds the port, list by list. */
export function visitPort<T>(tree: PortTree<T>, port: number, visit: (items: readonly T[]) => void): void {
  if (!(port >= 0 && port < LEAVES)) return;
  let node = port + LEAVES;
  for (let level = 16; level >= 0; level--, node >>= 1) {
    if ((tree.levels & (1 << level)) === 0) continue;
    const items = tree.nodes.get(node);
    if (items) visit(items);
  }
}
