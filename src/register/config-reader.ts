import type { z } from 'zod';
import type { SourcePosition } from '../model/errors.ts';
import type { RegisterProblem } from '../model/register.ts';
import { compareText } from '../util/compare.ts';
import type { ConfigInput } from './config-schema.ts';
import { dropBlanks, type Issue, named, toProblem, zodIssues } from './issues.ts';
import type { LineIndex, YamlPath } from './positions.ts';
import type { YamlPart } from './yaml-parts.ts';

/** Something that a config says, and where. */
export interface Said<T> {
  readonly value: T;
  readonly at: SourcePosition;
}

export type Key = keyof ConfigInput;

/** Hands out validated values of the config by path and collects the problems. */
export class ConfigReader {
  readonly #parts: ReadonlyMap<string, YamlPart>;
  readonly #lines: LineIndex;
  readonly #problems: RegisterProblem[];

  constructor(parts: ReadonlyMap<string, YamlPart>, lines: LineIndex, problems: RegisterProblem[]) {
    this.#parts = parts;
    this.#lines = lines;
    this.#problems = problems;
  }

  /** The value under a top-level key as it is written, blanks taken out. */
  raw(key: Key): unknown {
    const whole = this.#parts.get(key)?.value as Record<string, unknown> | undefined;
    return whole === undefined ? undefined : (dropBlanks({ value: whole[key] }, 3) as { value?: unknown }).value;
  }

  at(path: YamlPath): SourcePosition {
    const part = this.#parts.get(String(path[0]));
    return this.#lines.position(part ? part.locate(path, 'key') : 0);
  }

  report(issues: readonly Issue[], path: YamlPath): void {
    const part = this.#parts.get(String(path[0]));
    if (!part) return;
    for (const issue of issues)
      this.#problems.push(toProblem({ ...issue, path: [...path, ...issue.path] }, part, this.#lines));
  }

  /** Validates the value at a path, and understands it; undefined when anything is wrong (which is then recorded). */
  value<T, U>(
    path: YamlPath,
    raw: unknown,
    schema: z.ZodType<T>,
    understand: (value: T, issues: Issue[]) => U,
  ): U | undefined {
    const parsed = schema.safeParse(raw);
    if (!parsed.success) {
      this.report(labelled(zodIssues(parsed.error, schema, raw), path), path);
      return undefined;
    }
    const issues: Issue[] = [];
    const understood = understand(parsed.data, issues);
    this.report(labelled(issues, path), path);
    return issues.length > 0 ? undefined : understood;
  }

  /** Items of a list under a top-level key, blanks taken out of each. */
  items(key: Key, schema: z.ZodType): [number, unknown][] {
    const raw = this.raw(key);
    if (Array.isArray(raw)) return [...raw.entries()].map(([i, item]) => [i, dropBlanks(item)]);
    if (raw !== undefined) this.value([key], raw, schema, () => null);
    return [];
  }

  /** Members of a map under a top-level key. */
  members(key: Key): [string, unknown][] {
    const raw = this.raw(key);
    if (raw === undefined) return [];
    if (raw !== null && typeof raw === 'object' && !Array.isArray(raw)) return Object.entries(raw);
    this.report([{ path: [], code: 'wrong-type', message: `${key}: expected a map of keys and values` }], [key]);
    return [];
  }
}

/** Opens a message with the key it is about, where it does not yet. */
function labelled(issues: readonly Issue[], path: YamlPath): Issue[] {
  return issues.map((issue) =>
    issue.path.some((step) => typeof step === 'string')
      ? issue
      : { ...issue, message: `${named(path)}${issue.message}` },
  );
}

export function list(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}

export function sorted(value: string | readonly string[] | undefined): string[] {
  return [...new Set(list(value).map((item) => item.trim()))].sort(compareText);
}
