import type { Address } from '../model/address.ts';
import type { AddressSet } from '../model/address-set.ts';
import type { Scope, Transport } from '../model/endpoint.ts';
import type { NumberRange } from '../model/ruleset.ts';

/** One approved use of ports on one host, with every name resolved. */
export interface ApprovedAccess {
  /** Id of the register's entry; goes into comments. */
  readonly entry: string;
  readonly transport: Transport;
  readonly ports: readonly NumberRange[];
  /** Local addresses that it may be reached on; null: every one. */
  readonly addresses: readonly Address[] | null;
  /** Instead of `addresses`: blocks that the local address must lie in (`bind: private`), whatever it is just now. */
  readonly within?: AddressSet;
  readonly scope: Scope;
  readonly sources: AddressSet;
  /** `kubernetes: orders/deployment/api` and so on, from the entry. */
  readonly workload: Readonly<Record<string, string>>;
}

/** `observe`: counts what would be dropped. `log`: also logs it. `enforce`: drops it. */
export type EnforceMode = 'observe' | 'log' | 'enforce';

export interface EnforceInput {
  /** Host that the rules are for. */
  readonly host: string;
  readonly mode: EnforceMode;
  /** Sorted by entry, transport, port. */
  readonly access: readonly ApprovedAccess[];
  /** Addresses of the host, as far as they are known; for targets that stand in front of it. Absent: not known. */
  readonly addresses?: readonly Address[];
  /** New connections that are let in are logged too. */
  readonly logAccepted?: boolean;
}

/** What the read-back must answer: in this scope, at these addresses, exactly this access is let in. */
export interface EnforceClaim {
  readonly scope: Scope;
  /** Local addresses to ask about; null: any. */
  readonly addresses: readonly Address[] | null;
  readonly access: readonly ApprovedAccess[];
  /** Transports that the target lets in or keeps out; absent: tcp, udp and sctp. */
  readonly transports?: readonly Transport[];
}

export interface EnforceOutput {
  /** What is written, relative paths, sorted. Same input, same bytes; nothing that changes with other hosts' entries. */
  readonly files: ReadonlyArray<{ readonly path: string; readonly text: string; readonly mode?: number }>;
  /**
   * The same rules in a form that src/firewall reads: what the engine verifies before anything is emitted. For a
   * target whose own text is read, that text itself.
   */
  readonly readBack: ReadonlyArray<{ readonly name: string; readonly text: string }>;
  /** What the read-back is verified against. Absent: all access to the host itself. */
  readonly claims?: readonly EnforceClaim[];
  /** What this target cannot express, a sentence each; then nothing is emitted. */
  readonly cannot: readonly string[];
  /** How a person applies and undoes it, a line each. */
  readonly howTo: readonly string[];
}

/** What approved access can be turned into. One file of this folder each; a line in index.ts. Only computes. */
export interface EnforceTarget {
  /** `nftables`, `iptables`, `ansible`, `terraform`, `networkpolicy`. */
  readonly id: string;
  readonly title: string;
  /** Says whether packets for a scope meet these rules. */
  covers(scope: Scope): boolean;
  /** Whatever is covered and not approved is refused; false: only where an approved entry selects the same thing. */
  readonly closesRest: boolean;
  generate(input: EnforceInput): EnforceOutput;
}
