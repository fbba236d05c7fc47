import type { Address } from '../model/address.ts';
import { type AddressSet, difference, EMPTY, has, union } from '../model/address-set.ts';
import { fromCidrs, fromRanges } from '../model/address-set-text.ts';
import { HOST_SCOPE, type Scope, type Transport } from '../model/endpoint.ts';
import type { ApprovedAccess, EnforceInput } from './target.ts';

/** No packet from outside has a source of the host itself: rules that admit everybody mean everybody but these. */
export const LOOPBACK: AddressSet = fromCidrs(['127.0.0.0/8', '::1/128']);

/** Transports that rules are made for: those with ports that every packet filter and the engine know. */
export const PORT_TRANSPORTS: readonly Transport[] = ['tcp', 'udp', 'sctp'];

/** The sources of an access that can be outside the host. */
export function outsideSources(access: ApprovedAccess): AddressSet {
  return difference(access.sources, LOOPBACK);
}

/** Local addresses that an access may be reached on; null: every one. */
export function destinationsOf(access: ApprovedAccess): AddressSet | null {
  if (access.within) return access.within;
  return access.addresses && fromRanges(access.addresses.map((a) => ({ first: a, last: a })));
}

/** Says whether packets for a scope meet the input chain of the host. */
export function isOfHost(scope: Scope): boolean {
  return scope === HOST_SCOPE || scope === 'any';
}

/** What is approved for the host itself. */
export function hostAccess(input: EnforceInput): readonly ApprovedAccess[] {
  return input.access.filter((access) => isOfHost(access.scope));
}

/** Sources that rules for the given access must let in to a port at an address, in the mode `enforce`. */
export function sourcesAt(
  access: readonly ApprovedAccess[],
  at: { readonly transport: Transport; readonly port: number; readonly address: Address },
): AddressSet {
  let all: AddressSet = EMPTY;
  for (const one of access) {
    if (one.transport !== at.transport || !one.ports.some((r) => r.from <= at.port && at.port <= r.to)) continue;
    const destinations = destinationsOf(one);
    if (destinations && !has(destinations, at.address)) continue;
    const sources = outsideSources(one);
    all = union(
      all,
      at.address.family === 'ipv4' ? { ...EMPTY, ipv4: sources.ipv4 } : { ...EMPTY, ipv6: sources.ipv6 },
    );
  }
  return all;
}

/** What no rule for packets to a host can express, a sentence each. */
export function hostCannot(input: EnforceInput): string[] {
  return hostAccess(input)
    .filter((access) => !PORT_TRANSPORTS.includes(access.transport))
    .map(
      ({ entry, transport }) =>
        `Entry ${entry} is about ${transport}: rules are made and verified for ${PORT_TRANSPORTS.join(', ')} only.`,
    );
}

/** Says of access to containers, pods and other namespaces that rules of the input chain do not reach it. */
export function otherScopes(input: EnforceInput): string[] {
  return input.access.flatMap(({ entry, scope }) => {
    if (scope === HOST_SCOPE) return [];
    const covered = scope === 'any' ? 'Covered on the host itself only' : 'Not covered';
    return [
      `${covered}: entry ${entry} is about ${scope === 'any' ? 'any scope' : scope}, whose ports stay as open as they are.`,
    ];
  });
}
