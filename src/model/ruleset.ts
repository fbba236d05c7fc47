import type { Address } from './address.ts';
import type { AddressSet } from './address-set.ts';
import type { Scope } from './endpoint.ts';
import type { HostNetwork } from './host-network.ts';
import type { AddressFamily } from './listener.ts';

/** Inclusive range of numbers: ports, protocols, marks. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** Where a rule or statement stands in the text it was read from. Lines count from 1; JSON without lines has none. */
export interface RulePlace {
  readonly file: string;
  readonly line?: number;
}

/** `return` where a name is unknown, a socket is looked up, a rate is limited: what a snapshot cannot decide. */
export interface Unknown {
  readonly kind: 'unknown';
  /** Goes on after the rule: `limit rate 10/minute depends on how many came before`. */
  readonly reason: string;
}

/** `eth0`, or with `prefix` every name that begins so (`eth*` of nft, `eth+` of iptables). */
export interface InterfacePattern {
  readonly name: string;
  readonly prefix: boolean;
}

/** What conntrack says of a packet (nft(8), CT EXPRESSIONS). `invalid` also where conntrack has not looked yet. */
export const CONNECTION_STATES = ['new', 'established', 'related', 'untracked', 'invalid'] as const;
export type ConnectionState = (typeof CONNECTION_STATES)[number];

/** Kinds of address as the routing table has them (rtnetlink(7), RTN_*). */
export type AddressType =
  | 'local'
  | 'unicast'
  | 'broadcast'
  | 'multicast'
  | 'anycast'
  | 'blackhole'
  | 'unreachable'
  | 'prohibit';

/**
 * What a packet must be. A condition about a field that a packet does not have is false (no ports in ICMP, no IPv4
 * source in IPv6), and so is `not` of it only where the dialect says so: nftables' `ip saddr != x` is
 * `all[family ipv4, not source x]`. Dialects write out every implied protocol and family.
 */
export type Condition =
  | Unknown
  | { readonly kind: 'all'; readonly of: readonly Condition[] }
  /** An empty `any` never matches. */
  | { readonly kind: 'any'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'family'; readonly family: AddressFamily }
  /** Source address of the packet, as it is at this hook. */
  | { readonly kind: 'source'; readonly set: AddressSet }
  | { readonly kind: 'destination'; readonly set: AddressSet }
  /** Address and port that the first packet of the connection was sent to, before any translation (`ct original`). */
  | { readonly kind: 'original-destination'; readonly set: AddressSet }
  | { readonly kind: 'original-destination-port'; readonly ports: readonly NumberRange[] }
  /** Source of the first packet of the connection (`ct original saddr`). */
  | { readonly kind: 'original-source'; readonly set: AddressSet }
  /** IP protocol number of the payload: 6 TCP, 17 UDP, 132 SCTP. */
  | { readonly kind: 'protocol'; readonly numbers: readonly NumberRange[] }
  | { readonly kind: 'source-port'; readonly ports: readonly NumberRange[] }
  | { readonly kind: 'destination-port'; readonly ports: readonly NumberRange[] }
  /** Interface it came in by: none (the empty name) in output and postrouting of what this host sends itself. */
  | { readonly kind: 'in-interface'; readonly names: readonly InterfacePattern[] }
  /** Interface it goes out by: none (the empty name) before the routing decision and in input. */
  | { readonly kind: 'out-interface'; readonly names: readonly InterfacePattern[] }
  /** `(flags & mask) == value`, bits as in RFC 9293: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32. */
  | { readonly kind: 'tcp-flags'; readonly mask: number; readonly value: number }
  | { readonly kind: 'connection-state'; readonly states: readonly ConnectionState[] }
  | { readonly kind: 'connection-direction'; readonly direction: 'original' | 'reply' }
  /** Any of these bits is set. */
  | {
      readonly kind: 'connection-status';
      readonly bits: readonly ('expected' | 'seen-reply' | 'assured' | 'confirmed' | 'snat' | 'dnat' | 'dying')[];
    }
  /** `(mark & mask)` lies in one of the ranges. */
  | { readonly kind: 'mark'; readonly mask: number; readonly values: readonly NumberRange[] }
  | { readonly kind: 'connection-mark'; readonly mask: number; readonly values: readonly NumberRange[] }
  /** `fib daddr type local`, `-m addrtype --dst-type LOCAL`; `on`: only as seen from that interface. */
  | {
      readonly kind: 'address-type';
      readonly of: 'source' | 'destination';
      readonly types: readonly AddressType[];
      readonly on?: 'in' | 'out';
    };

export const ALWAYS: Condition = { kind: 'all', of: [] };
export const NEVER: Condition = { kind: 'any', of: [] };

/** `unknown`: the packet may be accepted, may be dropped, may go on (queue, synproxy, what was not understood). */
export type Verdict =
  | Unknown
  | { readonly kind: 'accept' }
  | { readonly kind: 'drop' }
  /** As drop, and the sender is told. */
  | { readonly kind: 'reject' }
  | { readonly kind: 'return' }
  /** Goes on with the next step of the rule. */
  | { readonly kind: 'continue' }
  /** `chain`: id of a chain of the same layer. */
  | { readonly kind: 'jump'; readonly chain: string }
  | { readonly kind: 'goto'; readonly chain: string };

/** What a rule does, in order. Where a match fails, the rule ends and the next one is tried. */
export type Step =
  | { readonly kind: 'match'; readonly condition: Condition /** As written, for messages. */; readonly text?: string }
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  /** The first branch that applies decides; none applies: the rule ends. */
  | {
      readonly kind: 'verdict-map';
      readonly branches: ReadonlyArray<{ readonly when: Condition; readonly verdict: Verdict }>;
    }
  /** `new = (old & keep) ^ value`, 32 bits. */
  | { readonly kind: 'set-mark'; readonly of: 'packet' | 'connection'; readonly keep: number; readonly value: number }
  /** `to = (to & keep) ^ (from & mask)`: saving the packet's mark in the connection, or restoring it. */
  | { readonly kind: 'copy-mark'; readonly from: 'packet' | 'connection'; readonly keep: number; readonly mask: number }
  | { readonly kind: 'unknown-mark'; readonly of: 'packet' | 'connection'; readonly reason: string }
  | { readonly kind: 'notrack' }
  /** Puts the connection into a zone of conntrack: what other packets of it are looked up in is not followed. */
  | { readonly kind: 'zone' }
  /**
   * Rewrites where the packet goes, and accepts. `addresses`: null keeps the address; `redirect`: to the host itself (the
   * first address of the interface it came in by). `ports`: null keeps the port. More than one address or port: any of
   * them may be chosen.
   */
  | {
      readonly kind: 'destination-nat';
      readonly redirect: boolean;
      readonly addresses: AddressSet | null;
      readonly ports: NumberRange | null;
    }
  /** Rewrites where it seems to come from, and accepts. */
  | { readonly kind: 'source-nat'; readonly text: string }
  | { readonly kind: 'log'; readonly prefix: string | null };

/** Counters as the kernel had them. They support an answer and never decide one. */
export interface RuleCounter {
  readonly packets: number;
  readonly bytes: number;
}

/** Whose tool wrote a rule, where chain names or comments say so, and what its user would recognise. */
export interface RuleOrigin {
  readonly frontEnd: 'ufw' | 'firewalld' | 'docker' | 'kubernetes' | 'fail2ban' | 'tailscale' | 'libvirt' | 'quietdoor';
  /** The user's own words: `ufw allow from 10.0.0.0/8 to any port 22`. Absent: one of its own rules. */
  readonly userRule?: string;
}

export interface Rule {
  /** Unique in the ruleset and stable between two listings of the same rules. */
  readonly id: string;
  /** The rule as an engineer would type it; printable, at most 500 characters. */
  readonly text: string;
  readonly at: RulePlace;
  /** Position in its chain, from 1. */
  readonly position: number;
  /** The kernel's number for it, where the listing has one. */
  readonly handle: number | null;
  readonly comment: string | null;
  readonly origin: RuleOrigin | null;
  readonly counter: RuleCounter | null;
  readonly steps: readonly Step[];
}

/** Where a packet meets a base chain. `ingress` lies before everything (netdev, inet ingress). */
export const HOOKS = ['ingress', 'prerouting', 'input', 'forward', 'output', 'postrouting'] as const;
export type Hook = (typeof HOOKS)[number];

/** A chain that the packet filter itself calls. Lower priorities first (nft(8), Standard priority names). */
export interface BaseChain {
  readonly hook: Hook;
  readonly priority: number;
  /** Only the first packet of a connection sees `nat`; all of them run at the priority of NAT, not at their own. */
  readonly type: 'filter' | 'nat' | 'route';
  readonly policy: 'accept' | 'drop';
  /** Ingress: interfaces it is attached to; null where the listing does not say. */
  readonly devices?: readonly string[] | null;
}

export interface Chain {
  /** Unique in its layer: `nft inet filter input`, `iptables filter INPUT`. */
  readonly id: string;
  readonly table: string;
  readonly name: string;
  /** Families of packet that it sees. */
  readonly families: readonly AddressFamily[];
  readonly base: BaseChain | null;
  readonly rules: readonly Rule[];
  readonly at: RulePlace;
}

/**
 * One packet filter in front of a port. `linux`: nftables and both iptables of one host, hooks, conntrack and NAT
 * included. The others know `input` (to the port) and `output` (from it) only. A packet must pass every layer.
 */
export interface Layer {
  /** Unique in the ruleset: `linux`, `sg eni-0a1`, `nacl acl-12`, `networkpolicy orders/api`. */
  readonly id: string;
  readonly kind: 'linux' | 'security-group' | 'network-acl' | 'network-policy';
  /** For people: `security groups web, ssh of i-0abc (eth0)`. */
  readonly title: string;
  /** Local addresses that it stands in front of; null: every one. */
  readonly addresses: AddressSet | null;
  /** Scope that it stands in front of (`pod:NAMESPACE/NAME`); null: whatever has the address. */
  readonly scope: Scope | null;
  /** Stands in front of every address that no other filter was given for: asked about only where one is named. */
  readonly isRest?: true;
  /** Addresses that clients use for local ones, one to one: a cloud translates them before the packet gets here. */
  readonly publishes?: ReadonlyArray<{ readonly seenAs: Address; readonly local: Address }>;
  readonly chains: readonly Chain[];
}

/** What became of the statements of a file. Every statement is one of the four, and they add up. */
export interface StatementCounts {
  /** Its meaning is in the rules, exactly. */
  readonly modelled: number;
  /** It cannot change who is let in: counters, comments, logging. */
  readonly irrelevant: number;
  /** Understood, and not decidable or not built: every answer that depends on it says so. */
  readonly unsupported: number;
  /** Not understood. */
  readonly unrecognised: number;
}

/** A statement that is not modelled, and why. */
export interface StatementNote {
  readonly status: 'unsupported' | 'unrecognised';
  /** As written, bounded. */
  readonly text: string;
  readonly reason: string;
  readonly at: RulePlace;
  /** Id of the rule it stands in; null: of none (a whole table, a file). */
  readonly rule: string | null;
}

/** A file that a ruleset was read from. */
export interface RulesetFileFacts {
  readonly name: string;
  /** Id of the dialect; `unknown`: none recognised it, and the answer is undecided. */
  readonly dialect: string;
  readonly statements: StatementCounts;
  /** Why the text seems to end too early or could not be read in part; then nothing it might have held is ruled out. */
  readonly incomplete: string | null;
}

/** The packet filters of one host, as far as they were given. */
export interface Ruleset {
  readonly files: readonly RulesetFileFacts[];
  readonly layers: readonly Layer[];
  /** Sum over the files. */
  readonly statements: StatementCounts;
  readonly notes: readonly StatementNote[];
  /** Interfaces, addresses and routes; null: not given. */
  readonly network: HostNetwork | null;
  /** What every answer rests on: sentences, most important first. */
  readonly assumptions: readonly string[];
  /** Families that no file speaks of (an iptables-save without its ip6tables-save): nothing is known of them. */
  readonly unseenFamilies?: readonly AddressFamily[];
}

export const NO_STATEMENTS: StatementCounts = { modelled: 0, irrelevant: 0, unsupported: 0, unrecognised: 0 };

export function addStatements(a: StatementCounts, b: StatementCounts): StatementCounts {
  return {
    modelled: a.modelled + b.modelled,
    irrelevant: a.irrelevant + b.irrelevant,
    unsupported: a.unsupported + b.unsupported,
    unrecognised: a.unrecognised + b.unrecognised,
  };
}
