import type { Hash } from '../ledger/hash.ts';
import { nodesFrom, type Tile, tileKey, tileOf } from '../ledger/tiles.ts';
import { type LeafRange, type NodeAt, nodesOf, rootAt } from '../ledger/tree.ts';
import type { LedgerReader } from '../store/ledger-reader.ts';

/** Reads the tiles that some ranges of leaves need. The look-up throws RangeError where the stored tree lacks a node. */
export function readNodes(reader: LedgerReader, ranges: readonly LeafRange[]): NodeAt {
  const tiles = new Map<string, Tile>();
  for (const node of ranges.flatMap((range) => nodesOf(range))) {
    const id = tileOf(node);
    if (tiles.has(tileKey(id))) continue;
    const [tile] = reader.tiles(id.level, id.number, id.number);
    if (tile) tiles.set(tileKey(id), tile);
  }
  return nodesFrom([...tiles.values()]);
}

/** Root of the first records by the stored tree; undefined where it lacks a node. */
export function storedRoot(reader: LedgerReader, size: number): Hash | undefined {
  try {
    return rootAt(size, readNodes(reader, [{ start: 0, end: size }]));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
