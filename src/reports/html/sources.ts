import { type AddressSet, size } from '../../model/address-set.ts';
import { readSources } from '../../model/approved-sources.ts';
import type { RegisterEntry, Zone } from '../../model/register.ts';
import { getOrMake } from '../../util/get-or-make.ts';
import { formatNumber } from '../words.ts';
import { type Child, html, type Markup } from './escape.ts';
import { code, listed, unknown } from './format.ts';

/**
 * How many addresses an entry lets connect, zones counted by what they hold. `not-said`: the entry names no sources.
 * `unreadable`: it names what could not be read, so it cannot be counted.
 */
export type SourceCount =
  | { readonly kind: 'not-said' }
  | { readonly kind: 'unreadable'; readonly sources: readonly string[] }
  | { readonly kind: 'counted'; readonly ipv4: number; readonly ipv6: bigint };

/** What an entry's sources come to: their count, and the list as written. */
export type Sources = (entry: RegisterEntry) => { readonly count: SourceCount; readonly list: Child };

/** Returns a look-up that reads each entry once, however many endpoints it covers. */
export function sourcesWith(zones: readonly Zone[]): Sources {
  const known = new Map<RegisterEntry, ReturnType<Sources>>();
  return (entry) =>
    getOrMake(known, entry, () => ({ count: countSources(entry, zones), list: sourceList(entry, zones) }));
}

export function countSources(entry: RegisterEntry, zones: readonly Zone[]): SourceCount {
  const sources = readSources(entry, zones);
  return sources.kind === 'set' ? countAddresses(sources.set) : sources;
}

export function countAddresses(set: AddressSet): SourceCount {
  const ipv4 = Number(size({ ipv4: set.ipv4, ipv6: [] }));
  return { kind: 'counted', ipv4, ipv6: size({ ipv4: [], ipv6: set.ipv6 }) };
}

/** Exact up to here (16 digits); beyond, a power of two says more than its digits. */
const MOST_DIGITS = 10n ** 15n;

/** `65,536`, `2^64`, `over 2^64`. */
function amount(n: bigint): Markup {
  if (n < MOST_DIGITS) return html`${formatNumber(Number(n))}`;
  const power = n.toString(2).length - 1;
  return html`${n === 1n << BigInt(power) ? null : 'over '}2<sup>${power}</sup>`;
}

/** `257 addresses`, `256 addresses and 2^64 of IPv6`; `this host` for nobody from outside. */
export function sourceWords(count: SourceCount): Markup {
  if (count.kind === 'not-said') return unknown('not said');
  if (count.kind === 'unreadable') return unknown('not readable');
  const { ipv4, ipv6 } = count;
  if (ipv4 === 0 && ipv6 === 0n) return html`this host`;
  if (ipv6 === 0n) return html`${formatNumber(ipv4)} <span>${ipv4 === 1 ? 'address' : 'addresses'}</span>`;
  if (ipv4 === 0) return html`${amount(ipv6)} <span>IPv6 ${ipv6 === 1n ? 'address' : 'addresses'}</span>`;
  return html`${formatNumber(ipv4)} <span>IPv4 and </span>${amount(ipv6)} <span>IPv6 addresses</span>`;
}

/** For sorting: all addresses together; -1 where they cannot be counted. */
export function sourceTotal(count: SourceCount): bigint {
  return count.kind === 'counted' ? BigInt(count.ipv4) + count.ipv6 : -1n;
}

/** Steps of the scale, as powers of two: a quarter of the bar each. */
const SCALE_BITS = 32;
const TICKS = ['1', '256', '65,536', '16.8 M', 'all IPv4'];

/** The scale that the bars of sources share: logarithmic, from one address to all of IPv4. Once per page. */
export const SCALE_SYMBOL: Markup = html`<svg class="symbols" aria-hidden="true" width="0" height="0"><symbol id="scale"><rect class="track" width="100%" height="6"/>${TICKS.map(
  (tick, i) =>
    html`<text x="${i * 25}%" y="20" class="tick" text-anchor="${i === 0 ? 'start' : i === 4 ? 'end' : 'middle'}">${tick}</text>`,
)}</symbol></svg>`;

/** A bar on that scale. The least is drawn so that it can be seen; more than all of IPv4 fills it. */
export function sourceBar(total: bigint): Markup {
  const bits = total <= 1n ? 0 : Math.min(SCALE_BITS, Math.log2(Number(total)));
  const percent = Math.max(1.5, Math.round((bits / SCALE_BITS) * 1000) / 10);
  return html`<svg class="reach" aria-hidden="true"><use href="#scale"/><rect fill="currentColor" width="${percent}%" height="6"/></svg>`;
}

const SHOWN = 8;
const SHOWN_PER_ZONE = 4;

/** The sources as written, a zone with what it holds. */
function sourceList(entry: RegisterEntry, zones: readonly Zone[]): Child {
  if (entry.sources === null) return unknown('not said');
  if (entry.sources.length === 0) return 'nobody from outside the host';
  const more = entry.sources.length - SHOWN;
  const items = entry.sources.slice(0, SHOWN).map((source) => {
    const zone = zones.find((z) => source === `zone:${z.name}`);
    if (zone) return html`${code(source)} <span class="note">${zoneWords(zone.cidrs)}</span>`;
    return source.startsWith('zone:') ? html`${code(source)} ${unknown('declared nowhere')}` : code(source);
  });
  return html`${listed(items)}${more > 0 ? `, ${formatNumber(more)} more` : null}`;
}

function zoneWords(cidrs: readonly string[]): Child {
  const more = cidrs.length - SHOWN_PER_ZONE;
  return html`(${cidrs.length === 0 ? 'empty' : listed(cidrs.slice(0, SHOWN_PER_ZONE))}${more > 0 ? `, ${formatNumber(more)} more` : null})`;
}
