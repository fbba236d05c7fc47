import { realpathSync } from 'node:fs';
import { relative } from 'node:path';
import type { QuickstartResult } from '../app/quickstart.ts';
import { isEmpty } from '../model/address-set.ts';
import { endpointKey } from '../model/endpoint.ts';
import type { EndpointFacts, EndpointResult } from '../model/facts.ts';
import { printable } from '../reports/printable.ts';
import type { RenderOptions } from '../reports/report-format.ts';
import { type Column, paint, renderTable, wrap } from '../reports/text-table.ts';
import {
  counts,
  formatNumber,
  processName,
  SEVERITY_STYLE,
  severityWords,
  stateSentence,
  subjectText,
  VERDICT_STYLE,
} from '../reports/words.ts';
import { count } from '../util/words.ts';

const MOST_ENDPOINTS = 12;
const MOST_FINDINGS = 5;

const COLUMNS: readonly Column[] = [
  { title: 'endpoint', min: 34 },
  { title: 'service', min: 8 },
  { title: 'listens on', min: 9 },
  { title: 'process', min: 8 },
  { title: 'verdict', style: (text) => VERDICT_STYLE[text as keyof typeof VERDICT_STYLE] },
];

/** What a person sees at the end of the quickstart: what was found, where things are, and what to try next. */
export function renderQuickstart(
  result: QuickstartResult,
  shown: { readonly workspace: string; readonly report: string },
  options: RenderOptions,
): string {
  const parts = [
    state(result, options),
    ports(result, options),
    findings(result, options),
    notSeen(result, options),
    places(result, shown, options),
    next(result, shown, options),
  ];
  return parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function state({ outcome, again, changes }: QuickstartResult, options: RenderOptions): string[] {
  const lines = wrap(stateSentence(outcome.result), options.width).map((line) => paint('bold', line, options.color));
  const reachable = outcome.result.results.filter(isReachable);
  const known = reachable.filter(({ facts }) => facts.admission !== undefined);
  const closed = known.filter(({ facts }) => isClosed(facts));
  const filters =
    known.length === 0
      ? 'who really can is not verified: the packet filters were not read'
      : `by the packet filters ${formatNumber(closed.length)} of these let nobody in ("explain" says who can)`;
  const who = `${formatNumber(reachable.length)} of them can be reached from beyond this machine, as far as the sockets say; ${filters}.`;
  lines.push(...wrap(who, options.width));
  if (again)
    lines.push(`Since the last look: ${changes.opened} opened, ${changes.closed} closed, ${changes.changed} changed.`);
  return lines;
}

/** The packet filters let nobody in, surely. */
function isClosed({ admission }: EndpointFacts): boolean {
  return admission !== undefined && admission.doubts === undefined && isEmpty(admission.admission.admitted.upper);
}

function ports({ outcome }: QuickstartResult, options: RenderOptions): string[] {
  // The ports that others can reach come first: those are the doors.
  const services = outcome.result.results.filter((r) => r.facts.listeners.some((l) => l.listener.role === 'service'));
  const sorted = services.toSorted((a, b) => Number(isReachable(b)) - Number(isReachable(a)));
  const rows = sorted.slice(0, MOST_ENDPOINTS).map((r) => {
    const entry = r.facts.entries[0]?.entry;
    const addresses = [...new Set(r.facts.listeners.map((l) => l.listener.address))].map((a) =>
      a === '0.0.0.0' || a === '::' ? 'every address' : a,
    );
    const names = [...new Set(r.facts.listeners.map((l) => processName(l.listener.process)))];
    return [
      endpointKey(r.facts.endpoint),
      entry?.service ?? entry?.id ?? 'not registered',
      [...new Set(addresses)].join(', '),
      names.join(', '),
      r.verdict.word,
    ];
  });
  if (rows.length === 0) return ['Nothing listens here, as far as could be seen.'];
  const more = services.length - rows.length;
  const clients = outcome.result.results.length - services.length;
  return [
    ...renderTable(COLUMNS, rows, options),
    ...(more > 0 ? [paint('dim', `… and ${formatNumber(more)} more, in the report`, options.color)] : []),
    ...(clients > 0 ? [paint('dim', `and ${count(clients, 'UDP socket')} of clients`, options.color)] : []),
  ];
}

function findings({ outcome }: QuickstartResult, options: RenderOptions): string[] {
  const open = outcome.result.findings.filter(counts);
  if (open.length === 0) return [];
  const lines = open.slice(0, MOST_FINDINGS).flatMap((finding) => {
    const head = `${paint(SEVERITY_STYLE[finding.severity], `✗ ${finding.severity.padEnd(8)}`, options.color)} `;
    const subject = subjectText(finding.subject);
    const said = finding.message.startsWith(subject) ? finding.message : `${subject}: ${finding.message}`;
    return wrap(said, options.width - 11).map((line, i) => (i === 0 ? head : ' '.repeat(11)) + line);
  });
  const more = open.length - Math.min(open.length, MOST_FINDINGS);
  return [
    paint('bold', `${count(open.length, 'finding')}: ${severityWords(open)}`, options.color),
    ...lines,
    ...(more > 0 ? [paint('dim', `… and ${formatNumber(more)} more, in the report`, options.color)] : []),
  ];
}

function notSeen({ gaps }: QuickstartResult, options: RenderOptions): string[] {
  if (gaps.length === 0) return [];
  const lines = gaps
    .slice(0, 3)
    .flatMap((gap) =>
      wrap(`${gap.message} ${gap.remedy ?? ''}`.trim(), options.width - 2).map(
        (line, i) => (i === 0 ? '? ' : '  ') + line,
      ),
    );
  return [
    paint('bold', 'Not seen', options.color),
    ...lines,
    ...(gaps.length > 3 ? [`… and ${gaps.length - 3} more, in the report`] : []),
  ];
}

function places(
  { drafted, outcome }: QuickstartResult,
  shown: { workspace: string; report: string },
  options: RenderOptions,
): string[] {
  const drafts = outcome.result.facts.estate.register.entries.length;
  const register =
    drafted > 0 ? `${count(drafted, 'new draft')}, none of them approved` : count(drafts, 'entry', 'entries');
  return [
    `${paint('bold', 'Register', options.color)}  ${shown.workspace}/register/drafts.yaml  (${register})`,
    `${paint('bold', 'Report', options.color)}    ${shown.report}  (open it in a browser)`,
  ];
}

function next({ outcome }: QuickstartResult, { workspace }: { workspace: string }, options: RenderOptions): string[] {
  const program = invocation();
  const telling = (r: EndpointResult) =>
    Number(isReachable(r)) * 2 + Number(r.facts.listeners.some((l) => l.listener.process));
  const first = outcome.result.results.toSorted((a, b) => telling(b) - telling(a))[0];
  const rows: [string, string][] = [
    [
      `${program} explain ${first ? printable(endpointKey(first.facts.endpoint)) : ':22'} -w ${workspace}`,
      'everything known about one port',
    ],
    [`${program} register lint -w ${workspace}`, 'what the drafts still need, line by line'],
    [`${program} check -w ${workspace}`, 'the same answer again, with an exit code for CI'],
  ];
  const width = Math.max(...rows.map(([command]) => command.length));
  return [
    paint('bold', 'Try next', options.color),
    ...rows.map(([command, what]) => `  ${command.padEnd(width)}  ${paint('dim', what, options.color)}`),
  ];
}

function isReachable(result: EndpointResult): boolean {
  return result.facts.listeners.some((l) => l.listener.bind !== 'loopback' && l.listener.role === 'service');
}

/** How to start this program again from here: its path where it runs from a clone, else its name. */
function invocation(): string {
  const script = process.argv[1];
  if (script === undefined) return 'quietdoor';
  const path = relative(process.cwd(), realpathSync(script));
  return path.startsWith('..') || path.includes('node_modules') ? 'quietdoor' : `./${path}`;
}
