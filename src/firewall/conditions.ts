import { type AddressSet, difference, intersection, isEmpty } from '../model/address-set.ts';
import type { AddressFamily } from '../model/listener.ts';
import type { AddressType, Condition, ConnectionState, InterfacePattern, NumberRange } from '../model/ruleset.ts';
import { and, type Bits, isNone, not, or } from './bits.ts';
import type { HostRoutes } from './host-routes.ts';
import type { PeerSpace } from './peer-space.ts';

/** For which peers a condition surely holds, and for which it may: must ⊆ truth ⊆ may. */
export interface Tri {
  readonly must: Bits;
  readonly may: Bits;
}

export const TRUE: Tri = { must: true, may: true };
export const FALSE: Tri = { must: false, may: false };
const UNKNOWN: Tri = { must: false, may: true };

/**
 * What conntrack knows of a packet: `none` before it looked, and `invalid` where it could make nothing of it; `unknown`
 * where a chain runs at the very priority of conntrack.
 */
export type Tracking = 'none' | 'tracked' | 'untracked' | 'invalid' | 'unknown';

/** What rules can write and later rules read. Equal ones are one object. */
export interface Environment {
  /** null: not known. */
  readonly mark: number | null;
  readonly connectionMark: number | null;
  readonly tracking: Tracking;
  /** What became of the first packet and of the reply. */
  readonly first: Tracking;
  readonly reply: Tracking;
  /** A rule put the packet, or one before it, into a zone of conntrack: later ones may be looked up in another. */
  readonly zoned: boolean;
  /** Number of the translation that the connection got (index into the run's list); -1: none. */
  readonly nat: number;
  /** The source may have been rewritten. */
  readonly sourceRewritten: boolean;
}

/** A packet at a hook, but for the peer's address, which is what is being asked. */
export interface PacketContext {
  readonly family: AddressFamily;
  readonly protocol: number;
  readonly direction: 'original' | 'reply';
  /** Address on this side as it is at this hook: one of these; null: not known. */
  readonly local: AddressSet | null;
  readonly localPort: NumberRange;
  readonly peerPort: NumberRange;
  /** '' none, null not known. */
  readonly iif: string | null;
  /** `by-route`: depends on the peer's address. */
  readonly oif: string | null;
  readonly oifByRoute: boolean;
  /** TCP flags; null: not TCP. */
  readonly flags: number | null;
  /** State of a tracked connection; null: not known. */
  readonly state: ConnectionState | null;
  readonly confirmed: boolean | null;
  readonly seenReply: boolean;
  /** The destination was rewritten; null: this chain runs at the priority of the rewriting. */
  readonly destinationRewritten: boolean | null;
  /** What the first packet was sent to. */
  readonly original: { readonly address: AddressSet | null; readonly port: NumberRange };
  /** The address on this side is one of the host's own; null: not known. */
  readonly isLocal: boolean | null;
  readonly routes: HostRoutes;
}

/** Collects why tests could not be decided. */
export interface Doubts {
  readonly reasons: Set<string> | null;
  /** A test of the peer's port was undecided: splitting the ports may help. */
  port: boolean;
}

/** For which peers a condition holds in a context. Sound: what cannot be decided may hold and may not. */
export function evaluate(c: Condition, at: PacketContext, env: Environment, space: PeerSpace, doubts: Doubts): Tri {
  switch (c.kind) {
    case 'unknown':
      return doubt(doubts, c.reason);
    case 'all': {
      let result = TRUE;
      for (const part of c.of) {
        const { must, may } = evaluate(part, at, env, space, doubts);
        result = { must: and(result.must, must), may: and(result.may, may) };
        if (isNone(result.may)) return FALSE;
      }
      return result;
    }
    case 'any': {
      let result = FALSE;
      for (const part of c.of) {
        const { must, may } = evaluate(part, at, env, space, doubts);
        result = { must: or(result.must, must), may: or(result.may, may) };
        if (result.must === true) return TRUE;
      }
      return result;
    }
    case 'not': {
      // a field that is missing ends the rule, whatever is asked of it (nft_ct.c, xt_connmark.c)
      if (isMissing(c.of, at, env)) return FALSE;
      const { must, may } = evaluate(c.of, at, env, space, doubts);
      return { must: not(may, space.size), may: not(must, space.size) };
    }
    case 'family':
      return c.family === at.family ? TRUE : FALSE;
    case 'protocol':
      return oneOf(at.protocol, c.numbers) ? TRUE : FALSE;
    case 'source':
      if (at.direction === 'original') {
        if (env.sourceRewritten) return doubt(doubts, 'the source may have been rewritten by then');
        return ofPeer(c.set, space);
      }
      return ofLocal(c.set, at, doubts);
    case 'destination':
      return at.direction === 'original' ? ofLocal(c.set, at, doubts) : ofPeer(c.set, space);
    case 'original-source':
      if (env.tracking === 'unknown') return doubt(doubts, 'the chain runs at the priority of connection tracking');
      return env.tracking === 'tracked' ? ofPeer(c.set, space) : FALSE;
    case 'original-destination':
      if (env.tracking === 'unknown') return doubt(doubts, 'the chain runs at the priority of connection tracking');
      return env.tracking === 'tracked' ? ofAddresses(c.set, at.original.address, at.family, doubts) : FALSE;
    case 'original-destination-port':
      if (env.tracking === 'unknown') return doubt(doubts, 'the chain runs at the priority of connection tracking');
      return env.tracking === 'tracked' ? ofRange(at.original.port, c.ports, doubts, false) : FALSE;
    case 'source-port':
      return at.direction === 'original'
        ? ofRange(at.peerPort, c.ports, doubts, true)
        : ofRange(at.localPort, c.ports, doubts, false);
    case 'destination-port':
      return at.direction === 'original'
        ? ofRange(at.localPort, c.ports, doubts, false)
        : ofRange(at.peerPort, c.ports, doubts, true);
    case 'in-interface':
      return ofName(at.iif, c.names, 'the interface it comes in by is not known', doubts);
    case 'out-interface':
      return at.oifByRoute
        ? byRoute(c.names, at, space, doubts)
        : ofName(at.oif, c.names, 'the interface it leaves by is not known', doubts);
    case 'tcp-flags':
      if (at.flags === null) return FALSE;
      return (at.flags & c.mask) === c.value ? TRUE : FALSE;
    case 'connection-state':
      return ofState(c.states, at, env, doubts);
    case 'connection-direction':
      return tracked(env, doubts) ?? (c.direction === at.direction ? TRUE : FALSE);
    case 'connection-status':
      return tracked(env, doubts) ?? ofStatus(c.bits, at, env, doubts);
    case 'mark':
      return ofMark(env.mark, c.mask, c.values, doubts);
    case 'connection-mark':
      return tracked(env, doubts) ?? ofMark(env.connectionMark, c.mask, c.values, doubts);
    case 'address-type': {
      const isPeer = (c.of === 'source') === (at.direction === 'original');
      return isPeer ? peerType(c.types, c.on, at, space, doubts) : localType(c.types, c.on, at, doubts);
    }
  }
}

function doubt(doubts: Doubts, reason: string): Tri {
  doubts.reasons?.add(reason);
  return UNKNOWN;
}

/** The field that a condition asks about is not there, so that its rule ends. */
function isMissing(c: Condition, at: PacketContext, env: Environment): boolean {
  switch (c.kind) {
    case 'connection-direction':
    case 'connection-status':
    case 'connection-mark':
    case 'original-source':
    case 'original-destination':
    case 'original-destination-port':
      return env.tracking === 'none' || env.tracking === 'untracked' || env.tracking === 'invalid';
    case 'tcp-flags':
      return at.flags === null;
    default:
      return false;
  }
}

function tracked(env: Environment, doubts: Doubts): Tri | null {
  if (env.tracking === 'tracked') return null;
  if (env.tracking === 'unknown') return doubt(doubts, 'the chain runs at the priority of connection tracking');
  return FALSE;
}

function ofPeer(set: AddressSet, space: PeerSpace): Tri {
  const bits = space.bitsOf(set);
  return bits === true ? TRUE : bits === false ? FALSE : { must: bits, may: bits };
}

function ofLocal(set: AddressSet, at: PacketContext, doubts: Doubts): Tri {
  return ofAddresses(set, at.local, at.family, doubts);
}

/** Asks whether an address that is one of several lies in a set. */
function ofAddresses(set: AddressSet, possible: AddressSet | null, family: AddressFamily, doubts: Doubts): Tri {
  const own = set[family];
  if (own.length === 0) return FALSE;
  if (possible === null) {
    const isAll = own.length === 2 && (own[0] === 0 || own[0] === 0n) && (own[1] === 2 ** 32 || own[1] === 1n << 128n);
    return isAll ? TRUE : doubt(doubts, 'which address of the host it is sent to is not known');
  }
  if (isEmpty(intersection(possible, set))) return FALSE;
  if (isEmpty(difference(possible, set))) return TRUE;
  return doubt(doubts, 'which address of the host it is sent to is not known');
}

function ofRange(range: NumberRange, of: readonly NumberRange[], doubts: Doubts, isPeer: boolean): Tri {
  let covered = 0;
  for (const { from, to } of of) {
    const low = Math.max(from, range.from);
    const high = Math.min(to, range.to);
    if (low > high) continue;
    if (low === range.from && high === range.to) return TRUE;
    covered += high - low + 1;
  }
  if (covered === 0) return FALSE;
  if (covered >= range.to - range.from + 1 && isWhole(range, of)) return TRUE;
  if (isPeer) doubts.port = true;
  return doubt(doubts, isPeer ? "it depends on the client's port" : 'it depends on which port was chosen');
}

/** Says whether ranges, which may overlap, cover a range together. */
function isWhole(range: NumberRange, of: readonly NumberRange[]): boolean {
  let next = range.from;
  for (const { from, to } of [...of].sort((a, b) => a.from - b.from)) {
    if (from > next) break;
    if (to >= next) next = to + 1;
  }
  return next > range.to;
}

export function oneOf(value: number, ranges: readonly NumberRange[]): boolean {
  for (const { from, to } of ranges) if (value >= from && value <= to) return true;
  return false;
}

function isNamed(name: string, patterns: readonly InterfacePattern[]): boolean {
  return patterns.some((p) => (p.prefix ? name.startsWith(p.name) : name === p.name));
}

function ofName(name: string | null, patterns: readonly InterfacePattern[], reason: string, doubts: Doubts): Tri {
  if (name !== null) return isNamed(name, patterns) ? TRUE : FALSE;
  if (patterns.some((p) => p.prefix && p.name === '')) return TRUE;
  return patterns.length === 0 ? FALSE : doubt(doubts, reason);
}

/** Peers that are reached by one of the interfaces, as the routing table says. */
function byRoute(patterns: readonly InterfacePattern[], at: PacketContext, space: PeerSpace, doubts: Doubts): Tri {
  const parts = at.routes.byDevice;
  if (parts === null) return ofName(null, patterns, 'the interface that answers leave by is not known', doubts);
  let bits: Bits = false;
  for (const { device, peers } of parts) if (isNamed(device, patterns)) bits = or(bits, space.bitsOf(peers));
  const unclear = space.bitsOf(at.routes.unclear);
  if (!isNone(unclear)) doubts.reasons?.add('the route of answers is not known');
  return { must: bits, may: or(bits, unclear) };
}

function ofState(states: readonly ConnectionState[], at: PacketContext, env: Environment, doubts: Doubts): Tri {
  const state = stateOf(at, env);
  if (state === null) return doubt(doubts, 'the state that connection tracking gives it is not known');
  return states.includes(state) ? TRUE : FALSE;
}

/** As nft_ct.c has it: without a connection a packet is untracked or invalid. */
function stateOf(at: PacketContext, env: Environment): ConnectionState | null {
  switch (env.tracking) {
    case 'none':
    case 'invalid':
      return 'invalid';
    case 'untracked':
      return 'untracked';
    case 'tracked':
      return at.state;
    case 'unknown':
      return null;
  }
}

type StatusBit = 'expected' | 'seen-reply' | 'assured' | 'confirmed' | 'snat' | 'dnat' | 'dying';

function ofStatus(bits: readonly StatusBit[], at: PacketContext, env: Environment, doubts: Doubts): Tri {
  let isUnknown = false;
  for (const bit of bits) {
    const value = statusOf(bit, at, env);
    if (value === true) return TRUE;
    if (value === null) isUnknown = true;
  }
  return isUnknown ? doubt(doubts, 'the status of the connection is not known') : FALSE;
}

function statusOf(bit: StatusBit, at: PacketContext, env: Environment): boolean | null {
  switch (bit) {
    case 'expected':
    case 'dying':
      return false;
    case 'seen-reply':
      return at.seenReply;
    case 'assured':
      return at.seenReply ? null : false;
    case 'confirmed':
      return at.confirmed;
    case 'dnat':
      return at.destinationRewritten;
    case 'snat':
      return env.sourceRewritten || at.seenReply ? null : false;
  }
}

function ofMark(value: number | null, mask: number, values: readonly NumberRange[], doubts: Doubts): Tri {
  if (value === null) return doubt(doubts, 'the mark is not known');
  return oneOf((value & mask) >>> 0, values) ? TRUE : FALSE;
}

/** Type of the address on this side. */
function localType(
  types: readonly AddressType[],
  on: 'in' | 'out' | undefined,
  at: PacketContext,
  doubts: Doubts,
): Tri {
  if (on !== undefined) {
    const device = on === 'in' ? at.iif : at.oif;
    const isOn = device === null || at.local === null ? null : at.routes.isOn(at.local, device);
    if (isOn === true) return types.includes('local') ? TRUE : FALSE;
    if (isOn === false && types.includes('local') && types.length === 1) return FALSE;
    return doubt(doubts, 'of which type the address is on that interface is not known');
  }
  if (at.isLocal === true) return types.includes('local') ? TRUE : FALSE;
  if (at.isLocal === false && !types.includes('unicast') && types.every((type) => type === 'local')) return FALSE;
  const possible = at.local === null ? null : at.routes.typesOf(at.local);
  if (possible?.every((type) => types.includes(type))) return TRUE;
  if (possible && !possible.some((type) => types.includes(type))) return FALSE;
  return doubt(doubts, 'of which type the address is (local, broadcast...) is not known');
}

/** Type of the peer's address. */
function peerType(
  types: readonly AddressType[],
  on: 'in' | 'out' | undefined,
  at: PacketContext,
  space: PeerSpace,
  doubts: Doubts,
): Tri {
  const { kinds } = at.routes;
  if (kinds === null || on !== undefined) return doubt(doubts, "of which type the peer's address is is not known");
  let must: Bits = false;
  let may: Bits = false;
  for (const kind of kinds) {
    if (!kind.types.some((type) => types.includes(type))) continue;
    const bits = space.bitsOf(kind.addresses);
    may = or(may, bits);
    if (kind.types.every((type) => types.includes(type))) must = or(must, bits);
    else if (!isNone(bits)) doubts.reasons?.add("of which type the peer's address is is not known");
  }
  return { must, may };
}
