import { formatAddress } from '../../src/model/address.ts';
import type { Bed } from './bed.ts';
import type { Engine } from './engine.ts';
import { ask, type Disagreement, traceOf } from './judge.ts';
import { type KernelCase, textOf } from './kernel-case.ts';
import { type ListedFile, list, load } from './observe.ts';
import type { Observation } from './run-case.ts';

/** All that somebody needs who looks into a disagreement. */
export async function describe(
  bed: Bed,
  engine: Engine,
  one: KernelCase,
  network: readonly ListedFile[],
  { probe, kind, engine: said, kernel }: Disagreement,
  count: number,
): Promise<string> {
  await load(bed, one, false);
  const files = await list(bed, one);
  const ruleset = engine.readRuleset([...files, ...network]);
  const { transport, source, sourcePort, destination, destinationPort, wire } = probe;
  const lines = [
    `--- disagreement (${kind}), one of ${count} with this ruleset; again: --mode ${one.mode} --seed ${one.seed} --rulesets 1`,
    `${transport} ${formatAddress(source)}:${sourcePort} -> ${formatAddress(destination)}:${destinationPort} on wire${wire}`,
    `the kernel ${kernel}; the engine: ${said}`,
  ];
  for (const part of ['ipset', 'iptables', 'ip6tables', 'nft'] as const)
    if (one[part].length > 0) lines.push(`${part}:`, textOf(one[part]).trimEnd());
  lines.push('trace of the engine:');
  try {
    const trace = traceOf(engine.createEvaluator(ruleset), probe);
    lines.push(`  ${trace.verdict}; completes: ${trace.completes}`);
    for (const step of trace.steps)
      lines.push(
        `  ${step.hook}: ${step.rule.chain} #${step.rule.position} ${step.rule.text}: ${step.effect}${step.certain ? '' : ' (perhaps)'}`,
      );
  } catch (error) {
    lines.push(`  ${error instanceof Error ? error.stack : error}`);
  }
  for (const note of ruleset.notes) lines.push(`note: ${note.text}: ${note.reason}`);
  for (const file of ruleset.files) if (file.incomplete) lines.push(`${file.name}: ${file.incomplete}`);
  return `${lines.join('\n')}\n---\n`;
}

/** Rules that leave an answer undecided, a line each. */
export function whyUndecided(engine: Engine, { files, groups }: Observation, one: KernelCase): string {
  const ruleset = engine.readRuleset(files);
  const evaluator = engine.createEvaluator(ruleset);
  const lines = new Set<string>();
  for (const { slice } of groups)
    for (const { rule, reason } of ask(evaluator, slice, true).undecided) lines.add(`${rule.text}: ${reason}`);
  for (const file of ruleset.files) if (file.incomplete) lines.add(`${file.name}: ${file.incomplete}`);
  return [...lines].map((line) => `undecided (${one.mode} ${one.seed}): ${line}\n`).join('');
}
