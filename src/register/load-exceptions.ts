import { formatPosition } from '../model/errors.ts';
import type { Exception, RegisterProblem } from '../model/register.ts';
import { compareBy } from '../util/compare.ts';
import { readException } from './exceptions.ts';
import type { MergedConfig } from './extends.ts';
import type { Layer, Loading } from './layers.ts';
import { indexLines } from './positions.ts';
import { didYouMean } from './suggest.ts';
import { itemsOf, parseYamlParts } from './yaml-parts.ts';

/** Reads the exceptions of all layers; the layer nearest to the workspace wins. Sorted by id. */
export function loadExceptions(
  layers: readonly Layer[],
  merged: MergedConfig,
  loading: Loading,
  now: number,
): Exception[] {
  const kept = new Map<string, { exception: Exception; layer: Layer }>();
  const { exceptionMaxDays: maxDays, approvers } = merged.policy;
  const limits = { maxDays, now, approvers };
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
      for (const part of itemsOf(yaml, 'exceptions')) readException(part, lines, limits, found, loading.problems);
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
      wrong('expected the key exceptions: with a list', section.start(), 'the file begins with the line exceptions:');
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
