import { type Address, addressBits, formatAddress, parseAddress, unmapAddress } from '../../model/address.ts';
import { parseCidr } from '../../model/cidr.ts';

/** What one target says: addresses from first to last, or a name that DNS knows. */
export type Target =
  | { readonly kind: 'range'; readonly first: Address; readonly last: Address }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'invalid'; readonly message: string };

/** An IPv6 network is too sparse to be searched: a larger block is a mistake. 65,536 addresses. */
const MOST_IPV6_PREFIX = 112;
/** 16,777,216 addresses: five hours at 1,000 connections a second for a single port. */
const MOST_IPV4_PREFIX = 8;

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;

/**
 * Reads a target: an address, `10.0.0.0/24`, `10.0.0.1-10.0.0.20`, `10.0.0.1-20` (last number), `fd00::1-fd00::20`, or a
 * host name (RFC 1123, and the underscore). Looks nothing up. `sizes`: whether a block too large to be scanned is invalid.
 */
export function parseTarget(text: string, sizes: 'bounded' | 'any' = 'bounded'): Target {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  const invalid = (why: string): Target => ({ kind: 'invalid', message: `"${shown}" ${why}` });
  if (text.includes('%')) return invalid('has an interface; link-local addresses are not scanned');
  if (text.includes('/')) return block(text, sizes, invalid);
  const single = parseAddress(text);
  if (single) return { kind: 'range', first: unmapAddress(single), last: unmapAddress(single) };
  const dash = text.indexOf('-');
  const first = dash < 0 ? null : parseAddress(text.slice(0, dash));
  if (first) {
    const last = lastOf(text.slice(0, dash), text.slice(dash + 1));
    if (last === null || last.family !== first.family)
      return invalid('is no range of addresses; expected for example 10.0.0.1-10.0.0.20 or 10.0.0.1-20');
    return rangeOf(first, last, sizes, invalid);
  }
  const labels = text.replace(/\.$/, '').split('.');
  const isName = text.length <= 253 && labels.every((label) => LABEL.test(label));
  // a last label of digits would be taken for an odd spelling of an IPv4 address (inet_aton)
  if (!isName || /^(?:\d+|0x[0-9a-f]*)$/i.test(labels.at(-1) ?? ''))
    return invalid(
      'is no address, range, CIDR or host name; expected for example 10.0.0.0/24, 10.0.0.1-20, db-1 or fd00::5',
    );
  return { kind: 'name', name: text.replace(/\.$/, '').toLowerCase() };
}

function block(text: string, sizes: 'bounded' | 'any', invalid: (why: string) => Target): Target {
  const read = parseCidr(text);
  if (read.kind !== 'cidr') return { kind: 'invalid', message: read.message };
  const { network, prefix } = read.cidr;
  const bits = addressBits(network.family) - prefix;
  if (network.family === 'ipv4') {
    return rangeOf(network, { family: 'ipv4', value: network.value + 2 ** bits - 1 }, sizes, invalid);
  }
  return rangeOf(network, { family: 'ipv6', value: network.value + (1n << BigInt(bits)) - 1n }, sizes, invalid);
}

/** `10.0.0.20`, or `20` for the last number of the first address. */
function lastOf(first: string, text: string): Address | null {
  if (/^\d{1,3}$/.test(text) && !first.includes(':')) return parseAddress(first.replace(/\d+$/, text));
  return parseAddress(text);
}

/** IPv4-mapped addresses are the IPv4 ones, whichever way a range is written: what is excluded in one way is in both. */
function rangeOf(from: Address, to: Address, sizes: 'bounded' | 'any', invalid: (why: string) => Target): Target {
  const [first, last] = [unmapAddress(from), unmapAddress(to)];
  if (first.family !== last.family) return invalid('begins or ends among IPv4-mapped addresses (::ffff:0:0/96)');
  if (last.value < first.value) return invalid('ends before it begins');
  const addresses = BigInt(last.value) - BigInt(first.value) + 1n;
  const isIpv4 = first.family === 'ipv4';
  const most = isIpv4 ? 1n << BigInt(32 - MOST_IPV4_PREFIX) : 1n << BigInt(128 - MOST_IPV6_PREFIX);
  if (sizes === 'any' || addresses <= most) return { kind: 'range', first, last };
  return invalid(
    isIpv4
      ? `holds ${addresses} addresses; a target is a /${MOST_IPV4_PREFIX} at most, so name the parts that are in use`
      : `holds ${addresses} addresses from ${formatAddress(first)} on; an IPv6 target is a /${MOST_IPV6_PREFIX} (65,536) at most: name the hosts, or list their addresses in a file and give @FILE`,
  );
}
