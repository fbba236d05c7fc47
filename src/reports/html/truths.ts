import { widestBind } from '../../model/describe.ts';
import type { EndpointFacts, EndpointResult, MatchedEntry } from '../../model/facts.ts';
import { BIND_SCOPES, type BindScope, isWiderBind } from '../../model/listener.ts';
import type { ApprovalState } from '../../model/register.ts';
import type { ListenerState } from '../../model/state.ts';
import { compareText } from '../../util/compare.ts';
import { count } from '../../util/words.ts';
import { approvalWords, processName } from '../words.ts';
import { type Child, html, type Markup, raw } from './escape.ts';
import { anchor, code, day, distance, severity, time, unknown } from './format.ts';

/** Whether and how an endpoint is approved; also the word that the table filters by. */
export type May = ApprovalState['kind'] | 'none' | 'expired' | 'host-not-confirmed';

export const MAY_WORDS: Record<May, string> = {
  proven: 'approved',
  claimed: 'claimed, not proven',
  draft: 'draft, not approved',
  void: 'approval void',
  'self-approved': 'approved by its author',
  'not-allowed': 'approver not allowed',
  forged: 'proof is wrong',
  unknown: 'approval unknown',
  expired: 'approval expired',
  'host-not-confirmed': 'host awaits confirmation',
  none: 'no entry',
};

/** Returns how the deciding entry stands at a time; an approval that lapsed or never named the host does not count. */
export function mayOf(facts: EndpointFacts, now: number): May {
  const first = facts.entries[0];
  return first === undefined ? 'none' : approvalOf(first, now);
}

export function approvalOf({ entry, approval, hostConfirmed }: MatchedEntry, now: number): May {
  if (approval.kind !== 'proven' && approval.kind !== 'claimed') return approval.kind;
  if (entry.expires !== null && entry.expires <= now) return 'expired';
  return hostConfirmed ? approval.kind : 'host-not-confirmed';
}

/** Only a proven approval counts: one that is merely written down is a finding. */
export function isApproved(may: May): boolean {
  return may === 'proven';
}

/** Returns who can be said to reach it without evaluated filters: nobody from outside, or unknown. */
export function canOf(reach: BindScope | undefined): 'loopback' | 'unknown' {
  return reach === 'loopback' ? 'loopback' : 'unknown';
}

/** Names of the programs that hold the listeners, each once. */
export function programsOf(facts: EndpointFacts): readonly string[] {
  const names = facts.listeners.map(({ listener: l }) => processName(l.process));
  return [...new Set(names)].sort(compareText);
}

/** The scale that all bars share, once per page; each step reaches further than the last. */
export const REACH_SYMBOLS: Markup = raw(
  `<svg class="symbols" aria-hidden="true" width="0" height="0">${BIND_SCOPES.map(
    (_, step) =>
      `<symbol id="reach-${step + 1}"><rect class="track" width="100%" height="6"/><rect fill="currentColor" width="${25 * (step + 1)}%" height="6"/>${BIND_SCOPES.map(
        (word, i) => `<text x="${25 * (i + 1)}%" y="20" text-anchor="end" class="tick">${word}</text>`,
      ).join('')}</symbol>`,
  ).join('')}</svg>`,
);

function bar(reach: BindScope): Markup {
  return html`<svg class="reach" aria-hidden="true"><use href="#reach-${BIND_SCOPES.indexOf(reach) + 1}"/></svg>`;
}

/** Approved, admitted, observed side by side, with what differs between them. */
export function threeTruths(result: EndpointResult, now: number): Markup {
  const { facts } = result;
  const first = facts.entries[0];
  const reach = widestBind(facts);
  const bind = first?.entry.bind;
  const approvedReach = BIND_SCOPES.find((b) => b === bind);
  const wider = reach !== undefined && approvedReach !== undefined && isWiderBind(reach, approvedReach);
  return html`<div class="truths">${approved(facts, now)}${
    canOf(reach) === 'loopback'
      ? html`<p class="gutter"></p><div class="can"><h3>Admitted <b>can</b></h3><p class="big">this host</p>${bar('loopback')}<dl>${pair('Why', 'It listens on loopback addresses only.')}</dl></div>`
      : html`<p class="gutter"><b class="q">?</b> not compared</p><div class="can"><h3>Admitted <b>can</b></h3><p class="big">${unknown('not verified')}</p><div class="hatch"></div></div>`
  }<p class="gutter">${
    !isApproved(mayOf(facts, now))
      ? html`<b>✗</b> listens, no approval in force`
      : wider
        ? html`<b>✗ wider</b> does ${reach}, may ${bind}`
        : null
  }</p>${observed(facts, reach, now)}</div>${outcome(result)}`;
}

function approved(facts: EndpointFacts, now: number): Markup {
  const first = facts.entries[0];
  if (first === undefined)
    return html`<div class="may"><h3>Approved <b>may</b></h3><p class="big none">nothing</p><div class="track"></div><dl>${pair('Entry', 'No register entry covers it.')}</dl></div>`;
  const { entry } = first;
  const reach = BIND_SCOPES.find((b) => b === entry.bind);
  const more = facts.entries.slice(1).map((m) => entryLink(m.entry.id));
  return html`<div class="may"><h3>Approved <b>may</b></h3><p class="big${isApproved(mayOf(facts, now)) ? '' : ' none'}">${entry.bind}</p>${
    reach ? bar(reach) : html`<div class="track"></div>`
  }<dl>${pair('Sources', sources(entry.sources))}${pair(
    'Entry',
    html`${entryLink(entry.id)}${entry.purpose ? html`, ${entry.purpose}` : null}`,
  )}${pair('Owner', entry.owner ?? unknown('not named'))}${pair('Approval', sentence(approvalWords(first.approval, entry)))}${
    entry.expires !== null && pair(entry.expires <= now ? 'Expired' : 'Expires', day(entry.expires))
  }${more.length > 0 && pair('Also', listed(more))}</dl></div>`;
}

function observed(facts: EndpointFacts, reach: BindScope | undefined, now: number): Markup {
  if (reach === undefined)
    return html`<div class="does"><h3>Observed <b>does</b></h3><p class="big none">nothing</p><div class="track"></div><dl>${pair('Listener', 'Nothing listens.')}${closed(facts, now)}</dl></div>`;
  return html`<div class="does"><h3>Observed <b>does</b></h3><p class="big">${reach}</p>${bar(reach)}<dl>${pair(
    'Address',
    listed(facts.listeners.map((s) => address(s))),
  )}${facts.listeners
    .filter((s, i, all) => i === all.findIndex((o) => sameProgram(o, s)))
    .map((s) => program(s))}${facts.listeners
    .slice(0, 1)
    .map((s) =>
      pair(
        'Open',
        html`since ${day(s.openSince)}${s.restarts > 0 ? `, ${count(s.restarts, 'restart')}` : ''}${
          s.firstSeen < s.openSince ? html`; first seen ${day(s.firstSeen)}` : null
        }`,
      ),
    )}${closed(facts, now)}</dl></div>`;
}

function address({ vantage, listener: l }: ListenerState): Markup {
  const both = l.address === '::' && l.families.length === 2 ? ' IPv4 and IPv6' : '';
  return html`${code(l.address)}${both}${l.role === 'ephemeral' ? ' ephemeral' : ''}${vantage === 'local' ? '' : ` seen from ${vantage}`}`;
}

function sameProgram(a: ListenerState, b: ListenerState): boolean {
  return a.listener.process?.pid === b.listener.process?.pid && a.listener.process?.exe === b.listener.process?.exe;
}

const EXE_STATE = { present: '', replaced: ' replaced on disk since it started', deleted: ' deleted from disk' };

function program({ listener: l }: ListenerState): Markup {
  const p = l.process;
  if (p === null)
    return pair('Program', html`${unknown('not visible')}${l.user ? html` socket of user ${l.user}` : null}`);
  const user = p.user ?? l.user;
  return html`${pair(
    'Program',
    html`${p.name ?? unknown('name not visible')}, pid ${p.pid}${user ? `, user ${user}` : ''}${
      l.sharedWith.length > 0 ? `, shared with ${count(l.sharedWith.length, 'more process', 'more processes')}` : ''
    }`,
  )}${p.exe && pair('File', html`${code(p.exe)}${p.exeState && EXE_STATE[p.exeState] ? html`<b class="bad">${EXE_STATE[p.exeState]}</b>` : null}`)}${
    p.package && pair('Package', html`${p.package.name} ${p.package.version}`)
  }${p.unit && pair('Unit', code(p.unit))}${p.container && pair('Container', code(p.container.slice(0, 12)))}${
    p.commandLine && pair('Command', code(p.commandLine))
  }${p.sha256 && pair('SHA-256', code(p.sha256))}`;
}

function closed(facts: EndpointFacts, now: number): Child {
  if (facts.closed.length === 0) return null;
  const known = facts.closed.filter((s) => s.closedAt !== null).slice(0, 3);
  return pair(
    'Earlier',
    listed(
      known.map(
        (s) => html`${code(s.listener.address)} closed ${day(s.closedAt ?? 0)}, ${distance(s.closedAt ?? 0, now)}`,
      ),
    ),
  );
}

/** Its findings, or why the verdict is what it is; and when it was seen. Findings are the reasons of DEVIATES. */
function outcome({ verdict, findings, facts }: EndpointResult): Markup {
  const seen = facts.host.map(
    (h) => html`${time(h.lastObservedAt)} from ${h.vantage}, observation ${code(h.observationId)}`,
  );
  return html`<div class="outcome">${
    findings.length > 0 &&
    html`<ul class="plain">${findings.map(
      (f) =>
        html`<li>${severity(f.severity)} <a href="#${anchor('f', f.fingerprint)}">${f.rule}</a> ${f.message}${f.status === 'accepted' ? ' (accepted)' : ''}`,
    )}</ul>`
  }${
    verdict.word !== 'DEVIATES' && html`<p>${verdictWord(verdict.word)} ${verdict.reasons.map(sentence).join(' ')}`
  }<p class="note">Seen ${seen.length > 0 ? listed(seen) : unknown('never')}.</div>`;
}

const VERDICT_MARK = { CONFORMS: '✓', DEVIATES: '✗', UNDETERMINED: '?' };

export function verdictWord(word: EndpointResult['verdict']['word']): Markup {
  return html`<span class="v ${word}">${VERDICT_MARK[word]} ${word}</span>`;
}

const SHOWN_SOURCES = 8;

export function sources(list: readonly string[] | null): Markup {
  if (list === null) return unknown('not said');
  if (list.length === 0) return html`nobody from outside the host`;
  const more = list.length - SHOWN_SOURCES;
  return html`${listed(list.slice(0, SHOWN_SOURCES).map(code))}${more > 0 ? `, ${count(more, 'more', 'more')}` : ''}`;
}

export function entryLink(id: string): Markup {
  return html`<a href="#${anchor('r', id)}">${id}</a>`;
}

export function listed(items: readonly Child[]): Markup {
  return html`${items.map((item, i) => (i === 0 ? item : html`, ${item}`))}`;
}

/** One label and its value in a `<dl>`; end tags are optional in HTML and cost bytes in 10,000 rows. */
export function pair(label: Child, value: Child): Markup {
  return html`<dt>${label}<dd>${value}`;
}

/** Begins with a capital and ends with a full stop: reasons are written as parts of sentences. */
export function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.?]$/.test(words) ? '' : '.'}`;
}
