import type { ControlRef } from '../model/finding.ts';
import type { RuleInfo } from '../model/rule.ts';
import { compareBy } from '../util/compare.ts';
import { printable } from './printable.ts';
import type { RenderOptions } from './report-format.ts';
import { pad, paint, textWidth, wrap } from './text-table.ts';
import { SEVERITY_STYLE } from './words.ts';

const WIDEST = 100;
const LABEL = 12;

export interface RuleControl extends ControlRef {
  readonly title: string;
}

/** A rule on one screen: what it looks for, why, what to do, which controls it speaks to. */
export function renderRule(rule: RuleInfo, controls: readonly RuleControl[], options: RenderOptions): string {
  const { color } = options;
  const width = Math.min(options.width, WIDEST);
  const section = (label: string, lines: readonly string[]) =>
    lines
      .flatMap((line) => wrap(line, width - LABEL))
      .map((line, i) =>
        i === 0 ? `  ${paint('bold', label.padEnd(LABEL - 2), color)}${line}` : ' '.repeat(LABEL) + line,
      );
  const name = printable(rule.id);
  const blanks = ' '.repeat(Math.max(2, width - textWidth(name) - rule.severity.length));
  const sorted = controls.toSorted(compareBy((c) => c.framework));
  const widest = (texts: readonly string[]) => Math.max(0, ...texts.map((t) => textWidth(printable(t))));
  const frameworkWidth = widest(controls.map((c) => c.framework));
  const idWidth = widest(controls.map((c) => c.id));
  const controlLines = sorted.map((c) =>
    `${pad(c.framework, frameworkWidth)}  ${pad(c.id, idWidth)}  ${c.title}`.trimEnd(),
  );
  return [
    `${paint('bold', name, color)}${blanks}${paint(SEVERITY_STYLE[rule.severity], rule.severity, color)}`,
    ...wrap(rule.title, width),
    '',
    ...section('WHY', [rule.rationale]),
    ...section('REMEDY', [rule.remediation]),
    ...section(
      'CONTROLS',
      controlLines.length === 0 ? ['none: no framework that is shipped maps to it'] : controlLines,
    ),
    '',
  ].join('\n');
}
