import type { DuckDBConnection } from '../../util/duckdb.ts';
import type { FlowManifestStore } from '../flow-manifest.ts';
import { COLUMNS, isCount, KEPT, MOST_COUNT } from './columns.ts';
import type { Merge } from './compaction-plan.ts';
import { removeFiles } from './folder.ts';
import { writePart } from './part-writer.ts';
import { tableOf } from './query.ts';

/** Writes the rows of parts, added up in buckets of the tier, as one part in their place. False where one of them is gone meanwhile. */
export async function mergeParts(
  connection: DuckDBConnection,
  folder: string,
  manifest: FlowManifestStore,
  { tier, parts }: Merge,
  now: number,
): Promise<boolean> {
  const feeds = [...new Set(parts.flatMap((part) => part.feeds))].sort((a, b) => a - b);
  const from = parts.reduce((first, part) => Math.min(first, part.from), Number.POSITIVE_INFINITY);
  const until = parts.reduce((last, part) => Math.max(last, part.until), 0);
  const span = { tier, from: from - (from % tier), until: until + ((tier - (until % tier)) % tier), feeds };
  const part = await writePart(connection, folder, mergedRows(tableOf(folder, parts), tier), span);
  const isDone = await manifest.exchange({
    retired: parts.map(({ file }) => file),
    added: [part],
    event: null,
    at: now,
  });
  if (!isDone) removeFiles(folder, [part.file]);
  return isDone;
}

/** Rows of parts in buckets of a tier. The column must not be called like the one it is made of, while it is grouped by. */
function mergedRows(table: string, tier: number): string {
  const columns = COLUMNS.slice(1).map(([name]) =>
    isCount(name) ? `least(sum(${name}), ${MOST_COUNT})::UBIGINT AS ${name}` : name,
  );
  const grouped = `SELECT ((bucket // ${tier}) * ${tier})::UINTEGER AS b, ${columns.join(', ')} FROM ${table} GROUP BY ALL`;
  return `SELECT b AS bucket, * EXCLUDE b FROM (${grouped}) ORDER BY ${KEPT}`;
}
