import type { ControlRef } from '../model/finding.ts';
import type { RuleInfo } from '../model/rule.ts';
import { compareText } from '../util/compare.ts';
import { printable } from './printable.ts';
import type { RenderOptions } from './report-format.ts';
import { paint, textWidth, wrap } from './text-table.ts';
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
  const byFramework = [...Map.groupBy(controls, (c) => c.framework)].sort(([a], [b]) => compareText(a, b));
  const controlLines = byFramework.flatMap(([framework, members]) => [
    framework,
    ...members.map((c) => (c.title === '' ? `  ${c.id}` : `  ${c.id}  ${c.title}`)),
  ]);
  return [
    `${paint('bold', name, color)}${blanks}${paint(SEVERITY_STYLE[rule.severity], rule.severity, color)}`,
    ...wrap(rule.title, width),
    '',
    ...section('WHY', [rule.rationale]),
    ...section('WHAT TO DO', [rule.remediation]),
    ...section(
      'CONTROLS',
      controlLines.length === 0 ? ['none: no framework that is shipped maps to it'] : controlLines,
    ),
    '',
  ].join('\n');
}
