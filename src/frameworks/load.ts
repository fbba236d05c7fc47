import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import * as z from 'zod';
import { UserError } from '../model/errors.ts';
import type { ControlRef } from '../model/finding.ts';
import type { Framework } from '../model/framework.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { packageFile } from '../util/package-root.ts';

/** Every framework that comes with the program: the name of its file here, and its id in quietdoor.yaml. */
export const FRAMEWORK_IDS = ['nist-800-53-r5', 'iso-27001-2022', 'iso-27001-2013', 'hitrust-csf'] as const;

const controlSchema = z.strictObject({
  id: z.string().min(1),
  oscalId: z.string().min(1).optional(),
  title: z.string().min(1),
  baselines: z.array(z.string()).default([]),
  strength: z.array(z.enum(['primary', 'supporting', 'tool', 'weak'])).min(1),
  evidence: z.string().min(1),
  checks: z.array(z.string()).default([]),
  manual: z.string().min(1).optional(),
  note: z.string().min(1).optional(),
});

const frameworkSchema = z.strictObject({
  id: z.enum(FRAMEWORK_IDS),
  title: z.string().min(1),
  version: z.string().min(1),
  source: z.string().min(1),
  baselines: z.array(z.string()).default([]),
  defaultBaseline: z.string().optional(),
  legacy: z.boolean().optional(),
  controls: z.array(controlSchema).min(1),
  notApplicable: z
    .array(z.strictObject({ id: z.string().min(1), title: z.string().min(1), reason: z.string().min(1) }))
    .optional(),
});

/**
 * Returns the frameworks of the given ids, in the order given; without ids, every one that is not legacy.
 * Throws UserError for an id that does not exist.
 */
export function loadFrameworks(ids?: readonly string[]): readonly Framework[] {
  if (ids === undefined || ids.length === 0) return FRAMEWORK_IDS.map(loadFramework).filter((f) => !f.legacy);
  return [...new Set(ids)].map((id) => {
    const known = FRAMEWORK_IDS.find((k) => k === id);
    if (known === undefined)
      throw new UserError(`framework "${id}" is not known`, { hint: `Known are ${FRAMEWORK_IDS.join(', ')}.` });
    return loadFramework(known);
  });
}

const loaded = new Map<string, Framework>();

function loadFramework(id: (typeof FRAMEWORK_IDS)[number]): Framework {
  const known = loaded.get(id);
  if (known) return known;
  const file = packageFile(`src/frameworks/${id}.yaml`);
  const parsed = frameworkSchema.safeParse(load(readFileSync(file, 'utf8')));
  if (!parsed.success) throw new Error(`${file} is not a framework: ${z.prettifyError(parsed.error)}`);
  // The schema gives `undefined` for what is left out; the type says absent. The two are read alike.
  const framework = parsed.data as Framework;
  loaded.set(id, framework);
  return framework;
}

/**
 * Returns what gives the controls that a rule speaks to, in the order of the frameworks: those for which it is primary
 * evidence; in a framework without such a one, those that it supports. Weak links are left out.
 */
export function controlsOfRule(frameworks: readonly Framework[]): (rule: string) => readonly ControlRef[] {
  const known = new Map<string, readonly ControlRef[]>();
  const find = (rule: string) =>
    frameworks.flatMap((framework) => {
      const speaking = framework.controls.filter((c) => c.checks.includes(rule) && !c.strength.includes('weak'));
      const primary = speaking.filter((c) => c.strength.includes('primary'));
      return (primary.length > 0 ? primary : speaking).map((c) => ({ framework: framework.id, id: c.id }));
    });
  return (rule) => getOrMake(known, rule, () => find(rule));
}
