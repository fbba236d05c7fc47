import type { Advisory } from '../model/advisory.ts';
import { advisoryFor, isOfEcosystem, osvRecordSchema, type WantedPackage } from './osv-record.ts';
import { recordFiles } from './record-files.ts';

export interface OsvAnswer {
  /** In the order of the wanted packages. */
  readonly advisories: ReadonlyArray<readonly Advisory[]>;
  /** Ecosystems of the wanted packages that some record is about. */
  readonly covered: ReadonlySet<string>;
  /** Newest `modified` of all records, UTC milliseconds; null: no record. */
  readonly newest: number | null;
  readonly problems: readonly string[];
}

const MAX_PROBLEMS = 50;

/**
 * Looks packages up in OSV exports (directories, archives, files). A record is searched as bytes first, and parsed only
 * if it names one of the packages: of 100,000 records a host is concerned by a few hundred.
 */
export async function lookUpOsv(paths: readonly string[], wanted: readonly WantedPackage[]): Promise<OsvAnswer> {
  const byName = Map.groupBy(
    wanted.flatMap((one, index) => one.names.map(({ name }) => ({ name, index }))),
    ({ name }) => name,
  );
  const advisories = wanted.map((): Advisory[] => []);
  const uncovered = new Set(wanted.map(({ ecosystem }) => ecosystem));
  const covered = new Set<string>();
  const problems: string[] = [];
  const tell = (message: string) => void (problems.length < MAX_PROBLEMS && problems.push(message));
  let newest: number | null = null;
  const isKnown = (name: string) => byName.has(name);
  const cover = (recorded: string) => {
    for (const ecosystem of uncovered) {
      if (!isOfEcosystem(recorded, ecosystem)) continue;
      uncovered.delete(ecosystem);
      covered.add(ecosystem);
    }
    return false;
  };

  for (const path of paths)
    for await (const { name: file, bytes } of recordFiles(path, tell)) {
      newest = later(newest, bytes);
      if (uncovered.size > 0) someValue(bytes, ECOSYSTEM, cover);
      if (!someValue(bytes, NAME, isKnown)) continue;
      const record = parse(bytes);
      if ('problem' in record) {
        tell(`${file}: ${record.problem}`);
        continue;
      }
      const names = new Set((record.affected ?? []).map((affected) => affected.package?.name ?? ''));
      const indexes = new Set([...names].flatMap((name) => (byName.get(name) ?? []).map(({ index }) => index)));
      for (const index of indexes) {
        const advisory = advisoryFor(record, wanted[index] as WantedPackage);
        if (advisory) advisories[index]?.push(advisory);
      }
    }
  return { advisories, covered, newest, problems };
}

const NAME = Buffer.from('"name"');
const ECOSYSTEM = Buffer.from('"ecosystem"');
const MODIFIED = Buffer.from('"modified"');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Says whether `test` holds for the text value of some key. A value with escapes counts: it may be anything. */
function someValue(bytes: Buffer, key: Buffer, test: (value: string) => boolean): boolean {
  for (let at = bytes.indexOf(key); at >= 0; at = bytes.indexOf(key, at)) {
    const from = bytes.indexOf(QUOTE, at + key.length) + 1;
    const to = bytes.indexOf(QUOTE, from);
    if (from === 0 || to < 0) return false;
    if (bytes[to - 1] === BACKSLASH) return true;
    const value = bytes.toString('utf8', from, to);
    if (value.includes('\\') || test(value)) return true;
    at = to;
  }
  return false;
}

function later(newest: number | null, bytes: Buffer): number | null {
  let time = Number.NaN;
  someValue(bytes, MODIFIED, (value) => {
    time = Date.parse(value);
    return true;
  });
  return Number.isNaN(time) ? newest : Math.max(newest ?? time, time);
}

function parse(bytes: Buffer) {
  try {
    const parsed = osvRecordSchema.safeParse(JSON.parse(bytes.toString('utf8')));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    return { problem: `is no OSV record (${issue?.path.join('.') || 'the document'}: ${issue?.message})` };
  } catch (error) {
    return { problem: `is no JSON (${(error as Error).message})` };
  }
}
