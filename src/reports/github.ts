import type { SourcePosition } from '../model/errors.ts';
import type { Finding, Severity } from '../model/finding.ts';
import { printable } from './printable.ts';
import type { ReportFormat } from './report-format.ts';
import { repositoryPath } from './repository-path.ts';
import { counts, stateSentence, subjectText } from './words.ts';

const LEVEL: Readonly<Record<Severity, 'error' | 'warning' | 'notice'>> = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  low: 'notice',
  info: 'notice',
};

/** Workflow commands of GitHub Actions (docs.github.com, "Workflow commands", setting an error message). */
export const github: ReportFormat = {
  name: 'github',
  title: 'annotations in GitHub Actions',
  render: ({ result }, { folder = '' }) =>
    `${[...result.findings.map((f) => line(f, folder)), stateSentence(result)].join('\n')}\n`,
};

function line(f: Finding, folder: string): string {
  const subject = subjectText(f.subject);
  if (counts(f))
    return annotation(
      LEVEL[f.severity],
      `${f.severity}: ${f.rule} ${subject}`,
      [f.message, `→ ${f.remediation}`],
      placeIn(f.at, folder),
    );
  const why = f.status === 'accepted' ? `accepted by exception ${f.exception ?? 'unnamed'}` : 'known from the baseline';
  return annotation('notice', `${why}: ${f.rule} ${subject}`, [f.message], placeIn(f.at, folder));
}

/** The same place, seen from the top of the repository. */
export function placeIn(at: SourcePosition | undefined, folder: string): SourcePosition | undefined {
  return at && { ...at, file: repositoryPath(at.file, folder) };
}

/** One workflow command. GitHub splits properties at `,` and `:`, and commands at line feeds; `%` escapes them. */
export function annotation(
  level: 'error' | 'warning' | 'notice',
  title: string,
  lines: readonly string[],
  at?: SourcePosition,
): string {
  const place = at === undefined ? '' : `file=${property(at.file)},line=${at.line},col=${at.column},`;
  return `::${level} ${place}title=${property(title)}::${lines.map((words) => data(printable(words))).join('%0A')}`;
}

function data(words: string): string {
  return words.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(words: string): string {
  return data(printable(words)).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
