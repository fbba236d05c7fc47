/** Columns of a part, as they are written. Counts are whole numbers below 2^53. */
export const COLUMNS = [
  ['bucket', 'UINTEGER'],
  ['src_hi', 'UBIGINT'],
  ['src_lo', 'UBIGINT'],
  ['dst_hi', 'UBIGINT'],
  ['dst_lo', 'UBIGINT'],
  ['port', 'USMALLINT'],
  ['protocol', 'UTINYINT'],
  ['action', 'UTINYINT'],
  ['directed', 'UTINYINT'],
  ['connections', 'UBIGINT'],
  ['packets', 'UBIGINT'],
  ['bytes', 'UBIGINT'],
  ['feed', 'USMALLINT'],
] as const;

/** Largest count: 2^53 - 1. What is more is kept as this, so that no record can stop the others. */
export const MOST_COUNT = Number.MAX_SAFE_INTEGER;

export const isCount = (name: string): boolean => ['connections', 'packets', 'bytes'].includes(name);

/** The same while rows are filled in and read out: counts are doubles, which JavaScript copies as they are. */
export const FILL_COLUMNS = COLUMNS.map(([name, type]) => [name, isCount(name) ? 'DOUBLE' : type] as const);

/** What makes rows one, in the order that rows are given out in. */
export const KEYS = 'dst_hi, dst_lo, port, protocol, bucket, src_hi, src_lo, action, directed, feed';

/** Order of the rows in a part: near enough for rows of one port to be found without reading the rest, at a third of the cost. */
export const KEPT = 'dst_hi, dst_lo, port, protocol, bucket';

/** Select list that turns filled columns into written ones. */
export const WRITTEN = COLUMNS.map(([name, type]) =>
  isCount(name) ? `greatest(least(${name}, ${MOST_COUNT}), 0)::${type} AS ${name}` : name,
).join(', ');

/** Select list that turns written columns into those read out. */
export const READ_OUT = COLUMNS.map(([name]) => (isCount(name) ? `${name}::DOUBLE AS ${name}` : name)).join(', ');
