import type { CheckResult } from '../model/facts.ts';
import type { Severity } from '../model/finding.ts';
import type { Framework } from '../model/framework.ts';
import type { RuleInfo } from '../model/rule.ts';

/** What a report is made from. Plain data; the same input gives the same bytes. */
export interface ReportInput {
  readonly result: CheckResult;
  readonly frameworks: readonly Framework[];
  readonly rules: readonly RuleInfo[];
  /** The bar at which `check` fails. */
  readonly failOn: Severity;
}

export interface RenderOptions {
  /** Columns of the terminal; 100 where there is none. */
  readonly width: number;
  readonly color: boolean;
  /** Where the workspace lies in its repository, for formats that code hosts read; absent: at its top, or in none. */
  readonly folder?: string;
}

/** One output format of `check`. Its file name is its name and its word on the command line. */
export interface ReportFormat {
  readonly name: string;
  /** One line for `--help`. */
  readonly title: string;
  render(input: ReportInput, options: RenderOptions): string;
  /** The same text in pieces, where there may be too much of it to be held at once. */
  pieces?(input: ReportInput, options: RenderOptions): Iterable<string>;
}
