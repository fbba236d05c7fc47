import { endpointKey } from '../../model/endpoint.ts';
import { formatPosition } from '../../model/errors.ts';
import type { CheckResult } from '../../model/facts.ts';
import { type Finding, SEVERITIES } from '../../model/finding.ts';
import { count } from '../../util/words.ts';
import { type Child, html, type Markup } from './escape.ts';
import { anchor, code, day, distance, severity, tag } from './format.ts';
import { remedy } from './remedy.ts';
import { type Column, dataTable, type Row } from './table.ts';
import { entryLink, listed } from './truths.ts';

const COLUMNS: readonly Column[] = [
  { title: 'Severity', name: 'severity', numeric: true },
  { title: 'Finding', name: 'finding' },
  { title: 'About', name: 'about' },
  { title: 'Rule', name: 'rule' },
  { title: 'First seen', name: 'since' },
];

/** Every finding with its evidence and what to do about it, worst first; then what is gone since earlier runs. */
export function findings(result: CheckResult): Markup {
  const chosen = new Set(result.facts.estate.register.frameworks.map((f) => f.id));
  const rows = result.findings.map((f) => row(f, result.now, chosen));
  return html`<section id="findings" class="wide"><h2>Findings</h2>
<p class="lead">Differences between what is approved and what was observed, worst first. One cause is one finding.</p>${dataTable(
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
      printDetail: false,
    },
  )}${resolved(result)}</section>`;
}

function row(f: Finding, now: number, chosen: ReadonlySet<string>): Row {
  const touched = endpointsOf(f);
  const controls = f.controls.filter((c) => chosen.has(c.framework));
  return {
    id: anchor('f', f.fingerprint),
    tags: [
      tag('severity', f.severity),
      tag('status', f.inBaseline && f.status === 'open' ? 'known' : f.status),
      tag('rule', f.rule),
      ...controls.map((c) => tag('control', `${c.framework}/${c.id}`)),
      ...touched.map((key) => tag('endpoint', key)),
      ...(f.entry ? [tag('entry', f.entry)] : []),
      ...(f.subject.kind === 'host' ? [tag('host', f.subject.host)] : []),
    ],
    cells: [
      {
        show: html`${severity(f.severity)}${f.status === 'accepted' ? html`<br><span class="note">accepted</span>` : null}${f.inBaseline ? html`<br><span class="note">known</span>` : null}`,
        sort: SEVERITIES.indexOf(f.severity),
      },
      { show: body(f, controls) },
      { show: about(f, touched) },
      { show: html`<a href="#${anchor('rule', f.rule)}">${f.rule}</a>` },
      { show: html`${day(f.firstSeen)}<br><span class="note">${distance(f.firstSeen, now)}</span>`, sort: f.firstSeen },
    ],
  };
}

function body(f: Finding, controls: Finding['controls']): Child {
  const facts: Child[] = [
    ...f.evidence.map((e) => html`${e.label} ${code(e.value)}`),
    ...(f.exception ? [html`accepted by exception <a href="#${anchor('x', f.exception)}">${f.exception}</a>`] : []),
    ...(f.at ? [code(formatPosition(f.at))] : []),
    ...(controls.length > 0
      ? [
          html`controls ${listed(controls.map((c) => html`<a href="#${anchor('c', `${c.framework}/${c.id}`)}">${c.id}</a>`))}`,
        ]
      : []),
    html`id ${code(f.fingerprint.slice(0, 12))}`,
  ];
  return html`<p class="says">${f.message}</p><p class="remedy">→ ${remedy(f.remediation)}</p><p class="note">${facts.map((fact, i) => html`${i > 0 ? ' · ' : null}${fact}`)}</p>`;
}

const SHOWN_ENDPOINTS = 3;

function about(f: Finding, touched: readonly string[]): Child {
  const links = touched
    .slice(0, SHOWN_ENDPOINTS)
    .map((key) => html`<a href="#${anchor('e', key)}"><code>${key}</code></a><br>`);
  const more = touched.length - links.length;
  const entry = f.entry ?? (f.subject.kind === 'entry' ? f.subject.entry : undefined);
  return html`${links}${more > 0 ? html`${count(more, 'more', 'more')}<br>` : null}${entry ? html`entry ${entryLink(entry)}` : null}${
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
