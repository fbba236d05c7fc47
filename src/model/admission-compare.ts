import { type Address, parseAddress } from './address.ts';
import {
  type AddressRange,
  type AddressSet,
  ALL_IPV4,
  ALL_IPV6,
  difference,
  EMPTY,
  intersection,
  isEmpty,
  isSubset,
  toRanges,
  union,
} from './address-set.ts';
import { parseAddressSet } from './address-set-text.ts';
import type { EndpointAdmission, RuleReference, UndecidedPart } from './admission.ts';
import { readSources } from './approved-sources.ts';
import { widestBind } from './describe.ts';
import type { EndpointFacts } from './facts.ts';
import { isInFuture, isStale } from './freshness.ts';
import type { Register, RegisterEntry } from './register.ts';
import { preferInside } from './vantage.ts';

/** Approved beside admitted, for one endpoint. */
export type AdmissionStanding =
  /** It answers on loopback alone, so no filter has to be asked. */
  | { readonly kind: 'inside' }
  /** No ruleset of the host is known, or none that says something about this scope. */
  | { readonly kind: 'not-known' }
  /** The ruleset was taken too long ago, or after now. */
  | { readonly kind: 'stale' | 'in-future' }
  /** Nobody has said who may connect: no entry, or one without readable sources. */
  | { readonly kind: 'no-entry' }
  | { readonly kind: 'not-said'; readonly entry: RegisterEntry }
  | { readonly kind: 'unreadable'; readonly entry: RegisterEntry; readonly sources: readonly string[] }
  | ({ readonly kind: 'compared'; readonly entry: RegisterEntry } & AdmissionComparison);

/** Differences between who may and who can connect. All of them empty: exactly the approved sources can. */
export interface AdmissionComparison {
  readonly approved: AddressSet;
  /**
   * Certainly let in, and not approved; sources that nobody has outside are among them where others are, so that it takes
   * the fewest blocks to say. The same goes for the others.
   */
  readonly tooMany: AddressSet;
  /** Not approved, and whether they are let in cannot be decided. */
  readonly undecided: AddressSet;
  /** Approved, and certainly no connection of theirs completes. */
  readonly blocked: AddressSet;
}

const set = (...texts: string[]): AddressSet => parseAddressSet(texts).set;
/** Sources that Linux drops on any interface but loopback, whatever the filters say (ip_route_input_slow, ip6_rcv_core). */
const NEVER_FROM_OUTSIDE = set('127.0.0.0/8', '224.0.0.0/4', '255.255.255.255', '::', '::1', 'ff00::/8');
/** Sources that no approved client has: `0.0.0.0/0` in a register does not mean them (RFC 6890). */
const NO_CLIENT = union(NEVER_FROM_OUTSIDE, set('0.0.0.0/8', '240.0.0.0/4', '::ffff:0:0/96', 'fe80::/10'));

/** Not for use on the internet: RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291 (link-local). */
const PRIVATE = set('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16', 'fc00::/7');

/** The set as people say it: a family that lacks only sources that no client has is whole. */
export function asSaid(sources: AddressSet): AddressSet {
  return [ALL_IPV4, ALL_IPV6].reduce(
    (said, all) => (isSubset(difference(all, NO_CLIENT), sources) ? union(said, all) : said),
    sources,
  );
}

/** An address of the set as a client may have it, where there is one; the set is not empty. */
export function someClient(sources: AddressSet): Address {
  const clients = difference(sources, NO_CLIENT);
  // A block's first address is its network's name, so the last of an interval is taken.
  return (toRanges(isEmpty(clients) ? sources : clients)[0] as AddressRange).last;
}

/** Says whether a source of the set may be anywhere on the internet. */
export function reachesInternet(sources: AddressSet): boolean {
  return !isEmpty(difference(sources, union(PRIVATE, NO_CLIENT)));
}

/** What a comparison is judged by: `EstateFacts` is one. */
export interface JudgedBy {
  /** UTC milliseconds. */
  readonly now: number;
  readonly register: Pick<Register, 'policy' | 'zones'>;
}

/** Says how approved and admitted stand to each other; the entry that decides counts. */
export function compareAdmission(facts: EndpointFacts, estate: JudgedBy): AdmissionStanding {
  if (widestBind(facts) === 'loopback') return { kind: 'inside' };
  const { admission } = facts;
  if (!admission) return { kind: 'not-known' };
  if (isInFuture(admission.takenAt, estate)) return { kind: 'in-future' };
  if (isStale(admission.takenAt, estate)) return { kind: 'stale' };
  const entry = facts.entries[0]?.entry;
  if (!entry) return { kind: 'no-entry' };
  const sources = readSources(entry, estate.register.zones);
  if (sources.kind !== 'set') return { ...sources, entry };
  const { admitted, completes } = admission.admission;
  const own = ownAddresses(facts);
  const nobodys = union(NEVER_FROM_OUTSIDE, own);
  const certain = difference(admitted.lower, sources.set);
  const tooMany = isSubset(certain, nobodys) ? EMPTY : certain;
  const possible = difference(difference(admitted.upper, admitted.lower), sources.set);
  const clients = difference(intersection(sources.set, servedFamilies(facts)), union(NO_CLIENT, own));
  return {
    kind: 'compared',
    entry,
    approved: sources.set,
    tooMany,
    undecided: isSubset(possible, nobodys) ? EMPTY : possible,
    blocked: difference(clients, completes.upper),
  };
}

/** The host does not reach itself from outside: Linux drops its own addresses as a source on any other interface. */
function ownAddresses({ host }: EndpointFacts): AddressSet {
  // Texts of whoever reported the host: "0.0.0.0/0" is none of its addresses.
  const addresses = host.flatMap((h) => h.host.addresses).filter((text) => parseAddress(text) !== null);
  return addresses.length === 0 ? EMPTY : parseAddressSet(addresses).set;
}

/** Addresses of the families that it answers on beyond loopback; both where nothing is known to listen. */
export function servedFamilies({ listeners }: Pick<EndpointFacts, 'listeners'>): AddressSet {
  const families = new Set(
    preferInside(listeners)
      .filter((l) => l.listener.bind !== 'loopback')
      .flatMap((l) => l.listener.families),
  );
  if (families.size === 0) return union(ALL_IPV4, ALL_IPV6);
  return union(families.has('ipv4') ? ALL_IPV4 : EMPTY, families.has('ipv6') ? ALL_IPV6 : EMPTY);
}

/** What leaves the answer open for some of these sources, in words: what was not read, else the first rule that is not decided. */
export function undecidedReason({ admission }: Pick<EndpointFacts, 'admission'>, sources: AddressSet): string {
  const doubt = admission?.doubts?.[0];
  if (doubt !== undefined) return doubt;
  const [rule] = undecidedRules(admission, sources);
  if (rule) return `${rule.reason} (${placeOfRule(rule.rule)}: ${rule.rule.text})`;
  return notGiven(admission, sources) ?? 'the rules do not say enough';
}

/** What is assumed of a family whose rules nobody gave, without its capital and its full stop; null: nothing. */
function notGiven(admission: EndpointAdmission | undefined, sources: AddressSet): string | null {
  const families = [
    ...(isEmpty(intersection(sources, ALL_IPV4)) ? [] : ['IPv4']),
    ...(isEmpty(intersection(sources, ALL_IPV6)) ? [] : ['IPv6']),
  ];
  const said = admission?.admission.assumptions.find((a) => families.some((f) => a.endsWith(`by ${f} is not known.`)));
  return said === undefined ? null : `${said.charAt(0).toLowerCase()}${said.slice(1, -1)}`;
}

/** Rules that leave the answer open for some of these sources, in the order of the answer. */
export function undecidedRules(
  admission: EndpointAdmission | undefined,
  sources: AddressSet,
): readonly UndecidedPart[] {
  return (admission?.admission.undecided ?? []).filter((part) => !isEmpty(intersection(part.sources, sources)));
}

/** `inet filter input handle 14`, `filter INPUT rule 3`: where a rule is found on the host. */
export function placeOfRule({ chain, handle, position }: RuleReference): string {
  const where = chain.replace(/^(nft|iptables|ip6tables) /, '');
  if (handle !== null) return `${where} handle ${handle}`;
  return position === 0 ? `policy of ${where}` : `${where} rule ${position}`;
}
