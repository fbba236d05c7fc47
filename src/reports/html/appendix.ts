import type { HostFirewall } from '../../model/admission.ts';
import { UNKNOWN_SCOPE } from '../../model/endpoint.ts';
import type { CheckResult } from '../../model/facts.ts';
import { isStale } from '../../model/freshness.ts';
import { silentLooks } from '../../model/looks.ts';
import type { Coverage } from '../../model/observation.ts';
import { formatPorts } from '../../model/port-ranges.ts';
import type { HostState } from '../../model/state.ts';
import { vantageKind, vantageWords } from '../../model/vantage.ts';
import { count } from '../../util/words.ts';
import type { ReportInput } from '../report-format.ts';
import { counts, formatNumber, neverSeen } from '../words.ts';
import { type Completeness, completenessText } from './completeness.ts';
import { type Child, html, type Markup } from './escape.ts';
import { eventList, knownOf } from './events.ts';
import type { ListenerHashes } from './evidence.ts';
import { anchor, code, distance, listed, rowsAddress, severity, time, unknown } from './format.ts';
import { remedy } from './remedy.ts';

/** What was looked at, host by host, and what could not be seen. */
export function coverage(result: CheckResult, hashes: ListenerHashes, completeness: Completeness): Markup {
  const { hosts } = result.facts.estate;
  const silent = neverSeen(result.facts.estate);
  const silentOnes = new Set(silentLooks(hosts));
  const seen = hosts.filter((h) => !silentOnes.has(h));
  const gaps = seen.flatMap((h) => h.gaps.map((gap) => ({ host: h, gap })));
  return html`<section id="coverage"><h2>Coverage and gaps</h2>
<p class="lead">${completenessText(completeness)} What nobody looked at is unknown, not empty.</p>${
    hosts.length === 0
      ? html`<p class="empty">No observation yet. Next: <code>quietdoor scan local</code></p>`
      : html`<table class="plain-table hosts"><thead><tr><th scope="col">Host<th scope="col">Last looked<th scope="col">How<th scope="col">What was looked at<th scope="col" class="count">Endpoints</tr></thead>${seen.map((h, i) => hostRow(h, result, seen.findIndex((o) => o.host.name === h.host.name) === i, hashes))}</table>${noAnswer(hosts)}`
  }${silent.length > 0 && html`<h3>Declared, never observed</h3><p>${silent.map((h, i) => html`${i > 0 ? ', ' : null}${code(h.name)}`)}</p>`}${packetFilters(result)}
<h3 id="gaps">Gaps</h3>${
    gaps.length === 0
      ? html`<p class="empty">The collectors reported no gaps.</p>`
      : html`<table class="plain-table gaps"><thead><tr><th scope="col">Host<th scope="col">Not seen<th scope="col">What to do</tr></thead>${gaps.map(
          ({ host, gap }) =>
            html`<tbody><tr><th scope="row">${host.host.name}<td>${gap.message}<br><span class="note">${gap.code}: ${gap.subject}</span><td>${gap.remedy ? remedy(gap.remedy) : '–'}</tbody>`,
        )}</table>`
  }</section>`;
}

const FILTERS: Readonly<Record<HostFirewall['filters'], string>> = {
  some: 'filtered',
  none: 'no filter',
  unknown: 'not known',
};

/** What was read of the packet filters of each host: every statement is one of four, and they add up. */
function packetFilters({ now, facts: { estate } }: CheckResult): Child {
  const { firewalls = [] } = estate;
  if (firewalls.length === 0) return null;
  return html`<h3 id="filters">Packet filters</h3><table class="plain-table gaps"><thead><tr><th scope="col">Host<th scope="col">Taken<th scope="col">What was read</tr></thead>${firewalls.map(
    ({ host, takenAt, source, filters, statements: s, problems }) =>
      html`<tbody><tr><th scope="row">${host}<br><span class="note">${FILTERS[filters]}</span><td>${time(takenAt)}<br>${
        isStale(takenAt, estate)
          ? html`<span class="unknown">stale, ${distance(takenAt, now)}</span>`
          : html`<span class="note">${source}</span>`
      }<td>${count(s.modelled + s.irrelevant + s.unsupported + s.unrecognised, 'statement')}: ${formatNumber(s.modelled)} modelled, ${formatNumber(s.irrelevant)} irrelevant, ${formatNumber(s.unsupported)} unsupported, ${formatNumber(s.unrecognised)} unrecognised${problems.map((problem) => html`<br>${unknown('not read')} ${problem}`)}</tbody>`,
  )}</table>`;
}

/** Addresses that were asked and gave no answer at all, each look in a sentence: there may be no host. */
function noAnswer(hosts: readonly HostState[]): Child {
  const byVantage = Map.groupBy(silentLooks(hosts), (h) => h.vantage);
  return [...byVantage].map(([vantage, looks]) => {
    const named = looks.slice(0, SHOWN_SILENT).map((h) => code(h.recordedAs ?? h.host.name));
    const more = looks.length - named.length;
    return html`<p>${count(looks.length, 'address', 'addresses')} asked ${vantageWords(vantage)} gave no answer at all, so nothing is known of ${looks.length === 1 ? 'it' : 'them'}: ${listed(named)}${more > 0 && ` and ${formatNumber(more)} more`}.`;
  });
}

const SHOWN_SILENT = 12;

function hostRow(
  h: HostState,
  { now, results, facts: { estate } }: CheckResult,
  isFirst: boolean,
  hashes: ListenerHashes,
): Markup {
  const open = results.filter((r) => r.facts.endpoint.host === h.host.name).length;
  const stale = isStale(h.lastObservedAt, estate);
  return html`<tbody${isFirst ? html` id="${anchor('h', h.host.name)}"` : null}><tr><th scope="row"><b>${h.host.name}</b>${h.recordedAs === undefined ? null : html` <span class="note">as ${code(h.recordedAs)}</span>`}<br><span class="note">${vantageKind(h.vantage) === 'outside' && h.host.os === undefined ? vantageWords(h.vantage) : (h.host.os ?? 'system not known')}${h.host.kernel ? html`, ${h.host.kernel}` : null}</span><td>${time(h.lastObservedAt)}<br>${
    stale
      ? html`<span class="unknown">stale, ${distance(h.lastObservedAt, now)}</span>`
      : html`<span class="note">${distance(h.lastObservedAt, now)}</span>`
  }<td>${h.collector} from ${h.vantage}, as ${h.privilege}<br><span class="note">observation ${code(h.observationId)}<br>${hashes.has(h) ? html`listeners SHA-256 ${code(hashes.get(h) ?? '')}` : 'listeners: a newer look decides'}</span><td>${h.coverage.length === 0 ? unknown('nothing') : h.coverage.map((c, i) => html`${i > 0 ? html`<br>` : null}${covers(c)}`)}<td class="count"><a href="${rowsAddress('endpoints', { host: [h.host.name] })}">${formatNumber(open)}</a></tbody>`;
}

function covers(c: Coverage): string {
  const all = c.ports.length === 1 && c.ports[0]?.from === 0 && c.ports[0].to === 65535;
  return `${c.scope === '*' ? 'every scope' : c.scope === UNKNOWN_SCOPE ? 'from outside' : c.scope}: ${c.transports.join(', ')}, ${all ? 'all ports' : `ports ${formatPorts(c.ports)}`}, ${c.addresses === 'all' ? 'all addresses' : count(c.addresses.length, 'address', 'addresses')}`;
}

/** The rules that were applied, the events, and how to read the words. */
export function appendix({ result, rules, failOn }: ReportInput): Markup {
  return html`<section id="rules"><h2>Rules</h2><p class="lead">What was checked. Findings of severity ${failOn} and above fail a run.</p><dl class="rule-list">${rules.map(
    (rule) => {
      const open = result.findings.filter((f) => f.rule === rule.id && counts(f)).length;
      return html`<dt id="${anchor('rule', rule.id)}">${severity(rule.severity)}<dd><b>${rule.title}</b> <code>${rule.id}</code> ${rule.lacks === undefined ? openLink(rule.id, open) : html`${unknown('judged nothing')} <span class="note">${rule.lacks}</span>`}<p>${rule.rationale}</p><p class="note">→ ${remedy(rule.remediation)}</p>`;
    },
  )}</dl></section>
<section id="events"><h2>Recent events</h2>${result.events.length === 0 ? html`<p class="empty">No event is recorded yet.</p>` : eventList(result.events, knownOf(result))}</section>
<section id="method"><h2>Method</h2><dl class="method"><dt>Three truths<dd>Approved (may) is what the register says. Admitted (can) is who the packet filters let in, worked out from the rules that were taken of each host; where none were, a port reachable beyond loopback is undetermined at best. What depends on more than the rules say (a rate, a set that was not given) is undecided, and counts as neither open nor closed. Observed (does) is what listened when a collector looked; who connects is not observed. The bar of an endpoint shows how many source addresses are approved, on a logarithmic scale from one to all of IPv4.
<dt>Verdicts<dd>CONFORMS: it matches an entry whose approval is proven, and nothing is in doubt. DEVIATES: a finding of severity low or above is about it, open or accepted by an exception. UNDETERMINED: something needed for an answer was not seen. Unknown never counts as conforming.
<dt>Findings<dd>One rule broken by one subject. Its id is a hash of the rule and the subject, so it stays the same from run to run. An accepted finding fails no run, but stays visible, stays a deviation unless it is accepted as a false positive, and counts again when its exception expires.
<dt>Controls<dd>Findings: a check that speaks to the control found a deviation; an accepted one stays a deviation. Evidence: its checks ran and found none, which does not say that the control is satisfied; a check that had nothing to judge by says so and counts for nothing. Stale: no recent observation. Manual: no check that speaks to it could judge anything. A port conforms to a register; whether a control is satisfied is for the assessor to say.
<dt>Hashes<dd>The register is named by its digest. The listeners of a host are named by the SHA-256 of the JSON under <code>listeners</code> that a scan prints: <code>jq -cj .listeners scan.json | sha256sum</code> tells whether a scan that was kept (<code>quietdoor scan --format json -o scan.json</code>) is the one that this report rests on.
<dt>Times<dd>UTC. The same facts give the same report, byte for byte.</dl></section>`;
}

function openLink(rule: string, open: number): Child {
  return open === 0
    ? html`<span class="note">nothing open</span>`
    : html`<a href="${rowsAddress('findings', { rule: [rule], status: ['open'] })}">${count(open, 'open finding')}</a>`;
}
