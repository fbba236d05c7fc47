import { type Finding, isAtLeast, type Severity } from '../model/finding.ts';
import { printable } from './printable.ts';
import { paint, wrap } from './text-table.ts';
import { SEVERITY_STYLE, subjectText } from './words.ts';

/** Columns before the text of a finding: mark, severity, blanks. */
export const FINDING_INDENT = ' '.repeat(11);

export interface FindingTextOptions {
  readonly width: number;
  readonly color: boolean;
  /** Findings at or above it carry ✗, others a dot. */
  readonly failOn: Severity;
  /** Leaves the subject out, where the page is about nothing else. */
  readonly withoutSubject?: boolean;
}

/** Lines of one finding for a terminal: mark, severity, rule, subject; the sentence; what to do. */
export function findingLines(f: Finding, options: FindingTextOptions): string[] {
  const { width, color } = options;
  const accepted = f.status === 'accepted';
  const mark = accepted || f.inBaseline ? '○' : isAtLeast(f.severity, options.failOn) ? '✗' : '·';
  const style = accepted || f.inBaseline ? 'gray' : SEVERITY_STYLE[f.severity];
  const subject = options.withoutSubject ? '' : `  ${printable(subjectText(f.subject))}`;
  const head = `${paint(style, `${mark} ${f.severity.padEnd(8)}`, color)} ${paint('bold', f.rule, color)}${subject}`;
  const sentence = wrap(f.message, width - FINDING_INDENT.length);
  const act = accepted
    ? `accepted by exception ${f.exception ?? 'unnamed'}`
    : f.inBaseline
      ? 'known from the baseline'
      : f.remediation;
  const remedy = wrap(act, width - FINDING_INDENT.length - 2).map((line, i) => (i === 0 ? '→ ' : '  ') + line);
  return [
    head,
    ...[...sentence, ...remedy.map((line) => paint('cyan', line, color))].map((line) => FINDING_INDENT + line),
  ];
}
