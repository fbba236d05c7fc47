import { formatPosition } from '../../model/errors.ts';
import type { CheckResult, MatchedEntry } from '../../model/facts.ts';
import { formatPorts } from '../../model/port-ranges.ts';
import { type ApprovalState, DAY_MS, type Exception, type Register, type RegisterEntry } from '../../model/register.ts';
import { reviewDue, reviewState } from '../../model/review.ts';
import { count } from '../../util/words.ts';
import { approvalWords, formatNumber } from '../words.ts';
import { type Child, html, type Markup } from './escape.ts';
import { anchor, code, DASH, day, distance, listed, pair, rowsAddress, sentence, tag, unknown } from './format.ts';
import { approvalOf, isApproved, MAY_WORDS, type May } from './may.ts';
import { type Sources, sourcesWith, sourceTotal, sourceWords } from './sources.ts';
import { type Column, dataTable, type Row } from './table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'Entry', name: 'entry' },
  { title: 'Owner', name: 'owner' },
  { title: 'Ports', name: 'ports' },
  { title: 'Hosts', name: 'hosts' },
  { title: 'May', name: 'may' },
  { title: 'Approval', name: 'approval' },
  { title: 'Review due', name: 'review' },
  { title: 'Expires', name: 'expires' },
  { title: 'Endpoints', name: 'count', numeric: true },
];

const PRINTED_DETAILS = 200;

/** The approved uses of ports with the state of each approval, then what could not be read, exceptions and deviations. */
export function register(result: CheckResult): Markup {
  const { estate } = result.facts;
  const sources = sourcesWith(estate.register.zones);
  const rows = estate.register.entries.map((entry) => row(entry, result, sources));
  const kinds = Object.keys(MAY_WORDS) as May[];
  return html`<section id="register" class="wide"><h2>Register</h2>
<p class="lead">Register ${code(estate.register.digest)}: ${count(rows.length, 'entry', 'entries')}, ${count(estate.register.exceptions.length, 'exception')}. Only a proven approval counts as approved.</p>${problems(estate.register)}${dataTable(
    {
      name: 'register',
      caption: 'Register entries',
      noun: ['entry', 'entries'],
      columns: COLUMNS,
      rows,
      chips: [
        ...kinds.map((kind) => ({ key: 'approval', value: kind, label: MAY_WORDS[kind] })),
        { key: 'review', value: 'overdue', label: 'review overdue' },
        { key: 'review', value: 'soon', label: 'review due soon' },
        { key: 'listens', value: 'no', label: 'nothing listens' },
      ],
      empty: html`The register has no entries, so nothing is approved. Next: <code>quietdoor register draft</code> proposes entries from what listens.`,
      printDetail: rows.length <= PRINTED_DETAILS,
    },
  )}${exceptions(estate.register, result)}${deviations(estate.register)}</section>`;
}

export function approvalKind(entry: RegisterEntry, approval: ApprovalState, now: number): May {
  return approvalOf({ entry, approval, hostConfirmed: true } satisfies MatchedEntry, now);
}

function row(entry: RegisterEntry, { now, facts: { estate } }: CheckResult, sources: Sources): Row {
  const approval = estate.approvals.get(entry.id) ?? { kind: 'unknown', reason: 'it was not judged' };
  const kind = approvalKind(entry, approval, now);
  const due = reviewDue(entry, approval, estate.register.policy, now);
  const review = reviewState(due, now, estate.register.policy);
  const open = (estate.endpointsByEntry.get(entry.id) ?? []).filter((f) => f.listeners.length > 0).length;
  return {
    id: anchor('r', entry.id),
    tags: [tag('approval', kind), tag('review', review), tag('listens', open > 0 ? 'yes' : 'no')],
    cells: [
      { show: html`<b>${entry.id}</b>${entry.service ? html` <br>${entry.service}` : null}`, sort: entry.id },
      { show: entry.owner ?? unknown('not named') },
      {
        show: html`<code>${entry.transport}/${formatPorts(entry.ports)}</code>`,
        sort: `${String(entry.ports[0]?.from ?? 0).padStart(5, '0')}`,
      },
      { show: hostNames(entry.hosts) },
      {
        show: html`<b>${sourceWords(sources(entry).count)}</b> <br><span class="note">on ${entry.bind}</span>`,
        sort: String(sourceTotal(sources(entry).count)),
      },
      {
        show: isApproved(kind)
          ? html`<span class="good">✓ approved</span>`
          : html`<span class="${kind === 'unknown' ? 'unknown' : 'warn'}">${MAY_WORDS[kind]}</span>`,
      },
      {
        show:
          due === null
            ? DASH
            : html`${day(due)} <br><span class="${review === 'overdue' ? 'bad' : 'note'}">${review === 'overdue' ? '✗ overdue' : distance(due, now)}</span>`,
        sort: due ?? Number.MAX_SAFE_INTEGER,
      },
      { show: entry.expires === null ? DASH : day(entry.expires), sort: entry.expires ?? Number.MAX_SAFE_INTEGER },
      {
        show:
          open === 0
            ? html`<span class="none">0</span>`
            : html`<a href="${rowsAddress('endpoints', { entry: [entry.id] })}">${formatNumber(open)}</a>`,
        sort: open,
      },
    ],
    detail: detail(entry, approval, sources(entry).list),
  };
}

const SHOWN_HOSTS = 3;

function hostNames(hosts: readonly string[]): Child {
  const more = hosts.length - SHOWN_HOSTS;
  return html`${listed(hosts.slice(0, SHOWN_HOSTS).map(code))}${more > 0 ? ` and ${formatNumber(more)} more` : null}`;
}

function detail(entry: RegisterEntry, approval: ApprovalState, sources: Child): Markup {
  const { exe, user, unit, package: name, sha256 } = entry.process;
  const program = Object.entries({ exe, user, unit, package: name, sha256: sha256?.join(' ') }).flatMap(
    ([label, value]) => (value ? [html`${label} ${code(value)}`] : []),
  );
  return html`<dl class="two">${pair('Purpose', entry.purpose ?? unknown('not said'))}${entry.workflow && pair('Workflow', entry.workflow)}${pair(
    'Approval',
    sentence(approvalWords(approval, entry)),
  )}${pair('Sources', sources)}${pair('Program', program.length > 0 ? listed(program) : 'any')}${pair(
    'Data',
    entry.data.length > 0 ? entry.data.join(', ') : unknown('not said'),
  )}${pair('Encryption', entry.encryption ?? unknown('not said'))}${pair('Login', entry.auth ?? unknown('not said'))}${entry.scope !== 'host' && pair('Scope', code(entry.scope))}${
    entry.risk && pair('Risk', entry.risk)
  }${entry.review?.last !== undefined && pair('Reviewed', html`${day(entry.review.last)}${entry.review.by ? html` by ${entry.review.by}` : null}`)}${
    entry.evidence.length > 0 && pair('Drafted from', entry.evidence.join('; '))
  }${entry.inheritedFrom !== null && pair('Inherited', code(entry.inheritedFrom))}${pair('Digest', code(entry.digest))}${pair('Written in', code(formatPosition(entry.at)))}</dl>`;
}

function problems({ problems: list }: Register): Child {
  if (list.length === 0) return null;
  return html`<div class="problems"><h3>Not read as written</h3><ul class="plain">${list.map(
    (p) =>
      html`<li><span class="${p.severity === 'error' ? 'bad' : 'warn'}">${p.severity === 'error' ? '✗ error' : '▲ warning'}</span> ${code(formatPosition(p.at))} ${p.message}${p.hint ? html` <span class="note">${p.hint}</span>` : null}`,
  )}</ul><p class="note">The valid rest is used. Endpoints that a broken part might be about are undetermined.</p></div>`;
}

function exceptions({ exceptions: list }: Register, { now, findings }: CheckResult): Child {
  return html`<h3 id="exceptions">Exceptions accepted</h3>${
    list.length === 0
      ? html`<p class="empty">No deviation is accepted.</p>`
      : html`<table class="plain-table exceptions"><thead><tr><th scope="col">Exception</th><th scope="col">Accepts</th><th scope="col">Reason</th><th scope="col">Approved by</th><th scope="col">Until</th></tr></thead>${list.map((x) => exceptionRow(x, now, findings.filter((f) => f.exception === x.id).length))}</table>`
  }`;
}

function exceptionRow(x: Exception, now: number, used: number): Markup {
  const state =
    x.expires <= now
      ? html`<span class="bad">✗ expired</span>`
      : x.from !== null && x.from > now
        ? 'not yet in force'
        : `${formatNumber(Math.ceil((x.expires - now) / DAY_MS))} days left`;
  return html`<tbody id="${anchor('x', x.id)}"><tr><th scope="row"><b>${x.id}</b> <br><span class="note">${x.kind}</span><td><code>${x.rule}</code> on ${code(x.subject)}<br><span class="note">accepts ${count(used, 'finding')} now</span><td>${x.reason}<td>${x.approver}${x.ticket ? html`<br><span class="note">${x.ticket}</span>` : null}<td>${day(x.expires)}<br><span class="note">${state}</span></tbody>`;
}

function deviations({ deviations: list }: Register): Child {
  if (list.length === 0) return null;
  return html`<h3>Differs from the shared standard</h3><ul class="plain">${list.map((d) => html`<li>${code(d.what)} ${d.message} <span class="note">${formatPosition(d.at)}</span>`)}</ul>`;
}
