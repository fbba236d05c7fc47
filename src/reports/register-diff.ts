import type { AccessChange, RegisterDifference } from '../model/register-difference.ts';
import { count } from '../util/words.ts';
import { markdownText } from './markdown.ts';
import { printable, printableJson } from './printable.ts';
import type { RenderOptions } from './report-format.ts';
import { paint, type Style, wrap } from './text-table.ts';

const SIGN = { added: '+', removed: '-', changed: '~' } as const;
const SIGN_STYLE: Readonly<Record<RegisterDifference['change'], Style>> = {
  added: 'green',
  removed: 'red',
  changed: 'yellow',
};

const ACCESS_WORDS: Readonly<Record<AccessChange, string>> = {
  widened: 'more may connect',
  narrowed: 'fewer may connect',
  both: 'some may connect that could not, and the reverse',
  neither: '',
  unknown: 'whether more may connect cannot be said',
};

/** Returns differences in meaning between two registers as `table`, `json` or `markdown`. Throws Error on another format. */
export function renderDifferences(
  differences: readonly RegisterDifference[],
  format: string,
  options: RenderOptions,
): string {
  switch (format) {
    case 'table':
      return `${tableLines(differences, options).join('\n')}\n`;
    case 'json':
      return `${printableJson({ schemaVersion: 1, differences }, 2)}\n`;
    case 'markdown':
      return `${markdownLines(differences).join('\n')}\n`;
    default:
      throw new Error(`a register diff has no format ${format}`);
  }
}

/** `3 differences, 1 lets more connect, 2 approvals void`. */
function summary(differences: readonly RegisterDifference[]): string {
  if (differences.length === 0) return 'No difference in meaning.';
  const wider = differences.filter((d) => d.access === 'widened' || d.access === 'both').length;
  const voided = new Set(differences.flatMap((d) => d.voided)).size;
  return [
    count(differences.length, 'difference'),
    ...(wider > 0 ? [`${wider} let${wider === 1 ? 's' : ''} more connect`] : []),
    ...(voided > 0 ? [`${count(voided, 'approval')} void`] : []),
  ].join(', ');
}

/** What follows from a difference, in words. */
function consequences(d: RegisterDifference): string[] {
  return [
    ...(ACCESS_WORDS[d.access] ? [ACCESS_WORDS[d.access]] : []),
    ...(d.affects.length > 0 ? [`named by ${d.affects.join(', ')}`] : []),
    ...(d.voided.length > 0 ? [`approval void: ${d.voided.join(', ')}`] : []),
  ];
}

const shown = (value: string | null): string => (value === null || value === '' ? '(nothing)' : printable(value));

function tableLines(differences: readonly RegisterDifference[], options: RenderOptions): string[] {
  const lines = [paint('bold', summary(differences), options.color)];
  for (const d of differences) {
    const sign = paint(SIGN_STYLE[d.change], SIGN[d.change], options.color);
    const after = consequences(d).map(printable).join(' · ');
    lines.push('', `${sign} ${d.what} ${paint('bold', printable(d.name), options.color)}${after ? `  ${after}` : ''}`);
    const width = Math.max(0, ...d.fields.map((field) => field.field.length));
    for (const { field, before, after: now } of d.fields) {
      const text =
        d.change === 'changed' ? `${shown(before)} → ${shown(now)}` : shown(d.change === 'added' ? now : before);
      lines.push(
        ...wrap(text, options.width - width - 6).map(
          (line, i) => `    ${(i === 0 ? field : '').padEnd(width)}  ${line}`,
        ),
      );
    }
  }
  return lines;
}

function markdownLines(differences: readonly RegisterDifference[]): string[] {
  const lines = [`**${summary(differences)}**`];
  if (differences.length > 0) lines.push('', '| | what | before | after | follows |', '|---|---|---|---|---|');
  for (const d of differences) {
    const name = `${d.what} ${markdownText(d.name)}`;
    const follows = markdownText(consequences(d).join(' · '));
    if (d.change !== 'changed' || d.fields.length === 0) {
      lines.push(`| ${SIGN[d.change]} | ${name} | | ${d.change} | ${follows} |`);
      continue;
    }
    for (const [i, { field, before, after }] of d.fields.entries())
      lines.push(
        `| ${SIGN[d.change]} | ${name}: ${markdownText(field)} | ${markdownText(shown(before))} | ${markdownText(shown(after))} | ${i === 0 ? follows : ''} |`,
      );
  }
  return lines;
}
