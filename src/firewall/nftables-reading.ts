import type { HostNetwork } from '../model/host-network.ts';
import type { StatementNote, Step, Unknown } from '../model/ruleset.ts';
import { addAll } from '../util/add-all.ts';
import { getOrMake } from '../util/get-or-make.ts';
import type { Field } from './nftables-field.ts';
import type { NftSet } from './nftables-sets.ts';

/** Why a part of a statement has no exact meaning. */
export interface NftProblem {
  readonly status: StatementNote['status'];
  readonly reason: string;
}

/** What is known while the rules of one table are turned into conditions and steps; collects what they could not be. */
export class NftReading {
  readonly family: string;
  readonly table: string;
  /** Sets and maps of this table, by name. */
  readonly sets: ReadonlyMap<string, NftSet>;
  readonly network: HostNetwork | null;
  /** Printed by nft before 0.9.9, which wrote "none of these flags" the way it writes "other than these flags". */
  readonly oldFlags: boolean;
  /** Sentences that hold for every answer. */
  readonly assumptions: Set<string>;
  /** What makes every answer about the table's packets uncertain; null: nothing. */
  poison: string | null = null;
  #problems: NftProblem[] = [];
  readonly #steps = new Map<string, { readonly steps: readonly Step[]; readonly problems: readonly NftProblem[] }>();
  readonly #fields = new Map<string, Field>();

  constructor(options: Pick<NftReading, 'family' | 'table' | 'sets' | 'network' | 'oldFlags' | 'assumptions'>) {
    this.family = options.family;
    this.table = options.table;
    this.sets = options.sets;
    this.network = options.network;
    this.oldFlags = options.oldFlags;
    this.assumptions = options.assumptions;
  }

  /** Understood, and not to be decided from a listing. */
  unsupported(reason: string): Unknown {
    this.#problems.push({ status: 'unsupported', reason });
    return { kind: 'unknown', reason };
  }

  /** An unknown that few answers depend on, so that the statement as a whole counts as understood. */
  unsupportedQuietly(reason: string): Unknown {
    return { kind: 'unknown', reason };
  }

  unrecognised(reason: string): Unknown {
    this.#problems.push({ status: 'unrecognised', reason });
    return { kind: 'unknown', reason };
  }

  /** The field of an expression that is written alike: one object, so that what sets say of it is worked out once. */
  remember(expression: unknown, make: () => Field): Field {
    return getOrMake(this.#fields, JSON.stringify(expression), make);
  }

  /** Steps that rules written alike share, with what was found about them. */
  rememberSteps(expression: unknown, make: () => readonly Step[]): readonly Step[] {
    const key = JSON.stringify(expression);
    const before = this.#steps.get(key);
    if (before !== undefined) {
      this.repeat(before.problems);
      return before.steps;
    }
    const already = this.takeProblems();
    const steps = make();
    const problems = this.takeProblems();
    this.#steps.set(key, { steps, problems });
    this.repeat(already);
    this.repeat(problems);
    return steps;
  }

  /** Tells again what was found before (a set that several rules use). */
  repeat(problems: readonly NftProblem[]): void {
    addAll(this.#problems, problems);
  }

  /** Problems since the last call. */
  takeProblems(): readonly NftProblem[] {
    const problems = this.#problems;
    if (problems.length > 0) this.#problems = [];
    return problems;
  }
}
