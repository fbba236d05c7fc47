import { endpointKey } from '../model/endpoint.ts';
import type { EndpointFacts } from '../model/facts.ts';
import type { EndpointTraffic, SourceTraffic } from '../model/traffic.ts';
import { hourOfWeek } from '../model/traffic-hours.ts';
import { count, groupDigits } from '../util/words.ts';
import type { Line } from './text-table.ts';
import { formatDate, formatTime } from './time.ts';

const BARS = '▁▂▃▄▅▆▇█';
const NOT_COVERED = '·';
/** The sparkline has a character per day and a blank between weeks. */
const WEEK = 7;
const QUARTERS = 4;
const MOST_SOURCES = 4;
const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
/** Share of the busiest hour from which on an hour counts as usual. */
const USUAL_SHARE = 0.1;
const DAY_HOURS = 24;
/** Percent of the time from which on a port counts as looked at: a feed that delivers hourly is always a little behind. */
const MOSTLY_COVERED = 99;
/** What was unusual longer ago is history. */
const RECENT_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Feeds deliver a little late; from here on nothing is said of the time since. */
const LATE_MS = 2 * HOUR_MS;

/** Is this traffic normal here, and does it conform? A sentence; null where no flows of the port are known. */
export function trafficAnswer(facts: EndpointFacts, now: number): string | null {
  const { traffic } = facts;
  if (!traffic) return null;
  return `Traffic: ${normalWords(traffic, now)}; ${conformWords(facts, traffic)}.`;
}

function normalWords(traffic: EndpointTraffic, now: number): string {
  const [worst, ...more] = traffic.anomalies.filter((anomaly) => now - Date.parse(anomaly.to) <= RECENT_MS);
  if (worst) {
    const others = more.length === 0 ? '' : `, and ${count(more.length, 'other card')} of the last day`;
    return `not normal here (${worst.kind.replaceAll('-', ' ')} since ${formatTime(Date.parse(worst.from))}: ${worst.seen.words}, expected ${worst.expected.words}${others})`;
  }
  if (traffic.covered === 0) return 'whether it is normal is not known, as no feed covers this port';
  if (!traffic.now) return `whether it is normal is not known yet (${count(traffic.learnedDays, 'day')} of history)`;
  if (traffic.undirected > 0 && traffic.connections === 0)
    return 'nothing unusual in the last day, if the flows whose direction is not known went to this port';
  const { hour, perHour, usualLow, usualHigh } = traffic.now;
  const end = hour + HOUR_MS;
  if (now - end > RECENT_MS) return `whether it is normal is not known, as nobody looked since ${formatTime(end)}`;
  const newest = `${groupDigits(perHour)} in the newest hour, ${range(usualLow, usualHigh)} at this time in the weeks before`;
  return now - end > LATE_MS
    ? `normal here until ${formatTime(end)} (${newest}), and nobody looked since`
    : `normal here, nothing unusual in the last day (${newest})`;
}

function conformWords({ entries }: EndpointFacts, traffic: EndpointTraffic): string {
  const entry = entries[0]?.entry;
  if (!entry) return 'whether it may be is not said, as no register entry covers the port';
  const { acceptedCount, sourceCount, unapprovedCount, covered } = traffic;
  if (unapprovedCount > 0)
    return `it does not conform: ${count(unapprovedCount, 'source')} of ${groupDigits(acceptedCount)} that connected ${unapprovedCount === 1 ? 'is' : 'are'} not approved by ${entry.id}`;
  const percent = Math.floor(covered * 100);
  const looked = percent >= MOSTLY_COVERED ? '' : ` in the ${percent} % of the time that is covered`;
  const undirected = undirectedWords(traffic);
  if (acceptedCount === 0) {
    if (undirected !== null) return `whether it conforms is not known, as ${undirected}`;
    if (covered === 0) return 'whether it conforms is not known either';
    if (sourceCount === 0) return `nobody connected${looked}, so there is nothing to approve`;
    return `nobody was let in${looked}: ${count(sourceCount, 'source')} ${sourceCount === 1 ? 'was' : 'were'} refused`;
  }
  const more = undirected === null ? '' : `, and ${undirected}`;
  if (traffic.sources.every((source) => source.approved === null))
    return `${entry.id} does not say who may connect${more}`;
  // What nobody saw does not conform: only where (nearly) all was seen may it be said of the port.
  const what = undirected === null && looked === '' ? 'it conforms' : 'what is known conforms';
  return `${what}: ${acceptedCount === 1 ? 'the one source that' : `all ${groupDigits(acceptedCount)} sources that`} connected${looked} ${acceptedCount === 1 ? 'is' : 'are'} approved by ${entry.id}${more}`;
}

/** A clause about flows that may be of the port or of a client of another; null: there are none. */
function undirectedWords({ undirected }: EndpointTraffic): string | null {
  return undirected === 0 ? null : `the direction of ${count(undirected, 'connection')} is not known`;
}

/** The TRAFFIC section: weeks as a sparkline, now and usual, who. Empty where no flows of the port are known. */
export function trafficLines({ traffic, endpoint }: EndpointFacts): readonly Line[] {
  if (!traffic) return [];
  const { now } = traffic;
  const usual = now
    ? `newest covered hour ${formatDate(now.hour)} ${hourName(now.hour)}: ${groupDigits(now.perHour)}, ${range(now.usualLow, now.usualHigh)} at this time in the weeks before`
    : `not learned yet: ${count(traffic.learnedDays, 'day')} of history`;
  return [
    `last 4 weeks  ${sparkline(daysOf(traffic.quarterDays))}`,
    [
      usual,
      ...(traffic.usualHours && (traffic.connections > 0 || traffic.undirected === 0)
        ? [usualWords(traffic.usualHours)]
        : []),
      coveredWords(traffic),
    ],
    sourcesWords(traffic),
    ...(traffic.anomalies.length === 0
      ? []
      : [
          `unusual of late: ${traffic.anomalies.length}, see quietdoor flows anomalies --endpoint ${shortKey(endpointKey(endpoint))}`,
        ]),
  ];
}

const shortKey = (key: string): string => key.split('@', 1)[0] as string;

/** Sums of quarters by day; null where nobody looked at any of them. */
function daysOf(quarters: readonly (number | null)[]): readonly (number | null)[] {
  return Array.from({ length: Math.ceil(quarters.length / QUARTERS) }, (_, day) => {
    const known = quarters.slice(day * QUARTERS, (day + 1) * QUARTERS).filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
  });
}

/** A character per value, weeks apart: as high as its share of the highest; a dot where nobody looked. */
export function sparkline(values: readonly (number | null)[]): string {
  const highest = Math.max(1, ...values.map((value) => value ?? 0));
  const bars = values.map((value) => {
    if (value === null) return NOT_COVERED;
    return BARS[
      value === 0 ? 0 : 1 + Math.min(BARS.length - 2, Math.floor((value / highest) * (BARS.length - 1)))
    ] as string;
  });
  return Array.from({ length: Math.ceil(bars.length / WEEK) }, (_, week) =>
    bars.slice(week * WEEK, (week + 1) * WEEK).join(''),
  ).join(' ');
}

function range(low: number, high: number): string {
  const [from, to] = [low, high].map((value) => groupDigits(Math.round(value)));
  return from === to ? (from as string) : `${from} to ${to}`;
}

function hourName(ms: number): string {
  const at = hourOfWeek(Math.floor(ms / 1_000));
  return `${WEEKDAYS[Math.floor(at / DAY_HOURS)]} ${String(at % DAY_HOURS).padStart(2, '0')}:00 UTC`;
}

/** Days and hours at which there usually is traffic: `Mon to Fri 07:00 to 19:00 UTC`. */
export function usualWords(hours: readonly number[]): string {
  const bar = Math.max(...hours) * USUAL_SHARE;
  if (Math.max(...hours) === 0) return 'usually nobody connects';
  const isBusy = hours.map((value) => value > 0 && value >= bar);
  const days = WEEKDAYS.map((_, day) => isBusy.slice(day * DAY_HOURS, (day + 1) * DAY_HOURS));
  const busyDays = days.map((day) => day.some(Boolean));
  const ofDay = Array.from({ length: DAY_HOURS }, (_, hour) => days.some((day) => day[hour]));
  const when = busyDays.every(Boolean) ? 'every day' : runs(busyDays, (i) => WEEKDAYS[i] as string, 0);
  if (ofDay.every(Boolean)) return `usually ${when}, around the clock`;
  return `usually ${when} ${runs(ofDay, (i) => `${String(i).padStart(2, '0')}:00`, 1)} UTC`;
}

/** Stretches of what is true, in words; `more`: what is added to their end (an hour ends when the next begins). */
function runs(flags: readonly boolean[], name: (i: number) => string, more: number): string {
  const found: string[] = [];
  for (let i = 0; i < flags.length; i++) {
    if (!flags[i]) continue;
    let end = i;
    while (flags[end + 1]) end++;
    const last = name((end + more) % DAY_HOURS);
    found.push(end === i && more === 0 ? name(i) : `${name(i)} to ${last}`);
    i = end;
  }
  return found.join(', ');
}

function coveredWords(traffic: EndpointTraffic): string {
  const share = `${Math.floor(traffic.covered * 100)} % of the time since ${formatDate(traffic.from)} covered`;
  return traffic.feeds.length === 0
    ? 'no feed covers it'
    : `${share} by ${traffic.feeds.slice(0, 3).join(', ')}${traffic.feeds.length > 3 ? ` and ${traffic.feeds.length - 3} more` : ''}`;
}

function sourcesWords(traffic: EndpointTraffic): Line {
  const undirected = undirectedWords(traffic);
  if (traffic.sourceCount === 0) {
    if (undirected !== null) return `does: not known, as ${undirected}`;
    if (traffic.covered === 0) return 'does: not known';
    const last = traffic.lastAccepted === null ? 'nobody seen' : `nobody, last ${formatTime(traffic.lastAccepted)}`;
    return traffic.denied > 0 ? [`does: ${last}`, `${count(traffic.denied, 'connection')} refused`] : `does: ${last}`;
  }
  const top = [...traffic.sources].sort((a, b) => b.connections - a.connections || (a.source < b.source ? -1 : 1));
  const named = new Set([
    ...top.slice(0, MOST_SOURCES),
    ...traffic.sources.filter((s) => s.approved === false).slice(0, 2),
  ]);
  const shown = [...named].map((source) => sourceWords(source, traffic.connections));
  const rest = traffic.sourceCount - named.size;
  const [first, ...others] = shown;
  return [
    `does: ${first}`,
    ...others,
    ...(rest > 0 ? [`${groupDigits(rest)} more`] : []),
    ...(undirected === null ? [] : [undirected]),
  ];
}

function sourceWords({ source, connections, denied, approved, firstSeen }: SourceTraffic, all: number): string {
  if (connections === 0) return `${source} refused ${groupDigits(denied)}×`;
  const percent = Math.round((connections / all) * 100);
  const share = all > 0 ? ` ${percent === 0 ? '<1' : percent} %` : '';
  const may = approved === null ? '' : approved ? ' approved' : ` (not approved, first seen ${formatDate(firstSeen)})`;
  return `${source}${share}${may}`;
}
