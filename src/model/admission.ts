import type { Address } from './address.ts';
import type { AddressSet } from './address-set.ts';
import type { Endpoint, Scope, Transport } from './endpoint.ts';
import type { RuleCounter, RuleOrigin, RulePlace, StatementCounts, StatementNote } from './ruleset.ts';

/** What is certain and what is possible: lower ⊆ truth ⊆ upper. Equal where everything could be decided. */
export interface AddressBounds {
  readonly lower: AddressSet;
  readonly upper: AddressSet;
}

/** A rule as answers name it. `policy` of a chain has no handle and position 0. */
export interface RuleReference {
  readonly id: string;
  /** Layer and chain: `linux`, `nft inet filter input`. */
  readonly layer: string;
  readonly chain: string;
  readonly position: number;
  readonly handle: number | null;
  readonly text: string;
  readonly at: RulePlace;
  readonly origin: RuleOrigin | null;
  readonly counter: RuleCounter | null;
}

/** `unknown`: the rule may accept or drop. */
export type DecidingVerdict = 'accept' | 'drop' | 'reject' | 'unknown';

/** The rule that decides for a part of the sources. Parts of one answer may overlap where packets may take several ways. */
export interface DecidingPart {
  readonly sources: AddressSet;
  readonly rule: RuleReference;
  readonly verdict: DecidingVerdict;
}

/** A rule whose test cannot be decided from a snapshot, and for which sources that leaves the answer open. */
export interface UndecidedPart {
  readonly sources: AddressSet;
  readonly rule: RuleReference;
  readonly reason: string;
}

/** A packet that shows an answer. */
export interface Witness {
  readonly source: Address;
  readonly sourcePort: number;
  readonly destination: Address | null;
  readonly destinationPort: number;
  /** null: any. */
  readonly iif: string | null;
  readonly verdict: 'admitted' | 'refused' | 'undecided';
}

/** What packets sent to one address and port become: delivered to a socket here, or sent on (Docker, NAT). */
export interface AdmissionPath {
  /** As the client sends it. null: any local address. */
  readonly address: Address | null;
  readonly port: number;
  /** Where it ends: the same, a redirected port, or another machine or container. */
  readonly deliveredTo: { readonly address: Address | null; readonly port: number; readonly local: boolean };
  /** Rule that rewrote it; null: none. */
  readonly by: RuleReference | null;
  readonly admitted: AddressBounds;
}

/** What one layer lets in on its own; the whole is their intersection. */
export interface LayerAdmission {
  readonly layer: string;
  readonly title: string;
  readonly admitted: AddressBounds;
  readonly completes: AddressBounds;
}

/** Who can connect to one port. */
export interface Admission {
  /** Sources from which a new connection is let in: exposure. */
  readonly admitted: AddressBounds;
  /** Sources from which a connection also completes, answers included: reachability. */
  readonly completes: AddressBounds;
  /** By sources, IPv4 first. Only where asked for; else empty. */
  readonly deciding: readonly DecidingPart[];
  readonly undecided: readonly UndecidedPart[];
  readonly witnesses: readonly Witness[];
  readonly layers: readonly LayerAdmission[];
  readonly paths: readonly AdmissionPath[];
  /** Sources whose new connections some rule may log. */
  readonly logged: AddressSet;
  readonly assumptions: readonly string[];
}

/** What is wrong with a rule, whatever port is asked about. */
export interface RuleAnomaly {
  /**
   * `dead`: no packet can reach it or match it. `shadowed`: earlier rules decide everything it would, otherwise.
   * `redundant`: earlier rules decide everything it would, the same way. `conflict`: an earlier rule decides a part of
   * what it would, otherwise.
   */
  readonly kind: 'dead' | 'shadowed' | 'redundant' | 'conflict';
  readonly rule: RuleReference;
  /** Rules that come first for it; empty for what can never match. */
  readonly coveredBy: readonly RuleReference[];
  /** One sentence. */
  readonly message: string;
}

/** A difference between two rulesets in who can connect. */
export interface AccessChange {
  readonly transport: Transport;
  /** Inclusive. */
  readonly ports: { readonly from: number; readonly to: number };
  readonly gained: AddressSet;
  readonly lost: AddressSet;
  /** Sources for which only one of the two could be decided. */
  readonly undecided: AddressSet;
}

/** Files of packet filters as they were taken: what is kept, so that a better engine answers for the past too. */
export interface RulesetDump {
  /** Host they are of; null: found by address (cloud filters of many machines). */
  readonly host: string | null;
  /** `local`, `ssh`, or the names of files. */
  readonly source: string;
  /** UTC milliseconds. */
  readonly takenAt: number;
  readonly files: ReadonlyArray<{ readonly name: string; readonly text: string }>;
  /** What could not be taken, a sentence each; then answers are undecided. */
  readonly problems: readonly string[];
  /** Rules that the host loads when it starts, in a form that src/firewall reads. Absent: nobody looked for them. */
  readonly saved?: SavedRules;
}

/** The saved configuration of a host's packet filters. */
export interface SavedRules {
  readonly files: ReadonlyArray<{ readonly name: string; readonly text: string }>;
  /** What is saved and could not be turned into rules, a sentence each; then nothing is compared. */
  readonly problems: readonly string[];
}

/** What is known of the packet filters of one host: what checks judge. */
export interface HostFirewall {
  readonly host: string;
  readonly takenAt: number;
  readonly source: string;
  readonly statements: StatementCounts;
  readonly notes: readonly StatementNote[];
  readonly problems: readonly string[];
  /** No chain looks at packets to this host at all. `unknown`: could not be read whole. */
  readonly filters: 'some' | 'none' | 'unknown';
  /** What becomes of a new connection that no rule speaks of, by family: sources let in to a port no rule names. */
  readonly toUnnamedPorts: AddressBounds;
  readonly anomalies: readonly RuleAnomaly[];
  /** Accepting rules for ports of this host that no entry of the register covers. */
  readonly withoutEntry: ReadonlyArray<{
    readonly rule: RuleReference;
    readonly transport: Transport;
    readonly ports: readonly { readonly from: number; readonly to: number }[];
    readonly sources: AddressSet;
  }>;
  /** Against the saved configuration of the host; null: none was given. */
  readonly drift: readonly AccessChange[] | null;
  /** `toUnnamedPorts` by transport, with the port that was asked about and the rule that decides. */
  readonly unnamed?: ReadonlyArray<{
    readonly transport: Transport;
    readonly port: number;
    readonly admitted: AddressBounds;
    readonly rule: RuleReference | null;
  }>;
  /** Endpoints of the host itself that listen beyond loopback, as observed. Absent: not worked out. */
  readonly exposed?: readonly Endpoint[];
  /** Those among them that somebody can connect to and no rule logs. */
  readonly unlogged?: readonly Endpoint[];
}

/** What can be said of who can connect to one endpoint. */
export interface EndpointAdmission {
  readonly takenAt: number;
  readonly admission: Admission;
  /** Scope of the filters asked: the host's own, or those in front of a container or pod. */
  readonly scope: Scope;
  /** Where the filters were taken: `local`, `ssh:db-1`, names of files. */
  readonly source?: string;
  /** Why not every filter in front of it is known, a sentence each; then nothing is certain. */
  readonly doubts?: readonly string[];
}
