import { formatPosition } from '../model/errors.ts';
import type { Register, RegisterEntry, RegisterProblem } from '../model/register.ts';
import { compareBy } from '../util/compare.ts';
import { sha256 } from '../util/sha256.ts';
import type { MergedConfig } from './extends.ts';
import type { Layer, Loading, WorkspaceFile } from './layers.ts';
import { type ParsedRegisterFile, parseRegisterFile, type RegisterContext, readEntry } from './load-register.ts';
import { indexLines } from './positions.ts';

/** Keeps what was parsed, by content: a register that did not change needs no YAML parser. */
export interface WorkspaceCache {
  get(key: string): Promise<string | null>;
  put(key: string, value: string): Promise<void>;
}

/** Changes whenever the same file would be parsed into something else. Part of the key of the cache. */
const FORMAT = 'quietdoor-register-1';

/** Reads the entries of all layers; the layer nearest to the workspace wins, which is a deviation. Sorted by id. */
export async function loadEntries(
  layers: readonly Layer[],
  merged: MergedConfig,
  loading: Loading,
  cache: WorkspaceCache | undefined,
): Promise<{ kept: RegisterEntry[]; deviations: Register['deviations'] }> {
  const kept = new Map<string, { entry: RegisterEntry; layer: Layer }>();
  const deviations: Register['deviations'][number][] = [];
  for (const layer of layers) {
    const inheritedFrom = layer.prefix === '' ? null : layer.prefix;
    const context: RegisterContext = { zones: merged.zones, brokenZones: merged.brokenZones, inheritedFrom };
    const parsed: ParsedRegisterFile[] = [];
    if (layer.inConfig) {
      const { file, ports } = layer.inConfig;
      const found = { entries: [] as RegisterEntry[], problems: [] as RegisterProblem[] };
      const lines = indexLines(file.text, file.path);
      for (const part of ports) readEntry(part, lines, context, found.entries, found.problems);
      parsed.push(found);
    }
    for (const file of layer.registers) parsed.push(await parseCached(file, context, cache));
    for (const { entries, problems } of parsed) {
      for (const found of problems) loading.problems.push(found);
      for (const entry of entries) {
        const other = kept.get(entry.id);
        if (other?.layer === layer) {
          loading.problems.push({
            severity: 'error',
            code: 'duplicate-id',
            message: `the id "${entry.id}" is used twice; the first is at ${formatPosition(other.entry.at)}`,
            hint: 'give each entry an id of its own',
            at: entry.at,
            mightCover: { transport: entry.transport, ports: entry.ports },
          });
          continue;
        }
        if (other && other.entry.digest !== entry.digest)
          deviations.push({
            what: `entry:${entry.id}`,
            message: `the entry ${entry.id} replaces the shared one (${formatPosition(other.entry.at)})`,
            at: entry.at,
          });
        kept.set(entry.id, { entry, layer });
      }
    }
  }
  const entries = [...kept.values()].map(({ entry }) => entry).sort(compareBy((entry) => entry.id));
  return { kept: entries, deviations };
}

async function parseCached(
  file: WorkspaceFile,
  context: RegisterContext,
  cache: WorkspaceCache | undefined,
): Promise<ParsedRegisterFile> {
  if (!cache) return parseRegisterFile(file.text, file.path, context);
  const key = sha256(JSON.stringify([FORMAT, file.path, file.sha256, context]));
  const known = await cache.get(key);
  if (known !== null) {
    try {
      return JSON.parse(known) as ParsedRegisterFile;
    } catch {
      // A damaged cache entry is read anew and replaced.
    }
  }
  const parsed = parseRegisterFile(file.text, file.path, context);
  await cache.put(key, JSON.stringify(parsed));
  return parsed;
}
