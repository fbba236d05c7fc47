import { endpointKey } from '../../model/endpoint.ts';
import type { Event } from '../../model/event.ts';
import type { CheckResult } from '../../model/facts.ts';
import { count, listWords } from '../../util/words.ts';
import { eventWords } from '../event-text.ts';
import { formatNumber, shortDigest } from '../words.ts';
import { type Change, openedValue, type Together } from './changes.ts';
import { type Child, html, type Markup } from './escape.ts';
import { anchor, code, entryLink, listed, rowsAddress, time } from './format.ts';

/** What of the page the events can be linked to: keys of its endpoints, ids of its entries. */
export interface Known {
  readonly endpoints: ReadonlySet<string>;
  readonly entries: ReadonlySet<string>;
}

export function knownOf({ results, facts: { estate } }: CheckResult): Known {
  return {
    endpoints: new Set(results.map((r) => endpointKey(r.facts.endpoint))),
    entries: new Set(estate.register.entries.map((e) => e.id)),
  };
}

/** Every event on a line: when, about what (linked where it has a row), what happened, who recorded it. */
export function eventList(events: readonly Event[], known: Known): Markup {
  return html`<ol class="events">${events.map((e) => line(e.observedAt, html`${subject(e, known)} ${says([e])} ${actor(e)}`))}</ol>`;
}

/** Changes on a line each; many ports or entries at once are one. */
export function changeList(changes: readonly Change[], known: Known): Markup {
  return html`<ol class="events">${changes.map((c) => {
    const [first] = c.events as readonly [Event, ...Event[]];
    return line(
      first.observedAt,
      c.kind === 'one' ? html`${subject(first, known)} ${says(c.events)} ${actor(first)}` : many(c, known),
    );
  })}</ol>`;
}

function line(at: number, what: Child): Markup {
  return html`<li><span>${time(at)}</span> <span>${what}</span>`;
}

function subject(e: Event, { endpoints, entries }: Known): Child {
  if (endpoints.has(e.subject)) return html`<a href="#${anchor('e', e.subject)}"><code>${e.subject}</code></a>`;
  return entries.has(e.subject) ? entryLink(e.subject) : code(e.subject);
}

/** Events of one endpoint at one time differ in the address; other changes stand alone. */
function says(events: readonly [Event, ...Event[]]): Child {
  const [first] = events;
  const { digest } = first.body;
  if (first.type === 'register.changed' && typeof digest === 'string')
    return html`register changed, digest <code title="${digest}">${shortDigest(digest)}</code>`;
  const addresses = events.flatMap((e) => (typeof e.body.address === 'string' ? [e.body.address] : []));
  if (addresses.length < 2) return eventWords(first);
  return eventWords({ ...first, body: { ...first.body, address: listWords([...new Set(addresses)].sort()) } });
}

function actor(e: Event): Markup {
  return html`<span class="note">${e.actor}</span>`;
}

const NAMED_ENTRIES = 3;

function many(c: Exclude<Change, { kind: 'one' }>, { entries }: Known): Child {
  if (c.kind === 'entries') {
    const ids = [...new Set(c.events.map((e) => e.subject))];
    const named = ids.slice(0, NAMED_ENTRIES).map((id) => (entries.has(id) ? entryLink(id) : code(id)));
    const more = ids.length - named.length;
    return html`${count(ids.length, 'entry', 'entries')} ${c.type === 'entry.approved' ? 'approved' : 'reviewed'} by ${c.by}: ${listed(named)}${more > 0 && ` and ${formatNumber(more)} more`}`;
  }
  const { together: t, ports, stillOpen, isCut } = c;
  if (c.kind === 'first-look')
    return html`${code(t.host)} seen for the first time${stillOpen > 0 && html`; ${rows(t, stillOpen)} of its ports ${stillOpen === 1 ? 'is' : 'are'} open since`}`;
  const by = t.program === null ? null : html` by ${code(t.program)}`;
  const where = html` ${t.scope === 'host' ? 'on' : html`in ${code(t.scope ?? '')} on`} ${code(t.host)}`;
  if (c.kind === 'closed') return html`${isCut ? 'at least ' : null}${count(ports, 'port')} closed${where}`;
  if (stillOpen === ports && !isCut) return html`${rows(t, ports)} ports opened${by}${where}`;
  if (isCut && stillOpen >= ports)
    return html`${rows(t, stillOpen)} ports that are open still were opened${by}${where}`;
  return html`${isCut ? 'at least ' : null}${formatNumber(ports)} ports opened${by}${where}${stillOpen > 0 ? html`; ${rows(t, stillOpen)} still open` : null}`;
}

function rows(t: Together, n: number): Markup {
  return html`<a href="${rowsAddress('endpoints', { opened: [openedValue(t)] })}">${formatNumber(n)}</a>`;
}
