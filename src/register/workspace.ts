import { UserError } from '../model/errors.ts';
import type { Register, RegisterEntry, RegisterProblem } from '../model/register.ts';
import { compareBy } from '../util/compare.ts';
import { sha256 } from '../util/sha256.ts';
import { checkAlerts } from './alert-names.ts';
import { type MergedConfig, mergeConfigs } from './extends.ts';
import { type Loading, readLayers, type WorkspaceFile } from './layers.ts';
import type { ConfigLayer } from './load-config.ts';
import { loadEntries, type WorkspaceCache } from './load-entries.ts';
import { loadExceptions } from './load-exceptions.ts';
import type { WorkspaceSource } from './source.ts';
import { didYouMean } from './suggest.ts';

export type { WorkspaceFile } from './layers.ts';
export type { WorkspaceCache } from './load-entries.ts';

export interface LoadedWorkspace {
  readonly register: Register;
  /** In the order of the paths. */
  readonly files: readonly WorkspaceFile[];
}

export interface LoadOptions {
  readonly cache?: WorkspaceCache;
  /** UTC milliseconds; what an exception without `from` is measured from. Default: the clock. */
  readonly now?: number;
}

/**
 * Reads a workspace: config, register entries, exceptions, and what it extends. What is wrong in a file becomes a
 * problem with its position, and the rest is used. Throws UserError only where there is no workspace at all.
 */
export async function loadWorkspace(source: WorkspaceSource, options: LoadOptions = {}): Promise<LoadedWorkspace> {
  const loading: Loading = { files: [], problems: [], bytes: 0, seen: new Set() };
  const paths = await source.list();
  if (!paths.includes('quietdoor.yaml'))
    throw new UserError(`${source.name} is not a Quietdoor workspace: it has no quietdoor.yaml`, {
      hint: 'run `quietdoor init` there, or name the folder with --workspace',
    });
  const layers = await readLayers(source, '', paths, [source.identity ?? ''], loading);
  const merged = mergeConfigs(layers.map((layer) => layer.config));
  const own = layers.at(-1)?.config;
  const entries = await loadEntries(layers, merged, loading, options.cache);
  const exceptions = loadExceptions(layers, merged, loading, options.now ?? Date.now());
  checkOwners(entries.kept, merged, own, loading.problems);
  loading.problems.push(...checkAlerts(merged));
  const files = loading.files.sort(compareBy((file) => file.path));
  const register: Register = {
    name: own?.name ?? 'unnamed',
    boundary: own?.boundary ?? null,
    site: own?.site ?? 'default',
    digest: sha256(files.map((file) => `${file.sha256}  ${file.path}\n`).join('') + unreadable(loading.problems)),
    ...{ owners: merged.owners, zones: merged.zones, hosts: merged.hosts },
    ...{ policy: merged.policy, frameworks: merged.frameworks },
    entries: entries.kept,
    exceptions,
    problems: sortProblems([...layers.flatMap((layer) => layer.config.problems), ...loading.problems]),
    deviations: [...merged.deviations, ...entries.deviations],
    ...(own?.authority === undefined ? {} : { authority: own.authority }),
    ...(own?.failOn === undefined ? {} : { failOn: own.failOn }),
    ...merged.regular,
    ...(lacksConfig(loading.problems) && { scan: { exclude: [], ...merged.regular.scan, incomplete: true } }),
  };
  return { register, files };
}

/** A config that could not be read at all may have said what must not be scanned. */
function lacksConfig(problems: readonly RegisterProblem[]): boolean {
  return problems.some(
    ({ code, at }) =>
      code.startsWith('extends-') || (/unreadable|not-text/.test(code) && /quietdoor\.ya?ml$/.test(at.file)),
  );
}

/** Files that are part of the workspace but could not be read change the digest too. */
function unreadable(problems: readonly RegisterProblem[]): string {
  return problems
    .filter((problem) => problem.code === 'unreadable-file')
    .map((problem) => `unreadable  ${problem.at.file}\n`)
    .join('');
}

export function sortProblems(problems: readonly RegisterProblem[]): RegisterProblem[] {
  return [...problems].sort(
    compareBy(
      (p) => p.at.file,
      (p) => p.at.line,
      (p) => p.at.column,
      (p) => p.code,
      (p) => p.message,
    ),
  );
}

function checkOwners(
  entries: readonly RegisterEntry[],
  merged: MergedConfig,
  own: ConfigLayer | undefined,
  problems: RegisterProblem[],
): void {
  if (own?.problems.some((p) => p.mightCover === 'anything')) return;
  const names = merged.owners.map((owner) => owner.name);
  const known = new Set(names);
  for (const entry of entries) {
    if (entry.owner === null || known.has(entry.owner)) continue;
    problems.push({
      severity: 'warning',
      code: 'unknown-owner',
      message: `${entry.id}: the owner "${entry.owner}" is not declared`,
      hint: didYouMean(entry.owner, names) ?? 'declare it under owners in quietdoor.yaml',
      at: entry.at,
    });
  }
}
