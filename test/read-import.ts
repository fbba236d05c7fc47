import type { ImportOptions, ImportProblem } from '../src/imports/import-format.ts';
import { importFormats } from '../src/imports/index.ts';
import type { UnnamedObservation } from '../src/model/observation.ts';

const AT = Date.UTC(2026, 10, 21, 12);

/** Reads a file of another tool as `import` does, from memory and in small pieces. */
export async function readText(
  format: string,
  content: string | Uint8Array,
  options: Partial<ImportOptions> = {},
): Promise<{ readonly observations: readonly UnnamedObservation[]; readonly problems: readonly ImportProblem[] }> {
  const problems: ImportProblem[] = [];
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
  }
  const found = importFormats.find(({ name }) => name === format);
  if (!found) throw new Error(`no import format ${format}`);
  const given = { source: 'file', host: 'host-1', observedAt: AT, now: AT, mapping: new Map(), ...options };
  const all = { ...given, report: (problem: ImportProblem) => void problems.push(problem) } as ImportOptions;
  const observations: UnnamedObservation[] = [];
  for await (const observation of found.read(pieces(), all)) observations.push(observation);
  return { observations, problems };
}
