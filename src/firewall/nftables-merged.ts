import type { Condition, Step } from '../model/ruleset.ts';
import { mapOf } from './untrusted.ts';

/** Comparisons that nft may have made one: numbers of statements, and what each of them says. */
export interface MergedComparisons {
  readonly last: number;
  /** What is compared, for messages. */
  readonly what: string;
  readonly said: Condition[];
}

const TRANSPORT = new Set(['tcp', 'udp', 'th', 'sctp', 'dccp', 'udplite']);

/**
 * Finds `!=` comparisons of fields that may lie side by side. nft (1.0.6, stmt_reduce) loads such fields at once: `tcp sport
 * != 1024 tcp dport != 80` becomes "not both 1024 and 80", and is listed as it was written.
 */
export function perhapsMerged(statements: readonly unknown[]): ReadonlyMap<number, MergedComparisons> {
  const found = new Map<number, MergedComparisons>();
  let groups = new Map<string, { places: number[]; fields: Set<string> }>();
  const close = () => {
    for (const [base, { places, fields }] of groups) {
      const last = places.at(-1);
      if (fields.size < 2 || last === undefined) continue;
      const group: MergedComparisons = { last, what: base === 'transport' ? 'both ports' : 'two fields', said: [] };
      for (const place of places) found.set(place, group);
    }
    groups = new Map();
  };
  statements.forEach((statement, i) => {
    const { match } = mapOf(statement);
    if (match === undefined) close();
    const field = fieldOf(match);
    if (field === null) return;
    const group = groups.get(field.base) ?? { places: [], fields: new Set() };
    groups.set(field.base, group);
    group.places.push(i);
    group.fields.add(field.name);
  });
  close();
  return found;
}

/** Field that is compared with one value by `!=`, and its header; null: it is another kind of test. */
function fieldOf(match: unknown): { readonly base: 'transport' | 'network'; readonly name: string } | null {
  const { op, left, right } = mapOf(match);
  const { protocol, field } = mapOf(mapOf(left).payload);
  if (
    op !== '!=' ||
    typeof protocol !== 'string' ||
    typeof field !== 'string' ||
    (typeof right !== 'number' && typeof right !== 'string')
  )
    return null;
  if (typeof right === 'string' && right.startsWith('@')) return null;
  if (TRANSPORT.has(protocol)) return { base: 'transport', name: field };
  // two addresses are longer than the four bytes that are loaded at once (payload_can_merge)
  if (field === 'saddr' || field === 'daddr') return null;
  return protocol === 'ip' || protocol === 'ip6' ? { base: 'network', name: field } : null;
}

/** Steps of one of the comparisons: each of them may hold or not, and one of them surely does. */
export function withMerged(
  steps: readonly Step[],
  { last, what, said }: MergedComparisons,
  place: number,
): readonly Step[] {
  const conditions = steps.flatMap((step) => (step.kind === 'match' ? [step.condition] : []));
  said.push({ kind: 'all', of: conditions });
  const unknown: Condition = {
    kind: 'unknown',
    reason: `nft may list one comparison of ${what} as two`,
  };
  const open = steps.map(
    (step): Step =>
      step.kind === 'match' ? { ...step, condition: { kind: 'any', of: [step.condition, unknown] } } : step,
  );
  return place === last ? [...open, { kind: 'match', condition: { kind: 'any', of: [...said] } }] : open;
}
