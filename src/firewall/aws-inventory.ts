import type { Address } from '../model/address.ts';
import type { AddressSet } from '../model/address-set.ts';
import type { NumberRange, RulePlace, StatementCounts, StatementNote, Unknown } from '../model/ruleset.ts';

/** What the packet filters of AWS are made of, whether `aws ec2 describe-*` or Terraform told it. */
export interface AwsInventory {
  /** By key: the id (`sg-0a1`), or the address of the Terraform resource. */
  readonly groups: Map<string, AwsGroup>;
  readonly acls: Map<string, AwsAcl>;
  readonly interfaces: Map<string, AwsInterface>;
  readonly subnets: Map<string, AwsSubnet>;
  readonly prefixLists: Map<string, AwsPrefixList>;
  /** Why interfaces may exist that are not listed; null: every one is listed. */
  interfacesPartial: string | null;
  /** Why network ACLs may exist that are not listed; null: every one is listed. */
  aclsPartial: string | null;
  /** Any file spoke of these, also where it listed none. */
  readonly given: { groups: boolean; acls: boolean; interfaces: boolean };
}

/** Who the other side of a security group's rule is. */
export type AwsPeer =
  | Unknown
  | { readonly kind: 'addresses'; readonly set: AddressSet }
  /** Interfaces that carry the group. `foreign`: why more of them may be elsewhere; null: they are in this account and VPC. */
  | { readonly kind: 'group'; readonly key: string; readonly foreign: string | null }
  | { readonly kind: 'prefix-list'; readonly id: string };

/** Which packets: protocol and ports as both kinds of filter write them. */
export interface AwsTraffic {
  /** IP protocol number; `any`: all of them. */
  readonly protocol: number | 'any' | Unknown;
  /** Destination ports; null: all, and always so for protocols other than TCP and UDP. */
  readonly ports: NumberRange | null | Unknown;
  /** ICMP of one type only: no port, so only its unknown half matters. */
  readonly icmpType: boolean;
}

/** One source or destination of one permission of a security group. */
export interface AwsPermission extends AwsTraffic {
  readonly direction: 'ingress' | 'egress';
  readonly peer: AwsPeer;
  readonly text: string;
  readonly comment: string | null;
  readonly at: RulePlace;
  /** Why the permission may not be there; null: it is. */
  readonly doubt: string | null;
}

export interface AwsGroup {
  readonly key: string;
  /** For people: `web`, or its id where it has no name. */
  readonly name: string;
  readonly vpc: string | null;
  readonly owner: string | null;
  readonly permissions: AwsPermission[];
  /** Why it may hold more permissions than are listed; null: it does not. */
  readonly more: { ingress: string | null; egress: string | null };
  readonly at: RulePlace;
}

export interface AwsAclEntry extends AwsTraffic {
  readonly egress: boolean;
  readonly number: number;
  readonly allow: boolean;
  readonly addresses: AddressSet | Unknown;
  readonly text: string;
  readonly at: RulePlace;
}

export interface AwsAcl {
  readonly key: string;
  readonly name: string;
  readonly vpc: string | null;
  readonly isDefault: boolean;
  readonly subnets: Set<string>;
  readonly entries: AwsAclEntry[];
  /** Why its entries are not all known; null: they are. */
  doubt: string | null;
  readonly at: RulePlace;
}

export interface AwsInterface {
  readonly key: string;
  /** Machine and interface, for people: `web-1 (i-0abc), eni-0a1`. */
  readonly title: string;
  /** Name of the machine, for a scope where no address is known. */
  readonly machine: string;
  readonly vpc: string | null;
  subnet: string | null;
  readonly groups: Set<string>;
  /** Why it may carry other groups; null: it carries these. */
  groupsDoubt: string | null;
  /** Its own addresses, delegated prefixes included. */
  addresses: AddressSet;
  /** Public addresses that the internet gateway turns into its own, one to one. */
  readonly published: Array<{ readonly seenAs: Address; readonly local: Address | null }>;
}

export interface AwsSubnet {
  readonly key: string;
  readonly vpc: string | null;
  /** Empty: not known. */
  readonly addresses: AddressSet;
}

export interface AwsPrefixList {
  readonly name: string | null;
  /** Entries; null: not given. */
  entries: AddressSet | null;
  /** Why there may be more; null: there are not. */
  partial: string | null;
}

/** What reading one file came to. */
export interface AwsReading {
  statements: StatementCounts;
  readonly notes: StatementNote[];
  incomplete: string | null;
}

export function emptyInventory(): AwsInventory {
  return {
    groups: new Map(),
    acls: new Map(),
    interfaces: new Map(),
    subnets: new Map(),
    prefixLists: new Map(),
    interfacesPartial: null,
    aclsPartial: null,
    given: { groups: false, acls: false, interfaces: false },
  };
}
