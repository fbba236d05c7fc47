import { formatAddress } from './address.ts';
import type { HostSelector, MatchHost } from './host-selector.ts';

/**
 * Hosts and scopes that are made up so that they are chosen by one selector, and by no other that does not choose all
 * that it chooses. What is decided for such a witness is decided for whatever the selector may choose one day.
 */

/** In no name that anybody writes, and too long for a few `?` to match. */
const FILL = '\u0001\u0002\u0003\u0004'.repeat(8);

function fillPattern(pattern: string): string {
  return pattern.replaceAll('*', FILL).replaceAll('?', '\u0001');
}

/** A scope that the entry's scope covers and no narrower one does. */
export function witnessScope(scope: string): string {
  return scope === 'any' ? FILL : fillPattern(scope);
}

/** A host that the selector chooses; of a CIDR the one with its first address. */
export function witnessHost(selector: HostSelector): MatchHost {
  switch (selector.kind) {
    case 'name':
      return { name: selector.name, addresses: [], tags: [] };
    case 'address':
      return { name: FILL, addresses: [formatAddress(selector.address)], tags: [] };
    case 'cidr':
      return { name: FILL, addresses: [formatAddress(selector.cidr.network)], tags: [] };
    case 'wildcard':
      return { name: fillPattern(selector.pattern), addresses: [], tags: [] };
    case 'tag':
      return { name: FILL, addresses: [], tags: [selector.tag] };
    case 'every':
      return { name: FILL, addresses: [], tags: [] };
  }
}
