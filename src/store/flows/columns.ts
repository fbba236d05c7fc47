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

const isCount = (name: string): boolean => ['connections', 'packets', 'bytes'].includes(name);

/** The same while rows are filled in and read out: counts are doubles, which JavaScript copies as they are. */
export const FILL_COLUMNS = COLUMNS.map(([name, type]) => [name, isCount(name) ? 'DOUBLE' : type] as const);

/** What makes rows one, in the order that rows are kept in. */
export const KEYS = 'dst_hi, dst_lo, port, protocol, bucket, src_hi, src_lo, action, directed, feed';

/** Select list that turns filled columns into written ones. */
export const WRITTEN = COLUMNS.map(([name, type]) => (isCount(name) ? `${name}::${type} AS ${name}` : name)).join(', ');

/** Select list that turns written columns into those read out. */
export const READ_OUT = COLUMNS.map(([name]) => (isCount(name) ? `${name}::DOUBLE AS ${name}` : name)).join(', ');
