import { widestBind } from '../../model/describe.ts';
import { endpointKey } from '../../model/endpoint.ts';
import type { CheckResult, EndpointResult } from '../../model/facts.ts';
import { type Finding, SEVERITIES } from '../../model/finding.ts';
import { BIND_SCOPES } from '../../model/listener.ts';
import { reviewDue, reviewState } from '../../model/review.ts';
import { counts, formatNumber, insideWords, isAccepted } from '../words.ts';
import { CANS, type Can, canCell, canOf } from './admitted.ts';
import { changesOf, openedTags } from './changes.ts';
import { type Child, html, type Markup } from './escape.ts';
import { anchor, code, DASH, day, rowsAddress, severity, tag, unknown, verdictWord } from './format.ts';
import { isApproved, MAY_WORDS, mayOf } from './may.ts';
import { programsOf } from './observed.ts';
import { countAddresses, type Sources, sourcesWith, sourceTotal, sourceWords } from './sources.ts';
import { type Column, dataTable, type Row } from './table.ts';
import { threeTruths } from './truths.ts';

const COLUMNS: readonly Column[] = [
  { title: 'Endpoint', name: 'endpoint' },
  { title: 'Service', name: 'service' },
  { title: 'Owner', name: 'owner' },
  { title: 'May', name: 'may' },
  { title: 'Can', name: 'can' },
  { title: 'Does', name: 'does' },
  { title: 'Verdict', name: 'verdict' },
  { title: 'Open since', name: 'since' },
  { title: 'Review due', name: 'review' },
  { title: 'Findings', name: 'count', numeric: true },
];

/** Details are printed up to this many endpoints: 2 to a page, so 50 pages. Beyond, print what a filter leaves. */
const PRINTED_DETAILS = 100;

/** Every endpoint with an open listener, and behind each row its three truths. */
export function inventory(result: CheckResult): Markup {
  const sources = sourcesWith(result.facts.estate.register.zones);
  const openedWith = openedTags(changesOf(result));
  const rows = result.results.map((r) => row(r, result, sources, openedWith(r.facts)));
  const detailNote =
    rows.length > PRINTED_DETAILS
      ? ` The three truths of an endpoint open with its row; in print they are left out beyond ${PRINTED_DETAILS} endpoints.`
      : ' The three truths of an endpoint open with its row.';
  return html`<section id="endpoints" class="wide"><h2>Endpoints</h2>
<p class="lead">What listens, as observed, beside what the register allows.${rows.length > 0 ? detailNote : null}</p>${dataTable(
    {
      name: 'endpoints',
      caption: 'Endpoints with an open listener',
      noun: ['endpoint', 'endpoints'],
      columns: COLUMNS,
      rows,
      chips: [
        ...(['DEVIATES', 'UNDETERMINED', 'CONFORMS'] as const).map((word) => ({
          key: 'verdict',
          value: word,
          label: verdictWord(word),
        })),
        ...BIND_SCOPES.toReversed().map((word) => ({ key: 'bind', value: word, label: `does ${word}` })),
      ],
      empty:
        result.facts.estate.hosts.length === 0
          ? 'No host has been observed yet, so nothing can be said of what listens. Next: quietdoor scan local'
          : 'Nothing listens on the hosts observed, as far as was looked. What was not looked at is under Coverage and gaps.',
      printDetail: rows.length <= PRINTED_DETAILS,
    },
  )}</section>`;
}

function row(
  result: EndpointResult,
  { now, facts: { estate } }: CheckResult,
  sources: Sources,
  opened: readonly string[],
): Row {
  const { facts, verdict, findings } = result;
  const first = facts.entries[0];
  const reach = widestBind(facts);
  const may = mayOf(facts, now);
  const can = canOf(facts, estate);
  const due = first ? reviewDue(first.entry, first.approval, estate.register.policy, now) : null;
  const review = reviewState(due, now, estate.register.policy);
  const key = endpointKey(facts.endpoint);
  const since = Math.min(...facts.listeners.map((l) => l.openSince));
  const open = findings.filter(counts);
  return {
    id: anchor('e', key),
    tags: [
      tag('verdict', verdict.word),
      ...(reach ? [tag('bind', reach)] : []),
      tag('may', may),
      tag('can', can),
      tag('host', facts.endpoint.host),
      ...facts.entries.map((m) => tag('entry', m.entry.id)),
      ...opened,
    ],
    cells: [
      { show: breakable(key), sort: key },
      { show: first?.entry.service ?? DASH },
      { show: first ? (first.entry.owner ?? unknown('not named')) : DASH },
      {
        show: mayCell(result, now, sources),
        sort: first && isApproved(may) ? `0 ${sourceTotal(sources(first.entry).count)}` : `1 ${may}`,
      },
      { show: can === 'loopback' ? insideWords(facts.endpoint.scope) : canCell(facts, can), sort: canSort(facts, can) },
      {
        show: reach ? html`<b>${reach}</b> ${programs(programsOf(facts))}` : DASH,
        sort: `${reach ? BIND_SCOPES.indexOf(reach) : 9} ${programsOf(facts).join(' ')}`,
      },
      {
        show: html`${verdictWord(verdict.word)}${verdict.word === 'DEVIATES' && isAccepted(result) && html` <br><span class="note">accepted</span>`}`,
        sort: verdict.word,
      },
      { show: facts.listeners.length > 0 ? day(since) : DASH },
      {
        show:
          due === null
            ? DASH
            : html`${day(due)}${review === 'overdue' ? html` <br><span class="bad">✗ overdue</span>` : null}`,
        ...(due === null ? { sort: '9999' } : {}),
      },
      { show: findingsCell(open, findings.length - open.length), sort: findingsRank(open) },
    ],
    detail: threeTruths(result, estate, sources),
  };
}

/** What is wrong first, then by how many. */
function canSort({ admission }: EndpointResult['facts'], can: Can): string {
  const upper = admission?.admission.admitted.upper;
  const total = upper === undefined ? 0n : sourceTotal(countAddresses(upper));
  return `${CANS.indexOf(can)} ${String(10n ** 40n - total)}`;
}

/** An endpoint key that breaks before its scope rather than anywhere. */
function breakable(key: string): Child {
  const at = key.indexOf('@');
  return at < 0 ? code(key) : html`<code>${key.slice(0, at)}<wbr>${key.slice(at)}</code>`;
}

/** How many addresses an approval in force lets in; else why there is none. */
function mayCell({ facts }: EndpointResult, now: number, sources: Sources): Child {
  const first = facts.entries[0];
  const may = mayOf(facts, now);
  if (first === undefined) return html`<span class="none">no entry</span>`;
  const link = `#${anchor('r', first.entry.id)}`;
  return isApproved(may)
    ? html`<b>${sourceWords(sources(first.entry).count)}</b> <br><a href="${link}">${first.entry.id}</a>`
    : html`<span class="none">${MAY_WORDS[may]}</span> <br><a href="${link}">${first.entry.id}</a>`;
}

function programs(names: readonly string[]): Child {
  if (names.length === 0) return 'answers over the network';
  const shown = names
    .slice(0, 2)
    .map((name, i) => html`${i > 0 ? ', ' : null}${name === 'process not visible' ? unknown('not visible') : name}`);
  return html`${shown}${names.length > 2 ? ` and ${names.length - 2} more` : null}`;
}

function findingsCell(open: readonly Finding[], accepted: number): Child {
  const worst = open[0];
  const more = accepted > 0 ? html` <br><span class="note">${formatNumber(accepted)} accepted</span>` : null;
  if (worst === undefined) return html`<span class="none">0</span>${more}`;
  const endpoint = worst.endpoint;
  const href =
    open.length === 1 || endpoint === undefined
      ? `#${anchor('f', worst.fingerprint)}`
      : rowsAddress('findings', { endpoint: [endpointKey(endpoint)] });
  return html`${severity(worst.severity)} <a href="${href}">${formatNumber(open.length)}</a>${more}`;
}

/** Sorts by the worst finding, then by how many. */
function findingsRank(open: readonly Finding[]): number {
  const worst = open[0];
  return worst === undefined ? 0 : (SEVERITIES.indexOf(worst.severity) + 1) * 1000 + Math.min(open.length, 999);
}
