import { textOfHalves } from '../../model/flow-address.ts';
import type { DuckDBConnection } from '../../util/duckdb.ts';
import type { SlotSum, SourceSum } from '../flow-store.ts';

const IS_ACCEPTED = 'action = 1';
const IS_DENIED = 'action = 2';
const PORT = 'dst_hi, dst_lo, port, protocol';

/** What is asked of rows from `since` on (UTC seconds); what came before only says when a source was first seen. */
export function sourcesQuery(table: string, where: string, since: number): string {
  const from = `bucket >= ${Math.max(0, Math.ceil(since))}`;
  return `SELECT ${PORT}, src_hi, src_lo,
      coalesce(sum(connections) FILTER (${from} AND NOT ${IS_DENIED}), 0)::DOUBLE,
      coalesce(sum(connections) FILTER (${from} AND ${IS_ACCEPTED}), 0)::DOUBLE,
      coalesce(sum(connections) FILTER (${from} AND ${IS_DENIED}), 0)::DOUBLE,
      coalesce(sum(bytes) FILTER (${from}), 0)::DOUBLE,
      min(bucket)::DOUBLE, max(bucket)::DOUBLE, max(bucket) FILTER (NOT ${IS_DENIED})::DOUBLE
    FROM ${table} WHERE ${where} AND directed = 1
    GROUP BY ${PORT}, src_hi, src_lo ORDER BY ${PORT}, src_hi, src_lo`;
}

/** Sums per port and slot of so many seconds; rows of unknown direction apart. */
export function slotsQuery(table: string, where: string, seconds: number): string {
  return `SELECT ${PORT}, ((bucket // ${seconds}) * ${seconds})::DOUBLE AS slot,
      coalesce(sum(connections) FILTER (directed = 1 AND NOT ${IS_DENIED}), 0)::DOUBLE,
      coalesce(sum(connections) FILTER (directed = 1 AND ${IS_DENIED}), 0)::DOUBLE,
      coalesce(sum(bytes) FILTER (directed = 1), 0)::DOUBLE,
      coalesce(sum(connections) FILTER (directed = 0), 0)::DOUBLE
    FROM ${table} WHERE ${where} GROUP BY ${PORT}, slot ORDER BY ${PORT}, slot`;
}

type PortKey = readonly [high: bigint, low: bigint, port: number, protocol: number];

export async function* readSources(connection: DuckDBConnection, query: string): AsyncGenerator<SourceSum> {
  for await (const row of rowsOf(connection, query)) {
    const [high, low, port, protocol] = row as unknown as PortKey;
    const [, , , , srcHigh, srcLow, connections, accepted, denied, bytes, first, last, lastAccepted] =
      row as unknown as [...PortKey, bigint, bigint, number, number, number, number, number, number, number | null];
    const [destination, source] = [textOfHalves(high, low), textOfHalves(srcHigh, srcLow)];
    yield { destination, port, protocol, source, connections, accepted, denied, bytes, first, last, lastAccepted };
  }
}

export async function* readSlots(connection: DuckDBConnection, query: string): AsyncGenerator<SlotSum> {
  for await (const row of rowsOf(connection, query)) {
    const [high, low, port, protocol, slot, connections, denied, bytes, undirected] = row as unknown as [
      ...PortKey,
      number,
      number,
      number,
      number,
      number,
    ];
    yield { destination: textOfHalves(high, low), port, protocol, slot, connections, denied, bytes, undirected };
  }
}

async function* rowsOf(connection: DuckDBConnection, query: string): AsyncGenerator<readonly unknown[]> {
  const result = await connection.stream(query);
  for (;;) {
    const chunk = await result.fetchChunk();
    if (!chunk || chunk.rowCount === 0) return;
    yield* chunk.getRows();
  }
}
