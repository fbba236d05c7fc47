import type { EndpointFacts } from '../../model/facts.ts';
import type { BindScope } from '../../model/listener.ts';
import { programName } from '../../model/program.ts';
import type { ListenerState } from '../../model/state.ts';
import type { EndpointTraffic } from '../../model/traffic.ts';
import { isSeenInside, preferInside, vantageKind, vantageWords } from '../../model/vantage.ts';
import { compareText } from '../../util/compare.ts';
import { count } from '../../util/words.ts';
import { outsideLines } from '../outside-text.ts';
import { processName } from '../words.ts';
import { type Child, html, type Markup } from './escape.ts';
import { code, day, distance, listed, pair, unknown } from './format.ts';
import { sourceBar } from './sources.ts';

/** Names of the programs that hold the listeners, each once; none where only a look from outside knows of it. */
export function programsOf(facts: EndpointFacts): readonly string[] {
  const seen = preferInside(facts.listeners);
  if (seen.length > 0 && !isSeenInside(seen)) return [];
  const names = seen.map(({ listener: { process: p } }) => (p && programName(p)) ?? processName(p));
  return [...new Set(names)].sort(compareText);
}

/** What follows the word for a reach: `any address of the host`. */
const REACH_WORDS: Record<BindScope, string> = {
  loopback: 'only',
  private: 'address',
  public: 'address',
  any: 'address of the host',
};

/** What listens, since when, by which program, and who connects. Where no flows are known the bar says so. */
export function observed(facts: EndpointFacts, reach: BindScope | undefined, now: number): Markup {
  const inside = facts.listeners.filter((s) => vantageKind(s.vantage) === 'inside');
  if (reach === undefined)
    return html`<div class="does"><h3>Observed <b>does</b></h3><p class="big none">nothing</p><div class="track"></div><dl>${pair('Listener', 'Nothing listens.')}${closed(facts, now)}${fromOutside(facts, now)}</dl></div>`;
  return html`<div class="does"><h3>Observed <b>does</b></h3><p class="big">${reach} <span>${REACH_WORDS[reach]}</span></p>${clientsBar(facts)}<dl>${pair('Clients', clients(facts))}${pair(
    'Address',
    listed((inside.length > 0 ? inside : facts.listeners).map((s) => address(s))),
  )}${inside.filter((s, i, all) => i === all.findIndex((o) => sameProgram(o, s))).map((s) => program(s))}${preferInside(
    facts.listeners,
  )
    .slice(0, 1)
    .map((s) =>
      pair(
        'Open',
        html`since ${day(s.openSince)}${s.restarts > 0 ? `, ${count(s.restarts, 'restart')}` : ''}${
          s.firstSeen < s.openSince ? html`; first seen ${day(s.firstSeen)}` : null
        }`,
      ),
    )}${closed(facts, now)}${fromOutside(facts, now)}</dl></div>`;
}

/** What looks from outside found, as `explain` tells it. */
function fromOutside(facts: EndpointFacts, now: number): Child {
  const lines = outsideLines(facts, now);
  if (lines.length === 0) return null;
  return pair(
    'From outside',
    html`<ul class="plain">${lines.map((line) => html`<li>${typeof line === 'string' ? line : line.join(' · ')}`)}</ul>`,
  );
}

/** How many addresses connected, on the scale of the other truths. */
function clientsBar({ traffic }: EndpointFacts): Markup {
  return traffic && isKnown(traffic) ? sourceBar(BigInt(traffic.acceptedCount)) : html`<div class="hatch"></div>`;
}

function clients({ traffic }: EndpointFacts): Child {
  if (!traffic) return unknown('not observed');
  const bad = traffic.unapprovedCount > 0 && html`, <b class="bad">✗ ${traffic.unapprovedCount} not approved</b>`;
  if (!isKnown(traffic)) return unknown(traffic.undirected > 0 ? 'direction not known' : 'no feed covers it');
  const refused = traffic.sourceCount - traffic.acceptedCount;
  const doubt = traffic.undirected > 0 && html`, ${unknown('of others the direction is not known')}`;
  return html`${count(traffic.acceptedCount, 'address', 'addresses')}${bad}${refused > 0 && `, ${refused} refused`}${doubt}`;
}

/** Nobody seen is nobody only where somebody looked, and all that was seen has a direction. */
function isKnown({ acceptedCount, covered, undirected }: EndpointTraffic): boolean {
  return acceptedCount > 0 || (covered > 0 && undirected === 0);
}

function address({ vantage, listener: l }: ListenerState): Markup {
  const both = l.address === '::' && l.families.length === 2 ? ' IPv4 and IPv6' : '';
  return html`${code(l.address)}${both}${l.role === 'ephemeral' ? ' ephemeral' : ''}${vantage === 'local' ? '' : ` ${vantageWords(vantage)}`}`;
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
    html`${programName(p) ?? unknown('name not visible')}, pid ${p.pid}${user ? `, user ${user}` : ''}${
      l.sharedWith.length > 0 ? `, shared with ${count(l.sharedWith.length, 'more process', 'more processes')}` : ''
    }`,
  )}${p.exe && pair('File', html`${code(p.exe)}${p.exeState && EXE_STATE[p.exeState] ? html`<b class="bad">${EXE_STATE[p.exeState]}</b>` : null}`)}${
    p.package && pair('Package', html`${p.package.name} ${p.package.version}`)
  }${p.unit && pair('Unit', code(p.unit))}${p.container && pair('Container', code(p.container.slice(0, 12)))}${
    p.commandLine !== undefined && p.commandLine !== p.exe && pair('Command', code(p.commandLine))
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
