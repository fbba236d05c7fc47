import { type AddressSet, isSubset } from '../model/address-set.ts';
import { parseAddressSet } from '../model/address-set-text.ts';
import { BIND_SCOPES } from '../model/listener.ts';
import { portsContain } from '../model/port-ranges.ts';
import type { ProcessRule, RegisterEntry, Zone } from '../model/register.ts';
import type { AccessChange } from '../model/register-difference.ts';

/**
 * Says whether an entry allows more than before: more sources (as sets of addresses), ports, hosts (by the text of
 * their selectors), a wider bind or scope, a looser process rule, a later expiry. Another transport is both.
 */
export function compareAccess(
  before: RegisterEntry,
  zonesBefore: readonly Zone[],
  after: RegisterEntry,
  zonesAfter: readonly Zone[],
): AccessChange {
  return combine([
    compareSources(before.sources, zonesBefore, after.sources, zonesAfter),
    ordered(portsContain(after.ports, before.ports), portsContain(before.ports, after.ports)),
    compareLists(before.hosts, after.hosts),
    before.scope === after.scope ? 'neither' : ordered(after.scope === 'any', before.scope === 'any'),
    before.transport === after.transport ? 'neither' : 'both',
    compareBind(before.bind, after.bind),
    compareProcess(before.process, after.process),
    compareNumbers(before.expires ?? Number.POSITIVE_INFINITY, after.expires ?? Number.POSITIVE_INFINITY),
  ]);
}

/** Compares who may connect. Zones are replaced by their addresses; a source list that is not said is unknown. */
export function compareSources(
  before: readonly string[] | null,
  zonesBefore: readonly Zone[],
  after: readonly string[] | null,
  zonesAfter: readonly Zone[],
): AccessChange {
  if (before === null && after === null) return 'neither';
  const a = addressesOf(before, zonesBefore);
  const b = addressesOf(after, zonesAfter);
  if (a === null || b === null) return 'unknown';
  return ordered(isSubset(a, b), isSubset(b, a));
}

function addressesOf(sources: readonly string[] | null, zones: readonly Zone[]): AddressSet | null {
  if (sources === null) return null;
  const texts: string[] = [];
  for (const source of sources) {
    if (!source.startsWith('zone:')) texts.push(source);
    else {
      const zone = zones.find((candidate) => `zone:${candidate.name}` === source);
      if (!zone) return null;
      texts.push(...zone.cidrs);
    }
  }
  return parseAddressSet(texts).set;
}

function compareBind(before: string, after: string): AccessChange {
  if (before === after) return 'neither';
  const rank = (bind: string) => (BIND_SCOPES as readonly string[]).indexOf(bind);
  if (rank(before) >= 0 && rank(after) >= 0) return compareNumbers(rank(before), rank(after));
  // An address against a scope: any holds every address, loopback and one address are not comparable by text.
  if (after === 'any') return 'widened';
  return before === 'any' ? 'narrowed' : 'both';
}

function compareProcess(before: ProcessRule, after: ProcessRule): AccessChange {
  const texts = (['exe', 'user', 'unit', 'package'] as const).map((key): AccessChange => {
    if (before[key] === after[key]) return 'neither';
    if (after[key] === undefined) return 'widened';
    return before[key] === undefined ? 'narrowed' : 'both';
  });
  const [old, now] = [before.sha256 ?? [], after.sha256 ?? []];
  const hashes =
    old.length === 0 || now.length === 0
      ? compareNumbers(now.length === 0 ? 0 : 1, old.length === 0 ? 0 : 1)
      : compareLists(old, now);
  return combine([...texts, hashes]);
}

function compareLists(before: readonly string[], after: readonly string[]): AccessChange {
  return ordered(
    before.every((item) => after.includes(item)),
    after.every((item) => before.includes(item)),
  );
}

function compareNumbers(before: number, after: number): AccessChange {
  return ordered(before <= after, after <= before);
}

/** `grown`: the new one holds all of the old; `shrunk`: the old one all of the new. */
function ordered(grown: boolean, shrunk: boolean): AccessChange {
  if (grown) return shrunk ? 'neither' : 'widened';
  return shrunk ? 'narrowed' : 'both';
}

function combine(changes: readonly AccessChange[]): AccessChange {
  const has = (change: AccessChange) => changes.includes(change);
  if (has('both') || (has('widened') && has('narrowed'))) return 'both';
  if (has('unknown')) return 'unknown';
  return has('widened') ? 'widened' : has('narrowed') ? 'narrowed' : 'neither';
}
