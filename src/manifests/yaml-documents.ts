import { isMap, isScalar, LineCounter, type Node, parseAllDocuments } from 'yaml';
import { lineThatNestsTooDeep } from '../util/nesting.ts';
import type { ManifestProblem } from './manifest-format.ts';

/** One document of a YAML stream, with the lines of its parts. */
export interface YamlDocument {
  readonly value: unknown;
  /** 1-based line of what lies at a path; of the nearest parent where nothing lies there. */
  lineOf(path: readonly (string | number)[]): number;
}

/** Positions cost time (about 1 MB/s), so larger files are refused. */
const MAX_YAML_BYTES = 8 * 1024 * 1024;
const MAX_DOCUMENTS = 10_000;
const MAX_DEPTH = 100;
/** Aliases that may be expanded, so that a small file cannot become a large one. */
const MAX_ALIASES = 1_000;

/** Reads a YAML stream (JSON is YAML as well). Documents that are broken are problems; the others are returned. */
export function readYamlDocuments(text: string): {
  readonly documents: readonly YamlDocument[];
  readonly problems: readonly ManifestProblem[];
} {
  if (text.length > MAX_YAML_BYTES)
    return problem(`is ${text.length} bytes long; at most ${MAX_YAML_BYTES} bytes of YAML are read`);
  const tooDeep = lineThatNestsTooDeep(text, MAX_DEPTH);
  if (tooDeep !== null) return problem(`nests more than ${MAX_DEPTH} levels deep`, tooDeep);
  const lines = new LineCounter();
  const problems: ManifestProblem[] = [];
  const documents: YamlDocument[] = [];
  const parsed = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: false, logLevel: 'silent' });
  for (const document of 'empty' in parsed ? [] : parsed.slice(0, MAX_DOCUMENTS)) {
    for (const error of document.errors) {
      const [at] = error.linePos ?? [];
      const [what = ''] = error.message.split('\n', 1);
      const message = `no valid YAML: ${what.replace(/ at line \d+, column \d+:?$/, '')}`;
      problems.push(at ? { message, line: at.line, column: at.col } : { message });
    }
    if (document.errors.length > 0) continue;
    try {
      const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
      if (value === null || value === undefined) continue;
      documents.push({ value, lineOf: (path) => lineAt(document.contents as Node | null, path, lines) });
    } catch (error) {
      problems.push({ message: `cannot be read: ${(error as Error).message}` });
    }
  }
  if (parsed.length > MAX_DOCUMENTS)
    problems.push({ message: `has ${parsed.length} documents; the first ${MAX_DOCUMENTS} are read` });
  return { documents, problems };
}

function problem(message: string, line?: number) {
  return { documents: [], problems: [line === undefined ? { message } : { message, line }] };
}

function lineAt(root: Node | null, path: readonly (string | number)[], lines: LineCounter): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (!pair) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value;
    } else {
      const items: unknown = (node as { items?: unknown } | null)?.items;
      const item: unknown = Array.isArray(items) ? items[Number(step)] : undefined;
      if (item === undefined) break;
      node = item;
      offset = (item as Node).range?.[0] ?? offset;
    }
  }
  return lines.linePos(offset).line;
}
