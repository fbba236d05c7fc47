import { textOfHalves } from '../../model/flow-address.ts';
import type { TopKey, TopMeasure, TopRow } from '../../model/flow-top.ts';
import type { DuckDBConnection } from '../../util/duckdb.ts';

const SOURCE = ['src_hi', 'src_lo'];
const DESTINATION = ['dst_hi', 'dst_lo'];
const PORT = ['port', 'protocol', 'directed'];

const COLUMNS: Readonly<Record<TopKey, readonly string[]>> = {
  source: SOURCE,
  destination: DESTINATION,
  port: PORT,
  endpoint: [...DESTINATION, ...PORT],
  pair: [...SOURCE, ...DESTINATION, ...PORT],
  feed: ['feed'],
};

/** Adds rows up and gives the largest, and how many there are. `feeds`: names by number. */
export async function topRows(
  connection: DuckDBConnection,
  table: string,
  where: string,
  by: TopKey,
  measure: TopMeasure,
  limit: number,
  feeds: ReadonlyMap<number, string>,
): Promise<{ count: number; rows: TopRow[] }> {
  const keys = COLUMNS[by];
  const result = await connection.runAndReadAll(
    `SELECT ${keys.join(', ')},
       coalesce(sum(connections) FILTER (action != 2), 0)::DOUBLE AS connections,
       coalesce(sum(connections) FILTER (action = 2), 0)::DOUBLE AS denied,
       sum(bytes)::DOUBLE AS bytes, sum(packets)::DOUBLE AS packets,
       count(DISTINCT (src_hi, src_lo))::DOUBLE AS sources,
       min(bucket) AS first, max(bucket) AS last, (count(*) OVER ())::DOUBLE AS n
     FROM ${table} WHERE ${where} GROUP BY ${keys.join(', ')}
     ORDER BY ${measure} DESC, ${keys.join(', ')} LIMIT ${limit}`,
  );
  const rows = result.getRowObjects() as Record<string, never>[];
  return { count: rows[0] ? Number(rows[0].n) : 0, rows: rows.map((row) => topRow(row, keys, feeds)) };
}

function topRow(
  row: Readonly<Record<string, never>>,
  keys: readonly string[],
  feeds: ReadonlyMap<number, string>,
): TopRow {
  const has = (key: string): boolean => keys.includes(key);
  const number = (key: string): number => Number(row[key]);
  return {
    ...(has('src_hi') && { source: textOfHalves(row.src_hi as unknown as bigint, row.src_lo as unknown as bigint) }),
    ...(has('dst_hi') && {
      destination: textOfHalves(row.dst_hi as unknown as bigint, row.dst_lo as unknown as bigint),
    }),
    ...(has('port') && { port: number('port'), protocol: number('protocol'), directed: number('directed') === 1 }),
    ...(has('feed') && { feed: feeds.get(number('feed')) ?? `feed ${number('feed')}` }),
    connections: number('connections'),
    denied: number('denied'),
    bytes: number('bytes'),
    packets: number('packets'),
    sources: number('sources'),
    first: number('first'),
    last: number('last'),
  };
}
