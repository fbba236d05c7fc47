import type { SourcePosition } from './errors.ts';

/** Whether more or less is allowed than before. `unknown`: one side does not say (no sources, a zone that is missing). */
export type AccessChange = 'widened' | 'narrowed' | 'both' | 'neither' | 'unknown';

/** One value that differs, as a register would write it; null: not there. */
export interface FieldDifference {
  readonly field: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** One difference in meaning between two registers. */
export interface RegisterDifference {
  readonly what: 'entry' | 'zone' | 'owner' | 'host' | 'policy' | 'exception';
  readonly change: 'added' | 'removed' | 'changed';
  /** Entry id, zone name, owner name, host name, policy setting, exception id. */
  readonly name: string;
  /** Where it stands now, or stood; absent where the place is not known. */
  readonly at?: SourcePosition;
  readonly access: AccessChange;
  readonly fields: readonly FieldDifference[];
  /** Zones: ids of the entries that name it. */
  readonly affects: readonly string[];
  /** Ids of the entries whose approval no longer stands, since their meaning is another. */
  readonly voided: readonly string[];
}
