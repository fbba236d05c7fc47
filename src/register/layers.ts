import { isAbsolute, posix } from 'node:path';
import { UserError } from '../model/errors.ts';
import type { RegisterProblem } from '../model/register.ts';
import { sha256 } from '../util/sha256.ts';
import { type ConfigLayer, readConfig } from './load-config.ts';
import { indexLines } from './positions.ts';
import { MAX_FILES, MAX_TOTAL_BYTES, type WorkspaceSource } from './workspace-source.ts';
import { itemsOf, parseYamlParts, type YamlPart } from './yaml-parts.ts';

/** Longest chain of `extends:`. */
const MAX_EXTENDS_DEPTH = 5;

/** A file as it was read. */
export interface WorkspaceFile {
  /** Relative to the workspace; `../shared/…` for what `extends:` brought. */
  readonly path: string;
  readonly kind: 'config' | 'register' | 'exceptions';
  /** Of the bytes, hex. */
  readonly sha256: string;
  readonly text: string;
}

/** One folder or file in the chain of `extends:`. */
export interface Layer {
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

export interface Loading {
  readonly files: WorkspaceFile[];
  readonly problems: RegisterProblem[];
  bytes: number;
  /** Identities of the shared folders that were read already. */
  readonly seen: Set<string>;
}

/** `chain`: identities from the workspace to here. Reads a folder (or file) and, before it, what it extends. */
export async function readLayers(
  source: WorkspaceSource,
  prefix: string,
  paths: readonly string[],
  chain: readonly string[],
  loading: Loading,
): Promise<Layer[]> {
  const isFile = source.isFile ?? false;
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
  const layer = await readConfig(yaml?.sections ?? [], yaml?.errors ?? [], lines, lists);
  const below: Layer[] = [];
  for (const base of layer.extends) below.push(...(await readBase(source, base, prefix, isFile, chain, loading)));
  const inConfig =
    isFile && yaml && config
      ? { ports: itemsOf(yaml, 'ports'), exceptions: itemsOf(yaml, 'exceptions'), file: config }
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
  if (chain.length > MAX_EXTENDS_DEPTH)
    return report('extends-depth', `extends: more than ${MAX_EXTENDS_DEPTH} steps from the workspace`);
  if (!source.extended) return report('extends-unsupported', `extends: cannot be followed from ${source.name}`);
  try {
    const shared = await source.extended(base.value);
    const identity = shared.identity ?? path;
    if (chain.includes(identity))
      return report(
        'extends-cycle',
        `extends: ${base.value} leads back to where it came from`,
        'a shared policy cannot extend its users',
      );
    if (loading.seen.has(identity)) return [];
    const paths = await shared.list();
    if (paths.length === 0)
      return report('extends-empty', `extends: ${base.value} has no quietdoor.yaml and no register`);
    const layers = await readLayers(shared, path, paths, [...chain, identity], loading);
    loading.seen.add(identity);
    return layers;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return report('extends-unreadable', `extends: ${base.value} ${error.message}`, error.hint);
  }
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

/** The bytes are no text. */
class NotText extends UserError {}

/** Bytes that are looked at for NUL, by which git tells binary files too. Other control characters YAML refuses itself. */
const BINARY_PROBE = 8000;

function decode(bytes: Uint8Array): string {
  if (bytes.subarray(0, BINARY_PROBE).includes(0)) throw new NotText('is not a text file');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
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
