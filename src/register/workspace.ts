import { isAbsolute, posix } from 'node:path';
import { formatPosition, UserError } from '../model/errors.ts';
import type { Exception, Register, RegisterEntry, RegisterProblem } from '../model/register.ts';
import { compareBy } from '../util/compare.ts';
import { sha256 } from '../util/sha256.ts';
import { readException } from './exceptions.ts';
import { MAX_EXTENDS_DEPTH, type MergedConfig, mergeConfigs } from './extends.ts';
import { type ConfigLayer, readConfig } from './load-config.ts';
import { type ParsedRegisterFile, parseRegisterFile, type RegisterContext, readEntry } from './load-register.ts';
import { indexLines } from './positions.ts';
import { MAX_FILES, MAX_TOTAL_BYTES, type WorkspaceSource } from './source.ts';
import { didYouMean } from './suggest.ts';
import { inside, parseYamlParts, type YamlPart } from './yaml-parts.ts';

/** A file as it was read. */
export interface WorkspaceFile {
  /** Relative to the workspace; `../shared/…` for what `extends:` brought. */
  readonly path: string;
  readonly kind: 'config' | 'register' | 'exceptions';
  /** Of the bytes, hex. */
  readonly sha256: string;
  readonly text: string;
}

export interface LoadedWorkspace {
  readonly register: Register;
  /** In the order of the paths. */
  readonly files: readonly WorkspaceFile[];
}

/** Keeps what was parsed, by content: a register that did not change needs no YAML parser. */
export interface WorkspaceCache {
  get(key: string): Promise<string | null>;
  put(key: string, value: string): Promise<void>;
}

export interface LoadOptions {
  readonly cache?: WorkspaceCache;
  /** UTC milliseconds; what an exception without `from` is measured from. Default: the clock. */
  readonly now?: number;
}

/** Changes whenever the same file would be parsed into something else. Part of the key of the cache. */
const FORMAT = 'quietdoor-register-1';

/** One folder or file in the chain of `extends:`. */
interface Layer {
  /** Path from the workspace, `''` for itself. */
  readonly prefix: string;
  readonly config: ConfigLayer;
  readonly registers: readonly WorkspaceFile[];
  /** Entries and exceptions that stand in the config file itself (a shared policy file). */
  readonly inConfig: {
    readonly ports: readonly YamlPart[];
    readonly exceptions: readonly YamlPart[];
    readonly file: WorkspaceFile;
  } | null;
  readonly exceptions: WorkspaceFile | null;
}

interface Loading {
  readonly files: WorkspaceFile[];
  readonly problems: RegisterProblem[];
  bytes: number;
  /** Shared folders that were read already, by the path they have from the workspace. */
  readonly seen: Set<string>;
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
  const layers = await readLayers(source, '', paths, [], loading);
  const merged = mergeConfigs(layers.map((layer) => layer.config));
  const own = layers.at(-1)?.config;
  const entries = await loadEntries(layers, merged, loading, options.cache);
  const exceptions = loadExceptions(layers, merged, loading, options.now ?? Date.now());
  checkOwners(entries.kept, merged, own, loading.problems);
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
  };
  return { register, files };
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

/** Reads a folder (or file) and, before it, what it extends. */
async function readLayers(
  source: WorkspaceSource,
  prefix: string,
  paths: readonly string[],
  chain: readonly string[],
  loading: Loading,
): Promise<Layer[]> {
  const isFile = paths.length === 1 && paths[0] !== 'quietdoor.yaml' && prefix !== '';
  const at = isFile ? posix.dirname(prefix) : prefix;
  const display = (path: string) => (at === '' ? path : posix.join(at, path));
  const registers: WorkspaceFile[] = [];
  let exceptions: WorkspaceFile | null = null;
  let config: WorkspaceFile | null = null;
  for (const path of paths.slice(0, MAX_FILES)) {
    const kind =
      path === 'exceptions.yaml' ? 'exceptions' : path === 'quietdoor.yaml' || isFile ? 'config' : 'register';
    const file = await readFile(source, path, display(path), kind, loading);
    if (!file) continue;
    if (kind === 'register') registers.push(file);
    else if (kind === 'exceptions') exceptions = file;
    else config = file;
  }
  if (paths.length > MAX_FILES)
    problem(
      loading,
      display(paths[MAX_FILES] as string),
      'too-many-files',
      `more than ${MAX_FILES} files; the rest is not read`,
    );
  const lists = isFile ? ['ports', 'exceptions'] : [];
  const yaml = config && parseYamlParts(config.text, isFile ? lists : ['ports']);
  const lines = indexLines(config?.text ?? '', config?.path ?? display('quietdoor.yaml'));
  const layer = readConfig(yaml?.sections ?? [], yaml?.errors ?? [], lines, lists);
  const below: Layer[] = [];
  for (const base of layer.extends) below.push(...(await readBase(source, base, prefix, isFile, chain, loading)));
  const inConfig =
    isFile && yaml && config
      ? { ports: partsOf(yaml, 'ports'), exceptions: partsOf(yaml, 'exceptions'), file: config }
      : null;
  return [...below, { prefix, config: layer, registers, inConfig, exceptions }];
}

async function readBase(
  source: WorkspaceSource,
  base: ConfigLayer['extends'][number],
  prefix: string,
  isFile: boolean,
  chain: readonly string[],
  loading: Loading,
): Promise<Layer[]> {
  const report = (code: string, message: string, hint?: string) => {
    const rest = hint === undefined ? {} : { hint };
    loading.problems.push({ severity: 'error', code, message, ...rest, at: base.at, mightCover: 'anything' });
    return [];
  };
  const folder = isFile ? posix.dirname(prefix) : prefix;
  const path = isAbsolute(base.value) ? posix.normalize(base.value) : posix.join(folder, base.value).replace(/\/$/, '');
  if (path === '.' || path === prefix || chain.includes(path))
    return report(
      'extends-cycle',
      `extends: ${base.value} leads back to where it came from`,
      'a shared policy cannot extend its users',
    );
  if (chain.length >= MAX_EXTENDS_DEPTH)
    return report('extends-depth', `extends: more than ${MAX_EXTENDS_DEPTH} steps from the workspace`);
  if (!source.extended) return report('extends-unsupported', `extends: cannot be followed from ${source.name}`);
  if (loading.seen.has(path)) return [];
  try {
    const shared = await source.extended(base.value);
    const paths = await shared.list();
    if (paths.length === 0)
      return report('extends-empty', `extends: ${base.value} has no quietdoor.yaml and no register`);
    const layers = await readLayers(shared, path, paths, [...chain, path], loading);
    loading.seen.add(path);
    return layers;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return report('extends-unreadable', `extends: ${base.value} ${error.message}`, error.hint);
  }
}

function partsOf(yaml: ReturnType<typeof parseYamlParts>, list: 'ports' | 'exceptions'): YamlPart[] {
  const parts: YamlPart[] = yaml.items.filter((item) => item.list === list);
  for (const section of yaml.sections) {
    const value = section.value;
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, list)) continue;
    const member = (value as Record<string, unknown>)[list];
    if (Array.isArray(member)) for (const [i, item] of member.entries()) parts.push(inside(section, [list, i], item));
  }
  return parts;
}

async function readFile(
  source: WorkspaceSource,
  path: string,
  display: string,
  kind: WorkspaceFile['kind'],
  loading: Loading,
): Promise<WorkspaceFile | null> {
  try {
    const bytes = await source.read(path);
    loading.bytes += bytes.byteLength;
    if (loading.bytes > MAX_TOTAL_BYTES)
      throw new UserError(`the workspace has more than ${MAX_TOTAL_BYTES >> 20} MiB; this file is not read`);
    const file: WorkspaceFile = { path: display, kind, sha256: sha256(bytes), text: decode(bytes) };
    loading.files.push(file);
    return file;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    problem(loading, display, error instanceof NotText ? 'not-text' : 'unreadable-file', error.message, error.hint);
    return null;
  }
}

/** The bytes are no text; `offset` of the first wrong one. */
class NotText extends UserError {}

function decode(bytes: Uint8Array): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    // YAML 1.2.2, 5.1: control characters other than tab and line breaks are not allowed in a stream.
    const control = text.search(/(?![\t\n\r])\p{Cc}/u);
    if (control < 0) return text;
    const { line, column } = indexLines(text, '').position(control);
    throw new NotText(`is not a text file: control character at line ${line}, column ${column}`);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new NotText('is not a text file: expected UTF-8', { hint: 'save it as UTF-8' });
  }
}

function problem(loading: Loading, file: string, code: string, message: string, hint?: string): void {
  const rest = hint === undefined ? {} : { hint };
  loading.problems.push({
    severity: 'error',
    code,
    message: `${file} ${message}`,
    ...rest,
    at: { file, line: 1, column: 1 },
    mightCover: 'anything',
  });
}

async function loadEntries(
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

function loadExceptions(layers: readonly Layer[], merged: MergedConfig, loading: Loading, now: number): Exception[] {
  const kept = new Map<string, { exception: Exception; layer: Layer }>();
  const limits = { maxDays: merged.policy.exceptionMaxDays, now };
  for (const layer of layers) {
    const found: Exception[] = [];
    if (layer.inConfig) {
      const lines = indexLines(layer.inConfig.file.text, layer.inConfig.file.path);
      for (const part of layer.inConfig.exceptions) readException(part, lines, limits, found, loading.problems);
    }
    if (layer.exceptions) {
      const { text, path } = layer.exceptions;
      const lines = indexLines(text, path);
      const yaml = parseYamlParts(text, ['exceptions']);
      const layerProblems = readConfigLike(yaml, lines);
      loading.problems.push(...layerProblems);
      for (const part of partsOf(yaml, 'exceptions')) readException(part, lines, limits, found, loading.problems);
    }
    for (const exception of found) {
      const other = kept.get(exception.id);
      if (other?.layer === layer) {
        const message = `the id "${exception.id}" is used twice; the first is at ${formatPosition(other.exception.at)}`;
        loading.problems.push({
          severity: 'error',
          code: 'duplicate-id',
          message,
          hint: 'give each exception an id of its own',
          at: exception.at,
        });
      } else kept.set(exception.id, { exception, layer });
    }
  }
  return [...kept.values()].map(({ exception }) => exception).sort(compareBy((exception) => exception.id));
}

/** What is wrong in exceptions.yaml around its list. */
function readConfigLike(
  yaml: ReturnType<typeof parseYamlParts>,
  lines: ReturnType<typeof indexLines>,
): RegisterProblem[] {
  const problems: RegisterProblem[] = yaml.errors.map(({ code, message, hint, offset }) => ({
    ...{ severity: 'error', code, message, at: lines.position(offset) },
    ...(hint === undefined ? {} : { hint }),
  }));
  const wrong = (message: string, offset: number, hint: string) =>
    problems.push({ severity: 'error', code: 'unknown-key', message, hint, at: lines.position(offset) });
  for (const section of yaml.sections) {
    const value = section.value;
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      wrong('expected the key exceptions: with a list', section.start, 'the file begins with the line exceptions:');
      continue;
    }
    for (const [key, member] of Object.entries(value)) {
      if (key !== 'exceptions')
        wrong(
          `unknown key "${key.slice(0, 60)}"`,
          section.locate([key], 'key'),
          didYouMean(key, ['exceptions']) ?? 'the file has the key exceptions only',
        );
      else if (member !== null && !Array.isArray(member))
        wrong('exceptions: expected a list', section.locate([key], 'key'), 'begin each exception with a dash');
    }
  }
  return problems;
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
