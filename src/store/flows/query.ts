import { join } from 'node:path';
import { halvesOf } from '../../model/flow-address.ts';
import { sqlText } from '../../util/duckdb.ts';
import type { StoredPart } from '../flow-manifest.ts';
import type { FlowQuery } from '../flow-store.ts';

/** Says whether a part may have rows of a query. */
export function isPartFor(part: StoredPart, { from, until }: FlowQuery): boolean {
  return part.from < until && part.until > from;
}

/** `read_parquet([…])` of parts; at least one. */
export function tableOf(folder: string, parts: readonly StoredPart[]): string {
  return `read_parquet([${parts.map(({ file }) => sqlText(join(folder, file))).join(', ')}])`;
}

/** What rows must fulfil. Nothing of it is text of the caller: addresses and numbers are read and written anew. */
export function whereOf(query: FlowQuery): string {
  const conditions = [`bucket >= ${whole(query.from)}`, `bucket < ${whole(query.until)}`];
  if (query.port !== undefined) conditions.push(`port = ${whole(query.port)}`);
  if (query.protocol !== undefined) conditions.push(`protocol = ${whole(query.protocol)}`);
  if (query.directedOnly) conditions.push('directed = 1');
  if (query.actions) conditions.push(`action IN (${['NULL', ...query.actions.map(whole)].join(', ')})`);
  if (query.destinations) conditions.push(isOneOf('dst', query.destinations));
  if (query.sources) conditions.push(isOneOf('src', query.sources));
  return conditions.join(' AND ');
}

/** A number as SQL writes it; times may have a fraction, and lie before 1970 or never. */
function whole(value: number): string {
  if (Number.isNaN(value)) throw new RangeError('a number is expected');
  return String(Math.min(Math.max(Math.ceil(value), 0), 2 ** 33));
}

function isOneOf(side: 'src' | 'dst', addresses: readonly string[]): string {
  const lows = new Map<bigint, Set<bigint>>();
  for (const text of addresses) {
    const halves = halvesOf(text);
    if (!halves) throw new RangeError(`"${text}" is no address`);
    const known = lows.get(halves.high) ?? new Set();
    lows.set(halves.high, known.add(halves.low));
  }
  if (lows.size === 0) return 'false';
  const choices = [...lows].map(([high, some]) => `(${side}_hi = ${high} AND ${side}_lo IN (${[...some].join(', ')}))`);
  return `(${choices.join(' OR ')})`;
}

/** A stretch of destinations, both ends included, as 128-bit numbers. */
export type Window = readonly [first: bigint, last: bigint];

/** Gives the stretches of destinations that have at most so many rows each, unless a single one has more. */
export function windowsQuery(table: string, where: string, rows: number): string {
  const key = 'dst_hi::UHUGEINT * 18446744073709551616 + dst_lo';
  return `WITH counts AS (SELECT dst_hi, dst_lo, count(*) AS n FROM ${table} WHERE ${where} GROUP BY ALL),
    windows AS (SELECT ${key} AS k, (sum(n) OVER (ORDER BY dst_hi, dst_lo) - 1) // ${rows} AS w FROM counts)
    SELECT min(k), max(k) FROM windows GROUP BY w ORDER BY w`;
}

/** The condition of a stretch, in a form that lets groups of rows be skipped. */
export function inWindow([first, last]: Window): string {
  const [high, highest] = [first >> 64n, last >> 64n];
  const [low, lowest] = [first & HALF, last & HALF];
  if (high === highest) return `dst_hi = ${high} AND dst_lo BETWEEN ${low} AND ${lowest}`;
  return `dst_hi BETWEEN ${high} AND ${highest} AND (dst_hi > ${high} OR dst_lo >= ${low}) AND (dst_hi < ${highest} OR dst_lo <= ${lowest})`;
}

const HALF = 0xffff_ffff_ffff_ffffn;
