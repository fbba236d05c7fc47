import { type Address, formatAddress, parseAddress, unmapAddress } from '../../model/address.ts';
import { ipv4Boundaries, ipv6Boundaries } from '../../model/address-intervals.ts';
import { type AddressSet, difference, intersection, isEmpty, size, toRanges, union } from '../../model/address-set.ts';
import { compareText } from '../../util/compare.ts';
import { parseTarget } from './target-text.ts';

/** A target as it was written, and where: `targets.txt:12`, empty for the command line. */
export interface WrittenTarget {
  readonly text: string;
  readonly at: string;
}

/** Something not to be scanned, with the reason that is shown. */
export interface Exclusion {
  readonly target: string;
  readonly reason: string;
}

/** Addresses that were asked for and are left out. */
export interface LeftOut extends Exclusion {
  readonly addresses: bigint;
}

export interface ScanTargets {
  readonly addresses: AddressSet;
  readonly count: bigint;
  /** Names that were looked up, by the address they gave; sorted. */
  readonly names: ReadonlyMap<string, readonly string[]>;
  readonly leftOut: readonly LeftOut[];
  /** What could not be read or found, a sentence each. */
  readonly problems: readonly string[];
}

/** Returns every address of a name. Throws where there is none. */
export type LookUp = (name: string) => Promise<readonly string[]>;

/** A network that this machine is in: its first and last address are no hosts. */
export interface OwnNetwork {
  readonly cidr: string;
}

/** What nobody's service listens on, by RFC 6890, RFC 5771 and RFC 4291. */
const NEVER: readonly Exclusion[] = [
  { target: '0.0.0.0/8', reason: 'no host address ("this network", RFC 1122)' },
  { target: '224.0.0.0/4', reason: 'multicast' },
  { target: '240.0.0.0/4', reason: 'reserved and broadcast (RFC 1112)' },
  { target: '::/128', reason: 'no host address' },
  { target: 'fe80::/10', reason: 'link-local: it means another host on every interface' },
  { target: 'ff00::/8', reason: 'multicast' },
];

/** Look-ups at a time. */
const LOOKUPS = 16;

/**
 * Works out what to scan: the targets without the exclusions, without what is no host address, each address once. Names are
 * looked up, and count with all their addresses. An exclusion that cannot be read or found makes `problems` of kind
 * `exclusion`, as what must not be touched is then not known.
 */
export async function resolveTargets(
  written: readonly WrittenTarget[],
  exclusions: readonly Exclusion[],
  options: {
    readonly lookUp: LookUp;
    readonly ownNetworks: readonly OwnNetwork[];
    /** Whether a block too large to be scanned is a problem. */
    readonly sizes: 'bounded' | 'any';
  },
): Promise<ScanTargets & { readonly exclusionProblems: readonly string[] }> {
  const wanted = await readAll(written, options.lookUp, options.sizes);
  const leftOut: LeftOut[] = [];
  const exclusionProblems: string[] = [];
  let addresses = wanted.addresses;
  const leave = (exclusion: Exclusion, set: AddressSet) => {
    const hit = intersection(addresses, set);
    if (isEmpty(hit)) return;
    leftOut.push({ ...exclusion, addresses: size(hit) });
    addresses = difference(addresses, set);
  };
  for (const exclusion of exclusions) {
    const { addresses: set, problems } = await readAll([{ text: exclusion.target, at: '' }], options.lookUp, 'any');
    exclusionProblems.push(...problems);
    leave(exclusion, { ...set, ipv6: union(set, byNat64(set)).ipv6 });
  }
  for (const exclusion of NEVER) leave(exclusion, setOfCidrs([exclusion.target]));
  for (const { cidr } of options.ownNetworks) {
    for (const [address, what] of edges(cidr)) {
      const reason = `the ${what} address of ${cidr}, a network of this machine`;
      leave({ target: formatAddress(address), reason }, rangesOf([{ first: address, last: address }]));
    }
  }
  return {
    addresses,
    count: size(addresses),
    names: wanted.names,
    leftOut,
    problems: wanted.problems,
    exclusionProblems,
  };
}

/** Addresses of a set as text, ascending, IPv4 first; one at a time. */
export function* addressesOf(set: AddressSet): Generator<string, undefined, undefined> {
  for (const { first, last } of toRanges(set)) {
    if (first.family === 'ipv4')
      for (let value = first.value; value <= Number(last.value); value++)
        yield formatAddress({ family: 'ipv4', value });
    else
      for (let value = first.value; value <= BigInt(last.value); value++)
        yield formatAddress({ family: 'ipv6', value });
  }
  return undefined;
}

/** Returns the set of plain addresses; what is none is passed over. */
export function setOfAddresses(texts: readonly string[]): AddressSet {
  const ranges: Range[] = [];
  for (const text of texts) {
    const address = parseAddress(text);
    if (address) ranges.push({ first: address, last: address });
  }
  return rangesOf(ranges);
}

/** Returns the set of blocks as `toCidrs` writes them; what is none is passed over. */
export function setOfCidrs(texts: readonly string[]): AddressSet {
  return rangesOf(
    texts.flatMap((text) => {
      const target = parseTarget(text, 'any');
      return target.kind === 'range' ? [target] : [];
    }),
  );
}

/** Where a gateway leads to IPv4 addresses: the well-known prefix 64:ff9b::/96 (RFC 6052). */
const NAT64 = 0x64_ff9bn << 96n;

function byNat64({ ipv4 }: AddressSet): AddressSet {
  return { ipv4: [], ipv6: ipv4.map((boundary) => NAT64 + BigInt(boundary)) };
}

interface Range {
  readonly first: Address;
  readonly last: Address;
}

async function readAll(
  written: readonly WrittenTarget[],
  lookUp: LookUp,
  sizes: 'bounded' | 'any',
): Promise<{ addresses: AddressSet; names: Map<string, string[]>; problems: string[] }> {
  const ranges: Range[] = [];
  const problems: string[] = [];
  const asked = new Map<string, string>();
  for (const { text, at } of written) {
    const target = parseTarget(text, sizes);
    const where = at === '' ? '' : `${at}: `;
    if (target.kind === 'range') ranges.push(target);
    else if (target.kind === 'invalid') problems.push(`${where}${target.message}`);
    else asked.set(target.name, where);
  }
  const names = new Map<string, string[]>();
  const queue = [...asked];
  const look = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [name, where] = next;
      try {
        for (const text of await lookUp(name)) {
          const address = parseAddress(text.replace(/%.*/, ''));
          if (address === null) continue;
          const plain = unmapAddress(address);
          ranges.push({ first: plain, last: plain });
          const known = names.get(formatAddress(plain)) ?? [];
          names.set(formatAddress(plain), [...new Set([...known, name])].sort(compareText));
        }
      } catch (error) {
        problems.push(
          `${where}the name ${name} has no address (${(error as NodeJS.ErrnoException).code ?? 'not found'})`,
        );
      }
    }
  };
  await Promise.all(Array.from({ length: LOOKUPS }, look));
  return { addresses: rangesOf(ranges), names, problems: problems.sort(compareText) };
}

function rangesOf(ranges: readonly Range[]): AddressSet {
  const ipv4 = ranges.filter((range) => range.first.family === 'ipv4');
  const ipv6 = ranges.filter((range) => range.first.family === 'ipv6');
  return {
    ipv4: ipv4Boundaries(
      Float64Array.from(ipv4, (range) => Number(range.first.value)),
      Float64Array.from(ipv4, (range) => Number(range.last.value) + 1),
    ),
    ipv6: ipv6Boundaries(
      ipv6.map((range) => BigInt(range.first.value)),
      ipv6.map((range) => BigInt(range.last.value) + 1n),
    ),
  };
}

/** Network and broadcast address of an own IPv4 network (RFC 1122, 3.2.1.3); a /31 and /32 have none (RFC 3021). */
function edges(cidr: string): ReadonlyArray<readonly [Address, string]> {
  const [text = '', prefix = ''] = cidr.split('/');
  const address = parseAddress(text);
  if (address?.family !== 'ipv4' || Number(prefix) > 30) return [];
  const length = 2 ** (32 - Number(prefix));
  const first = address.value - (address.value % length);
  return [
    [{ family: 'ipv4', value: first }, 'network'],
    [{ family: 'ipv4', value: first + length - 1 }, 'broadcast'],
  ];
}
