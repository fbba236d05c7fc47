import type { ApprovedAccess } from '../enforce/target.ts';
import { type Address, addressBits, formatAddress } from '../model/address.ts';
import {
  type AddressSet,
  difference,
  EMPTY,
  has,
  intersection,
  isEmpty,
  isSubset,
  size,
  toCidrs,
  union,
} from '../model/address-set.ts';
import { fromCidrs } from '../model/address-set-text.ts';
import { blockOf, formatCidr } from '../model/cidr.ts';
import type { RegisterEntry } from '../model/register.ts';
import type { EntryDraft } from '../register/draft.ts';
import { count, utcTime } from '../util/words.ts';

/** Who was seen connected to a port, and over which time. */
export interface ObservedPeers {
  /** UTC milliseconds of the first look and the last. */
  readonly since: number;
  readonly until: number;
  readonly looks: number;
  /** By port. */
  readonly peers: ReadonlyMap<number, readonly Address[]>;
}

export interface TightenInput {
  readonly host: string;
  readonly entries: readonly RegisterEntry[];
  readonly access: readonly ApprovedAccess[];
  readonly observed: ObservedPeers;
  /** Sources that the packet filters may let in, by port; null: they were not read. */
  readonly admitted: ((port: number) => AddressSet) | null;
}

/** What could be narrower, and what could not be said. */
export interface TightenResult {
  readonly drafts: readonly EntryDraft[];
  /** Sentences. */
  readonly remarks: readonly string[];
}

/** Peers of one block of 256 from which on the block is proposed rather than each of them. */
const MANY = 4;
const MOST_TOLD = 8;
const LOOPBACK = fromCidrs(['127.0.0.0/8', '::1/128']);

/**
 * Proposes narrower sources for what is approved, from who was seen and from what filters let in at all. Nobody seen is no
 * proposal: who connects seldom looks the same. Proposals are drafts; only a person approves.
 */
export function proposeNarrower({ host, entries, access, observed, admitted }: TightenInput): TightenResult {
  const drafts: EntryDraft[] = [];
  const remarks: string[] = [];
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  for (const one of access) {
    const entry = byId.get(one.entry);
    const approved = difference(one.sources, LOOPBACK);
    if (!entry || one.scope !== 'host' || isEmpty(approved)) continue;
    if (one.transport !== 'tcp') {
      remarks.push(`${one.entry}: connections of ${one.transport} are not seen, so nothing is proposed.`);
      continue;
    }
    const ports = [...observed.peers.keys()].filter((port) => one.ports.some((r) => r.from <= port && port <= r.to));
    const seen = distinct(ports.flatMap((port) => observed.peers.get(port) ?? []));
    const peers = seen.filter((peer) => has(approved, peer));
    const strangers = seen.filter((peer) => !has(approved, peer) && !has(LOOPBACK, peer));
    if (strangers.length > 0)
      remarks.push(
        `${one.entry}: ${told(strangers)} ${strangers.length === 1 ? 'is' : 'are'} connected and not approved.`,
      );
    if (peers.length === 0) {
      remarks.push(`${one.entry}: nobody who is approved was seen connected, so nothing is proposed.`);
      continue;
    }
    const narrower = intersection(blocksOf(peers), approved);
    if (size(narrower) >= size(approved)) continue;
    drafts.push({
      ...{ id: `${entry.id}-narrower`, service: entry.service, owner: entry.owner, hosts: [host], scope: entry.scope },
      ...{ ports: one.ports, transport: one.transport, bind: entry.bind, process: entry.process },
      sources: toCidrs(narrower),
      evidence: [
        `Proposes narrower sources for entry ${entry.id} on ${host}: ${toldSet(narrower)} in the place of ${toldSet(approved)}.`,
        `${count(peers.length, 'peer')} seen in ${count(observed.looks, 'look')} from ${utcTime(observed.since)} to ${utcTime(observed.until)}: ${told(peers)}.`,
        ...admittedWords(one, approved, admitted),
        'A look sees connections that stand: who connects seldom or briefly may be missing.',
        `In force it decides alone on ${host}: give ${entry.id} these sources instead, or approve this one.`,
      ],
      endpoints: Math.max(ports.length, 1),
      joins: false,
    });
  }
  return { drafts, remarks };
}

function admittedWords(
  { ports }: ApprovedAccess,
  approved: AddressSet,
  admitted: TightenInput['admitted'],
): readonly string[] {
  const [first] = ports;
  if (!admitted || !first) return ['What the packet filters let in was not read.'];
  const can = difference(intersection(admitted(first.from), approved), LOOPBACK);
  if (isSubset(approved, can)) return ['The packet filters let in everybody who is approved.'];
  const cidrs = toCidrs(can);
  return [
    `Of those who are approved, the packet filters let in ${cidrs.length === 0 ? 'nobody' : `${cidrs.slice(0, MOST_TOLD).join(', ')}${cidrs.length > MOST_TOLD ? ` and ${cidrs.length - MOST_TOLD} more` : ''}`}.`,
  ];
}

/** Many of one block of 256 are the block; an IPv6 address stands for its /64, as clients change the rest. */
function blocksOf(peers: readonly Address[]): AddressSet {
  const groups = Map.groupBy(peers, (peer) => formatCidr(blockOf(peer, peer.family === 'ipv4' ? 24 : 64)));
  let all: AddressSet = EMPTY;
  for (const [block, members] of groups) {
    const isBlock = members[0]?.family === 'ipv6' || members.length >= MANY;
    const texts = isBlock ? [block] : members.map((m) => formatCidr({ network: m, prefix: addressBits(m.family) }));
    all = union(all, fromCidrs(texts));
  }
  return all;
}

function distinct(peers: readonly Address[]): Address[] {
  return [...new Map(peers.map((peer) => [formatAddress(peer), peer])).values()];
}

function told(peers: readonly Address[]): string {
  return toldTexts(peers.map(formatAddress));
}

function toldSet(set: AddressSet): string {
  return toldTexts(toCidrs(set));
}

function toldTexts(texts: readonly string[]): string {
  return texts.length > MOST_TOLD
    ? `${texts.slice(0, MOST_TOLD).join(', ')} and ${texts.length - MOST_TOLD} more`
    : texts.join(', ');
}
