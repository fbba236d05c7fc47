import type { ServiceIndex } from '../flows/direction.ts';
import type { FlowFormat, FlowFormatOptions } from '../flows/flow-format.ts';
import { flowFormats } from '../flows/index.ts';
import { isParquet, PARQUET } from '../flows/parquet-columns.ts';
import { createRollup, type Rollup } from '../flows/rollup.ts';
import { UserError } from '../model/errors.ts';
import type { EventDraft } from '../model/event.ts';
import type { FlowBatch } from '../model/flow.ts';
import type { FlowImport, FlowProblem } from '../model/flow-import.ts';
import type { FlowStore } from '../store/flow-store.ts';
import type { Store } from '../store/store.ts';
import type { Context } from './context.ts';
import { type EarlierInput, type FlowInput, type InputIdentity, openFlowInput } from './flow-input.ts';
import { MAX_LINE, wholeLines } from './flow-pieces.ts';

export interface FlowImportRequest {
  /** Path; `-` is standard input. */
  readonly file: string;
  /** Name of a format; null: told from the content. */
  readonly as: string | null;
  /** The feed that all records are of; null: what the format says. */
  readonly feed: string | null;
  readonly mapping: ReadonlyMap<string, string>;
  readonly prefixes: ReadonlyMap<string, 'accepted' | 'denied'>;
  readonly utcOffsetMinutes: number;
}

/** Where the rows of an import go. */
export interface FlowImportPlace {
  readonly store: Store;
  readonly flows: FlowStore;
}

/** Problems that are kept one by one, of one file. */
const KEPT_PROBLEMS = 20;
/** Files that were imported before and may have grown: the newest. */
const EARLIER_INPUTS = 1000;

/** Every format that can be named. */
export function knownFlowFormats(): readonly { readonly name: string; readonly title: string }[] {
  return [...flowFormats, PARQUET];
}

/** Opens one file to read its rows. Throws UserError where nothing can be made of it. */
export async function readFlows(
  context: Context,
  request: FlowImportRequest,
  services: ServiceIndex | null,
): Promise<FlowReading> {
  const input = await openFlowInput(request.file);
  try {
    if (isParquet(input.head) && (request.as === null || request.as === PARQUET.name)) {
      const { readParquetFlows } = await import('./flows-import-parquet.ts');
      return await readParquetFlows(context, request, services, input);
    }
    return readingOf(context, request, services, input, formatOf(request, input));
  } catch (error) {
    await input.close();
    throw error;
  }
}

/** Reads one file into the store, all of it or nothing, and writes an event about it. Throws UserError. */
export async function importFlows(
  context: Context,
  request: FlowImportRequest,
  services: ServiceIndex | null,
  { store, flows }: FlowImportPlace,
): Promise<FlowImport> {
  await using reading = await readFlows(context, request, services);
  const identity = await reading.identify(store);
  const recordedAt = context.now();
  const { isNew } = await flows.append({
    batches: reading.batches(),
    feeds: reading.rollup.feeds,
    get coverage() {
      return reading.rollup.coverageSoFar();
    },
    get digest() {
      return identity?.digest ?? reading.digestSoFar();
    },
    source: request.file,
    recordedAt,
    // With the rows, or a kill in between would leave a file that is known by nobody when it has grown.
    get event() {
      return eventOf(context, reading.result(identity?.digest ?? reading.digestSoFar(), false));
    },
  });
  return reading.result(identity?.digest ?? reading.digestSoFar(), !isNew);
}

/** A file that is being read. */
export interface FlowReading extends AsyncDisposable {
  readonly rollup: Rollup;
  readonly format: Pick<FlowFormat, 'name' | 'title'>;
  /** Rows as they are done with; a batch is valid until the next. Reads the file; can be asked for once. */
  batches(): AsyncGenerator<FlowBatch, void, undefined>;
  identify(store: Store): Promise<InputIdentity | null>;
  /** Digest of what was read of standard input; before that, a text that nothing has as its digest. */
  digestSoFar(): string;
  result(digest: string | null, isKnown: boolean): FlowImport;
}

function readingOf(
  context: Context,
  request: FlowImportRequest,
  services: ServiceIndex | null,
  input: FlowInput,
  format: FlowFormat,
): FlowReading {
  const problems: FlowProblem[] = [];
  const full: FlowBatch[] = [];
  let line = 1;
  let known = 0;
  let isRead = false;
  const rollup = createRollup({
    services,
    feed: request.feed ?? `import:${format.name}`,
    isOneFeed: request.feed !== null,
    format: format.name,
    now: context.now,
    ...(format.coverage && { coverage: format.coverage }),
    onFlush: (batch) => void full.push(batch),
    onProblem: (message, at, column) => {
      if (problems.length < KEPT_PROBLEMS) problems.push({ message, line: at, column });
    },
  });
  const options: FlowFormatOptions = {
    reference: context.now(),
    utcOffsetMinutes: request.utcOffsetMinutes,
    mapping: request.mapping,
    prefixes: request.prefixes,
  };

  async function* batches(): AsyncGenerator<FlowBatch, void, undefined> {
    const parser = format.open(rollup, options);
    let at = 0;
    rollup.isMuted = known > 0;
    for await (const { bytes, from, to, isTooLong } of wholeLines(input.chunks())) {
      if (isTooLong) {
        if (!rollup.isMuted) rollup.problem(`a line longer than ${MAX_LINE} bytes: not read`, line, 1);
        line++;
      } else if (rollup.isMuted && at + to - from > known) {
        // The part that was taken before ends in here.
        const border = from + known - at;
        let begin = border;
        while (begin > from && begin < to && bytes[begin - 1] !== LF) begin++;
        line += parser.lines(bytes, from, begin, line);
        rollup.isMuted = false;
        if (begin > border)
          rollup.problem('this line was not complete when the file was imported before: not taken again', line - 1, 1);
        if (begin < to) line += parser.lines(bytes, begin, to, line);
      } else line += parser.lines(bytes, from, to, line);
      at += to - from;
      yield* handOut();
    }
    rollup.isMuted = false;
    parser.end();
    rollup.flush();
    isRead = true;
    yield* handOut();
  }

  function* handOut(): Generator<FlowBatch, void, undefined> {
    for (const batch of full.splice(0)) {
      yield batch;
      rollup.recycle(batch);
    }
  }

  return {
    rollup,
    format,
    batches,
    async identify(store) {
      const identity = await input.identify(await earlierInputs(store));
      known = identity?.known ?? 0;
      return identity;
    },
    digestSoFar: () => (isRead ? input.digestOfRead() : 'not read yet'),
    result: (digest, isKnown) => ({
      file: request.file,
      format: format.name,
      counts: rollup.counts,
      skipped: rollup.skipped,
      lines: line - 1,
      problems,
      troubles: isRead ? input.troubles() : [],
      feeds: rollup.feeds,
      coverage: rollup.coverageSoFar(),
      digest,
      isKnown,
      knownBytes: known,
      size: input.size,
    }),
    [Symbol.asyncDispose]: () => input.close(),
  };
}

const LF = 10;

/** The format of a file by its content. Throws UserError where none takes it. */
function formatOf(request: FlowImportRequest, input: FlowInput): FlowFormat {
  const name = request.file === '-' ? 'standard input' : request.file;
  if (request.as === PARQUET.name) throw new UserError(`${name} is no Parquet file: it does not begin with PAR1`);
  if (request.as !== null) {
    const found = flowFormats.find((format) => format.name === request.as);
    if (found) return found;
    const names = knownFlowFormats().map((format) => format.name);
    throw new UserError(`there is no flow format "${request.as}"`, { hint: `Formats: ${names.join(', ')}` });
  }
  // Columns that are mapped are a CSV's, whose header then has names of its own.
  const isMapped = request.mapping.size > 0 && !request.mapping.has('fields');
  const found =
    flowFormats.find((format) => format.detect(input.head)) ??
    (isMapped && input.head.length > 0 ? flowFormats.find((format) => format.name === 'csv') : undefined);
  if (found) return found;
  if (input.head.length === 0) throw new UserError(`${name} is empty`);
  throw new UserError(`${name} is of no flow format that is known here`, { hint: unknownHint(input.head) });
}

/** Characters of the first line that an error shows. */
const MOST_SHOWN = 80;

/** What to do about a file of an unknown format: by what its first line looks like. */
function unknownHint(head: Uint8Array): string {
  const formats = `quietdoor flows import --as help lists the formats; --as NAME takes one all the same.`;
  const line = Buffer.from(head.subarray(0, 4_096)).toString('utf8').split('\n', 1)[0]?.trim() ?? '';
  // Bytes of no text say nothing to a person.
  if (line === '' || /[\p{C}\ufffd]/u.test(line.replaceAll('\t', ' '))) return formats;
  const names = line.split(/[,;\t]/).map((title) => title.trim());
  const shown = `It begins with "${line.slice(0, MOST_SHOWN)}${line.length > MOST_SHOWN ? '…' : ''}".`;
  return names.length < 4 || names.some((title) => !/^["']?\p{L}/u.test(title))
    ? `${shown} ${formats}`
    : `${shown} Where that are the columns of a CSV, say which one is what: --map start="${names[0]?.replaceAll('"', '')}" --map src=… --map dst=… --map dst_port=… --map protocol=… Otherwise: ${formats}`;
}

/** Files that were taken in before, by what the ledger says of them. */
async function earlierInputs(store: Store): Promise<readonly EarlierInput[]> {
  const events = await store.events({ types: ['flows.imported'], limit: EARLIER_INPUTS });
  return events.flatMap(({ body: { size, digest } }) =>
    typeof size === 'number' && typeof digest === 'string' ? [{ bytes: size, digest }] : [],
  );
}

function eventOf(context: Context, result: FlowImport): EventDraft {
  const { counts } = result;
  return {
    type: 'flows.imported',
    observedAt: context.now(),
    actor: context.actor,
    subject: result.file,
    body: {
      format: result.format,
      digest: result.digest,
      size: result.size,
      records: counts.records,
      problems: counts.problems,
      rows: counts.rows,
      accepted: counts.accepted,
      denied: counts.denied,
      undirected: counts.undirected,
      repeated: counts.repeated,
      connections: counts.connections,
      packets: counts.packets,
      bytes: counts.bytes,
      feeds: result.feeds.length,
      ...(counts.records > 0 && { from: Math.floor(counts.first), until: Math.ceil(counts.last) }),
      ...(result.knownBytes > 0 && { knownBytes: result.knownBytes }),
      ...(result.troubles.length > 0 && { troubles: [...result.troubles] }),
    },
  };
}
