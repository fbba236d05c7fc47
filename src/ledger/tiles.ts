import { HASH_BYTES, type Hash, nodeHash } from './hash.ts';
import type { NodeAt, NodeId } from './tree.ts';

/** Hashes side by side in a tile, and the levels that one spans (C2SP tlog-tiles). */
export const TILE_WIDTH = 256;
export const TILE_LEVELS = 8;

/** Which tile: `level` counts in steps of 8 levels of the tree. */
export interface TileId {
  readonly level: number;
  readonly number: number;
}

/** Up to 256 hashes of nodes of one level, joined. Only the last tile of a level has fewer. */
export interface Tile extends TileId {
  readonly hashes: string;
}

/** The i-th hash of a tile. */
export function hashIn(hashes: string, i: number): Hash {
  return hashes.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES);
}

/** How many hashes a tile holds. */
export function countIn(hashes: string): number {
  return hashes.length / HASH_BYTES;
}

/** The tile that a node is in, or can be worked out from. */
export function tileOf({ level, index }: NodeId): TileId {
  const tileLevel = Math.floor(level / TILE_LEVELS);
  return { level: tileLevel, number: Math.floor((index * 2 ** (level % TILE_LEVELS)) / TILE_WIDTH) };
}

/** The last tile of each level of a tree, full ones excepted: what must be known to append to it. */
export function openTiles(size: number): TileId[] {
  const tiles: TileId[] = [];
  for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / TILE_WIDTH))
    if (count % TILE_WIDTH !== 0) tiles.push({ level, number: Math.floor(count / TILE_WIDTH) });
  return tiles;
}

/** Name of a tile, as a key. */
export function tileKey({ level, number }: TileId): string {
  return `${level}/${number}`;
}

/** Looks nodes up in tiles. Throws RangeError where a tile is missing or too short. */
export function nodesFrom(tiles: readonly Tile[]): NodeAt {
  const known = new Map(tiles.map((tile) => [tileKey(tile), tile.hashes]));
  return (node) => {
    const id = tileOf(node);
    const hashes = known.get(tileKey(id));
    const width = 2 ** (node.level % TILE_LEVELS);
    const first = node.index * width - id.number * TILE_WIDTH;
    if (hashes === undefined || countIn(hashes) < first + width)
      throw new RangeError(`the tree has no node ${node.index} of level ${node.level}: tile ${tileKey(id)} lacks it`);
    return subtreeHash(hashes, first, width);
  };
}

/** Root over `width` (a power of two) hashes of a tile, from the first on. */
export function subtreeHash(hashes: string, first = 0, width = TILE_WIDTH): Hash {
  let row = Array.from({ length: width }, (_, i) => hashIn(hashes, first + i));
  while (row.length > 1) {
    const above: Hash[] = [];
    for (let i = 0; i < row.length; i += 2) above.push(nodeHash(row[i] as Hash, row[i + 1] as Hash));
    row = above;
  }
  return row[0] as Hash;
}

/** Grows the tiles of a tree leaf by leaf. */
export class TileBuilder {
  #size: number;
  readonly #open: { number: number; hashes: Hash[] }[] = [];
  #done: Tile[] = [];

  /** `tiles`: those that openTiles names. Throws RangeError where one of them is not as the size says. */
  constructor(size: number, tiles: readonly Tile[]) {
    this.#size = size;
    for (const { level, number } of openTiles(size)) {
      const tile = tiles.find((t) => t.level === level && t.number === number);
      const count = Math.floor(size / TILE_WIDTH ** level) % TILE_WIDTH;
      if (!tile || countIn(tile.hashes) !== count)
        throw new RangeError(`tile ${level}/${number} of a tree of ${size} leaves must hold ${count} hashes`);
      this.#level(level).hashes.push(...Array.from({ length: count }, (_, i) => hashIn(tile.hashes, i)));
    }
  }

  get size(): number {
    return this.#size;
  }

  append(leaf: Hash): void {
    let hash = leaf;
    for (let level = 0; ; level++) {
      const open = this.#level(level);
      open.hashes.push(hash);
      if (open.hashes.length < TILE_WIDTH) break;
      const hashes = open.hashes.join('');
      this.#done.push({ level, number: open.number, hashes });
      open.number++;
      open.hashes = [];
      hash = subtreeHash(hashes);
    }
    this.#size++;
  }

  /** Tiles that are new or have grown since the last call. */
  take(): Tile[] {
    const open = this.#open.map(({ number, hashes }, level) => ({ level, number, hashes: hashes.join('') }));
    const tiles = [...this.#done, ...open.filter((tile) => tile.hashes !== '')];
    this.#done = [];
    return tiles;
  }

  #level(level: number): { number: number; hashes: Hash[] } {
    while (this.#open.length <= level)
      this.#open.push({ number: Math.floor(this.#size / TILE_WIDTH ** (this.#open.length + 1)), hashes: [] });
    return this.#open[level] as { number: number; hashes: Hash[] };
  }
}
