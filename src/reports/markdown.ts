import type { Finding } from '../model/finding.ts';
import { count } from '../util/words.ts';
import { printable } from './printable.ts';
import type { ReportFormat } from './report-format.ts';
import { acceptedWords, counts, formatNumber, severityWords, stateSentence, subjectText } from './words.ts';

/** GitHub refuses comments beyond 65,536 characters. */
const MOST_CHARACTERS = 40_000;
const MOST_OTHERS = 20;

export const markdown: ReportFormat = {
  name: 'markdown',
  title: 'for comments on pull requests',
  render({ result, failOn }) {
    const open = result.findings.filter(counts);
    const quiet = result.findings.filter((f) => !counts(f));
    const gaps = result.facts.estate.hosts.flatMap((h) =>
      h.gaps.map((gap) => `- ${markdownText(h.host.name)}: ${markdownText(gap.message)}`),
    );
    const problems = result.facts.estate.register.problems.map(
      (p) =>
        `- ${p.severity} ${code(`${p.at.file}:${p.at.line}:${p.at.column}`)} ${markdownText(p.message)}${p.hint ? ` (${markdownText(p.hint)})` : ''}`,
    );
    const accepted = acceptedWords(result.findings);
    const parts = [
      `### Quietdoor\n\n${markdownText(stateSentence(result))}.\n\n${open.length === 0 ? 'No open finding.' : `${count(open.length, 'finding')}: ${severityWords(open)}.`}${accepted === '' ? '' : ` ${markdownText(accepted)}.`} Fails at ${failOn}.`,
      ...part('Register', problems.length, problems.slice(0, MOST_OTHERS)),
      ...findingTable(open),
      ...details(
        `${count(quiet.length, 'finding')} accepted or known`,
        quiet.slice(0, MOST_OTHERS).map((f) => `- ${f.rule} ${code(subjectText(f.subject))} ${knownAs(f)}`),
        quiet.length,
      ),
      ...details(`${count(gaps.length, 'gap')}: not seen`, gaps.slice(0, MOST_OTHERS), gaps.length),
    ];
    return `${parts.join('\n\n')}\n`;
  },
};

function findingTable(findings: readonly Finding[]): string[] {
  if (findings.length === 0) return [];
  const rows: string[] = [];
  let characters = 0;
  for (const f of findings) {
    const row = `| ${f.severity} | ${f.rule} | ${code(subjectText(f.subject))} | ${markdownText(f.message)}<br>→ ${markdownText(f.remediation)} |`;
    characters += row.length;
    if (characters > MOST_CHARACTERS) break;
    rows.push(row);
  }
  const rest = findings.length - rows.length;
  const table = ['| severity | rule | subject | what was seen, what to do |', '|---|---|---|---|', ...rows].join('\n');
  return [table, ...(rest > 0 ? [`… and ${formatNumber(rest)} more (quietdoor check --format json).`] : [])];
}

function knownAs(f: Finding): string {
  return f.status === 'accepted'
    ? `accepted by exception ${code(f.exception ?? 'unnamed')}`
    : 'known from the baseline';
}

function part(title: string, all: number, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  return [
    `**${title}**\n\n${lines.join('\n')}${all > lines.length ? `\n- … and ${formatNumber(all - lines.length)} more` : ''}`,
  ];
}

function details(title: string, lines: readonly string[], all: number): string[] {
  if (lines.length === 0) return [];
  const rest = all > lines.length ? `\n- … and ${formatNumber(all - lines.length)} more` : '';
  return [`<details><summary>${title}</summary>\n\n${lines.join('\n')}${rest}\n\n</details>`];
}

function code(words: string): string {
  return `<code>${markdownText(words)}</code>`;
}

/**
 * Text that Markdown shows as it is: no HTML, no markup, no table borders; and that does nothing: an empty comment parts
 * what GitHub would make a mention or a link of.
 */
export function markdownText(words: string): string {
  return printable(words)
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_{}[\]()#+!|~$]/g, '\\$&')
    .replace(/(?<![A-Za-z0-9])@/g, '@<!-- -->')
    .replace(/:\/\//g, ':<!-- -->//')
    .replace(/\bwww\./gi, '$&<!-- -->');
}
