import type { JudgedBy } from '../../model/admission-compare.ts';
import { widestBind } from '../../model/describe.ts';
import { HOST_SCOPE } from '../../model/endpoint.ts';
import type { EndpointFacts, EndpointResult } from '../../model/facts.ts';
import { BIND_SCOPES, type BindScope, isWiderBind } from '../../model/listener.ts';
import { count } from '../../util/words.ts';
import { declaredLines } from '../declared-text.ts';
import { approvalWords, counts, insideWords } from '../words.ts';
import { admittedColumn, admittedGutter } from './admitted.ts';
import { type Child, html, type Markup } from './escape.ts';
import {
  anchor,
  code,
  day,
  entryLink,
  listed,
  pair,
  sentence,
  severity,
  time,
  unknown,
  verdictWord,
} from './format.ts';
import { isApproved, mayOf } from './may.ts';
import { observed } from './observed.ts';
import { remedy } from './remedy.ts';
import { type Sources, sourceBar, sourceTotal, sourceWords } from './sources.ts';
import { trafficPart } from './traffic.ts';

/** Approved, admitted, observed side by side, with what differs between them; below, what was found. */
export function threeTruths(result: EndpointResult, judged: JudgedBy, sources: Sources): Markup {
  const { facts } = result;
  const { now } = judged;
  const reach = widestBind(facts);
  return html`<div class="truths">${approved(facts, now, sources)}<p class="gutter">${admittedGutter(facts, judged)}</p>${admitted(facts, judged)}<p class="gutter">${difference(facts, reach, now)}</p>${observed(facts, reach, now)}</div>${trafficPart(facts, now)}${outcome(result)}`;
}

function difference(facts: EndpointFacts, reach: BindScope | undefined, now: number): Child {
  if (reach === undefined) return null;
  if (!isApproved(mayOf(facts, now))) return html`<b>✗</b> listens, no approval in force`;
  const bind = facts.entries[0]?.entry.bind;
  const approvedReach = BIND_SCOPES.find((b) => b === bind);
  if (approvedReach === undefined || !isWiderBind(reach, approvedReach)) return null;
  return html`<b>✗ wider</b> listens on ${reach}, may on ${approvedReach}`;
}

function approved(facts: EndpointFacts, now: number, sources: Sources): Markup {
  const first = facts.entries[0];
  if (first === undefined)
    return html`<div class="may"><h3>Approved <b>may</b></h3><p class="big none">nobody</p><div class="track"></div><dl>${pair('Entry', 'No register entry covers it.')}${declared(facts)}</dl></div>`;
  const { entry } = first;
  const known = sources(entry);
  const total = sourceTotal(known.count);
  const more = facts.entries.slice(1).map((m) => entryLink(m.entry.id));
  const off = isApproved(mayOf(facts, now)) ? '' : ' off';
  return html`<div class="may${off}"><h3>Approved <b>may</b></h3><p class="big">${sourceWords(known.count)}</p>${
    total < 0n ? html`<div class="hatch"></div>` : sourceBar(total)
  }<dl>${pair('Sources', known.list)}${pair('Listen on', BIND_SCOPES.some((b) => b === entry.bind) ? entry.bind : code(entry.bind))}${pair(
    'Entry',
    html`${entryLink(entry.id)}${entry.purpose ? html`, ${entry.purpose}` : null}`,
  )}${pair('Owner', entry.owner ?? unknown('not named'))}${pair('Approval', sentence(approvalWords(first.approval, entry)))}${
    entry.expires !== null && pair(entry.expires <= now ? 'Expired' : 'Expires', day(entry.expires))
  }${more.length > 0 && pair('Also', listed(more))}${declared(facts)}</dl></div>`;
}

/** What deployment files and plans say, which approves nothing. */
function declared(facts: EndpointFacts): Child {
  const lines = declaredLines(facts);
  return (
    lines.length > 0 &&
    pair(
      'Declared',
      html`<ul class="plain">${lines.map((line) => html`<li>${typeof line === 'string' ? line : line.join(' · ')}`)}</ul>`,
    )
  );
}

/** Where no filter was read, all that can be said is where it is offered, and that loopback admits nobody else. */
function admitted(facts: EndpointFacts, judged: JudgedBy): Markup {
  const { scope } = facts.endpoint;
  if (widestBind(facts) === 'loopback')
    return html`<div class="can"><h3>Admitted <b>can</b></h3><p class="big">${insideWords(scope)}</p>${sourceBar(1n)}<dl>${pair('Why', 'It listens on loopback addresses only.')}</dl></div>`;
  if (facts.admission) return admittedColumn(facts, judged);
  const offered = offeredOn(facts);
  return html`<div class="can"><h3>Admitted <b>can</b></h3><p class="big">${unknown('not verified')}</p><div class="hatch"></div><dl>${pair('Filters', 'not read, so who is let in is unknown')}${
    offered.length > 0 &&
    pair(
      'Offered on',
      html`${listed(offered.slice(0, SHOWN_ADDRESSES).map(code))}${offered.length > SHOWN_ADDRESSES && `, ${count(offered.length - SHOWN_ADDRESSES, 'more', 'more')}`}`,
    )
  }</dl></div>`;
}

const SHOWN_ADDRESSES = 4;
const ANY_ADDRESS = ['0.0.0.0', '::'];

/** The addresses beyond loopback under which the port answers, as far as they are known. */
function offeredOn({ endpoint, listeners, host }: EndpointFacts): readonly string[] {
  const own = listeners.map((s) => s.listener).filter((l) => l.bind !== 'loopback');
  const named = own.map((l) => l.address).filter((a) => !ANY_ADDRESS.includes(a));
  const ofHost = (family: 'ipv4' | 'ipv6') =>
    endpoint.scope === HOST_SCOPE && own.some((l) => ANY_ADDRESS.includes(l.address) && l.families.includes(family))
      ? host.flatMap((h) => h.host.addresses).filter((a) => a.includes(':') === (family === 'ipv6'))
      : [];
  return [...new Set([...named, ...ofHost('ipv4'), ...ofHost('ipv6')])];
}

/** Its findings with the remedy of the worst, or why the verdict is what it is; and when it was seen. */
function outcome({ verdict, findings, facts }: EndpointResult): Markup {
  const seen = facts.host.map(
    (h) => html`${time(h.lastObservedAt)} from ${h.vantage}, observation ${code(h.observationId)}`,
  );
  const worst = findings.find(counts);
  return html`<div class="outcome">${
    findings.length > 0 &&
    html`<ul class="plain">${findings.map(
      (f) =>
        html`<li>${severity(f.severity)} <a href="#${anchor('f', f.fingerprint)}">${f.rule}</a> ${f.message}${f.status === 'accepted' ? html` <span class="note">accepted${f.exception ? html` by <a href="#${anchor('x', f.exception)}">${f.exception}</a>` : null}</span>` : null}${f === worst ? html`<p class="remedy">→ ${remedy(f.remediation)}</p>` : null}`,
    )}</ul>`
  }${
    verdict.word !== 'DEVIATES' && html`<p>${verdictWord(verdict.word)} ${verdict.reasons.map(sentence).join(' ')}`
  }<p class="note">Seen ${seen.length > 0 ? listed(seen) : unknown('never')}.</div>`;
}
