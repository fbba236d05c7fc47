import { type AddressSet, ALL_IPV4, ALL_IPV6, equals, isEmpty, isSubset, toCidrs } from '../model/address-set.ts';
import { showsHost } from '../model/asset-match.ts';
import { widestBind } from '../model/describe.ts';
import { describeSources, shortCidr } from '../model/describe-sources.ts';
import { endpointKey } from '../model/endpoint.ts';
import type { CheckResult, EndpointFacts, EndpointResult } from '../model/facts.ts';
import type { Finding } from '../model/finding.ts';
import { isStale } from '../model/freshness.ts';
import { silentLooks } from '../model/looks.ts';
import type { Zone } from '../model/register.ts';
import { isSeenInside, preferInside } from '../model/vantage.ts';
import { count, listWords } from '../util/words.ts';
import { FINDING_INDENT, findingLines } from './finding-text.ts';
import { printable } from './printable.ts';
import { problemLines } from './register-list.ts';
import type { RenderOptions, ReportFormat, ReportInput } from './report-format.ts';
import { type Cell, type Column, paint, renderTable, truncate, wrap } from './text-table.ts';
import {
  acceptedWords,
  counts,
  formatNumber,
  insideWords,
  mayWords,
  processName,
  severityWords,
  stateSentence,
  subjectText,
  VERDICT_STYLE,
} from './words.ts';

/** More than this on a screen is read by nobody; the other formats have all of it. */
const MOST_FINDINGS = 25;
/** Findings of one rule and severity in full, where there are more than those in all. */
const MOST_ALIKE = 3;
const MOST_ENDPOINTS = 40;
const MOST_OTHERS = 10;

export const table: ReportFormat = {
  name: 'table',
  title: 'for people at a terminal',
  render(input, options) {
    const { result } = input;
    const parts = [
      [
        ...wrap(stateSentence(result), options.width).map((line) => paint('bold', line, options.color)),
        ...summary(input, options),
      ],
      problems(result, options),
      findings(input, options),
      endpoints(result, options),
      notSeen(result, options),
      nextCommands(result, options),
    ];
    return `${parts
      .filter((lines) => lines.length > 0)
      .map((lines) => lines.join('\n'))
      .join('\n\n')}\n`;
  },
};

function summary({ result, failOn }: ReportInput, { width }: RenderOptions): string[] {
  const open = result.findings.filter(counts);
  const accepted = acceptedWords(result.findings);
  const known = result.findings.filter((f) => f.status === 'open' && f.inBaseline).length;
  const words = [
    open.length === 0 ? 'no open finding' : `${count(open.length, 'finding')}: ${severityWords(open)}`,
    ...(accepted === '' ? [] : [accepted]),
    ...(known > 0 ? [`${formatNumber(known)} known from the baseline`] : []),
    ...(result.resolved.length > 0 ? [`${formatNumber(result.resolved.length)} resolved since the last run`] : []),
    `fails at ${failOn}`,
  ];
  return wrap(words.join(' · '), width);
}

function heading(text: string, { color }: RenderOptions): string {
  return paint('bold', text, color);
}

function more(shown: number, all: number, options: RenderOptions, command = 'quietdoor check --format json'): string[] {
  return all > shown ? [paint('dim', `… and ${formatNumber(all - shown)} more (${command})`, options.color)] : [];
}

function problems(result: CheckResult, options: RenderOptions): string[] {
  const all = result.facts.estate.register.problems;
  if (all.length === 0) return [];
  const shown = all.slice(0, MOST_OTHERS);
  const lines = shown.flatMap((p) => problemLines(p, options));
  return [
    heading('REGISTER', options),
    ...lines,
    ...more(shown.length, all.length, options, 'quietdoor register lint'),
  ];
}

function findings({ result, failOn }: ReportInput, options: RenderOptions): string[] {
  if (result.findings.length === 0) return [];
  const known = (f: Finding) => (counts(f) ? 0 : 1);
  const sorted = result.findings.toSorted((a, b) => known(a) - known(b));
  const groups = alike(sorted);
  const each = Math.min(MOST_ALIKE, Math.max(1, Math.floor(MOST_FINDINGS / groups.length)));
  const shown = groups
    .slice(0, MOST_FINDINGS)
    .map((group) => ({ first: group.slice(0, each), rest: group.slice(each) }));
  const lines = shown.flatMap(({ first, rest }) => [
    ...first.flatMap((f) => findingLines(f, { ...options, failOn })),
    ...(rest.length === 0 ? [] : [restLine(rest, options)]),
  ]);
  const inFull = shown.reduce((n, { first }) => n + first.length, 0);
  return [heading('FINDINGS', options), ...lines, ...more(inFull, sorted.length, options)];
}

/** Few findings one by one; of many, those of one rule and severity together, so that no rule hides the others. */
function alike(findings: readonly Finding[]): readonly (readonly Finding[])[] {
  if (findings.length <= MOST_FINDINGS) return findings.map((f) => [f]);
  return [...Map.groupBy(findings, (f) => `${counts(f)} ${f.severity} ${f.rule}`).values()];
}

/** `and 155 more: app-1:9100/tcp, app-10:22/tcp…`, on one line. */
function restLine(rest: readonly Finding[], options: RenderOptions): string {
  const subjects = [...new Set(rest.map((f) => subjectText(f.subject)))];
  const text = printable(
    `and ${formatNumber(rest.length)} more: ${subjects.slice(0, MOST_OTHERS).join(', ')}${subjects.length > MOST_OTHERS ? '…' : ''}`,
  );
  return `${FINDING_INDENT}${paint('dim', truncate(text, options.width - FINDING_INDENT.length), options.color)}`;
}

const COLUMNS: readonly Column[] = [
  { title: 'endpoint', min: 16 },
  { title: 'service', min: 6 },
  { title: 'owner', min: 6 },
  { title: 'may', min: 9 },
  { title: 'can', min: 3 },
  { title: 'does', min: 6 },
  { title: 'verdict', style: (text) => VERDICT_STYLE[text as keyof typeof VERDICT_STYLE] },
  { title: 'findings', min: 8, align: 'right' },
];

function endpoints(result: CheckResult, options: RenderOptions): string[] {
  if (result.results.length === 0) return [];
  const worstFirst = ['DEVIATES', 'UNDETERMINED', 'CONFORMS'];
  const sorted = result.results.toSorted(
    (a, b) => worstFirst.indexOf(a.verdict.word) - worstFirst.indexOf(b.verdict.word),
  );
  const shown = sorted.slice(0, MOST_ENDPOINTS);
  return [
    heading('ENDPOINTS', options),
    ...renderTable(
      COLUMNS,
      shown.map((r) => endpointRow(r, result.facts.estate.register.zones)),
      options,
    ),
    ...more(shown.length, sorted.length, options),
  ];
}

function endpointRow({ facts, verdict, findings }: EndpointResult, zones: readonly Zone[]): Cell[] {
  const entry = facts.entries[0]?.entry;
  return [
    endpointKey(facts.endpoint),
    entry === undefined ? ['not registered', 'none'] : (entry.service ?? entry.id),
    entry?.owner ?? '-',
    mayCell(entry),
    canCell(facts, zones),
    doesCell(facts),
    verdict.word,
    findings.length === 0 ? '' : [severityWords(findings), formatNumber(findings.length)],
  ];
}

/** Who can connect: `?` where the packet filters were not read, `≤` what is at most let in. */
function canCell(facts: EndpointFacts, zones: readonly Zone[]): Cell {
  if (widestBind(facts) === 'loopback') {
    const inside = insideWords(facts.endpoint.scope);
    return [inside, 'host', 'lo'];
  }
  if (!facts.admission) return '?';
  const { lower, upper } = facts.admission.admission.admitted;
  const sign = equals(lower, upper) ? '' : '≤ ';
  const all = `${sign}${describeSources(upper, zones)}`;
  if (isEmpty(upper)) return [all, 'host'];
  const cidrs = toCidrs(upper).map(shortCidr);
  return [all, ...(cidrs.length === 1 ? [] : [`${sign}${cidrs[0]} +${cidrs.length - 1}`]), `${sign}${howWide(upper)}`];
}

/** How wide, where there is no room for more: everybody is never told as one of something. */
function howWide(set: AddressSet): string {
  const whole = [ALL_IPV4, ALL_IPV6].map((family) => isSubset(family, set));
  if (whole.every(Boolean)) return 'anyone';
  const [first, ...others] = toCidrs(set).map(shortCidr);
  if (whole.some(Boolean))
    return `${whole[0] ? 'any IPv4' : 'any IPv6'}${others.length === 0 ? '' : ` +${others.length}`}`;
  if (others.length > 0) return count(others.length + 1, 'block');
  const length = first?.split('/')[1];
  return length === undefined ? '1 address' : `one /${length}`;
}

/** Who listens: every process by name, else the first and a count. */
function doesCell(facts: EndpointFacts): Cell {
  const names = [...new Set(preferInside(facts.listeners).map((l) => processName(l.listener.process)))];
  if (names.length === 0) return 'nothing listens';
  if (!isSeenInside(facts.listeners)) return answerCell(facts);
  if (names.length > 1) return [names.join(', '), `${names[0]} +${names.length - 1}`];
  return names[0] === processName(null) ? [processName(null), 'not visible', '?'] : (names[0] ?? '');
}

/** What answered over the network, by its own words: nobody looked at who listens. */
function answerCell(facts: EndpointFacts): Cell {
  const said = facts.listeners.map(({ listener: { answer } }) => answer?.product ?? answer?.service);
  const known = [...new Set(said.filter((text) => text !== undefined))];
  return known.length === 0 ? ['answers', '?'] : [`answers as ${known.join(', ')}`, known.join(', '), 'answers'];
}

/** Sources in full, else the first and a count, else the count: an address is never cut. */
function mayCell(entry: Parameters<typeof mayWords>[0] | undefined): Cell {
  if (entry === undefined) return '-';
  const all = mayWords(entry);
  const n = entry.sources?.length ?? 0;
  if (n === 0) return all === 'not said' ? all : [all, 'this host', 'host'];
  if (n === 1) return [all, '1 source'];
  return [all, `${entry.sources?.[0]} +${n - 1}`, count(n, 'source')];
}

function notSeen(result: CheckResult, options: RenderOptions): string[] {
  const { hosts } = result.facts.estate;
  const silent = silentLooks(hosts).length;
  const gaps = hosts.filter(showsHost).flatMap((h) => h.gaps.map((gap) => ({ host: h.host.name, gap })));
  const shown = gaps.slice(0, MOST_OTHERS);
  const lines = shown.flatMap(({ host, gap }) =>
    wrap(`${host}: ${gap.message}${gap.remedy ? ` ${gap.remedy}` : ''}`, options.width - 2).map(
      (line, i) => (i === 0 ? '? ' : '  ') + line,
    ),
  );
  const filters = unreadFilters(result, options);
  const nobody = result.facts.estate.hosts.length === 0 ? ['? No host was observed: nobody looked.'] : [];
  const unanswered =
    silent > 0
      ? [`? ${count(silent, 'address', 'addresses')} gave no answer at all to a scan: no host, or a filter in front.`]
      : [];
  const all = [...nobody, ...lines, ...unanswered, ...more(shown.length, gaps.length, options), ...filters];
  return all.length === 0 ? [] : [heading('NOT SEEN', options), ...all];
}

/** Hosts with ports whose packet filters nobody read, not all of them, or too long ago. */
function unreadFilters({ results, facts: { estate } }: CheckResult, options: RenderOptions): string[] {
  if (results.length === 0) return [];
  const known = estate.firewalls ?? [];
  const read = new Set(known.map((f) => f.host));
  if (read.size === 0) return ['? Who can connect: the packet filters of no host were read.'];
  const hosts = [...new Set(results.map((r) => r.facts.endpoint.host))];
  const named = (of: readonly string[]) => `the packet filters of ${listWords(of, 3)}`;
  const unread = hosts.filter((host) => !read.has(host));
  const old = known.filter((f) => isStale(f.takenAt, estate)).map((f) => f.host);
  const partly = known.filter(({ problems }) => problems.length > 0);
  const said = [
    ...(unread.length === 0 ? [] : [`${named(unread)} were not read.`]),
    ...(old.length === 0 ? [] : [`${named(old)} were read too long ago to speak of now.`]),
    ...partly
      .slice(0, MOST_OTHERS)
      .map(({ host, problems }) => `${named([host])} are not all known: ${problems.join('; ')}.`),
    ...(partly.length > MOST_OTHERS ? [`${count(partly.length - MOST_OTHERS, 'more host')} alike.`] : []),
  ];
  return said.flatMap((text) =>
    wrap(`Who can connect: ${text}`, options.width - 2).map((line, i) => (i === 0 ? '? ' : '  ') + line),
  );
}

function nextCommands(result: CheckResult, options: RenderOptions): string[] {
  const first = result.findings.find((f) => counts(f) && f.endpoint !== undefined);
  const rows: [string, string][] = [];
  if (result.facts.estate.hosts.length === 0 || result.results.length === 0)
    rows.push(['sudo quietdoor scan', 'look at this machine']);
  if (first?.endpoint)
    rows.push([`quietdoor explain ${endpointKey(first.endpoint)}`, 'everything known about the worst one']);
  if (result.facts.estate.register.problems.length > 0)
    rows.push(['quietdoor register lint', 'what is wrong in the register']);
  if (result.results.some((r) => r.facts.entries.length === 0))
    rows.push(['quietdoor register draft', 'propose entries for unregistered ports']);
  rows.push(['quietdoor report', 'the same as a page to read, filter and print']);
  const shown = rows.slice(0, 3).map(([command, what]) => [printable(command), what] as const);
  const width = Math.max(...shown.map(([command]) => command.length));
  return [
    heading('NEXT', options),
    ...shown.map(([command, what]) => {
      const room = options.width - width - 4;
      return `  ${command.padEnd(width)}  ${paint('dim', truncate(what, room), options.color)}`.trimEnd();
    }),
  ];
}
