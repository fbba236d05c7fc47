import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ServiceIndex } from '../flows/direction.ts';
import {
  feedsQuery,
  IPV4_FROM,
  PARQUET,
  type ParquetPlan,
  type ParquetQuery,
  type ParquetValue,
  parquetQuery,
  planParquet,
  smallColumnsQuery,
  WITHOUT_COLUMN,
} from '../flows/parquet-columns.ts';
import { hasPorts } from '../flows/protocols.ts';
import { createRollup, type Rollup } from '../flows/rollup.ts';
import { scanIpv6 } from '../model/address.ts';
import { UserError } from '../model/errors.ts';
import { ACTION, DIRECTION, type FlowBatch, PROTOCOL } from '../model/flow.ts';
import type { FlowProblem } from '../model/flow-import.ts';
import { type DuckDBConnection, type DuckDBDataChunk, type DuckDb, openDuckDb, sqlText } from '../util/duckdb.ts';
import type { Context } from './context.ts';
import type { FlowInput } from './flow-input.ts';
import type { FlowImportRequest, FlowReading } from './flows-import.ts';

const MOST_FEEDS = 60_000;
const KEPT_PROBLEMS = 20;
const MEMORY_MB = 128;
const LONGEST_ADDRESS = 45;

/** Reads a Parquet file as readFlows does a text. Throws UserError where its columns are not what is expected. */
export async function readParquetFlows(
  context: Context,
  request: FlowImportRequest,
  services: ServiceIndex | null,
  input: FlowInput,
): Promise<FlowReading> {
  if (input.path === null || input.packing !== null)
    throw new UserError('Parquet is read from a file as it is, not from a pipe or packed once more', {
      hint: 'Its index is at its end. Write it to a file first.',
    });
  const spill = mkdtempSync(join(tmpdir(), 'quietdoor-parquet-'));
  let duck: DuckDb | undefined;
  const close = async (): Promise<void> => {
    duck?.close();
    rmSync(spill, { recursive: true, force: true });
    await input.close();
  };
  try {
    const path = resolve(input.path);
    const threads = Math.min(availableParallelism(), 4);
    duck = await openDuckDb({ folders: [spill], files: [path], spill, memoryMb: MEMORY_MB, threads, isOrdered: true });
    const connection = await duck.connect();
    const table = `read_parquet(${sqlText(path)}, hive_partitioning = false)`;
    const plan = await planOf(connection, table, request);
    const names = await namesOf(connection, plan, table);
    const small = (await connection.runAndReadAll(smallColumnsQuery(sqlText(path)))).getRows();
    const query = parquetQuery(plan, table, request.utcOffsetMinutes, new Set(small.map(([name]) => String(name))));
    return readingOf(context, request, services, { input, connection, query, plan, names, close });
  } catch (error) {
    duck?.close();
    rmSync(spill, { recursive: true, force: true });
    throw explained(error, request.file);
  }
}

interface Source {
  readonly input: FlowInput;
  readonly connection: DuckDBConnection;
  readonly query: ParquetQuery;
  readonly plan: ParquetPlan;
  /** Names of feeds, by their place in the type. */
  readonly names: readonly string[];
  readonly close: () => Promise<void>;
}

async function planOf(connection: DuckDBConnection, table: string, request: FlowImportRequest): Promise<ParquetPlan> {
  const rows = (await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${table}`)).getRows() as [string, string][];
  const plan = planParquet(
    rows.map(([name, type]) => ({ name, type })),
    request.mapping,
  );
  if (!('problems' in plan)) return plan;
  const columns = rows.slice(0, 30).map(([name, type]) => `${name} ${type}`);
  throw new UserError(`${request.file}: ${plan.problems.join('; ')}`, {
    hint: `It has the columns ${columns.join(', ')}${rows.length > 30 ? ' …' : ''}. Name others with --map FIELD=COLUMN, such as --map src=client_ip`,
  });
}

async function namesOf(connection: DuckDBConnection, plan: ParquetPlan, table: string): Promise<readonly string[]> {
  const query = feedsQuery(plan, table, MOST_FEEDS);
  if (query === null) return [];
  const names = (await connection.runAndReadAll(query)).getRows().map(([name]) => String(name));
  const values = (names.length > 0 ? names : ['-']).map(sqlText).join(', ');
  await connection.run(`CREATE TYPE feed_names AS ENUM (${values})`);
  return names;
}

function readingOf(
  context: Context,
  request: FlowImportRequest,
  services: ServiceIndex | null,
  { input, connection, query, plan, names, close }: Source,
): FlowReading {
  const problems: FlowProblem[] = [];
  const full: FlowBatch[] = [];
  let row = 0;
  let isRead = false;
  const format = plan.isAws ? 'aws-vpc' : PARQUET.name;
  const fallback = request.feed ?? (plan.isAws ? 'aws-vpc' : `import:${PARQUET.name}`);
  const rollup = createRollup({
    services,
    feed: fallback,
    isOneFeed: request.feed !== null,
    format,
    now: context.now,
    coverage: plan.isAws ? 'windows' : 'span',
    onFlush: (batch) => void full.push(batch),
    onProblem: (message, line, column) => {
      if (problems.length < KEPT_PROBLEMS) problems.push({ message, line, column });
    },
  });
  rollup.isRepeatOne =
    plan.isAws &&
    ['feed', 'src_port', 'packets', 'bytes', 'end', 'action'].every((field) => plan.columns.has(field as 'feed'));
  const feeds = names.map((name) => (plan.isAws ? `aws-vpc:${name}` : name));
  const reader = createReader(rollup, plan, query.values, feeds, fallback);

  function* handOut(): Generator<FlowBatch, void, undefined> {
    for (const batch of full.splice(0)) {
      yield batch;
      rollup.recycle(batch);
    }
  }

  async function* batches(): AsyncGenerator<FlowBatch, void, undefined> {
    try {
      const result = await connection.stream(query.sql);
      // DuckDB decodes the next rows while these are counted.
      let next = result.fetchChunk();
      for (;;) {
        const chunk = await next;
        if (!chunk || chunk.rowCount === 0) break;
        next = result.fetchChunk();
        next.catch(() => {}); // waited for in the next turn, if there is one
        reader(chunk, row);
        row += chunk.rowCount;
        yield* handOut();
      }
    } catch (error) {
      throw explained(error, request.file);
    }
    rollup.flush();
    isRead = true;
    yield* handOut();
  }

  return {
    rollup,
    format: PARQUET,
    batches,
    identify: () => input.identify([]),
    digestSoFar: () => (isRead ? input.digestOfRead() : 'not read yet'),
    result: (digest, isKnown) => ({
      file: request.file,
      format,
      counts: rollup.counts,
      skipped: rollup.skipped,
      lines: row,
      problems,
      troubles: isRead ? input.troubles() : [],
      feeds: rollup.feeds,
      coverage: rollup.coverageSoFar(),
      digest,
      isKnown,
      knownBytes: 0,
      size: input.size,
    }),
    [Symbol.asyncDispose]: close,
  };
}

const STATUS = { ok: 0, noData: 1, skipData: 2 } as const;
const FIN_SYN_RST_ACK = 2;
const SYN_ACK = 18;

/** Rows of a chunk at most: what DuckDB gives. */
const CHUNK_ROWS = 2048;

type Numbers = Int32Array | Float64Array | Uint8Array;

/** Makes a function that counts the rows of a chunk. `row`: how many there were before. */
function createReader(
  rollup: Rollup,
  plan: ParquetPlan,
  values: readonly ParquetValue[],
  feeds: readonly string[],
  fallback: string,
): (chunk: DuckDBDataChunk, row: number) => void {
  const { record } = rollup;
  const hasTcpFlags = plan.columns.has('tcp_flags');
  const name = (field: 'start' | 'src' | 'dst' | 'src_port' | 'dst_port' | 'protocol' | 'action' | 'status'): string =>
    plan.columns.get(field)?.name ?? field;
  const places = new Map(values.map((value, place) => [value, place]));
  const without = new Map(
    Object.entries(WITHOUT_COLUMN).map(([value, number]) => [value, new Int32Array(CHUNK_ROWS).fill(number)]),
  );
  /** Numbers of feeds in the roll-up, by their place in the type and behind them the fallback; -1: not asked for yet. */
  const feedNumbers = new Int32Array(feeds.length + 1).fill(-1);

  function useFeed(place: number): void {
    const known = place < 0 || place >= feeds.length ? feeds.length : place;
    if ((feedNumbers[known] as number) < 0) feedNumbers[known] = rollup.numberOfFeed?.(feeds[known] ?? fallback) ?? -1;
    rollup.useFeed?.(feedNumbers[known] as number);
  }

  /** Number of an IPv6 address; -1: the text is none. */
  function ipv6Of(text: unknown): number {
    if (typeof text !== 'string' || text.length > LONGEST_ADDRESS) return -1;
    const bytes = scanIpv6(text, 0, text.length);
    return bytes === null ? -1 : rollup.ids.ipv6(new Uint8Array(bytes.buffer, bytes.byteOffset, 16), 0);
  }
  const wrong = (field: Parameters<typeof name>[0], found: string, expected: string): void =>
    rollup.problem(`${name(field)} is ${found}; expected ${expected}`, rollup.line, 0);
  const quoted = (text: unknown): string => (typeof text === 'string' ? `"${text.slice(0, 60)}"` : 'missing');

  return (chunk, before) => {
    const column = (value: ParquetValue): Numbers => {
      const place = places.get(value);
      if (place === undefined) return without.get(value) as Int32Array;
      return (chunk.getColumnVector(place) as unknown as { items: Numbers }).items;
    };
    const text = (value: 'src_text' | 'dst_text', i: number): unknown =>
      chunk.getColumnVector(places.get(value) as number).getItem(i);
    const start = column('start');
    const end = column('end');
    const src = column('src');
    const dst = column('dst');
    const srcPort = column('src_port');
    const dstPort = column('dst_port');
    const protocol = column('protocol');
    const action = column('action');
    const packets = column('packets');
    const bytes = column('bytes');
    const connections = column('connections');
    const flags = column('tcp_flags');
    const status = column('status');
    const feed = column('feed');
    const { rowCount } = chunk;
    for (let i = 0; i < rowCount; i++) {
      rollup.line = before + i + 1;
      const from = start[i] as number;
      const until = end[i] as number;
      if (from < 0) {
        wrong('start', 'missing', 'UTC seconds');
        continue;
      }
      const state = status[i] as number;
      if (state !== STATUS.ok) {
        if (state > STATUS.skipData) {
          wrong('status', 'another word', 'OK, NODATA or SKIPDATA');
          continue;
        }
        const isGap = state === STATUS.skipData;
        rollup.coverage(
          feeds[feed[i] as number] ?? fallback,
          from,
          until > from ? until : from + 1,
          isGap ? 'gap' : 'delivered',
          isGap ? null : 0,
        );
        if ((src[i] as number) < 0 && [null, '-'].includes(text('src_text', i) as string | null)) {
          rollup.skip(isGap ? 'SKIPDATA' : 'NODATA');
          continue;
        }
      }
      let a = (src[i] as number) - IPV4_FROM;
      if (a < 0) a = ipv6Of(text('src_text', i));
      let b = (dst[i] as number) - IPV4_FROM;
      if (b < 0) b = ipv6Of(text('dst_text', i));
      if (a < 0 || b < 0) {
        wrong(a < 0 ? 'src' : 'dst', quoted(text(a < 0 ? 'src_text' : 'dst_text', i)), 'an IP address');
        continue;
      }
      const transport = protocol[i] as number;
      if (!(transport >= 0 && transport <= 255)) {
        wrong('protocol', transport < 0 ? 'missing' : String(transport), 'an IANA protocol number, 0 to 255');
        continue;
      }
      if ((srcPort[i] as number) > 65_535 || (dstPort[i] as number) > 65_535) {
        const isSource = (srcPort[i] as number) > 65_535;
        wrong(isSource ? 'src_port' : 'dst_port', String(isSource ? srcPort[i] : dstPort[i]), 'a port, 0 to 65535');
        continue;
      }
      const outcome = action[i] as number;
      if (outcome === 3) wrong('action', 'another word', 'ACCEPT or REJECT; what became of it counts as unknown');
      const isWithPorts = hasPorts(transport);
      record.start = from;
      record.end = until < 0 ? from : until;
      record.src = a;
      record.dst = b;
      record.srcPort = isWithPorts ? (srcPort[i] as number) : -1;
      record.dstPort = isWithPorts ? (dstPort[i] as number) : -1;
      record.protocol = transport;
      record.action = outcome === 3 ? ACTION.unknown : outcome;
      record.direction = DIRECTION.unknown;
      record.connections = whole(connections[i] as number);
      record.packets = whole(packets[i] as number);
      record.bytes = whole(bytes[i] as number);
      if (hasTcpFlags && transport === PROTOCOL.tcp) readTcpFlags(flags[i] as number);
      useFeed(feed[i] as number);
      rollup.add();
    }
  };

  /** As in AWS's text: a SYN opens a connection, a SYN-ACK answers one, and without either the record continues one. */
  function readTcpFlags(value: number): void {
    if (value < 0) return;
    if ((value & SYN_ACK) === SYN_ACK) {
      record.direction = DIRECTION.reply;
      record.connections = 0;
    } else if ((value & FIN_SYN_RST_ACK) !== 0) record.direction = DIRECTION.forward;
    else if (record.action !== ACTION.denied) record.connections = 0;
  }
}

/** A count: a whole number from 0 to 2^53 - 1. */
function whole(value: number): number {
  return value > 0 ? Math.min(Math.round(value), Number.MAX_SAFE_INTEGER) : 0;
}

function explained(error: unknown, file: string): unknown {
  if (error instanceof UserError || !(error instanceof Error)) return error;
  if (
    /^(?:Invalid Input|IO|Conversion|Serialization|TProtocol|Invalid|Binder|Out of Range|Not implemented)/i.test(
      error.message,
    )
  )
    return new UserError(`${file} is no Parquet file that can be read: ${error.message.split('\n')[0]}`, {
      hint: 'Nothing of it was taken in. Is it whole? Parquet ends with an index, which is missing where a copy broke off.',
      cause: error,
    });
  return error;
}
