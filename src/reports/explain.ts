import { widestBind } from '../model/describe.ts';
import { type Finding, isAtLeast } from '../model/finding.ts';
import { count, listWords } from '../util/words.ts';
import { admittedLines } from './admitted-text.ts';
import { approvedLines } from './approved-text.ts';
import { assetLines } from './asset-text.ts';
import { declaredLines } from './declared-text.ts';
import { eventWords } from './event-text.ts';
import type { ExplainInput } from './explain-input.ts';
import { findingLines } from './finding-text.ts';
import { observedLines } from './observed-text.ts';
import { printable } from './printable.ts';
import type { RenderOptions } from './report-format.ts';
import { type Line, paint, type Style, textWidth, wrap, wrapItems } from './text-table.ts';
import { formatDate, formatTime } from './time.ts';
import { trafficAnswer, trafficLines } from './traffic-text.ts';
import {
  acceptedWords,
  controlsByFramework,
  endpointWords,
  frameworkName,
  severityWords,
  shortDigest,
  VERDICT_STYLE,
} from './words.ts';

export type { ExplainInput } from './explain-input.ts';
export { explainJson } from './explain-json.ts';

/** One screen: wider lines are hard to read. */
const WIDEST = 120;
const LABEL = 12;
const MOST_EVENTS = 8;

/** Everything known about one port on one screen, the verdict first. No line feed at its end, so that several can be joined. */
export function renderExplain(input: ExplainInput, options: RenderOptions): string {
  const width = Math.min(options.width, WIDEST);
  const section = (label: string, style: Style, lines: readonly Line[]) =>
    sectionLines(label, style, lines, width, options.color);
  const parts = [
    headLines(input, width, options.color),
    [
      ...section('APPROVED', 'blue', approvedLines(input.result.facts, input.check.policy, input.check.now)),
      ...section(
        'ADMITTED',
        'yellow',
        admittedLines(input.result.facts, { now: input.check.now, register: input.check }),
      ),
      ...section('DECLARED', 'magenta', declaredLines(input.result.facts)),
      ...section('OBSERVED', 'cyan', observedLines(input.result.facts, input.check.now)),
      ...section('TRAFFIC', 'cyan', trafficLines(input.result.facts)),
      ...section('INVENTORY', 'bold', assetLines(input.assets)),
      ...section('HISTORY', 'bold', historyLines(input)),
    ],
    findingPart(input, width, options.color),
    section('CONTROLS', 'bold', controlLines(input)),
  ];
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}`;
}

function headLines({ result, check }: ExplainInput, width: number, color: boolean): string[] {
  const { facts, verdict } = result;
  const open = result.findings.filter((f) => f.status === 'open');
  const service = facts.entries[0]?.entry.service;
  const left = printable(`${endpointWords(facts.endpoint)}${service ? `  ${service}` : ''}`);
  const accepted = result.findings.length > open.length ? `  ${acceptedWords(result.findings)}` : '';
  const right = `${open.length === 0 ? '' : `  ${count(open.length, 'finding')}, ${worstWords(open)}`}${accepted}`;
  const blanks = ' '.repeat(Math.max(2, width - textWidth(left) - verdict.word.length - right.length));
  const gaps = new Set(facts.host.flatMap((h) => h.gaps.map((g) => `${g.code.replaceAll('-', ' ')} (${g.subject})`)));
  const between = facts.admission ? ['packet filters between the client and the host'] : ['the packet filters'];
  // no filter is asked who reaches a loopback address
  const filters = widestBind(facts) === 'loopback' ? [] : between;
  // Flows are between machines: none is of a loopback address.
  const flows = widestBind(facts) === 'loopback' || facts.traffic ? [] : ['flows'];
  const notSeen = listWords([...filters, ...flows, ...(facts.host.length === 0 ? ['the host itself'] : gaps)], 4);
  const against = [
    `against register ${shortDigest(check.register.digest)}, as of ${formatTime(check.now)}`,
    ...(notSeen === '' ? [] : [`not seen: ${notSeen}`]),
  ];
  // Open findings are listed below with what to do; every other reason stands here alone.
  const reasons = verdict.reasons.filter((reason) => !open.some((f) => f.message === reason));
  const answer = trafficAnswer(facts, check.now);
  return [
    `${paint('bold', left, color)}${blanks}${paint(['bold', ...[VERDICT_STYLE[verdict.word]].flat()], verdict.word, color)}${right}`,
    ...wrapItems(against, width).map((line) => paint('dim', line, color)),
    ...(answer === null ? [] : wrap(answer, width)),
    ...reasons.flatMap((reason) => wrap(reason, width)),
  ];
}

/** `high` for one finding, `1 high` for several: the worst of them. */
function worstWords(findings: readonly Finding[]): string {
  return findings.length === 1 ? (findings[0] as Finding).severity : (severityWords(findings).split(',')[0] as string);
}

function sectionLines(label: string, style: Style, lines: readonly Line[], width: number, color: boolean): string[] {
  return lines
    .flatMap((line) => (typeof line === 'string' ? wrap(line, width - LABEL) : wrapItems(line, width - LABEL)))
    .map((line, i) =>
      i === 0 ? `  ${paint(style, label.padEnd(LABEL - 2), color)}${line}` : ' '.repeat(LABEL) + line,
    );
}

function historyLines({ result, events, tickets }: ExplainInput): string[] {
  const shown = events.slice(0, MOST_EVENTS).map((e) => {
    const ids = tickets?.get(e.sequence) ?? [];
    return `${formatDate(e.observedAt)}  ${eventWords(e)}${ids.length === 0 ? '' : `, as ${listWords(ids)} allowed`}`;
  });
  const rest = events.length - shown.length;
  if (shown.length > 0) return [...shown, ...(rest > 0 ? [`… and ${rest} earlier (quietdoor events)`] : [])];
  const states = [...result.facts.listeners, ...result.facts.closed];
  return states.length === 0
    ? ['nothing recorded']
    : [`first seen ${formatDate(Math.min(...states.map((s) => s.firstSeen)))}, no event kept`];
}

function findingPart({ result }: ExplainInput, width: number, color: boolean): string[] {
  if (result.findings.length === 0) return [];
  const lines = result.findings.flatMap((f) =>
    findingLines(f, { width: width - 2, color, failOn: 'medium', withoutSubject: true }),
  );
  return [`  ${paint('bold', 'FINDINGS', color)}`, ...lines.map((line) => `  ${line}`)];
}

/** Controls that the findings (those of severity low and above) speak to, a line per framework. */
function controlLines({ result, frameworks, choices }: ExplainInput): string[] {
  const findings = result.findings.filter((f) => isAtLeast(f.severity, 'low'));
  return [...controlsByFramework(findings)].map(([id, ids]) => {
    const framework = frameworks.find((f) => f.id === id);
    const baseline = choices?.find((c) => c.id === id)?.baseline;
    const outside = ids.filter((control) => {
      const baselines = framework?.controls.find((c) => c.id === control)?.baselines;
      return baseline !== undefined && baselines !== undefined && !baselines.includes(baseline);
    });
    const inside = ids.filter((control) => !outside.includes(control));
    const note = outside.length > 0 ? `  (outside your baseline: ${outside.join(', ')})` : '';
    return `${framework ? frameworkName(framework) : id}: ${inside.join(', ') || 'none'}${note}`;
  });
}
