import type { Evaluator } from '../../src/firewall/evaluate.ts';
import { formatAddress } from '../../src/model/address.ts';
import { has } from '../../src/model/address-set.ts';
import type { AddressBounds, Admission, AdmissionPath, Witness } from '../../src/model/admission.ts';
import type { Probe } from './frames.ts';
import type { Passed } from './observe.ts';
import type { Slice } from './probes.ts';

/** A probe where engine and kernel say different things. */
export interface Disagreement {
  readonly probe: Probe;
  /** `trace`, `admission`, `witness`... */
  readonly kind: string;
  readonly engine: string;
  readonly kernel: string;
}

export interface Judgement {
  readonly verdicts: number;
  readonly undecided: number;
  readonly admitted: number;
  readonly disagreements: readonly Disagreement[];
}

/** Probes of one slice; all of them together try every kind of source port. */
export interface Group {
  readonly slice: Slice;
  readonly probes: ReadonlyArray<{ readonly probe: Probe; readonly passed: boolean; readonly as: Passed | null }>;
}

/** Which of the two answers is compared: whether a new connection is let in, or whether it completes. */
export type Aspect = 'admitted' | 'completes';

export function ask(evaluator: Evaluator, slice: Slice, explain: boolean): Admission {
  return evaluator.admission({
    transport: slice.transport,
    port: slice.destinationPort,
    addresses: [slice.destination],
    iif: `wire${slice.wire}`,
    scope: 'host',
    view: 'client',
    explain,
  });
}

export function traceOf(evaluator: Evaluator, probe: Probe) {
  const { wire, ...packet } = probe;
  return evaluator.trace({ ...packet, iif: `wire${wire}`, scope: 'host' });
}

/**
 * Compares a group. Every probe is compared with what the engine says of just that packet, and with the sets that it
 * gives for the port: let in by the kernel means in the upper set; never let in, by any source port, means not in the
 * lower one.
 */
export function judge(evaluator: Evaluator, group: Group, aspect: Aspect, complete: boolean): Judgement {
  const disagreements: Disagreement[] = [];
  let undecided = 0;
  let admitted = 0;
  const report = (probe: Probe, kind: string, engine: string, passed: boolean) =>
    disagreements.push({ probe, kind, engine, kernel: passed ? 'lets it in' : 'does not let it in' });
  const bounds: AddressBounds = ask(evaluator, group.slice, false)[aspect];
  const sources = new Map<string, { probe: Probe; passed: boolean }>();
  for (const { probe, passed } of group.probes) {
    if (passed) admitted++;
    const trace = traceOf(evaluator, probe);
    const verdict = aspect === 'admitted' ? trace.verdict : trace.completes;
    if (verdict === 'undecided') undecided++;
    else if ((verdict === 'admitted') !== passed) report(probe, 'trace', verdict, passed);
    if (passed && !has(bounds.upper, probe.source)) report(probe, 'admission', 'not in the upper set', passed);
    const key = formatAddress(probe.source);
    const sofar = sources.get(key);
    sources.set(key, { probe, passed: passed || sofar?.passed === true });
  }
  if (complete)
    for (const { probe, passed } of sources.values())
      if (!passed && has(bounds.lower, probe.source)) report(probe, 'admission', 'in the lower set', passed);
  return { verdicts: group.probes.length, undecided, admitted, disagreements };
}

/** Compares where packets ended with the paths that the engine names. */
export function judgePaths(admission: Admission, group: Group): Disagreement[] {
  const found: Disagreement[] = [];
  for (const { probe, as } of group.probes) {
    if (as === null) continue;
    const known = admission.paths.some((path) => isWay(path, probe, as));
    if (known) continue;
    const paths = admission.paths.map(
      ({ deliveredTo: to }) =>
        `${to.address === null ? 'any' : formatAddress(to.address)} ${to.port} ${to.local ? 'here' : 'sent on'}`,
    );
    found.push({
      probe,
      kind: 'path',
      engine: `delivers to ${paths.join(', ') || 'nowhere'}`,
      kernel: `delivers to ${as.destination} ${as.port} ${as.sentOn ? 'sent on' : 'here'}`,
    });
  }
  return found;
}

/** Says whether a packet went the way that a path of the engine names. */
function isWay({ deliveredTo: to, by }: AdmissionPath, probe: Probe, as: Passed): boolean {
  // where it is not known what a rule rewrites it to, the path names nothing
  if (by !== null && to.address === null && to.port === 0) return true;
  // of several ports that may be chosen, the path names the first
  const isPort = to.port === as.port || (to.port < as.port && /:\d+-\d+/.test(by?.text ?? ''));
  if (!isPort || to.local === as.sentOn) return false;
  if (to.address !== null) return formatAddress(to.address) === as.destination;
  return as.destination === formatAddress(probe.destination) || !as.sentOn;
}

/** The packet that a witness of the engine describes. */
export function probeOfWitness(witness: Witness, slice: Slice): Probe {
  return {
    transport: slice.transport,
    source: witness.source,
    sourcePort: witness.sourcePort,
    destination: witness.destination ?? slice.destination,
    destinationPort: witness.destinationPort,
    wire: witness.iif === 'wire1' ? 1 : witness.iif === 'wire0' ? 0 : slice.wire,
  };
}
