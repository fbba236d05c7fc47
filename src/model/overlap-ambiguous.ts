import { compareText } from '../util/compare.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { globsMeet } from '../util/globs-meet.ts';
import { formatAddress } from './address.ts';
import { difference, toRanges } from './address-set.ts';
import { fromCidrs } from './address-set-text.ts';
import { formatCidr } from './cidr.ts';
import { newHostIndex } from './host-index.ts';
import {
  type HostSelector,
  literalLength,
  type MatchHost,
  resolveHost,
  selectorMatches,
  selectorScore,
} from './host-selector.ts';
import type { PortRange } from './observation.ts';
import type { Ambiguity, Budget, OverlapBasis } from './overlap-result.ts';
import { intersectPorts, mergePorts } from './port-ranges.ts';
import { nodesOf } from './port-tree.ts';
import type { RegisterEntry } from './register.ts';
import { newSelectorGroups } from './selector-groups.ts';
import { witnessHost } from './witness.ts';

/** Entries told of that decide in place of one. */
const MAX_DECIDING = 5;
const MAX_HOSTS = 20;

interface Group {
  readonly text: string;
  readonly selector: HostSelector;
  readonly score: number;
  /** Entries with this selector, by id. */
  readonly members: Member[];
  /** Two members share the selector, but it could not be shown that it ever is what counts for both. */
  doubtful: boolean;
}

interface Member {
  readonly entry: RegisterEntry;
  /** Place of its id among all. */
  readonly order: number;
  readonly groups: readonly Group[];
}

type Report = (first: Member, second: Member, ports: readonly PortRange[]) => boolean;

function width(range: PortRange): number {
  return range.to - range.from;
}

/** Scopes that can tie: the same text, or wildcards with as many literal characters. */
function scopeClass(scope: string): string {
  return /[*?]/.test(scope) ? `wildcard ${literalLength(scope)}` : scope;
}

function scopesTie(a: string, b: string): boolean {
  return a === b || (scopeClass(a) === scopeClass(b) && globsMeet(a, b));
}

/** Ports that both cover with equally wide ranges. */
function tiedPorts(a: RegisterEntry, b: RegisterEntry): readonly PortRange[] {
  if (a.transport !== b.transport || !scopesTie(a.scope, b.scope)) return [];
  return mergePorts(
    a.ports.flatMap((range) =>
      intersectPorts(
        [range],
        b.ports.filter((other) => width(other) === width(range)),
      ),
    ),
  );
}

/** Smallest order of the ranges seen so far that overlap a given one; fed in ascending order. */
interface FirstByPort {
  /** By node: the first whose range has the node whole. */
  readonly whole: Map<number, number>;
  /** By node: the first that has a port below it. */
  readonly below: Map<number, number>;
}

function firstOverlapping(tree: FirstByPort, range: PortRange): number {
  let first = Number.POSITIVE_INFINITY;
  for (const node of nodesOf(range)) {
    first = Math.min(first, tree.below.get(node) ?? first);
    for (let above = node; above > 0; above >>= 1) first = Math.min(first, tree.whole.get(above) ?? first);
  }
  return first;
}

function addRange(tree: FirstByPort, range: PortRange, order: number): void {
  for (const node of nodesOf(range)) {
    if (!tree.whole.has(node)) tree.whole.set(node, order);
    for (let above = node; above > 0 && !tree.below.has(above); above >>= 1) tree.below.set(above, order);
  }
}

/** Tells of each member, given by id, that ties with an earlier one: with the first that `report` accepts. */
function sweep(members: readonly Member[], budget: Budget, report: Report): void {
  const byOrder = new Map(members.map((member) => [member.order, member]));
  const tied = new Map<string, Map<string, FirstByPort>>();
  for (const member of members) {
    const { scope, transport, ports } = member.entry;
    const trees = (range: PortRange) =>
      getOrMake(tied, `${transport} ${width(range)} ${scopeClass(scope)}`, () => new Map<string, FirstByPort>());
    let first = Number.POSITIVE_INFINITY;
    for (const range of ports)
      for (const [text, tree] of trees(range)) {
        if (budget.left-- <= 0) return;
        if (text === scope || scopesTie(text, scope)) first = Math.min(first, firstOverlapping(tree, range));
      }
    const deciding = byOrder.get(first);
    if (deciding && !report(deciding, member, tiedPorts(deciding.entry, member.entry)))
      for (const other of members) {
        if (other === member || budget.left-- <= 0) break;
        const ports = tiedPorts(other.entry, member.entry);
        if (ports.length > 0 && report(other, member, ports)) break;
      }
    for (const range of ports) {
      budget.left--;
      const tree = getOrMake(trees(range), scope, () => ({ whole: new Map(), below: new Map() }));
      addRange(tree, range, member.order);
    }
  }
}

/** Says whether there can be a host that both choose by this selector and neither by a more specific one. */
function canTie(group: Group, members: readonly Member[]): boolean {
  const { selector } = group;
  if (selector.kind === 'name' || selector.kind === 'address') return true;
  const narrower = members.flatMap((m) => m.groups.filter((g) => g.score > group.score).map((g) => g.selector));
  let host = witnessHost(selector);
  if (selector.kind === 'cidr') {
    const inside = narrower.flatMap((s) => {
      if (s.kind === 'cidr') return [formatCidr(s.cidr)];
      return s.kind === 'address' ? [formatAddress(s.address)] : [];
    });
    const [range] = toRanges(difference(fromCidrs([formatCidr(selector.cidr)]), fromCidrs(inside)));
    if (!range) return false;
    host = witnessHost({ kind: 'address', address: range.first });
  }
  const resolved = resolveHost(host);
  return !narrower.some((s) => selectorMatches(s, resolved));
}

/**
 * Returns the pairs of entries that cover an endpoint with equal precedence: by a selector that both have, or, on known
 * hosts, by two selectors of equal rank. Of every set of tied entries each but the first is told of.
 */
export function findAmbiguous(
  entries: readonly RegisterEntry[],
  hosts: readonly MatchHost[],
  budget: Budget,
): Ambiguity[] {
  const pairs = newPairs();
  const groups = [...groupEntries(entries)];
  for (const group of groups)
    sweep(sharingPorts(group.members), budget, (first, second, ports) => {
      const sure = canTie(group, [first, second]);
      if (sure) pairs.add(first, second, 'selectors', ports, group.text);
      else group.doubtful = true;
      return sure;
    });

  const index = newHostIndex<Group>();
  for (const group of groups) index.add(group.selector, group);
  const answers = new Map<string, (host: string) => void>();
  for (const host of hosts) {
    const chosen = index.matching(resolveHost(host)).sort((a, b) => b.score - a.score || compareText(a.text, b.text));
    for (const { equal, higher } of runsOfEqualScore(chosen)) {
      if (budget.left <= 0) return pairs.list();
      const members = decidedByRun(equal, higher, budget);
      const key = members.map((m) => m.order).join(' ');
      getOrMake(answers, key, () => {
        const found: [Member, Member, readonly PortRange[]][] = [];
        sweep(members, budget, (first, second, ports) => found.push([first, second, ports]) > 0);
        return (name) => {
          for (const [first, second, ports] of found) pairs.add(first, second, 'known-hosts', ports, name);
        };
      })(host.name);
    }
  }
  return pairs.list();
}

function groupEntries(entries: readonly RegisterEntry[]): Iterable<Group> {
  const groups = newSelectorGroups(
    (selector, text): Group => ({ text, selector, score: selectorScore(selector), members: [], doubtful: false }),
  );
  for (const [order, entry] of entries.toSorted((a, b) => compareText(a.id, b.id)).entries()) {
    const member = { entry, order, groups: [...new Set(entry.hosts.map(groups.of))] };
    for (const group of member.groups) group.members.push(member);
  }
  return groups.values();
}

/** Those that have a port in common with another, in their order. Most have none, and only these can tie. */
function sharingPorts(members: readonly Member[]): readonly Member[] {
  if (areOfDifferentPorts(members)) return NONE;
  const ranges = members
    .flatMap((member) => member.entry.ports.map(({ from, to }) => ({ member, from, to })))
    .sort((a, b) => a.from - b.from);
  const sharing = new Set<Member>();
  let furthest = ranges[0];
  for (const range of ranges) {
    if (furthest && furthest.member !== range.member && range.from <= furthest.to)
      sharing.add(range.member).add(furthest.member);
    if (furthest && range.to > furthest.to) furthest = range;
  }
  return sharing.size === 0 ? NONE : members.filter((member) => sharing.has(member));
}

/** Each is of one port, and none of the same: true of most selectors, and told at once. */
function areOfDifferentPorts(members: readonly Member[]): boolean {
  const ports = new Set<number>();
  for (const { entry } of members) {
    const [range] = entry.ports;
    if (range && entry.ports.length === 1 && range.from === range.to) ports.add(range.from);
  }
  return ports.size === members.length;
}

const NONE: readonly Member[] = [];

/** Selectors of one host that have equal rank, where they may bring entries together that no text does. */
function runsOfEqualScore(chosen: readonly Group[]): { equal: readonly Group[]; higher: readonly Group[] }[] {
  const runs: { equal: readonly Group[]; higher: readonly Group[] }[] = [];
  for (let from = 0, to = 0; from < chosen.length; from = to) {
    while (chosen[to]?.score === chosen[from]?.score && to < chosen.length) to++;
    const equal = chosen.slice(from, to);
    if (equal.length > 1 || equal[0]?.doubtful) runs.push({ equal, higher: chosen.slice(0, from) });
  }
  return runs;
}

/** Entries for which these selectors are the most specific that choose the host, by id. */
function decidedByRun(equal: readonly Group[], higher: readonly Group[], budget: Budget): readonly Member[] {
  const better = new Set(higher);
  const members = new Set<Member>();
  for (const group of equal)
    for (const member of group.members) {
      budget.left--;
      if (better.size === 0 || !member.groups.some((g) => better.has(g))) members.add(member);
    }
  return [...members].sort((a, b) => a.order - b.order);
}

interface Pair {
  readonly first: Member;
  readonly second: Member;
  readonly where: OverlapBasis;
  readonly ports: readonly PortRange[];
  readonly hosts: Set<string>;
}

/** Collects the pairs, each once; what follows from selectors is not told again of hosts. */
function newPairs() {
  const bySecond = new Map<Member, Map<Member, Pair>>();
  return {
    add(first: Member, second: Member, where: OverlapBasis, ports: readonly PortRange[], host: string): void {
      const pairs = getOrMake(bySecond, second, () => new Map<Member, Pair>());
      if (!pairs.has(first) && pairs.size >= MAX_DECIDING) return;
      const pair = getOrMake(pairs, first, () => ({ first, second, where, ports, hosts: new Set<string>() }));
      if (pair.where === where && pair.hosts.size < MAX_HOSTS) pair.hosts.add(host);
    },
    list(): Ambiguity[] {
      return [...bySecond.values()].flatMap((pairs) =>
        [...pairs.values()].map((pair) => ({
          kind: 'ambiguous' as const,
          entry: pair.second.entry.id,
          decidedBy: pair.first.entry.id,
          transport: pair.second.entry.transport,
          ports: pair.ports,
          hosts: [...pair.hosts].sort(compareText),
          where: pair.where,
        })),
      );
    },
  };
}
