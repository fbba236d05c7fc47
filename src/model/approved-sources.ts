import type { AddressSet } from './address-set.ts';
import { parseAddressSet } from './address-set-text.ts';
import type { RegisterEntry, Zone } from './register.ts';

/**
 * Who may connect by an entry. `not-said`: it names no sources. `unreadable`: it names zones that are declared nowhere, or
 * texts that are no addresses, so what it allows is not known.
 */
export type ApprovedSources =
  | { readonly kind: 'set'; readonly set: AddressSet }
  | { readonly kind: 'not-said' }
  | { readonly kind: 'unreadable'; readonly sources: readonly string[] };

const NOT_SAID: ApprovedSources = { kind: 'not-said' };
/** Entries and zones never change once they are read, and one entry covers many endpoints. */
const known = new WeakMap<readonly Zone[], WeakMap<RegisterEntry, ApprovedSources>>();

/** Returns the sources of an entry as addresses, zones by what they hold. */
export function readSources(entry: RegisterEntry, zones: readonly Zone[]): ApprovedSources {
  const ofZones = known.get(zones) ?? new WeakMap<RegisterEntry, ApprovedSources>();
  known.set(zones, ofZones);
  const sources = ofZones.get(entry) ?? read(entry, zones);
  ofZones.set(entry, sources);
  return sources;
}

function read(entry: RegisterEntry, zones: readonly Zone[]): ApprovedSources {
  if (entry.sources === null) return NOT_SAID;
  const texts: string[] = [];
  const unread: string[] = [];
  for (const source of entry.sources) {
    const zone = zones.find((z) => source === `zone:${z.name}`);
    if (zone) texts.push(...zone.cidrs);
    else if (source.startsWith('zone:')) unread.push(source);
    else texts.push(source);
  }
  const { set, problems } = parseAddressSet(texts);
  unread.push(...problems.map((p) => p.text));
  return unread.length > 0 ? { kind: 'unreadable', sources: unread } : { kind: 'set', set };
}
