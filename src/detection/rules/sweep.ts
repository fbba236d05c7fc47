import { ACTION, BUCKET_SECONDS } from '../../model/flow.ts';
import type { Parameters } from '../parameters.ts';

/** A port that a source came to for the first time. */
export interface FirstVisit {
  readonly source: number;
  /** UTC seconds. */
  readonly bucket: number;
  readonly destination: string;
  readonly protocol: number;
  readonly port: number;
  readonly action: number;
  readonly connections: number;
  readonly packets: number;
  readonly bytes: number;
}

/** One source that came to many ports within ten minutes, none of which it used before. */
export interface Sweep {
  readonly source: number;
  /** UTC seconds: first bucket, end of the last. */
  readonly from: number;
  readonly to: number;
  /** UTC seconds: when it was plain that it is one. */
  readonly raised: number;
  readonly ports: number;
  /** Some of them, first ones first. */
  readonly visits: readonly FirstVisit[];
  readonly refused: number;
}

/** Visits that are remembered of one source; what comes after is part of a sweep that is told anyway. */
const MOST_REMEMBERED = 2_000;
/** Buckets that may lie between two parts of one sweep. */
const PAUSE = 12;

/** Collects first visits of one run, by source. Bounded. */
export interface FirstVisits {
  readonly bySource: Map<number, FirstVisit[]>;
}

export function noteFirstVisit({ bySource }: FirstVisits, visit: FirstVisit): void {
  const before = bySource.get(visit.source);
  if (!before) bySource.set(visit.source, [visit]);
  else if (before.length < MOST_REMEMBERED) before.push(visit);
}

/**
 * Finds the sweeps: a source and a port are noted once, so visits are ports. `ports`: how many the estate has; in a small
 * one, half of them are many.
 */
export function sweepsOf({ bySource }: FirstVisits, ports: number, parameters: Parameters): Sweep[] {
  const least = Math.min(parameters.sweepPorts, Math.max(8, Math.ceil(ports / 2)));
  return [...bySource.values()].filter((all) => all.length >= least).flatMap((all) => sweepsOfSource(all, least));
}

function sweepsOfSource(all: readonly FirstVisit[], least: number): Sweep[] {
  const visits = all.toSorted((a, b) => a.bucket - b.bucket);
  const found: Sweep[] = [];
  for (const part of runsOf(visits)) {
    const raised = raisedAt(part, least);
    const [first, last] = [part[0], part.at(-1)];
    if (raised === null || !first || !last) continue;
    const refused = part.filter((v) => v.action === ACTION.denied).length;
    const to = last.bucket + BUCKET_SECONDS;
    found.push({ source: first.source, from: first.bucket, to, raised, ports: part.length, visits: part, refused });
  }
  return found;
}

/** Visits without a pause of an hour between them. */
function runsOf(visits: readonly FirstVisit[]): FirstVisit[][] {
  const runs: FirstVisit[][] = [];
  let last: FirstVisit | null = null;
  for (const visit of visits) {
    if (last && visit.bucket - last.bucket <= PAUSE * BUCKET_SECONDS) runs.at(-1)?.push(visit);
    else runs.push([visit]);
    last = visit;
  }
  return runs;
}

/** End of the first ten minutes with so many ports; null: there are none. */
function raisedAt(visits: readonly FirstVisit[], least: number): number | null {
  for (let end = least - 1; end < visits.length; end++) {
    const last = (visits[end] as FirstVisit).bucket;
    if (last - (visits[end - least + 1] as FirstVisit).bucket <= BUCKET_SECONDS) return last + BUCKET_SECONDS;
  }
  return null;
}
