import type { NftObject } from './nftables-json.ts';
import { onlyCounts } from './nftables-values.ts';
import { listOf, mapOf } from './untrusted.ts';

/** A named set or map of a table. */
export interface NftSet {
  readonly name: string;
  /** Elements as listed; of a map: pairs of key and value. */
  readonly elements: readonly unknown[];
  readonly isMap: boolean;
  /** Rules add to it (`grows`), take from it too (`changes`), or nothing does: then the listing is what there is. */
  readonly written: 'never' | 'grows' | 'changes';
  /** What every element asks besides (a limit per element); null: nothing. */
  readonly condition: string | null;
  /** Most elements it takes; null: not said. */
  readonly size: number | null;
}

/** `family table name`, with a character between that no name holds. */
export function nftKey(family: unknown, table: unknown, name: unknown = ''): string {
  return `${String(family)}\u0000${String(table)}\u0000${String(name)}`;
}

/** Statements that write to sets, as nft prints those that it has no JSON for. */
const WRITES = /\b(add|update|delete) @([A-Za-z0-9_./\\-]+)/g;

/** Which sets the rules write to, and how. */
export function writtenSets(objects: readonly NftObject[]): ReadonlyMap<string, 'grows' | 'changes'> {
  const written = new Map<string, 'grows' | 'changes'>();
  for (const { kind, body } of objects) {
    if (kind !== 'rule') continue;
    for (const statement of listOf(body.expr)) {
      if (typeof statement === 'string')
        for (const [, op, name] of statement.matchAll(WRITES)) note(body.family, body.table, op, name);
      else {
        const map = mapOf(statement);
        for (const key of ['set', 'map', 'meter']) {
          const write = mapOf(map[key]);
          const name = write[key] ?? write.name;
          if (typeof name === 'string') note(body.family, body.table, write.op, name.replace(/^@/, ''));
        }
      }
    }
  }
  return written;

  function note(family: unknown, table: unknown, op: unknown, name: unknown): void {
    const key = nftKey(family, table, name);
    if (op === 'add' || op === 'update') written.set(key, written.get(key) ?? 'grows');
    else written.set(key, 'changes');
  }
}

/** Reads a `set` or `map` object. */
export function nftSetOf({ kind, body }: NftObject, written: ReadonlyMap<string, 'grows' | 'changes'>): NftSet | null {
  const name = typeof body.name === 'string' ? body.name : null;
  if (name === null) return null;
  const elements =
    body.elem === undefined || body.elem === null ? [] : Array.isArray(body.elem) ? body.elem : [body.elem];
  return {
    name,
    elements,
    isMap: kind === 'map',
    written: written.get(nftKey(body.family, body.table, name)) ?? 'never',
    condition: onlyCounts(body.stmt) ? null : 'its elements have limits of their own',
    size: typeof body.size === 'number' ? body.size : null,
  };
}
