import type { Evaluator } from '../../src/firewall/evaluate.ts';
import type { Admission, Witness } from '../../src/model/admission.ts';
import type { Bed } from './bed.ts';
import type { Engine } from './engine.ts';
import type { Probe } from './frames.ts';
import { ask, type Disagreement, type Group, type Judgement, judge, judgePaths, probeOfWitness } from './judge.ts';
import type { KernelCase } from './kernel-case.ts';
import { type ListedFile, list, load, observe, type Passed } from './observe.ts';
import { isOrdinary, pickSlices, pickSourcePorts, pickSources, probesOf, type Slice } from './probes.ts';
import { Random } from './random.ts';

/** What the kernel did with a ruleset: all that is needed to judge an engine, with or without a kernel. */
export interface Observation {
  readonly files: readonly ListedFile[];
  readonly aspect: 'admitted' | 'completes';
  /** The probes of a group try every kind of source port. */
  readonly complete: boolean;
  readonly groups: readonly Group[];
}

export const NOTHING: Judgement = { verdicts: 0, undecided: 0, admitted: 0, disagreements: [] };

export function add(a: Judgement, b: Judgement): Judgement {
  return {
    verdicts: a.verdicts + b.verdicts,
    undecided: a.undecided + b.undecided,
    admitted: a.admitted + b.admitted,
    disagreements: [...a.disagreements, ...b.disagreements],
  };
}

/** Compares an engine with what the kernel did. */
export function judgeObservation(engine: Engine, { files, aspect, complete, groups }: Observation): Judgement {
  const evaluator = engine.createEvaluator(engine.readRuleset(files));
  return groups.map((group) => judge(evaluator, group, aspect, complete)).reduce(add, NOTHING);
}

const SLICES = 14;
const PROBES = 1200;
/** One slice in so many is also asked for its paths and witnesses. */
const EXPLAINED = 4;

/** Loads a ruleset, sends packets, and says what became of them; the engine is asked for witnesses before. */
export async function runRaw(
  bed: Bed,
  engine: Engine,
  one: KernelCase,
  network: readonly ListedFile[],
): Promise<{ observation: Observation; judgement: Judgement }> {
  await load(bed, one, true);
  const files = [...(await list(bed, one)), ...network];
  const evaluator = engine.createEvaluator(engine.readRuleset(files));
  const random = new Random(one.seed ^ 0x5eed);
  const plans = planGroups(random, one);
  const explained = plans
    .filter((_, i) => i % EXPLAINED === 0)
    .map((plan) => ({ plan, admission: ask(evaluator, plan.slice, true) }));
  const witnesses = explained.flatMap(({ plan, admission }) => usable(admission, plan.slice));
  const probes = plans.flatMap((plan) => plan.probes);
  const passed = await observe(bed, [...probes, ...witnesses.map((one) => one.probe)]);
  const groups = group(plans, passed);
  const observation: Observation = { files, aspect: 'admitted', complete: true, groups };
  const byAnswer = judgeAll(evaluator, observation);
  const byPath = explained.flatMap(({ plan, admission }) =>
    judgePaths(admission, groups[plans.indexOf(plan)] as Group),
  );
  const byWitness = witnesses.flatMap(({ probe, verdict }, i) => {
    const came = passed[probes.length + i] !== null;
    if (verdict === 'undecided' || (verdict === 'admitted') === came) return [];
    return [{ probe, kind: 'witness', engine: verdict, kernel: came ? 'lets it in' : 'does not let it in' }];
  });
  return {
    observation,
    judgement: add(byAnswer, { ...NOTHING, verdicts: witnesses.length, disagreements: [...byPath, ...byWitness] }),
  };
}

function judgeAll(evaluator: Evaluator, { aspect, complete, groups }: Observation): Judgement {
  return groups.map((group) => judge(evaluator, group, aspect, complete)).reduce(add, NOTHING);
}

interface Plan {
  readonly slice: Slice;
  readonly probes: readonly Probe[];
}

function planGroups(random: Random, one: KernelCase): Plan[] {
  const ports = pickSourcePorts(random, one.edges.sourcePorts);
  const slices = pickSlices(random, one, SLICES);
  const each = Math.max(6, Math.floor(PROBES / SLICES / ports.length));
  return slices.map((slice) => ({
    slice,
    probes: probesOf(slice, pickSources(random, one.edges.sources, slice.destination.family, each), ports),
  }));
}

function group(plans: readonly Plan[], passed: ReadonlyArray<Passed | null>): Group[] {
  let at = 0;
  return plans.map(({ slice, probes }) => ({
    slice,
    probes: probes.map((probe) => {
      const as = passed[at++] ?? null;
      return { probe, passed: as !== null, as };
    }),
  }));
}

/** Witnesses that can be sent: routing would stop the others whatever the packet filter says. */
function usable(admission: Admission, slice: Slice): Array<{ probe: Probe; verdict: Witness['verdict'] }> {
  return admission.witnesses
    .map((witness) => ({ probe: probeOfWitness(witness, slice), verdict: witness.verdict }))
    .filter(({ probe }) => isOrdinary(probe.source) && probe.source.family === probe.destination.family);
}

/** Says whether the same probe still shows a disagreement of the same kind with a smaller ruleset. */
export async function stillDisagrees(
  bed: Bed,
  engine: Engine,
  one: KernelCase,
  network: readonly ListedFile[],
  sought: Disagreement,
): Promise<boolean> {
  await load(bed, one, true);
  const files = [...(await list(bed, one)), ...network];
  const { probe } = sought;
  const passed = await observe(bed, [probe]);
  const as = passed[0] ?? null;
  const evaluator = engine.createEvaluator(engine.readRuleset(files));
  const { source: _s, sourcePort: _p, ...slice } = probe;
  const one_ = { slice, probes: [{ probe, passed: as !== null, as }] };
  if (sought.kind === 'path') return judgePaths(ask(evaluator, slice, true), one_).length > 0;
  const complete = one.edges.sourcePorts.length === 0;
  return judge(evaluator, one_, 'admitted', complete).disagreements.length > 0;
}
