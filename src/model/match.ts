import { compareText } from '../util/compare.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { matchesGlob } from '../util/glob.ts';
import { type Endpoint, type Scope, type Transport, UNKNOWN_SCOPE } from './endpoint.ts';
import { newHostIndex } from './host-index.ts';
import {
  type HostSelector,
  literalLength,
  type MatchHost,
  OUTRIGHT_SCORE,
  parseHostSelector,
  type ResolvedHost,
  resolveHost,
  selectorMatches,
  selectorScore,
} from './host-selector.ts';
import type { PortRange } from './observation.ts';
import { addToPortTree, newPortTree, type PortTree, visitPort } from './port-tree.ts';
import type { RegisterEntry } from './register.ts';
import { newSelectorGroups } from './selector-groups.ts';

/** Where on a host, without the host. */
export type EndpointOnHost = Omit<Endpoint, 'host'>;

/** An entry that covers an endpoint. */
export interface Covering {
  readonly entry: RegisterEntry;
  /** It names the host (by name or address) rather than a set of hosts that it is in. */
  readonly namesHost: boolean;
}

/** The entry that decides an endpoint, and by what. */
export interface Decision {
  readonly entry: RegisterEntry;
  readonly specificity: number;
  /** The entry's range that holds the port. */
  readonly range: PortRange;
  /** The entry's selector that chooses the host; the most specific one. */
  readonly selector: HostSelector;
}

/**
 * Which entries of a register cover an endpoint. Precedence, most specific first: by host (exact name, host address,
 * CIDR with the longer prefix, wildcard with more literal characters, tag, `*`), then by scope (exact, wildcard with
 * more literal characters, `any`), then the narrower port range, then the smaller id. An entry that chooses a host in
 * several ways counts by the most specific.
 */
export interface Matcher {
  /** Every entry that covers the endpoint, the one that decides first. */
  entriesFor(endpoint: Endpoint): readonly Covering[];
  /** The entry that decides; faster than `entriesFor`, and for any host, known or not. */
  decide(host: MatchHost, at: EndpointOnHost): Decision | null;
  /** Names of the known hosts that the entry's selectors choose, sorted. */
  hostsSelected(entry: RegisterEntry): readonly string[];
}

/** Says whether one of the entry's selectors chooses the host. */
export function selectsHost(entry: RegisterEntry, host: MatchHost): boolean {
  const resolved = resolveHost(host);
  return entry.hosts.some((text) => selectorMatches(parseHostSelector(text), resolved));
}

const SCOPE_DETAILS = 1024;
/**
 * How specifically an entry's scope covers an endpoint's: 0 not at all, 1 perhaps, up to 4095. Scopes have case. A scan
 * from outside cannot tell the scope: `any` covers it for sure, any other scope perhaps.
 */
export function scopeScore(entryScope: Scope, scope: Scope): number {
  if (entryScope === 'any') return SCOPE_DETAILS;
  if (scope === UNKNOWN_SCOPE) return 1;
  if (entryScope === scope) return 3 * SCOPE_DETAILS;
  if (!/[*?]/.test(entryScope) || !matchesGlob(entryScope, scope)) return 0;
  return 2 * SCOPE_DETAILS + Math.min(literalLength(entryScope), SCOPE_DETAILS - 1);
}

/** One number that orders by host, then scope, then narrowness of the ports; below 2^41, so exact. */
function combineScores(host: number, scope: number, range: PortRange): number {
  return (host * 4096 + scope) * 131_072 + (65_536 - (range.to - range.from));
}

/**
 * How specifically an entry covers an endpoint of a host; 0 where it does not. Equal numbers mean equal precedence.
 * What a Matcher does for many at once, for one.
 */
export function specificityOf(entry: RegisterEntry, host: MatchHost, at: EndpointOnHost): number {
  if (entry.transport !== at.transport) return 0;
  const range = entry.ports.find((r) => r.from <= at.port && at.port <= r.to);
  const scope = scopeScore(entry.scope, at.scope);
  if (!range || scope === 0) return 0;
  const resolved = resolveHost(host);
  let best = 0;
  for (const text of entry.hosts) {
    const selector = parseHostSelector(text);
    if (selectorMatches(selector, resolved)) best = Math.max(best, selectorScore(selector));
  }
  return best === 0 ? 0 : combineScores(best, scope, range);
}

interface EntryRecord {
  readonly entry: RegisterEntry;
  /** The answer where it alone covers an endpoint and names the host, and where it does not name it. */
  readonly named: readonly [Covering];
  readonly chosen: readonly [Covering];
  /** Place of its id among all. */
  readonly order: number;
  readonly groups: Set<Group>;
  /** Number of the question in which it was found last: keeps an answer free of repetitions. */
  foundIn: number;
}

interface Item {
  readonly record: EntryRecord;
  readonly range: PortRange;
  readonly group: Group;
}

/** All entries that have one selector in common. */
interface Group {
  readonly id: number;
  readonly selector: HostSelector;
  readonly score: number;
  readonly ports: Map<Transport, PortTree<Item>>;
  /** Known hosts that the selector chooses. */
  readonly hosts: string[];
}

/** `namesHost` follows from the selector by which the entry was found. */
function coveringBy({ record, group }: Item): readonly [Covering] {
  return group.score >= OUTRIGHT_SCORE ? record.named : record.chosen;
}

const NONE: readonly Covering[] = [];

/** Answers longer than this are kept and shared between the endpoints that have the same one. */
const SHARED_FROM = 16;

/** Builds the index. Costs a look-up per host and selector kind and per entry and range, not per pair of them. */
export function buildMatcher(entries: readonly RegisterEntry[], hosts: readonly MatchHost[]): Matcher {
  const index = newHostIndex<Group>();
  let made = 0;
  const groups = newSelectorGroups((selector): Group => {
    const group = { id: made++, selector, score: selectorScore(selector), ports: new Map(), hosts: [] };
    index.add(selector, group);
    return group;
  });
  const records = new Map<RegisterEntry, EntryRecord>();
  for (const [order, entry] of entries.toSorted((a, b) => compareText(a.id, b.id)).entries()) {
    const record: EntryRecord = {
      entry,
      named: [{ entry, namesHost: true }],
      chosen: [{ entry, namesHost: false }],
      order,
      groups: new Set(entry.hosts.map(groups.of)),
      foundIn: 0,
    };
    records.set(entry, record);
    for (const group of record.groups) {
      const tree = getOrMake(group.ports, entry.transport, newPortTree<Item>);
      for (const range of entry.ports) addToPortTree(tree, range, { record, range, group });
    }
  }

  /** Groups of a host, most specific first. */
  function groupsFor(host: ResolvedHost): readonly Group[] {
    return index.matching(host).sort((a, b) => b.score - a.score || a.id - b.id);
  }

  const groupsByName = new Map<string, readonly Group[]>();
  for (const host of mergeHosts(hosts)) {
    const chosen = groupsFor(resolveHost(host));
    groupsByName.set(host.name.toLowerCase(), chosen);
    for (const group of chosen) group.hosts.push(host.name);
  }
  function groupsOfName(name: string): readonly Group[] {
    const key = name.toLowerCase();
    const found = groupsByName.get(key) ?? groupsFor(resolveHost({ name, addresses: [], tags: [] }));
    groupsByName.set(key, found);
    return found;
  }

  const groupsByHost = new WeakMap<MatchHost, readonly Group[]>();
  function groupsOfHost(host: MatchHost): readonly Group[] {
    const found = groupsByHost.get(host) ?? groupsFor(resolveHost(host));
    groupsByHost.set(host, found);
    return found;
  }

  const shared = new Map<string, readonly Covering[]>();
  let question = 0;
  /** Lists that hold what covers the endpoint of the present question, the most specific group first. */
  const hits: (readonly Item[])[] = [];
  const collect = (items: readonly Item[]) => void hits.push(items);

  function entriesFor({ host, scope, transport, port }: Endpoint): readonly Covering[] {
    hits.length = 0;
    for (const group of groupsOfName(host)) {
      const tree = group.ports.get(transport);
      if (tree) visitPort(tree, port, collect);
    }
    const only = hits.length === 1 && hits[0]?.length === 1 ? hits[0][0] : undefined;
    if (only) return scopeScore(only.record.entry.scope, scope) === 0 ? NONE : coveringBy(only);
    const total = hits.reduce((n, items) => n + items.length, 0);
    if (total < SHARED_FROM) return rank(scope);
    const key = `${transport} ${port} ${scope} ${hits.map(([item]) => item?.group.id).join(' ')}`;
    return getOrMake(shared, key, () => rank(scope));
  }

  /** The answer to the present question where several may cover the endpoint. */
  function rank(scope: Scope): readonly Covering[] {
    question++;
    const found: { item: Item; specificity: number }[] = [];
    for (const item of hits.flat()) {
      const { record, range, group } = item;
      const covers = scopeScore(record.entry.scope, scope);
      // The most specific group comes first, so it is by this one that the entry counts.
      if (covers === 0 || record.foundIn === question) continue;
      record.foundIn = question;
      found.push({ item, specificity: combineScores(group.score, covers, range) });
    }
    found.sort((a, b) => b.specificity - a.specificity || a.item.record.order - b.item.record.order);
    return found.map(({ item }) => coveringBy(item)[0]);
  }

  function decide(host: MatchHost, at: EndpointOnHost): Decision | null {
    let best = null as { item: Item; group: Group; specificity: number } | null;
    for (const group of groupsOfHost(host)) {
      if (best && group.score < best.group.score) break;
      const tree = group.ports.get(at.transport);
      if (!tree) continue;
      visitPort(tree, at.port, (items) => {
        for (const item of items) {
          const covers = scopeScore(item.record.entry.scope, at.scope);
          if (covers === 0) continue;
          const specificity = combineScores(group.score, covers, item.range);
          if (
            !best ||
            specificity > best.specificity ||
            (specificity === best.specificity && item.record.order < best.item.record.order)
          )
            best = { item, group, specificity };
        }
      });
    }
    if (!best) return null;
    const { item, group, specificity } = best;
    return { entry: item.record.entry, specificity, range: item.range, selector: group.selector };
  }

  for (const group of groups.values()) group.hosts.sort(compareText);
  const selected = new Map<string, readonly string[]>();

  function hostsSelected(entry: RegisterEntry): readonly string[] {
    const chosen = [...(records.get(entry)?.groups ?? [])];
    if (chosen.length === 1) return (chosen[0] as Group).hosts;
    return getOrMake(selected, chosen.map((g) => g.id).join(' '), () =>
      [...new Set(chosen.flatMap((g) => g.hosts))].sort(compareText),
    );
  }

  return { entriesFor, decide, hostsSelected };
}

/** Joins what is known of hosts of one name (they have no case): names, addresses and tags of all, the first spelling. */
export function mergeHosts(hosts: readonly MatchHost[]): MatchHost[] {
  const merged = new Map<string, MatchHost>();
  for (const host of hosts) {
    const key = host.name.toLowerCase();
    const known = merged.get(key);
    merged.set(
      key,
      known
        ? {
            name: known.name,
            ...((known.names || host.names) && { names: [...(known.names ?? []), ...(host.names ?? [])] }),
            addresses: [...known.addresses, ...host.addresses],
            tags: [...known.tags, ...host.tags],
          }
        : host,
    );
  }
  return [...merged.values()];
}
