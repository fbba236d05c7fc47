import { createReadStream, fstatSync, openSync } from 'node:fs';
import { basename } from 'node:path';
import { peekInput } from '../imports/detect.ts';
import type { ImportFormat, ImportHead, ImportOptions, ImportProblem } from '../imports/import-format.ts';
import { importFormats } from '../imports/index.ts';
import { decodeText } from '../imports/lines.ts';
import { manifestFormats } from '../manifests/index.ts';
import { MAX_MANIFEST_BYTES, type ManifestFormat } from '../manifests/manifest-format.ts';
import { UserError } from '../model/errors.ts';
import type { Observation, UnnamedObservation } from '../model/observation.ts';
import { listWords, utcTime } from '../util/words.ts';
import type { Context } from './context.ts';
import { importDeclarations, readDeclarations } from './declare.ts';
import { nameAll, noCounts, type RecordCounts, recordAll } from './record.ts';

export interface ImportRequest {
  /** Paths; `-` is standard input. */
  readonly files: readonly string[];
  /** Name of a format; null: told from the content. */
  readonly as: string | null;
  /** Host that the files are about, where they do not say. */
  readonly host: string | null;
  /** UTC milliseconds: when it was looked, where the files do not say; null: the date of the file. */
  readonly at: number | null;
  /** Columns by field, for CSV. */
  readonly mapping: ReadonlyMap<string, string>;
  /** The files list all there is on their hosts, where their format does not say. */
  readonly isComplete: boolean;
  readonly isRecorded: boolean;
}

/** Something of a file that could not be used. */
export interface FileProblem extends ImportProblem {
  readonly file: string;
}

/** What an import came to; filled on the way. */
export interface ImportReport {
  readonly counts: RecordCounts;
  /** The first ones, by file. */
  readonly problems: FileProblem[];
  problemCount: number;
  /** Files that are not used at all, and why. */
  readonly failures: { readonly file: string; readonly message: string; readonly hint: string | undefined }[];
  /** Deployment files: what they declare, which is no observation. */
  readonly declared: { readonly file: string; readonly ports: number; readonly changed: boolean }[];
  /** What is to be known of a file that is no problem. */
  readonly notes: string[];
}

/** Problems that are kept one by one. */
const SHOWN_PROBLEMS = 20;
/** Clocks differ; a file from further ahead is wrong about its time. */
const CLOCK_LEEWAY_MS = 5 * 60_000;

export function noImport(): ImportReport {
  return { counts: noCounts(), problems: [], problemCount: 0, failures: [], declared: [], notes: [] };
}

/** Every format that can be named: of other tools' listings, then of deployment files. */
export function importableFormats(): readonly { readonly name: string; readonly title: string }[] {
  return [...importFormats, ...manifestFormats];
}

/**
 * Reads files of other tools, records what they observed, and yields it once it is durable. A file that cannot be used is
 * told in the report, and the next one is read. Throws UserError where nothing can be recorded.
 */
export async function* importFiles(
  context: Context,
  request: ImportRequest,
  report: ImportReport,
): AsyncGenerator<Observation, void, undefined> {
  const source = readFiles(context, request, report);
  yield* request.isRecorded ? recordAll(context, source, report.counts) : nameAll(source, report.counts);
}

async function* readFiles(
  context: Context,
  request: ImportRequest,
  report: ImportReport,
): AsyncGenerator<UnnamedObservation, void, undefined> {
  const wanted = request.as === null ? null : formatNamed(request.as);
  for (const file of request.files) {
    try {
      yield* readFile(context, request, report, file, wanted);
    } catch (error) {
      if (!(error instanceof UserError) || request.files.length === 1) throw error;
      report.failures.push({ file, message: error.message, hint: error.hint });
    }
  }
}

function formatNamed(name: string): ImportFormat | ManifestFormat {
  const found = [...importFormats, ...manifestFormats].find((format) => format.name === name);
  if (found) return found;
  const names = importableFormats().map((format) => format.name);
  throw new UserError(`there is no format "${name}"`, { hint: `Formats: ${names.join(', ')}` });
}

async function* readFile(
  context: Context,
  request: ImportRequest,
  report: ImportReport,
  file: string,
  wanted: ImportFormat | ManifestFormat | null,
): AsyncGenerator<UnnamedObservation, void, undefined> {
  const addProblem = (problem: ImportProblem) => {
    report.problemCount++;
    if (report.problems.length < SHOWN_PROBLEMS) report.problems.push({ file, ...problem });
  };
  const { bytes, modifiedAt } = openFile(file);
  const { head, input } = await peekInput(bytes, file === '-' ? '-' : basename(file), addProblem);
  const format = wanted ?? formatOf(head, file);
  if (isManifest(format)) {
    const text = await wholeText(input, file);
    const given = { path: file, text, format, host: request.host };
    const result = request.isRecorded
      ? await importDeclarations(given, context)
      : { ...readDeclarations(given, context), changed: false };
    for (const problem of result.problems) addProblem(problem);
    report.declared.push({ file, ports: result.list.items.length, changed: result.changed });
    return;
  }
  const now = context.now();
  let isTimeUsed = false;
  const options: ImportOptions = {
    source: file,
    host: request.host,
    get observedAt() {
      isTimeUsed = true;
      return request.at ?? Math.min(modifiedAt ?? now, now);
    },
    now,
    mapping: request.mapping,
    isComplete: request.isComplete,
    report: addProblem,
  };
  let isAheadTold = false;
  for await (const observation of format.read(input, options)) {
    if (observation.observedAt <= now + CLOCK_LEEWAY_MS) yield observation;
    else {
      // A time to come would make every true look after it count as old.
      if (!isAheadTold)
        addProblem({
          message: `says it was taken at ${utcTime(observation.observedAt)}, which is yet to come: the present time counts`,
        });
      isAheadTold = true;
      yield { ...observation, observedAt: now };
    }
  }
  if (isTimeUsed && request.at === null)
    report.notes.push(
      `${nameOf(file)} does not say when it was taken: ${modifiedAt === null ? 'the present time' : `the date of the file, ${utcTime(modifiedAt)},`} counts (--at gives another)`,
    );
}

/** Opens a file, or standard input. Throws UserError. */
function openFile(file: string): { bytes: AsyncIterable<Uint8Array>; modifiedAt: number | null } {
  if (file === '-') return { bytes: process.stdin, modifiedAt: null };
  try {
    const fd = openSync(file, 'r');
    const stats = fstatSync(fd);
    const bytes = createReadStream('', { fd, highWaterMark: 64 * 1024 });
    return { bytes: readable(bytes, file), modifiedAt: stats.isFile() ? Math.trunc(stats.mtimeMs) : null };
  } catch (error) {
    throw new UserError(`cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}

async function* readable(bytes: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new UserError(`cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** The format of a file by its content. Throws UserError where none takes it. */
function formatOf(head: ImportHead, file: string): ImportFormat | ManifestFormat {
  const found =
    importFormats.find((format) => format.detect(head)) ?? manifestFormats.find((format) => format.detect(head));
  if (found) return found;
  const titles = importableFormats().map((format) => format.title);
  throw new UserError(
    head.text.trim() === '' ? `${nameOf(file)} is empty` : `${nameOf(file)} is of no format that is known here`,
    { hint: `Tried: ${listWords(titles, titles.length)}. Name one with --as if the file is of it all the same.` },
  );
}

function isManifest(format: ImportFormat | ManifestFormat): format is ManifestFormat {
  return (manifestFormats as readonly { name: string }[]).includes(format);
}

async function wholeText(input: AsyncIterable<Uint8Array>, file: string): Promise<string> {
  let text = '';
  for await (const piece of decodeText(input)) {
    text += piece;
    if (text.length > MAX_MANIFEST_BYTES)
      throw new UserError(`${nameOf(file)} is too large: at most ${MAX_MANIFEST_BYTES} bytes are read of its format`);
  }
  return text;
}

function nameOf(file: string): string {
  return file === '-' ? 'standard input' : file;
}
