import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Evaluator } from '../../src/firewall/evaluate.ts';
import type { Ruleset } from '../../src/model/ruleset.ts';
import type { ListedFile } from './observe.ts';

/** The engine under test: ours, or a copy of it that was broken on purpose. */
export interface Engine {
  readRuleset(files: readonly ListedFile[]): Ruleset;
  createEvaluator(ruleset: Ruleset): Evaluator;
}

export const OWN_SOURCE = join(import.meta.dirname, '../../src');

/** Loads the engine from a source tree. */
export async function loadEngine(source: string): Promise<Engine> {
  const load = (file: string) => import(pathToFileURL(join(source, 'firewall', file)).href);
  const { readRuleset } = (await load('read.ts')) as Pick<Engine, 'readRuleset'>;
  const { createEvaluator } = (await load('evaluate.ts')) as Pick<Engine, 'createEvaluator'>;
  return { readRuleset, createEvaluator };
}
