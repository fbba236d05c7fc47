import { addressBits } from './address.ts';
import type { Cidr } from './cidr.ts';
import { type HostSelector, type MatchHost, parseHostSelector, selectorKey } from './host-selector.ts';
import type { Decision, Matcher } from './match.ts';
import type { Budget, OverlapBasis, Unreachable } from './overlap-result.ts';
import type { RegisterEntry } from './register.ts';
import { witnessHost, witnessScope } from './witness.ts';

/** Entries told of that keep another from ever deciding. */
const MAX_COVERED_BY = 10;

/** The first address behind a block; undefined at the end of the address space. */
function behind({ network, prefix }: Cidr): Cidr | undefined {
  const bits = addressBits(network.family);
  const next = BigInt(network.value) + (1n << BigInt(bits - prefix));
  if (next >= 1n << BigInt(bits)) return undefined;
  const value =
    network.family === 'ipv4'
      ? ({ family: 'ipv4', value: Number(next) } as const)
      : ({ family: 'ipv6', value: next } as const);
  return { network: value, prefix: bits };
}

/**
 * Returns the entries that never decide: `selectors` where that follows from the register alone, `known-hosts` where
 * every host that the entry chooses today is decided by others. Says nothing of an entry for which the budget ran out.
 */
export function findUnreachable(
  entries: readonly RegisterEntry[],
  hosts: readonly MatchHost[],
  matcher: Matcher,
  budget: Budget,
): Unreachable[] {
  const byName = new Map(hosts.map((host) => [host.name, host]));
  const found: Unreachable[] = [];
  for (const entry of entries) {
    const winners = new Set<string>();
    const report = (where: OverlapBasis) => {
      const coveredBy = [...winners].sort().slice(0, MAX_COVERED_BY);
      found.push({ kind: 'unreachable', entry: entry.id, coveredBy, where });
    };
    if (entry.hosts.length === 0) continue;
    if (!entry.hosts.some((text) => decidesBySelector(entry, parseHostSelector(text), winners))) {
      report('selectors');
      continue;
    }
    winners.clear();
    const chosen = matcher.hostsSelected(entry);
    const decides = (name: string) => {
      const host = byName.get(name);
      const instead = host ? decidedInstead(entry, host) : null;
      for (const decision of instead ?? []) winners.add(decision.entry.id);
      return instead === null;
    };
    if (chosen.length > 0 && !chosen.some(decides)) report('known-hosts');
  }
  return found;

  /**
   * Returns what is decided in the entry's place on a host, or null where it decides a port itself. Another that decides
   * one port does so for its whole range, because nothing that precedence looks at changes inside of it.
   */
  function decidedInstead(entry: RegisterEntry, host: MatchHost): readonly Decision[] | null {
    const decisions: Decision[] = [];
    const scope = witnessScope(entry.scope);
    for (const range of entry.ports)
      for (let port = range.from; port <= range.to; ) {
        if (budget.left-- <= 0) return null;
        const decision = matcher.decide(host, { scope, transport: entry.transport, port });
        if (!decision || decision.entry === entry) return null;
        decisions.push(decision);
        port = decision.range.to + 1;
      }
    return decisions;
  }

  /** Says whether the entry decides anything on some host that the selector may ever choose; collects who does. */
  function decidesBySelector(entry: RegisterEntry, selector: HostSelector, winners: Set<string>): boolean {
    if (selector.kind === 'cidr') return decidesInBlock(entry, selector.cidr, winners);
    const instead = decidedInstead(entry, witnessHost(selector));
    // By another selector: true for the witness, but perhaps not for all that this one chooses.
    if (!instead || instead.some((d) => selectorKey(d.selector) !== selectorKey(selector))) return true;
    for (const decision of instead) winners.add(decision.entry.id);
    return false;
  }

  /** Walks a block from one address where something may change to the next. */
  function decidesInBlock(entry: RegisterEntry, block: Cidr, winners: Set<string>): boolean {
    const end = behind(block)?.network.value;
    for (let at: Cidr | undefined = block; at && at.network.value !== end; ) {
      let narrowest = block;
      const instead = decidedInstead(entry, witnessHost({ kind: 'cidr', cidr: at }));
      if (!instead) return true;
      for (const decision of instead) {
        const by = blockOfSelector(decision.selector);
        if (!by) return true;
        if (by.prefix > narrowest.prefix) narrowest = by;
        winners.add(decision.entry.id);
      }
      at = behind(narrowest);
    }
    return false;
  }
}

function blockOfSelector(selector: HostSelector): Cidr | undefined {
  if (selector.kind === 'cidr') return selector.cidr;
  if (selector.kind === 'address') return { network: selector.address, prefix: addressBits(selector.address.family) };
  return undefined;
}
