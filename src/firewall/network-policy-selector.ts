import { listOf, mapOf, shown, textOf } from './untrusted.ts';

export type Labels = ReadonlyMap<string, string>;

/** Label that the API server sets on every namespace: known also where the namespace's object is not given. */
export const NAME_LABEL = 'kubernetes.io/metadata.name';

export interface Selector {
  /** Says whether labels match; null: that hangs on labels that are not known. `whole`: no other labels exist. */
  matches(labels: Labels, whole: boolean): boolean | null;
  /** Names that a namespace must have; null: any. */
  readonly names: ReadonlySet<string> | null;
  /** `app=web,tier in (a, b)`; empty: everything. */
  readonly text: string;
}

interface Requirement {
  readonly key: string;
  readonly text: string;
  test(label: string | undefined): boolean;
  readonly values: ReadonlySet<string> | null;
}

/**
 * Reads a label selector (Kubernetes API reference, LabelSelector): every requirement must hold, and one without any
 * matches everything. Returns a text where the API server would refuse it.
 */
export function readSelector(value: unknown): Selector | string {
  const { matchLabels, matchExpressions } = mapOf(value);
  const requirements: Requirement[] = [];
  for (const [key, wanted] of Object.entries(mapOf(matchLabels))) {
    if (typeof wanted !== 'string' && typeof wanted !== 'number' && typeof wanted !== 'boolean')
      return `label ${shown(key)} is no text`;
    const text = String(wanted);
    requirements.push({ key, text: `${key}=${text}`, test: (label) => label === text, values: new Set([text]) });
  }
  for (const item of listOf(matchExpressions)) {
    const requirement = readExpression(mapOf(item));
    if (typeof requirement === 'string') return requirement;
    requirements.push(requirement);
  }
  const named = requirements.find(({ key, values }) => key === NAME_LABEL && values !== null);
  return {
    names: named?.values ?? null,
    text: requirements.map(({ text }) => text).join(','),
    matches(labels, whole) {
      let isOpen = false;
      for (const { key, test } of requirements) {
        if (!whole && !labels.has(key) && key !== NAME_LABEL) isOpen = true;
        else if (!test(labels.get(key))) return false;
      }
      return isOpen ? null : true;
    },
  };
}

function readExpression(expression: Readonly<Record<string, unknown>>): Requirement | string {
  const key = textOf(expression.key);
  if (key === null) return 'an expression has no key';
  const operator = textOf(expression.operator);
  const values = new Set(listOf(expression.values).map(String));
  const list = `(${[...values].join(', ')})`;
  if ((operator === 'In' || operator === 'NotIn') && values.size === 0) return `${operator} of ${key} has no values`;
  switch (operator) {
    case 'In':
      return { key, text: `${key} in ${list}`, test: (l) => l !== undefined && values.has(l), values };
    case 'NotIn':
      // A missing label is in no list, so it is not in this one either.
      return { key, text: `${key} notin ${list}`, test: (l) => l === undefined || !values.has(l), values: null };
    case 'Exists':
      return { key, text: key, test: (label) => label !== undefined, values: null };
    case 'DoesNotExist':
      return { key, text: `!${key}`, test: (label) => label === undefined, values: null };
    default:
      return `operator ${shown(expression.operator)} is not one`;
  }
}
