import { formatAddress } from '../../src/model/address.ts';
import type { Bed, ConnectTry } from './bed.ts';
import type { Engine } from './engine.ts';
import type { Probe } from './frames.ts';
import type { Disagreement, Group, Judgement } from './judge.ts';
import type { KernelCase } from './kernel-case.ts';
import { type ListedFile, list, load } from './observe.ts';
import { isOrdinary, pickSlices, pickSources, type Slice } from './probes.ts';
import { Random } from './random.ts';
import { judgeObservation, type Observation } from './run-case.ts';
import { PORTS } from './vocabulary.ts';

const SLICES = 10;
const SOURCES = 60;
/** With more kinds of ports than this, each source tries one of them. */
const MOST_CLASSES = 12;
const ACCEPTED = 4;
/** Seconds without any event after which the rest counts as dropped; and when in doubt. */
const PATIENCE = 0.12;
const LONG_PATIENCE = 1.8;

/** Real connections: the client's, the host's and the container's kernels open them, or do not. */
export async function runConnect(
  bed: Bed,
  engine: Engine,
  one: KernelCase,
  network: readonly ListedFile[],
): Promise<{ observation: Observation; judgement: Judgement }> {
  const random = new Random(one.seed ^ 0x5eed);
  const forwarding = one.mode === 'docker' || one.nft.some((line) => line.text.includes('hook forward'));
  const mode = forwarding ? 'forward' : 'connect';
  const slices = pickSlices(random, { ...one, mode }, SLICES).map((slice): Slice => ({ ...slice, transport: 'tcp' }));
  // rules for ports of servers may look at the client's port too, in answers
  const classes = portClasses([
    ...one.edges.sourcePorts,
    ...one.edges.ports,
    ...one.edges.ports.map((port) => port - 1),
  ]);
  const complete = classes.length <= MOST_CLASSES;
  // a client has one connection from an address and port at a time
  const used = new Set<string>();
  const isFree = (key: string) => !used.has(key) && used.add(key) !== null;
  const plans = slices.map((slice) => {
    const sources = pickSources(random, one.edges.sources, slice.destination.family, SOURCES).filter(isElsewhere);
    const chosen = complete
      ? sources.filter((source) => isFree(formatAddress(source))).slice(0, Math.ceil(SOURCES / classes.length))
      : sources;
    const ports = () => (complete ? classes : [random.pick(classes)]);
    const probes = chosen.flatMap((source) =>
      ports().map(({ from, to }): Probe => ({ ...slice, source, sourcePort: random.between(from, to) })),
    );
    if (complete) return { slice, probes };
    return { slice, probes: probes.filter((probe) => isFree(`${formatAddress(probe.source)} ${probe.sourcePort}`)) };
  });
  await bed.listen([...new Set([...PORTS, ...slices.map((slice) => slice.destinationPort), ...one.edges.ports])]);
  await prepare(bed, one);
  const files = [...(await list(bed, one)), ...network];
  const groups: Group[] = [];
  const probes = plans.flatMap((plan) => plan.probes);
  const results = await bed.connect(probes.map(tryOf), PATIENCE);
  let at = 0;
  for (const { slice, probes } of plans)
    groups.push({
      slice,
      probes: probes.flatMap((probe) => {
        const result = results[at++] as number;
        return result < 0 ? [] : [{ probe, passed: (result & ACCEPTED) !== 0, as: null }];
      }),
    });
  const observation: Observation = { files, aspect: 'completes', complete, groups };
  const judgement = judgeObservation(engine, observation);
  const disagreements: Disagreement[] = [];
  for (const found of judgement.disagreements) {
    // a busy machine answers late
    const [result = 0] = await bed.connect([tryOf(found.probe)], LONG_PATIENCE);
    const passed = (result & ACCEPTED) !== 0;
    if (passed === (found.kernel === 'lets it in')) disagreements.push(found);
    if (disagreements.length >= 5) break;
  }
  // or packets of later rulesets would belong to them
  await forgetConnections(bed);
  return { observation, judgement: { ...judgement, disagreements } };
}

/** Loads the rules, and forgets connections made under those before. */
async function prepare(bed: Bed, one: KernelCase): Promise<void> {
  await load(bed, one, false);
  await forgetConnections(bed);
}

async function forgetConnections(bed: Bed): Promise<void> {
  const done = await bed.run(['conntrack', '-F']);
  if (done.status !== 0) throw new Error(`conntrack: ${done.err}`);
}

export async function stillBlocksOrOpens(
  bed: Bed,
  engine: Engine,
  one: KernelCase,
  network: readonly ListedFile[],
  sought: Disagreement,
): Promise<boolean> {
  await prepare(bed, one);
  const files = [...(await list(bed, one)), ...network];
  const { probe } = sought;
  const [result = 0] = await bed.connect([tryOf(probe)], PATIENCE * 3);
  await forgetConnections(bed);
  const { source: _s, sourcePort: _p, ...slice } = probe;
  const group = { slice, probes: [{ probe, passed: (result & ACCEPTED) !== 0, as: null }] };
  const observation: Observation = { files, aspect: 'completes', complete: false, groups: [group] };
  return judgeObservation(engine, observation).disagreements.length > 0;
}

/** Addresses that the client may use: not those that the host itself would look for on a wire. */
function isElsewhere(source: Probe['source']): boolean {
  if (!isOrdinary(source)) return false;
  if (source.family === 'ipv4') {
    const top = source.value >>> 8;
    return top !== 0x0a4d00 && top !== 0x0a4e00 && source.value >>> 16 !== 0xac11;
  }
  return ![0xfd77n, 0xfd78n, 0xfd17n].includes(source.value >> 112n);
}

/** Ports of the client that rules tell apart; 0 is none that a socket can have. */
function portClasses(edges: readonly number[]): Array<{ from: number; to: number }> {
  const starts = [...new Set([1, ...edges.map((port) => port + 1)])].filter((port) => port >= 1 && port <= 65535);
  starts.sort((a, b) => a - b);
  return starts.map((from, i) => ({ from, to: (starts[i + 1] ?? 65536) - 1 }));
}

function tryOf(probe: Probe): ConnectTry {
  return [
    formatAddress(probe.source),
    probe.sourcePort,
    formatAddress(probe.destination),
    probe.destinationPort,
    probe.wire,
  ];
}
