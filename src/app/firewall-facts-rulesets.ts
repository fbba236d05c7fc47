import { readRuleset } from '../firewall/read.ts';
import { type Address, formatAddress, parseAddress } from '../model/address.ts';
import { type AddressSet, has, size, toRanges } from '../model/address-set.ts';
import type { RulesetDump, SavedRules } from '../model/admission.ts';
import type { Scope } from '../model/endpoint.ts';
import type { Identities } from '../model/identity.ts';
import { addStatements, type Layer, NO_STATEMENTS, type Ruleset } from '../model/ruleset.ts';
import { compareText } from '../util/compare.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { matchesGlob } from '../util/glob.ts';
import { sha256 } from '../util/sha256.ts';

/** The filters in front of one host, from whatever dumps tell of them. */
export interface HostRuleset {
  readonly host: string;
  /** UTC milliseconds: the oldest of what it rests on. */
  readonly takenAt: number;
  readonly source: string;
  readonly ruleset: Ruleset;
  /** Why not every filter is known, a sentence each. */
  readonly problems: readonly string[];
  /** The host's own filters are among them. */
  readonly hasOwn: boolean;
  readonly saved: SavedRules | null;
}

/** What is known of hosts, as far as it decides which filters are theirs. */
export type KnownHosts = Pick<Identities, 'hosts' | 'listeners' | 'known' | 'nameOf'>;

interface ReadDump {
  readonly dump: RulesetDump;
  readonly ruleset: Ruleset;
}

/**
 * Says which filters stand in front of which host, sorted by host. Of each kind of filter the newest dump counts. Dumps of
 * clouds (host null) are read once and give each host the layers that hold one of its addresses or scopes.
 */
export function* hostRulesets(dumps: readonly RulesetDump[], known: KnownHosts): Iterable<HostRuleset> {
  const parsed = new Map<string, Ruleset>();
  const read = (dump: RulesetDump): ReadDump => {
    const key = sha256(JSON.stringify(dump.files.map((f) => [f.name, f.text])));
    return { dump, ruleset: getOrMake(parsed, key, () => readRuleset(dump.files)) };
  };
  const own = Map.groupBy(
    dumps.filter((d) => d.host !== null),
    (d) => known.nameOf(d.host as string) ?? (d.host as string),
  );
  const shared = layersByHost(dumps.filter((d) => d.host === null).map(read), known);
  for (const host of [...new Set([...own.keys(), ...shared.keys()])].sort(compareText)) {
    const ownParts = newestOfEachKind((own.get(host) ?? []).map(read));
    // The texts of one host are rarely those of the next: what is not needed again is let go.
    if (parsed.size > MOST_KEPT) parsed.clear();
    yield together(host, ownParts, shared.get(host) ?? []);
  }
}

/** Rulesets that are kept in case the next host has the same text. */
const MOST_KEPT = 16;

/** A dump with those of its layers that count. */
interface Part extends ReadDump {
  readonly layers: readonly Layer[];
}

/** A dump that could not be taken counts only where there is no other. */
function newestOfEachKind(dumps: readonly ReadDump[]): readonly Part[] {
  const told = dumps.filter((d) => d.dump.files.length > 0 || d.dump.problems.length === 0);
  const newestFirst = (told.length > 0 ? told : dumps.slice(0, 1)).toSorted(
    (a, b) => b.dump.takenAt - a.dump.takenAt || compareText(a.dump.source, b.dump.source),
  );
  const seen = new Set<Layer['kind']>();
  const parts: Part[] = [];
  for (const { dump, ruleset } of newestFirst) {
    // A listing without a rule has no layer, and says that there is none.
    const kinds = new Set(ruleset.layers.length === 0 ? ['linux' as const] : ruleset.layers.map((l) => l.kind));
    const fresh = new Set([...kinds].filter((kind) => !seen.has(kind)));
    for (const kind of fresh) seen.add(kind);
    if (fresh.size > 0) parts.push({ dump, ruleset, layers: ruleset.layers.filter((l) => fresh.has(l.kind)) });
  }
  return parts;
}

/** Sets of more addresses than this are asked one by one rather than looked up. */
const MOST_LISTED = 64n;

/** Layers of clouds by the hosts that they stand in front of. */
function layersByHost(dumps: readonly ReadDump[], { hosts, listeners, nameOf }: KnownHosts) {
  const byHost = new Map<string, Part[]>();
  if (dumps.length === 0) return byHost;
  const addresses = new Map<string, Map<string, Address>>();
  for (const { host } of hosts)
    for (const text of host.addresses) {
      const address = parseAddress(text);
      if (address) getOrMake(addresses, host.name, () => new Map()).set(text, address);
    }
  const scopes = new Map<Scope, Set<string>>();
  for (const { listener } of listeners)
    getOrMake(scopes, listener.scope, () => new Set<string>()).add(nameOf(listener.host) ?? listener.host);
  const holders = new Map<string, string[]>();
  for (const [host, own] of addresses) for (const text of own.keys()) getOrMake(holders, text, () => []).push(host);
  const inFrontOf = ({ addresses: set, scope, isRest }: Layer): Iterable<string> => {
    // What stands for addresses that a cloud's listing lacks says nothing of hosts elsewhere.
    if (isRest) return [];
    if (scope !== null) return [...scopes].flatMap(([seen, its]) => (isOfScope({ scope }, seen) ? [...its] : []));
    if (set === null) return [];
    if (size(set) <= MOST_LISTED) return listed(set).flatMap((text) => holders.get(text) ?? []);
    return [...addresses].filter(([, own]) => [...own.values()].some((a) => has(set, a))).map(([host]) => host);
  };
  for (const { dump, ruleset } of dumps.toSorted((a, b) => b.dump.takenAt - a.dump.takenAt)) {
    const layers = new Map<string, Layer[]>();
    for (const layer of ruleset.layers)
      for (const host of new Set(inFrontOf(layer))) getOrMake(layers, host, () => []).push(layer);
    for (const [host, its] of layers) {
      const parts = getOrMake(byHost, host, () => []);
      const known = new Set(parts.flatMap((p) => p.layers.map((l) => l.kind)));
      const fresh = its.filter((l) => !known.has(l.kind));
      if (fresh.length > 0) parts.push({ dump, ruleset, layers: fresh });
    }
  }
  return byHost;
}

/** Says whether a layer stands in front of a scope: `pod:orders/db-*` in front of `pod:orders/db-0`. */
export function isOfScope(layer: Pick<Layer, 'scope'>, scope: Scope): boolean {
  return layer.scope !== null && (layer.scope === scope || matchesGlob(layer.scope, scope));
}

function listed(set: AddressSet): string[] {
  return toRanges(set).flatMap(({ first, last }) => {
    const texts: string[] = [];
    for (let n = BigInt(first.value); n <= BigInt(last.value); n++)
      texts.push(
        formatAddress(first.family === 'ipv4' ? { family: 'ipv4', value: Number(n) } : { family: 'ipv6', value: n }),
      );
    return texts;
  });
}

function together(host: string, own: readonly Part[], shared: readonly Part[]): HostRuleset {
  const parts = [...own, ...shared.filter((part) => !own.some((o) => haveKindInCommon(o, part)))];
  const hasOwn = own.some(
    ({ ruleset }) => ruleset.layers.length === 0 || ruleset.layers.some((l) => l.kind === 'linux'),
  );
  const linux = own.find((part) => part.layers.length === 0 || part.layers.some((l) => l.kind === 'linux'));
  return {
    host,
    takenAt: Math.min(...parts.map((p) => p.dump.takenAt)),
    source: [...new Set(parts.map((p) => p.dump.source))].join(', '),
    ruleset: parts.length === 1 && own.length === 1 ? (own[0] as Part).ruleset : joined(parts),
    problems: [...new Set(parts.flatMap((p) => p.dump.problems))],
    hasOwn,
    saved: linux?.dump.saved ?? null,
  };
}

function haveKindInCommon(a: Part, b: Part): boolean {
  return a.layers.some((l) => b.layers.some((m) => m.kind === l.kind));
}

function joined(parts: readonly Part[]): Ruleset {
  const unseen = new Set(parts.flatMap((p) => p.ruleset.unseenFamilies ?? []));
  return {
    files: parts.flatMap((p) => p.ruleset.files),
    layers: parts.flatMap((p) => p.layers),
    statements: parts.reduce((sum, p) => addStatements(sum, p.ruleset.statements), NO_STATEMENTS),
    notes: parts.flatMap((p) => p.ruleset.notes),
    network: parts.find((p) => p.ruleset.network !== null)?.ruleset.network ?? null,
    ...(unseen.size > 0 && { unseenFamilies: [...unseen] }),
    assumptions: [...new Set(parts.flatMap((p) => p.ruleset.assumptions))],
  };
}
