import type { EndpointFacts } from '../../model/facts.ts';
import type { EndpointTraffic, SourceTraffic } from '../../model/traffic.ts';
import { count, groupDigits } from '../../util/words.ts';
import { trafficAnswer, usualWords } from '../traffic-text.ts';
import { type Child, html, type Markup } from './escape.ts';
import { code, day, sentence } from './format.ts';

/** Sources that are listed: the largest, and those that are not approved before them. */
const MOST_SOURCES = 8;
const HEIGHT = 28;
/** Width of a quarter of a day in the drawing, and between weeks. */
const BAR = 4;
const GAP = 6;
const WEEK = 28;

/** Traffic of a port: the answer in a sentence, four weeks as bars, who connects. Nothing where no flows of it are known. */
export function trafficPart(facts: EndpointFacts, now: number): Child {
  const { traffic } = facts;
  if (!traffic) return null;
  return html`<div class="traffic"><h3>Traffic</h3><p>${sentence((trafficAnswer(facts, now) as string).replace(/^Traffic: /, ''))}</p>${bars(traffic)}${sourceList(traffic)}</div>`;
}

function bars({ quarterDays, covered, feeds, from, usualHours, connections, undirected }: EndpointTraffic): Markup {
  const highest = Math.max(1, ...quarterDays.map((value) => value ?? 0));
  const x = (i: number): number => i * BAR + Math.floor(i / WEEK) * GAP;
  const width = x(Math.max(0, quarterDays.length - 1)) + BAR;
  const parts = quarterDays.map((value, i) => {
    if (value === null) return html`<rect class="UNDETERMINED" x="${x(i)}" y="0" width="${BAR}" height="${HEIGHT}"/>`;
    const height = value === 0 ? 1 : Math.max(2, Math.round((value / highest) * HEIGHT));
    return html`<rect class="does-fill" x="${x(i)}" y="${HEIGHT - height}" width="${BAR - 1}" height="${height}"/>`;
  });
  const usual = usualHours && (connections > 0 || undirected === 0) ? `, ${usualWords(usualHours)}` : '';
  const by = feeds.length === 0 ? 'no feed covers it' : `${Math.floor(covered * 100)} % covered since`;
  return html`<figure><svg class="quarters" viewBox="0 0 ${width} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="Connections per quarter of a day in the last four weeks">${parts}</svg><figcaption class="note">Connections per six hours, last four weeks, at most ${groupDigits(highest)}; hatched: nobody looked${usual}. ${by === 'no feed covers it' ? by : html`${by} ${day(from)}`}.</figcaption></figure>`;
}

function sourceList(traffic: EndpointTraffic): Child {
  if (traffic.sources.length === 0) return null;
  const shown = traffic.sources.slice(0, MOST_SOURCES);
  const rest = traffic.sourceCount - shown.length;
  return html`<ul class="plain">${shown.map(
    (source) =>
      html`<li>${code(source.source)} ${mayWords(source)} · ${count(source.connections, 'connection')}${source.denied > 0 && `, ${groupDigits(source.denied)} refused`} · ${day(source.firstSeen)} to ${day(source.lastSeen)}`,
  )}${rest > 0 && html`<li class="note">and ${count(rest, 'more source')}`}</ul>`;
}

function mayWords({ approved, connections }: SourceTraffic): Child {
  if (approved === null) return html`<span class="none">not said</span>`;
  if (approved) return html`<span class="good">approved</span>`;
  return connections > 0
    ? html`<span class="bad">✗ not approved</span>`
    : html`<span class="none">not approved, refused</span>`;
}
