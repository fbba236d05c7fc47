import { bindScopeOf, formatAddress, parseAddress } from '../model/address.ts';
import { blockOf } from '../model/cidr.ts';
import type { HostNetwork } from '../model/host-network.ts';

/** Why nothing is sure where a rule may do what `mayComeBack` tells. */
export const COMES_BACK =
  'a rule may send packets to the host itself, which then come in by the loopback interface as if they were its own';

/** What an answer rests on where it is not known. */
export const GOES_ELSEWHERE = 'Addresses that rules send copies of packets to are not those of the host itself.';

/** Where a rule sends a packet or a copy of it. Not a text: it depends on the packet. */
export interface SentTo {
  readonly address?: unknown;
  readonly device?: unknown;
}

/**
 * Says whether a packet that a rule sends elsewhere (`dup`, `fwd`, TEE) may meet the rules of this host again as one of
 * its own; null: unless an address is the host's, which is not known. That it may come in by another interface says
 * nothing new: whoever is outside may use each of them.
 */
export function mayComeBack({ address, device }: SentTo, network: HostNetwork | null): boolean | null {
  if (device !== undefined && (typeof device !== 'string' || isLoopback(device, network))) return true;
  if (address === undefined) return device === undefined;
  const to = typeof address === 'string' ? parseAddress(address) : null;
  if (to === null || bindScopeOf(formatAddress(to)) === 'loopback') return true;
  if (network === null) return null;
  if (network.interfaces.some((one) => one.addresses.some((own) => own.address.value === to.value))) return true;
  const isRouted = network.routes?.some(
    ({ type, destination: { network: block, prefix } }) =>
      type === 'local' && block.family === to.family && blockOf(to, prefix).network.value === block.value,
  );
  return isRouted ?? null;
}

function isLoopback(device: string, network: HostNetwork | null): boolean {
  return device === 'lo' || (network?.interfaces.some((one) => one.name === device && one.loopback) ?? false);
}
