/** How strongly the product's evidence speaks to a control (docs/how-to/evidence.md). */
export type Strength = 'primary' | 'supporting' | 'tool' | 'weak';

export interface Control {
  readonly id: string;
  /** OSCAL form of the id, where the framework has one: `cm-7.1`. */
  readonly oscalId?: string;
  readonly title: string;
  /** Baselines that hold it: `low`, `moderate`, `high`, `fedramp-moderate`… Empty: in none. */
  readonly baselines: readonly string[];
  readonly strength: readonly Strength[];
  /** What evidence the product gives, in our own words. */
  readonly evidence: string;
  /** Rules whose result speaks to it. Empty: manual evidence only. */
  readonly checks: readonly string[];
  /** What an assessor still needs from people. */
  readonly manual?: string;
  /** Where the link between rule and control comes from when it is not the framework's publisher. */
  readonly note?: string;
}

export interface Framework {
  readonly id: string;
  readonly title: string;
  readonly version: string;
  /** Where ids and titles were read, and under which licence they stand. */
  readonly source: string;
  readonly baselines: readonly string[];
  readonly defaultBaseline?: string;
  readonly legacy?: boolean;
  readonly controls: readonly Control[];
  /** Controls that look as if they were about ports and are not; never mapped. */
  readonly notApplicable?: ReadonlyArray<{ readonly id: string; readonly title: string; readonly reason: string }>;
}
