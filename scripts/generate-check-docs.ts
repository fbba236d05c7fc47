import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Check } from '../src/checks/check.ts';
import { checks } from '../src/checks/index.ts';
import { loadFrameworks } from '../src/frameworks/load.ts';
import { vantageWords } from '../src/model/vantage.ts';
import { type CheckExample, examplesOf } from '../test/check-example.ts';

// Writes docs/reference/checks/: a page per rule from what the rule says of itself, the controls it speaks to, and its
// examples, which the tests run. Run it after a change of any of them: `sh scripts/node24.sh scripts/generate-check-docs.ts`.

const MARK = '<!-- Made by scripts/generate-check-docs.ts; change the check or its examples instead. -->';

/** Returns the pages by file name. */
export function checkPages(): ReadonlyMap<string, string> {
  const pages = new Map<string, string>([['README.md', indexPage()]]);
  for (const check of checks) pages.set(`${check.id}.md`, rulePage(check));
  return pages;
}

function indexPage(): string {
  const rows = checks.map((c) => `| [${c.id}](${c.id}.md) | ${c.title} | ${c.severity} |`);
  return [
    '# Checks',
    MARK,
    'Each check is a difference between what is approved, what is admitted, what is observed and what is known. `quietdoor explain RULE` prints a page of these.',
    ['| rule | says | usual severity |', '|---|---|---|', ...rows].join('\n'),
  ]
    .join('\n\n')
    .concat('\n');
}

/** Cases that a page shows whole; of the others it says what is found. */
const IN_FULL = ['violates', 'conforms'];

function rulePage(check: Check): string {
  const examples = examplesOf(check.id);
  const others = examples.filter((e) => !IN_FULL.includes(e.name));
  return [
    `# ${check.id}`,
    MARK,
    `**${check.title}.** Usual severity: ${check.severity}.`,
    check.rationale,
    '## What to do',
    check.remediation,
    '## Controls it speaks to',
    controlsText(check.id),
    '## Examples',
    ...examples.filter((e) => IN_FULL.includes(e.name)).map(exampleText),
    ...(others.length === 0 ? [] : ['### Other cases', others.map(caseText).join('\n')]),
  ]
    .join('\n\n')
    .concat('\n');
}

function controlsText(rule: string): string {
  const lines = loadFrameworks().map((framework) => {
    const speaking = framework.controls.filter((c) => c.checks.includes(rule) && !c.strength.includes('weak'));
    const named = speaking.map((c) => `${c.id}${c.strength.includes('primary') ? '' : ' (supporting)'}`);
    return `- ${framework.title}: ${named.join(', ')}`;
  });
  return [
    ...lines,
    '',
    'The mapping is of this product. A finding is evidence; whether a control is satisfied is for the assessor to say.',
  ].join('\n');
}

function exampleText(example: CheckExample): string {
  const parts = [`### ${example.title}`];
  if (example.config !== DEFAULT_CONFIG) parts.push(block('quietdoor.yaml', example.config));
  if (example.shared !== undefined) parts.push(block('shared/quietdoor.yaml', example.shared));
  if (example.register !== undefined) parts.push(block('register/ports.yaml', example.register));
  if (example.exceptions !== undefined) parts.push(block('exceptions.yaml', example.exceptions));
  for (const { files, saved } of example.rulesets) {
    for (const [name, text] of Object.entries(files)) parts.push(block(name, text, ''));
    for (const [name, text] of Object.entries(saved ?? {})) parts.push(block(`${name} (saved)`, text, ''));
  }
  const seen = example.listeners.map(
    (l) => `- \`${l.on}\`${(l.scope ?? 'host') === 'host' ? '' : ` in ${l.scope}`} ${holder(l)}`,
  );
  parts.push(`Observed on ${[...new Set(example.hosts.map((h) => h.name))].join(', ')}, checked at ${example.now}:`);
  parts.push(seen.length === 0 ? '- no listener' : seen.join('\n'));
  parts.push(example.findings.length === 0 ? 'No finding.' : 'Findings:');
  if (example.findings.length > 0)
    parts.push(example.findings.map((f) => `- **${f.severity}** ${f.rule}: ${f.message}`).join('\n'));
  const verdicts = Object.entries(example.verdicts).map(([endpoint, word]) => `\`${endpoint}\` ${word}`);
  if (verdicts.length > 0) parts.push(`Verdict: ${verdicts.join(', ')}.`);
  return parts.join('\n\n');
}

function caseText(example: CheckExample): string {
  const found = example.findings.map((f) => `**${f.severity}** ${f.rule}: ${f.message}`);
  return `- ${example.title}. ${found.length === 0 ? 'No finding.' : found.join(' ')}`;
}

const DEFAULT_CONFIG = 'owners: {}\n';

function holder(listener: CheckExample['listeners'][number]): string {
  const { process } = listener;
  const closed = listener.closed === undefined ? '' : `, closed ${listener.closed}`;
  const said = listener.answer ? `, answering \`${JSON.stringify(listener.answer)}\`` : '';
  if (listener.vantage !== 'local') return `seen ${vantageWords(listener.vantage)}${said}${closed}`;
  if (!process) return `by a process that is not visible${closed}`;
  const facts = [process.user && `user ${process.user}`, process.unit && `unit ${process.unit}`, process.exeState];
  const known = facts.filter((f) => f).join(', ');
  return `by ${process.exe ?? process.name ?? `pid ${process.pid}`}${known ? ` (${known})` : ''}${closed}`;
}

function block(file: string, text: string, language = 'yaml'): string {
  return `\`${file}\`:\n\n\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;
}

if (import.meta.main) {
  const dir = resolve(import.meta.dirname, '../docs/reference/checks');
  mkdirSync(dir, { recursive: true });
  for (const [file, text] of checkPages()) writeFileSync(join(dir, file), text);
}
