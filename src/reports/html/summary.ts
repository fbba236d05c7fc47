import { widestBind } from '../../model/describe.ts';
import type { CheckResult, EndpointResult } from '../../model/facts.ts';
import { type Finding, SEVERITIES } from '../../model/finding.ts';
import { BIND_SCOPES } from '../../model/listener.ts';
import { reviewDue, reviewState } from '../../model/review.ts';
import { preferInside } from '../../model/vantage.ts';
import { count, duration } from '../../util/words.ts';
import type { ReportInput } from '../report-format.ts';
import { counts, formatNumber, hostsSeen, processName, shortDigest, subjectText, totalsOf } from '../words.ts';
import { CAN_WORDS, CANS, canOf } from './admitted.ts';
import { changesOf } from './changes.ts';
import { barList, stackedBar } from './charts.ts';
import { frameworkViews } from './control-result.ts';
import { controlShares, frameworkAnchor, frameworkTitle } from './controls.ts';
import { hostCount, notSeen } from './cover.ts';
import { type Child, html, type Markup } from './escape.ts';
import { changeList, knownOf } from './events.ts';
import { anchor, code, day, distance, entryLink, listed, pair, rowsAddress, severity, unknown } from './format.ts';
import { isApproved, MAY_WORDS, type May, mayOf } from './may.ts';

/** The state in one sentence, the three truths of all endpoints, and what to look at first. */
export function summary(input: ReportInput): Markup {
  const { result } = input;
  return html`<section id="summary"><h2 class="hide">Summary</h2><p class="state">${state(result)}</p>
<p class="note">Against register ${shortDigest(result.facts.estate.register.digest)}; not seen: ${notSeen(result)}.</p>${
    result.results.length > 0 ? html`${truths(result)}${verdicts(result)}` : null
  }<div class="halves">${bySeverity(result)}${byReach(result)}</div>${topRules(input)}<div class="halves">${changed(result)}${reviews(result)}</div>${frameworkLines(input)}</section>`;
}

function state(result: CheckResult): Child {
  const t = totalsOf(result);
  if (t.hosts === 0) return 'No host has been observed yet, so nothing can be said.';
  if (t.endpoints === 0) return `Nothing listens on ${hostCount(result.facts.estate.hosts)}, as far as was looked.`;
  const parts: Child[] = [];
  const verdict = (word: string, n: number, words: string) => {
    if (n > 0)
      parts.push(html`<a href="${rowsAddress('endpoints', { verdict: [word] })}">${formatNumber(n)} ${words}</a>`);
  };
  const accepted = t.deviatesAccepted > 0 ? ` (${formatNumber(t.deviatesAccepted)} accepted)` : '';
  verdict('DEVIATES', t.deviates, `${t.deviates === 1 ? 'deviates' : 'deviate'}${accepted}`);
  verdict('UNDETERMINED', t.undetermined, t.undetermined === 1 ? 'is undetermined' : 'are undetermined');
  verdict('CONFORMS', t.conforms, t.conforms === 1 ? 'conforms' : 'conform');
  return html`<a href="#endpoints">${count(t.endpoints, 'endpoint')}</a> on ${hostCount(result.facts.estate.hosts)}: ${listed(parts)}.`;
}

/** All endpoints by what is approved, admitted and observed, on one scale: their number. */
function truths({ results, now, facts: { estate } }: CheckResult): Markup {
  const kinds = new Map<May, number>();
  for (const r of results) kinds.set(mayOf(r.facts, now), (kinds.get(mayOf(r.facts, now)) ?? 0) + 1);
  const approved = kinds.get('proven') ?? 0;
  const total = results.length;
  const cans = Map.groupBy(results, (r) => canOf(r.facts, estate));
  const settled = (cans.get('approved')?.length ?? 0) + (cans.get('loopback')?.length ?? 0);
  const wider = cans.get('wider')?.length ?? 0;
  const isAsked = results.some((r) => r.facts.admission !== undefined);
  const unapproved = total - approved;
  const hosts = hostsSeen(estate.hosts).length;
  // A listing such as that of ss knows the name of a program, and not where it lies.
  const seen = results.flatMap((r) => r.facts.listeners.flatMap((l) => l.listener.process ?? []));
  const programs = new Set(seen.map((process) => process.exe ?? processName(process))).size;
  const others = [...kinds].filter(([kind]) => !isApproved(kind)).sort(([a], [b]) => (a < b ? -1 : 1));
  return html`<div class="truths big-truths"><div class="may"><h3>Approved <b>may</b></h3><p class="big">${link(approved, { may: ['proven'] })} <span>${noun(approved)}</span></p>${share(approved, total)}<dl>${others.map(([kind, n]) => pair(link(n, { may: [kind] }), MAY_WORDS[kind]))}</dl></div>
<p class="gutter">${isAsked ? wider > 0 && html`<b>${link(wider, { can: ['wider'] })}</b> ${wider === 1 ? 'lets' : 'let'} in too many` : html`<b class="q">?</b> may and can not compared`}</p>
<div class="can"><h3>Admitted <b>can</b></h3>${
    isAsked
      ? html`<p class="big">${link(settled, { can: ['approved', 'loopback'] })} <span>no wider than approved</span></p>${share(settled, total)}`
      : html`<p class="big">${unknown('not verified')}</p><div class="hatch"></div>`
  }<dl>${CANS.map((can) => {
    const n = cans.get(can)?.length ?? 0;
    return (n > 0 || (can === 'unknown' && !isAsked)) && pair(link(n, { can: [can] }), CAN_WORDS[can]);
  })}</dl></div>
<p class="gutter">${unapproved > 0 && html`<b>${link(unapproved, { may: others.map(([kind]) => kind) })}</b> ${unapproved === 1 ? 'listens' : 'listen'}, no approval in force`}</p>
<div class="does"><h3>Observed <b>does</b></h3><p class="big">${link(total, {})} <span>${noun(total)}</span></p>${share(total, total)}<dl>${pair(html`<a href="#coverage">${formatNumber(hosts)}</a>`, hosts === 1 ? 'host observed' : 'hosts observed')}${pair(
    formatNumber(programs),
    programs === 1 ? 'program that listens' : 'programs that listen',
  )}${hidden(results)}</dl></div></div>`;
}

function hidden(results: readonly EndpointResult[]): Child {
  const n = results.filter((r) => preferInside(r.facts.listeners).some((l) => l.listener.process === null)).length;
  return n > 0 ? pair(formatNumber(n), `${n === 1 ? 'endpoint' : 'endpoints'} whose program was not visible`) : null;
}

function noun(n: number): string {
  return n === 1 ? 'endpoint' : 'endpoints';
}

/** A number of endpoints that leads to their rows. */
function link(n: number, filter: Readonly<Record<string, readonly string[]>>): Markup {
  const href = Object.keys(filter).length === 0 ? '#endpoints' : rowsAddress('endpoints', filter);
  return n === 0 ? html`0` : html`<a href="${href}">${formatNumber(n)}</a>`;
}

function share(n: number, total: number): Markup {
  return html`<svg class="reach plain" aria-hidden="true"><rect class="track" width="100%" height="6"/><rect fill="currentColor" width="${n === 0 ? 0 : Math.max(0.5, Math.round((n / total) * 1000) / 10)}%" height="6"/></svg>`;
}

function verdicts(result: CheckResult): Markup {
  const t = totalsOf(result);
  return html`<h3>Verdicts</h3>${stackedBar('Endpoints by verdict', [
    {
      name: 'DEVIATES',
      label: `✗ deviate from the register${t.deviatesAccepted > 0 ? `, ${formatNumber(t.deviatesAccepted)} of them accepted` : ''}`,
      value: t.deviates,
      href: rowsAddress('endpoints', { verdict: ['DEVIATES'] }),
    },
    {
      name: 'UNDETERMINED',
      label: '? undetermined',
      value: t.undetermined,
      href: rowsAddress('endpoints', { verdict: ['UNDETERMINED'] }),
    },
    {
      name: 'CONFORMS',
      label: '✓ conform to the register',
      value: t.conforms,
      href: rowsAddress('endpoints', { verdict: ['CONFORMS'] }),
    },
  ])}`;
}

function bySeverity(result: CheckResult): Markup {
  const t = totalsOf(result);
  const shares = SEVERITIES.toReversed().map((word) => ({
    name: `s-${word}`,
    label: severity(word),
    value: t.open[word],
    href: rowsAddress('findings', { severity: [word], status: ['open'] }),
  }));
  const aside = [
    ...(t.accepted > 0
      ? [html`<a href="${rowsAddress('findings', { status: ['accepted'] })}">${formatNumber(t.accepted)} accepted</a>`]
      : []),
    ...(t.inBaseline > 0
      ? [
          html`<a href="${rowsAddress('findings', { status: ['known'] })}">${formatNumber(t.inBaseline)} known from the baseline</a>`,
        ]
      : []),
    ...(t.resolved > 0 ? [html`${formatNumber(t.resolved)} gone since the last run`] : []),
  ];
  return html`<div><h3>Open findings by severity</h3>${barList('Open findings by severity', shares)}${aside.length > 0 && html`<p class="note">Beside them: ${listed(aside)}.</p>`}</div>`;
}

function byReach({ results }: CheckResult): Markup {
  const n = (bind: string) => results.filter((r) => widestBind(r.facts) === bind).length;
  return html`<div><h3>Endpoints by how far they listen</h3>${barList(
    'Endpoints by bind scope',
    BIND_SCOPES.toReversed().map((bind) => ({
      name: 'does-fill',
      label: bind,
      value: n(bind),
      href: rowsAddress('endpoints', { bind: [bind] }),
    })),
  )}<p class="note">any: every address of the host. private: RFC 1918, RFC 6598, RFC 4193, link-local.</p></div>`;
}

const TOP_RULES = 8;

/** Open findings by rule, worst first: what to begin with. */
function topRules({ result, rules }: ReportInput): Child {
  const open = new Map<string, Finding[]>();
  for (const f of result.findings) {
    if (!counts(f)) continue;
    const list = open.get(f.rule);
    if (list) list.push(f);
    else open.set(f.rule, [f]);
  }
  if (open.size === 0) return html`<h3>What to do first</h3><p class="empty">Nothing is open.</p>`;
  const rank = (list: readonly Finding[]) => SEVERITIES.indexOf((list[0] as Finding).severity);
  const sorted = [...open].sort(([, a], [, b]) => rank(b) - rank(a) || b.length - a.length);
  return html`<h3>What to do first</h3><ul class="rules-first">${sorted.slice(0, TOP_RULES).map(([rule, list]) => {
    const first = list[0] as Finding;
    const title = rules.find((r) => r.id === rule)?.title ?? rule;
    return html`<li>${severity(first.severity)} <span>${list.length === 1 ? first.message : html`${title}: ${subjects(list)}`}</span> <a href="${
      list.length === 1
        ? `#${anchor('f', first.fingerprint)}`
        : rowsAddress('findings', { rule: [rule], status: ['open'] })
    }">${list.length === 1 ? 'See it' : count(list.length, 'finding')}</a>`;
  })}</ul>`;
}

const SHOWN_SUBJECTS = 3;

/** What the findings of one rule are about, each once. */
function subjects(list: readonly Finding[]): Child {
  const names = [...new Set(list.map((f) => subjectText(f.subject)))];
  const more = names.length - SHOWN_SUBJECTS;
  return html`${listed(names.slice(0, SHOWN_SUBJECTS).map(code))}${more > 0 && ` and ${formatNumber(more)} more`}`;
}

const SHOWN_CHANGES = 8;

function changed(result: CheckResult): Markup {
  const changes = changesOf(result);
  return html`<div><h3>What changed lately</h3>${
    changes.length === 0
      ? html`<p class="empty">No change is recorded yet.</p>`
      : html`${changeList(changes.slice(0, SHOWN_CHANGES), knownOf(result))}<p class="note"><a href="#events">${result.events.length === 1 ? 'The event' : `All ${formatNumber(result.events.length)} recent events`}</a></p>`
  }</div>`;
}

const SHOWN_REVIEWS = 8;

function reviews({ now, facts: { estate } }: CheckResult): Markup {
  const { policy, entries } = estate.register;
  const due = entries
    .map((entry) => {
      const approval = estate.approvals.get(entry.id) ?? { kind: 'unknown', reason: 'it was not judged' };
      return { entry, at: reviewDue(entry, approval, policy, now) };
    })
    .flatMap(({ entry, at }) => (at === null ? [] : [{ entry, at, state: reviewState(at, now, policy) }]))
    .sort((a, b) => a.at - b.at);
  const never = entries.length - due.length;
  return html`<div><h3>Reviews due</h3>${
    due.length === 0 ? html`<p class="empty">No approved entry waits for a review.</p>` : null
  }<ol class="events">${due
    .slice(0, SHOWN_REVIEWS)
    .map(
      ({ entry, at, state }) =>
        html`<li><span>${day(at)}</span> <span>${entryLink(entry.id)} <span class="${state === 'overdue' ? 'bad' : 'note'}">${state === 'overdue' ? `✗ overdue by ${duration(now - at)}` : distance(at, now)}</span></span>`,
    )}</ol>${never > 0 && html`<p class="note">${count(never, 'entry', 'entries')} not approved or expired, so not due for review.</p>`}</div>`;
}

function frameworkLines(input: ReportInput): Child {
  const views = frameworkViews(input);
  if (views.length === 0) return null;
  return html`<h3>Frameworks: controls by what is at hand</h3>${views.map(
    (v) =>
      html`<p class="framework-line"><a href="#${frameworkAnchor(v)}">${frameworkTitle(v)}</a></p>${stackedBar('Controls by result', controlShares(v))}`,
  )}`;
}
