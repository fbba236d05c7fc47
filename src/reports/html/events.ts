import type { Event } from '../../model/event.ts';
import { eventWords } from '../event-text.ts';
import { html, type Markup } from './escape.ts';
import { anchor, code, time } from './format.ts';

/** Kinds that say that somebody looked, not that something changed. */
const LOOKS = ['observation.recorded', 'observation.out-of-order', 'evidence.exported'];

/** Changes, in the order given: what is not merely a record that somebody looked. */
export function changesOf(events: readonly Event[]): readonly Event[] {
  return events.filter((e) => !LOOKS.includes(e.type));
}

/** Events as a list: when, about what (linked where it has a row), what happened. `endpoints`: keys that have a row. */
export function eventList(events: readonly Event[], endpoints: ReadonlySet<string>): Markup {
  return html`<ol class="events">${events.map(
    (e) =>
      html`<li><span>${time(e.observedAt)}</span> <span>${
        endpoints.has(e.subject)
          ? html`<a href="#${anchor('e', e.subject)}"><code>${e.subject}</code></a>`
          : code(e.subject)
      } ${eventWords(e)} <span class="note">${e.actor}</span></span>`,
  )}</ol>`;
}
