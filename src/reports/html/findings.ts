import { endpointKey } from '../../model/endpoint.ts';
import { formatPosition } from '../../model/errors.ts';
import type { CheckResult } from '../../model/facts.ts';
import { type Finding, isAtLeast, SEVERITIES } from '../../model/finding.ts';
import type { Framework } from '../../model/framework.ts';
import { count } from '../../util/words.ts';
import type { ReportInput } from '../report-format.ts';
import { frameworkName } from '../words.ts';
import { frameworkViews } from './control-result.ts';
import { type Child, html, type Markup } from './escape.ts';
import { anchor, code, day, distance, entryLink, listed, pair, severity, tag } from './format.ts';
import { remedy } from './remedy.ts';
import { type Column, dataTable, type Row } from './table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'Severity', name: 'severity', numeric: true },
  { title: 'Finding', name: 'finding' },
  { title: 'About', name: 'about' },
  { title: 'Rule', name: 'rule' },
  { title: 'First seen', name: 'since' },
];

const PRINTED_DETAILS = 150;

/** Every finding with its evidence and what to do about it, worst first; then what is gone since earlier runs. */
export function findings(input: ReportInput): Markup {
  const { result } = input;
  const shown: Shown = {
    now: result.now,
    frameworks: frameworkViews(input).map((v) => v.framework),
    endpoints: new Set(result.results.map((r) => endpointKey(r.facts.endpoint))),
  };
  const rows = result.findings.map((f) => row(f, shown));
  return html`<section id="findings" class="wide"><h2>Findings</h2>
<p class="lead">Differences between what is approved and what was observed, worst first. One rule broken by one subject is one finding; its evidence opens with its row.</p>${dataTable(
    {
      name: 'findings',
      caption: 'Findings, worst first',
      noun: ['finding', 'findings'],
      columns: COLUMNS,
      rows,
      chips: [
        ...SEVERITIES.toReversed().map((word) => ({ key: 'severity', value: word, label: severity(word) })),
        { key: 'status', value: 'open', label: 'open' },
        { key: 'status', value: 'accepted', label: 'accepted' },
        { key: 'status', value: 'known', label: 'in the baseline' },
      ],
      empty:
        result.facts.estate.hosts.length === 0
          ? 'No findings, because no host has been observed yet.'
          : 'No findings. What listens agrees with the register, as far as was looked; what was not seen is under Coverage and gaps.',
      printDetail: rows.length <= PRINTED_DETAILS,
    },
  )}${resolved(result)}</section>`;
}

/** What a finding can be linked to, and from when it is looked at. */
interface Shown {
  readonly now: number;
  /** The frameworks chosen. */
  readonly frameworks: readonly Framework[];
  /** Keys of the endpoints that have a row: a finding may be about one where nothing listens. */
  readonly endpoints: ReadonlySet<string>;
}

function row(f: Finding, shown: Shown): Row {
  const touched = endpointsOf(f);
  return {
    id: anchor('f', f.fingerprint),
    tags: [
      tag('severity', f.severity),
      tag('status', f.inBaseline && f.status === 'open' ? 'known' : f.status),
      tag('rule', f.rule),
      ...(f.status === 'open' && isAtLeast(f.severity, 'low') ? [tag('kind', 'deviation')] : []),
      ...touched.map((key) => tag('endpoint', key)),
      ...(f.entry ? [tag('entry', f.entry)] : []),
      ...(f.subject.kind === 'host' ? [tag('host', f.subject.host)] : []),
    ],
    cells: [
      {
        show: html`${severity(f.severity)}${f.status === 'accepted' ? html` <br><span class="note">accepted</span>` : null}${f.inBaseline ? html` <br><span class="note">known</span>` : null}`,
        sort: SEVERITIES.indexOf(f.severity),
      },
      { show: html`<p class="says">${f.message}</p><p class="remedy">→ ${remedy(f.remediation)}</p>` },
      { show: about(f, touched, shown) },
      { show: html`<a href="#${anchor('rule', f.rule)}">${f.rule}</a>` },
      {
        show: html`${day(f.firstSeen)} <br><span class="note">${distance(f.firstSeen, shown.now)}</span>`,
        sort: f.firstSeen,
      },
    ],
    detail: detail(f, touched, shown),
  };
}

/** What the finding rests on, where to look, and the controls that its rule is evidence for. */
function detail(f: Finding, touched: readonly string[], shown: Shown): Markup {
  const controls = shown.frameworks.flatMap((framework) => {
    const ids = f.controls.filter((c) => c.framework === framework.id).map((c) => c.id);
    return ids.length === 0
      ? []
      : [pair(frameworkName(framework), listed(ids.map((id) => controlLink(framework, id))))];
  });
  return html`<dl class="wide-labels">${f.evidence.map((e) => pair(e.label, code(e.value)))}${
    touched.length > SHOWN_ENDPOINTS && pair('endpoints', listed(touched.map((key) => endpointLink(key, shown))))
  }${f.exception !== undefined && pair('accepted by', html`<a href="#${anchor('x', f.exception)}">${f.exception}</a>`)}${
    f.at && pair('written in', code(formatPosition(f.at)))
  }${pair('id', code(f.fingerprint))}${controls}</dl>`;
}

function controlLink(framework: Framework, id: string): Child {
  const isThere = framework.controls.some((c) => c.id === id);
  return isThere ? html`<a href="#${anchor('c', `${framework.id}/${id}`)}">${id}</a>` : id;
}

function endpointLink(key: string, { endpoints }: Shown): Markup {
  if (!endpoints.has(key)) return code(key);
  return html`<a href="#${anchor('e', key)}"><code>${key}</code></a>`;
}

const SHOWN_ENDPOINTS = 3;

function about(f: Finding, touched: readonly string[], shown: Shown): Child {
  const links = touched.slice(0, SHOWN_ENDPOINTS).map((key) => html`${endpointLink(key, shown)} <br>`);
  const more = touched.length - links.length;
  const entry = f.entry ?? (f.subject.kind === 'entry' ? f.subject.entry : undefined);
  return html`${links}${more > 0 ? html`${count(more, 'more', 'more')} <br>` : null}${entry ? html`entry ${entryLink(entry)}` : null}${
    f.subject.kind === 'host' ? html`host ${code(f.subject.host)}` : f.subject.kind === 'estate' ? 'the estate' : null
  }`;
}

function endpointsOf(f: Finding): readonly string[] {
  return (f.endpoint ? [f.endpoint] : (f.endpoints ?? [])).map(endpointKey);
}

function resolved({ resolved: gone }: CheckResult): Child {
  if (gone.length === 0) return null;
  return html`<h3>Gone since earlier runs</h3><ul class="plain">${gone.map(
    (f) =>
      html`<li><span class="good">✓</span> ${f.message} <span class="note">${f.rule}, first seen ${day(f.firstSeen)}</span></li>`,
  )}</ul>`;
}
