import type { z } from 'zod';
import type { RegisterProblem } from '../model/register.ts';
import type { LineIndex, YamlPath } from './positions.ts';
import { didYouMean } from './suggest.ts';
import { cut, type Read } from './times.ts';
import type { YamlPart } from './yaml-parts.ts';

/** Something wrong at a path of one YAML value; becomes a problem when it gets its position. */
export interface Issue {
  readonly severity?: 'warning';
  readonly path: YamlPath;
  readonly what?: 'key';
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

export function toProblem(issue: Issue, part: YamlPart, lines: LineIndex): RegisterProblem {
  return {
    severity: issue.severity ?? 'error',
    code: issue.code,
    message: issue.message,
    ...(issue.hint === undefined ? {} : { hint: issue.hint }),
    at: lines.position(part.locate(issue.path, issue.what ?? 'value')),
  };
}

/** Returns the value that was read, or records why it was not. `label` opens the message: `port: 70000 is not a port…`. */
export function take<T>(read: Read<T>, path: YamlPath, issues: Issue[], label: string = named(path)): T | undefined {
  if ('value' in read) return read.value;
  issues.push({ path, code: read.code, message: `${label}${read.message}`, hint: read.hint });
  return undefined;
}

/** The last key of a path as it opens a message. */
export function named(path: YamlPath): string {
  const key = path.findLast((step) => typeof step === 'string');
  return key === undefined ? '' : `${key}: `;
}

/** Turns what zod says into issues, with did-you-mean for keys and words. */
export function zodIssues(error: z.ZodError, schema: z.ZodType, value: unknown): Issue[] {
  return error.issues.flatMap((issue): Issue[] => {
    const path = issue.path.filter((step) => typeof step !== 'symbol');
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({
        path: [...path, key],
        what: 'key',
        code: 'unknown-key',
        message: `unknown key "${cut(key)}"`,
        hint: keyHint(key, knownKeys(schema, path)),
      }));
    const found = valueAt(value, path);
    const label = named(path);
    if (found === undefined)
      return [
        {
          path: path.slice(0, -1),
          code: 'missing-key',
          message: `${label}is missing`.replace(': ', ' '),
          hint: issue.message,
        },
      ];
    if (issue.code === 'invalid_value' && typeof found === 'string') {
      const hint = didYouMean(found, issue.values.map(String));
      return [{ path, code: 'bad-value', message: `${label}${issue.message}, not "${cut(found)}"`, hint }];
    }
    if (issue.code === 'invalid_union' && typeof found === 'string') {
      const words = issue.errors
        .flat()
        .flatMap((inner) => (inner.code === 'invalid_value' ? inner.values.map(String) : []));
      const hint = didYouMean(found, words);
      return [
        {
          path,
          code: words.length > 0 ? 'bad-value' : 'wrong-type',
          message: `${label}${issue.message}, not "${cut(found)}"`,
          hint,
        },
      ];
    }
    if (issue.code === 'invalid_key')
      return [
        { path, what: 'key', code: 'bad-key', message: `${label}${issue.issues[0]?.message ?? 'not a valid key'}` },
      ];
    return [
      {
        path,
        code: issue.code === 'too_big' ? 'too-long' : 'wrong-type',
        message: `${label}${issue.message}${not(found, issue.code)}`,
      },
    ];
  });
}

export function keyHint(key: string, known: readonly string[]): string {
  return didYouMean(key, known) ?? `known keys: ${known.join(', ')}`;
}

function not(found: unknown, code: string): string {
  if (code === 'too_big') return '';
  if (Array.isArray(found)) return ', not a list';
  if (found !== null && typeof found === 'object') return ', not a map';
  return `, not "${cut(String(found))}"`;
}

/** Keys that the schema knows at a path. */
function knownKeys(schema: z.ZodType, path: YamlPath): string[] {
  let at: unknown = schema;
  for (const step of path) {
    at = unwrap(at);
    const shape = shapeOf(at);
    if (shape) at = Object.hasOwn(shape, step) ? shape[step as string] : undefined;
    else at = elementOf(at);
  }
  return Object.keys(shapeOf(unwrap(at)) ?? {});
}

function unwrap(schema: unknown): unknown {
  let at = schema as { def?: { innerType?: unknown; options?: readonly unknown[] } } | undefined;
  while (at?.def?.innerType) at = at.def.innerType as typeof at;
  if (at?.def?.options)
    return unwrap(at.def.options.find((option) => shapeOf(unwrap(option)) ?? elementOf(unwrap(option))));
  return at;
}

function shapeOf(schema: unknown): Record<string, unknown> | undefined {
  return (schema as { def?: { shape?: Record<string, unknown> } } | undefined)?.def?.shape;
}

function elementOf(schema: unknown): unknown {
  const def = (schema as { def?: { element?: unknown; valueType?: unknown } } | undefined)?.def;
  return def?.element ?? def?.valueType;
}

function valueAt(value: unknown, path: YamlPath): unknown {
  let at = value;
  for (const step of path) {
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string | number, unknown>)[step];
  }
  return at;
}

/** Takes keys that are left blank (`purpose:` or `""`) out of a map, two levels deep: the same as not written. */
export function dropBlanks(value: unknown, depth = 2): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  const map = value as Readonly<Record<string, unknown>>;
  let changed = false;
  const kept: [string, unknown][] = [];
  for (const key of Object.keys(map)) {
    const member = map[key];
    const blank = member === null || (typeof member === 'string' && member.trim() === '');
    const cleaned = depth > 1 ? dropBlanks(member, depth - 1) : member;
    if (blank || cleaned !== member) changed = true;
    if (!blank) kept.push([key, cleaned]);
  }
  return changed ? Object.fromEntries(kept) : value;
}
