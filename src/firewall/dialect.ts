import type { AddressSet } from '../model/address-set.ts';
import type { HostNetwork } from '../model/host-network.ts';
import type { AddressFamily } from '../model/listener.ts';
import type { InterfacePattern, Layer, NumberRange, StatementCounts, StatementNote } from '../model/ruleset.ts';

/** A text that somebody took of a packet filter. */
export interface RulesetFile {
  /** As messages name it. */
  readonly name: string;
  readonly text: string;
}

/** A set of ipset(8). Dimensions: what an element is made of, in order; elements hold one value per dimension. */
export interface IpSet {
  readonly name: string;
  /** `hash:ip,port` and so on. */
  readonly type: string;
  readonly family: AddressFamily;
  readonly elements: ReadonlyArray<{
    readonly addresses: ReadonlyArray<AddressSet | null>;
    readonly ports: ReadonlyArray<{ readonly protocol: number; readonly range: NumberRange } | null>;
    readonly interfaces: ReadonlyArray<InterfacePattern | null>;
    /** `nomatch`: an exception from the others. What it takes away is already missing from them. */
    readonly nomatch: boolean;
    /** What it asks for besides, which is not modelled: `a hardware address`. */
    readonly also?: string;
  }>;
  /** Of `list:set`: the sets that it is made of, in order. */
  readonly members?: readonly string[];
  /** Elements come and go by themselves, or could not all be read: reason. null: as listed. */
  readonly uncertain: string | null;
}

/** What files say to each other. Built from every file before any rules are read. */
export interface DialectContext {
  /** null: no `ipset save` was given, so a set's members are unknown. */
  readonly ipsets: ReadonlyMap<string, IpSet> | null;
  readonly network: HostNetwork | null;
  /** All files, for dialects that read two together (`nft -j` beside `nft --debug=netlink`). */
  readonly files: readonly RulesetFile[];
}

export interface DialectResult {
  readonly layers: readonly Layer[];
  readonly statements: StatementCounts;
  readonly notes: readonly StatementNote[];
  /** Why the text seems to end too early; null: it is whole. */
  readonly incomplete: string | null;
  readonly assumptions?: readonly string[];
}

/** A language of packet filters. One file of this folder each; a line in index.ts. Never throws for what a text holds. */
export interface Dialect {
  /** `nftables`, `iptables-save`, `aws-security-groups`... */
  readonly id: string;
  /** For people: `nft -j list ruleset`. */
  readonly title: string;
  /** Says from its text whether a file is of this dialect; cheap, and false for those of others. */
  detect(text: string): boolean;
  /** Layers of the kind `linux` are merged into one by read.ts. */
  read(file: RulesetFile, context: DialectContext): DialectResult;
}
