import type { Observation } from '../model/observation.ts';
import type { CandidateMemory } from './linux/candidates.ts';

export interface CollectorOptions {
  /** Name to give the host; default: the machine's own. */
  readonly hostName?: string;
  /** Hash the binaries (cached by inode and mtime). */
  readonly hashes: boolean;
  /** Root of the file system to read, `/` in production; tests give a captured tree. */
  readonly root: string;
  /**
   * Look up what package managers offer for the packages behind listeners, and remember it here. Absent: do not look,
   * since reading the lists of a distribution takes longer than the snapshot.
   */
  readonly candidates?: CandidateMemory;
  /** UTC milliseconds. */
  readonly now: () => number;
}

/** A look at some of the network namespaces, where a machine has more than one look may cost. */
export interface RoundOptions {
  /** No further namespace is read once reading took so long. The host's own and one more are read in any case. */
  readonly budgetMs: number;
  /** Scopes that something happened in: they are read first. Those that were read longest ago follow. */
  readonly first: ReadonlySet<string>;
}

/** A discovery source. `id` of the observation is given by the caller. */
export interface Collector {
  readonly name: string;
  collect(options: CollectorOptions): Promise<Omit<Observation, 'id'>>;
}
