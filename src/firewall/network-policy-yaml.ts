import { isMap, isScalar, LineCounter, type Node, parseAllDocuments, type ScalarTag } from 'yaml';
import { lineThatNestsTooDeep } from '../util/nesting.ts';

/** One object of a YAML or JSON stream, with the line it begins at. */
export interface ManifestObject {
  readonly value: unknown;
  readonly line: number;
}

export interface ManifestStream {
  readonly objects: readonly ManifestObject[];
  /** Documents that could not be read. */
  readonly problems: ReadonlyArray<{ readonly message: string; readonly line: number }>;
}

/** JSON has no lines to tell and is fast; YAML with positions is about 1 MB/s. */
const MAX_JSON = 64 * 1024 * 1024;
const MAX_YAML = 16 * 1024 * 1024;
const MAX_DOCUMENTS = 20_000;
const MAX_DEPTH = 100;
/** Aliases that may be expanded, so that a small file cannot become a large one. */
const MAX_ALIASES = 1_000;

/**
 * What kubectl reads in another way than YAML 1.2 does, as YAML 1.1 did (besides `<<`, which merges maps): a port `026`
 * is 22 to it, and `hostNetwork: yes` is true.
 */
const AS_KUBECTL: ScalarTag[] = [
  {
    ...{ tag: 'tag:yaml.org,2002:int', default: true, test: /^[-+]?0[0-7_]+$/ },
    resolve: (text) => Number.parseInt(text.replaceAll('_', ''), 8),
  },
  {
    ...{ tag: 'tag:yaml.org,2002:int', default: true, test: /^[-+]?[1-9][0-9]*_[0-9_]*$/ },
    resolve: (text) => Number(text.replaceAll('_', '')),
  },
  {
    ...{ tag: 'tag:yaml.org,2002:int', default: true, test: /^0b[01_]+$/ },
    resolve: (text) => Number.parseInt(text.slice(2).replaceAll('_', ''), 2),
  },
  {
    ...{ tag: 'tag:yaml.org,2002:bool', default: true, test: /^(?:y|Y|yes|Yes|YES|on|On|ON)$/ },
    resolve: () => true,
  },
];

/** Reads Kubernetes objects: several YAML documents, JSON, and lists of either, which are taken apart. */
export function readManifests(text: string): ManifestStream {
  if (/^\s*\{/.test(text)) {
    if (text.length > MAX_JSON) return refused(`it is ${text.length} characters long; at most ${MAX_JSON} are read`);
    try {
      return { objects: apart([{ value: JSON.parse(text) as unknown, lineOf: () => 1 }]), problems: [] };
    } catch (error) {
      // Flow mappings and several documents of JSON are YAML.
      if (text.length > MAX_YAML) return refused(`it is no whole JSON: ${(error as Error).message}`);
    }
  }
  if (text.length > MAX_YAML) return refused(`it is ${text.length} characters long; at most ${MAX_YAML} are read`);
  const deep = lineThatNestsTooDeep(text, MAX_DEPTH);
  if (deep !== null) return refused(`it nests more than ${MAX_DEPTH} levels deep`, deep);
  const lines = new LineCounter();
  const problems: { message: string; line: number }[] = [];
  const found: Document[] = [];
  const parsed = parseAllDocuments(text, {
    ...{ lineCounter: lines, uniqueKeys: true, logLevel: 'silent' },
    ...{ merge: true, customTags: (tags) => [...AS_KUBECTL, ...tags] },
  });
  for (const document of 'empty' in parsed ? [] : parsed.slice(0, MAX_DOCUMENTS)) {
    const [error] = document.errors;
    if (error) {
      const line = error.linePos?.[0].line ?? 1;
      problems.push({ message: `no valid YAML: ${error.message.split(/ at line |\n/, 1)[0]}`, line });
      continue;
    }
    const root = document.contents as Node | null;
    try {
      const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
      if (value !== null && value !== undefined) found.push({ value, lineOf: (item) => lineOf(root, item, lines) });
    } catch (error) {
      problems.push({ message: (error as Error).message, line: lineOf(root, null, lines) });
    }
  }
  if (parsed.length > MAX_DOCUMENTS)
    problems.push({ message: `it has ${parsed.length} documents; ${MAX_DOCUMENTS} are read`, line: 1 });
  return { objects: apart(found), problems };
}

interface Document {
  readonly value: unknown;
  /** Line of an item of the list that the document is; null: of the document. */
  lineOf(item: number | null): number;
}

function refused(message: string, line = 1): ManifestStream {
  return { objects: [], problems: [{ message, line }] };
}

/** `List`, `PodList`, `NetworkPolicyList`: what `kubectl get` prints of several objects. */
function apart(documents: readonly Document[]): ManifestObject[] {
  return documents.flatMap(({ value, lineOf }) => {
    const { kind, items } = (typeof value === 'object' ? value : {}) as { kind?: unknown; items?: unknown };
    if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items))
      return [{ value, line: lineOf(null) }];
    // Items of a typed list carry no kind of their own where the API server wrote it.
    const ownKind = kind === 'List' ? undefined : kind.slice(0, -'List'.length);
    return items.map((item: unknown, i) => {
      const isBare = ownKind !== undefined && item !== null && typeof item === 'object' && !('kind' in item);
      return { value: isBare ? { kind: ownKind, ...item } : item, line: lineOf(i) };
    });
  });
}

function lineOf(root: Node | null, item: number | null, lines: LineCounter): number {
  let offset = root?.range?.[0] ?? 0;
  if (item !== null && isMap(root)) {
    const items = root.items.find(({ key }) => isScalar(key) && key.value === 'items')?.value as
      | { items?: readonly Node[] }
      | null
      | undefined;
    offset = items?.items?.[item]?.range?.[0] ?? offset;
  }
  return lines.linePos(offset).line;
}
