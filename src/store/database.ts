import { type Compilable, CompiledQuery, type Kysely } from 'kysely';
import type { AlertDeliveryTable } from './tables/alert-deliveries.ts';
import type { CacheTable } from './tables/cache.ts';
import type { DocumentTable } from './tables/documents.ts';
import type { EventTable } from './tables/events.ts';
import type { FindingTable } from './tables/findings.ts';
import type {
  FlowAddressTable,
  FlowCoverageTable,
  FlowFeedTable,
  FlowInputTable,
  FlowPartTable,
} from './tables/flows.ts';
import type { HostStateTable } from './tables/host-states.ts';
import type { IncidentCauseTable, IncidentTable } from './tables/incidents.ts';
import type { LedgerCheckpointTable, LedgerKeptTable, LedgerTileTable, LedgerTreeTable } from './tables/ledger.ts';
import type { ListenerShapeTable } from './tables/listener-shapes.ts';
import type { ListenerStateTable } from './tables/listener-states.ts';
import type { ListTable } from './tables/lists.ts';
import type { MaintenanceWindowTable } from './tables/maintenance-windows.ts';
import type { MetaTable } from './tables/meta.ts';
import type { ObservationTable } from './tables/observations.ts';

/** Every table of the store; src/store/tables/ has one file each. */
export interface Tables {
  observations: ObservationTable;
  listener_shapes: ListenerShapeTable;
  listener_states: ListenerStateTable;
  host_states: HostStateTable;
  events: EventTable;
  documents: DocumentTable;
  findings: FindingTable;
  lists: ListTable;
  ledger_tree: LedgerTreeTable;
  ledger_tiles: LedgerTileTable;
  ledger_checkpoints: LedgerCheckpointTable;
  ledger_kept: LedgerKeptTable;
  flow_feeds: FlowFeedTable;
  flow_inputs: FlowInputTable;
  flow_parts: FlowPartTable;
  flow_coverage: FlowCoverageTable;
  flow_addresses: FlowAddressTable;
  incidents: IncidentTable;
  incident_causes: IncidentCauseTable;
  alert_deliveries: AlertDeliveryTable;
  maintenance_windows: MaintenanceWindowTable;
  cache: CacheTable;
  meta: MetaTable;
}

/** A connection or a transaction. */
export type Database = Kysely<Tables>;

/** Rows in one INSERT: at most 32,766 parameters (SQLITE_MAX_VARIABLE_NUMBER) at 17 columns or fewer; larger ones are no faster. */
const BATCH_ROWS = 100;

/** Splits rows into batches of one INSERT each. */
export function batches<T>(rows: readonly T[]): T[][] {
  const found: T[][] = [];
  for (let i = 0; i < rows.length; i += BATCH_ROWS) found.push(rows.slice(i, i + BATCH_ROWS));
  return found;
}

/** Rows of the statements that a rest is written with, so that there are few texts of each. */
const REST_ROWS = [64, 32, 16, 8, 4, 2, 1];

/** Splits rows so that a handful of statements fits every number of them. */
function statements<T>(rows: readonly T[]): T[][] {
  const found = batches(rows);
  const rest = found.at(-1);
  if (!rest || rest.length === BATCH_ROWS) return found;
  found.pop();
  let from = 0;
  for (const size of REST_ROWS)
    if (rest.length - from >= size) {
      found.push(rest.slice(from, from + size));
      from += size;
    }
  return found;
}

/** Texts of statements, by dialect, name and number of rows: building one takes longer than running it. */
const texts = new WeakMap<object, Map<string, string>>();

/**
 * Writes rows in batches of one statement each; returns what they return. `statement`: its name; the same name always
 * stands for the same statement, which has no parameters but the values of its rows, in the order of their keys.
 */
export async function writeBatches<Row extends object, Result = never>(
  db: Database,
  statement: string,
  rows: readonly Row[],
  build: (rows: Row[]) => Compilable<Result>,
): Promise<Result[]> {
  const { adapter } = db.getExecutor();
  const known = texts.get(adapter) ?? new Map<string, string>();
  texts.set(adapter, known);
  const results: Result[] = [];
  for (const batch of statements(rows)) {
    const name = `${batch.length} ${statement}`;
    const text = known.get(name) ?? build(batch).compile().sql;
    known.set(name, text);
    const values = batch.flatMap((row) => Object.values(row));
    const { rows: returned } = await db.executeQuery<Result>(CompiledQuery.raw(text, values));
    for (const row of returned) results.push(row);
  }
  return results;
}

/**
 * Writes rows that are given as their values one after the other, all columns in the order of the table: the fastest way,
 * for the table that grows most. `statement`: `insert into TABLE`.
 */
export async function writeValues(
  db: Database,
  statement: string,
  columns: number,
  values: readonly unknown[],
): Promise<void> {
  let at = 0;
  for (let rows = values.length / columns; rows > 0; ) {
    const size = rows >= BATCH_ROWS ? BATCH_ROWS : (REST_ROWS.find((n) => n <= rows) as number);
    const some = values.slice(at, at + size * columns);
    await db.executeQuery(CompiledQuery.raw(insertText(statement, columns, size), some));
    at += some.length;
    rows -= size;
  }
}

const insertTexts = new Map<string, string>();

function insertText(statement: string, columns: number, rows: number): string {
  const name = `${statement} ${columns} ${rows}`;
  let text = insertTexts.get(name);
  if (text === undefined) {
    const row = `(${Array(columns).fill('?').join(', ')})`;
    text = `${statement} values ${Array(rows).fill(row).join(', ')}`;
    insertTexts.set(name, text);
  }
  return text;
}
