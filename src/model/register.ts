import type { AlertPolicy } from './alert-policy.ts';
import type { Scope, Transport } from './endpoint.ts';
import type { SourcePosition } from './errors.ts';
import type { Severity } from './finding.ts';
import type { FlowRetention } from './flow-retention.ts';
import type { BindScope } from './listener.ts';
import type { PortRange } from './observation.ts';
import type { ScheduleItem } from './schedule.ts';

/** What the process behind the port must be. A field that is left out allows anything. `*` and `?` are wildcards. */
export interface ProcessRule {
  readonly exe?: string;
  readonly user?: string;
  readonly unit?: string;
  /** Name of the owning package. */
  readonly package?: string;
  /** Allowed SHA-256 of the binary, hex. Empty: not restricted. */
  readonly sha256?: readonly string[];
}

export type DataClass = string;
export type Encryption = 'tls' | 'mtls' | 'ssh' | 'none';
export type AuthMethod = 'ssh-key' | 'mtls' | 'token' | 'password' | 'none';

/** Who allowed an entry; written by `register approve`. Excluded from the digest. */
export interface ApprovalStamp {
  readonly by: string;
  /** UTC milliseconds. */
  readonly at: number;
  /** Digest that was approved, `sha256:<hex>`. Absent: the stamp does not say what it approves. */
  readonly digest?: string;
  /** Hosts that the entry's selectors matched and the approver confirmed. Absent: not recorded. */
  readonly hosts?: readonly string[];
  /** Armoured SSH signature over the digest (sshsig, namespace `quietdoor-approval`), or `commit`. */
  readonly proof?: string;
}

export interface ReviewStamp {
  /** Interval in days. */
  readonly everyDays?: number;
  /** UTC milliseconds. */
  readonly last?: number;
  readonly by?: string;
  readonly digest?: string;
}

/** An approved use of ports, as written by a person and normalised (defaults filled, sets sorted, ports and CIDRs canonical). */
export interface RegisterEntry {
  readonly id: string;
  readonly service: string | null;
  readonly purpose: string | null;
  readonly workflow: string | null;
  readonly owner: string | null;
  /** Host names (`*` and `?` allowed), addresses, CIDRs, `tag:NAME`. Sorted. */
  readonly hosts: readonly string[];
  /** `host` (default), `container:NAME*`, `pod:NAMESPACE/NAME*`, `netns:NAME*`, or `any`. */
  readonly scope: Scope;
  readonly workload: Readonly<Record<string, string>>;
  /** Sorted, merged. */
  readonly ports: readonly PortRange[];
  readonly transport: Transport;
  /** How far it may reach: a bind scope or one address. */
  readonly bind: BindScope | string;
  readonly process: ProcessRule;
  /** CIDRs, addresses and `zone:NAME`, sorted; [] = nobody from outside the host; null = not said. */
  readonly sources: readonly string[] | null;
  readonly data: readonly DataClass[];
  readonly encryption: Encryption | null;
  readonly auth: AuthMethod | null;
  readonly change: string | null;
  readonly risk: string | null;
  readonly approval: ApprovalStamp | null;
  readonly review: ReviewStamp | null;
  /** UTC milliseconds. */
  readonly expires: number | null;
  /** Drafts only: what was observed. Present = nobody has taken responsibility for it yet. */
  readonly evidence: readonly string[];
  /** `sha256:<hex>` of the entry's meaning (docs/decisions on what it covers). */
  readonly digest: string;
  readonly at: SourcePosition;
  /** File or directory that it was inherited from by `extends:`; null for the workspace's own. */
  readonly inheritedFrom: string | null;
}

export const EXCEPTION_KINDS = ['false-positive', 'operational-requirement', 'risk-adjustment'] as const;
export type ExceptionKind = (typeof EXCEPTION_KINDS)[number];

/** An accepted deviation. Accepted findings stay visible; when it expires they count again. */
export interface Exception {
  readonly id: string;
  readonly kind: ExceptionKind;
  /** Rule id it accepts. */
  readonly rule: string;
  /** What it covers: `HOST:PORT[/transport][@scope]` with wildcards, `entry:ID`, `host:NAME`, or a finding's fingerprint. */
  readonly subject: string;
  readonly reason: string;
  readonly approver: string;
  readonly ticket: string | null;
  /** UTC milliseconds. */
  readonly from: number | null;
  /** UTC milliseconds. */
  readonly expires: number;
  readonly at: SourcePosition;
}

export interface Owner {
  readonly name: string;
  readonly title: string | null;
  readonly email: string | null;
  /** CODEOWNERS handles, e.g. `@org/team-orders`. */
  readonly codeowners: readonly string[];
  readonly members: readonly string[];
}

/** A named set of sources. */
export interface Zone {
  readonly name: string;
  /** CIDRs, canonical. */
  readonly cidrs: readonly string[];
}

export interface HostDeclaration {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly tags: readonly string[];
  /** Who answers for the host; drafts take their owner from here. */
  readonly owner?: string;
}

/** The organisation's rules about ports, from quietdoor.yaml. */
export interface Policy {
  /** Adds to the built-in list of prohibited services; `allow` takes services off it, by id, with a reason. */
  readonly prohibited: ReadonlyArray<{
    readonly transport: Transport;
    readonly ports: readonly PortRange[];
    readonly reason: string;
  }>;
  readonly allow: ReadonlyArray<{ readonly service: string; readonly reason: string }>;
  /** Who may approve; empty = anybody but the author of the change. E-mail addresses. */
  readonly approvers: readonly string[];
  /** Days between reviews where an entry does not say; by data class the shortest wins. */
  readonly reviewEveryDays: number;
  readonly reviewEveryDaysByData: Readonly<Record<string, number>>;
  /** Days before a review or an expiry at which it is announced (info). */
  readonly dueSoonDays: number;
  /** Longest life of an exception. */
  readonly exceptionMaxDays: number;
  /** Observations older than this say nothing about now. Hours. */
  readonly staleAfterHours: number;
  /** Days a registered port may be silent before it is reported. */
  readonly silentAfterDays: number;
  /** Executables (globs) that may run as uid 0 and listen. */
  readonly privilegedAllowed: readonly string[];
  /** How long an asset may go without being observed, hours. Absent: 7 days. */
  readonly observeWithinHours?: number;
  /** How long before it expires a certificate is reported, days. Absent: 30. */
  readonly certificateWarnDays?: number;
  /** How far from its ticket's window a change may lie, hours. Absent: 24. */
  readonly ticketWindowHours?: number;
  /** Days between reviews of the record of events. Absent: none is demanded. */
  readonly logReviewEveryDays?: number;
  /** Severity of an approval that is written down and not proven. Absent: medium, as of a draft. */
  readonly claimed?: 'low' | 'medium';
}

/** Something wrong in a file of the workspace. The valid rest is used. */
export interface RegisterProblem {
  readonly severity: 'error' | 'warning';
  /** Slug, e.g. `unknown-key`, `bad-port`. */
  readonly code: string;
  readonly message: string;
  /** What was expected, did-you-mean. */
  readonly hint?: string;
  readonly at: SourcePosition;
  /**
   * Errors only: the endpoints that the broken part might have been about; they cannot conform. `anything` where the
   * ports could not be read.
   */
  readonly mightCover?: 'anything' | { readonly transport: Transport | null; readonly ports: readonly PortRange[] };
}

/** Why an entry counts as approved, or does not. Worked out by `app` from stamps, signatures and history. */
export type ApprovalState =
  /** No approval stamp at all. */
  | { readonly kind: 'draft' }
  /** Stamped; nothing but the text says so. `reason`: why it could not be proven. */
  | { readonly kind: 'claimed'; readonly reason: string }
  | { readonly kind: 'proven'; readonly by: string; readonly how: 'ssh-signature' | 'signed-commit' | 'server-session' }
  /** The entry's meaning changed since it was approved. */
  | { readonly kind: 'void'; readonly approved: string }
  /** The approver made the change, or may not approve. */
  | { readonly kind: 'self-approved'; readonly by: string }
  | { readonly kind: 'not-allowed'; readonly by: string; readonly reason: string }
  /** A proof is given and is wrong. */
  | { readonly kind: 'forged'; readonly reason: string }
  /** History or a tool is missing, so it cannot be said. */
  | { readonly kind: 'unknown'; readonly reason: string };

/** A chosen framework with the view on it. */
export interface FrameworkChoice {
  readonly id: string;
  /** `low`, `moderate`, `high`, `privacy`, or a FedRAMP one; absent = the framework's default. */
  readonly baseline?: string;
}

/** Limits that every network scan of the workspace keeps. */
export interface ScanPolicy {
  /** New connections per second in all. */
  readonly rate?: number;
  /** New connections per second to one host. */
  readonly ratePerHost?: number;
  /** Targets (addresses, CIDRs, ranges, names) that are never sent a packet, each with its reason. */
  readonly exclude: ReadonlyArray<{ readonly target: string; readonly reason: string }>;
  /** Exclusions may be missing, since a part of the workspace's config could not be read: no packet may be sent. */
  readonly incomplete?: true;
}

/** Everything the workspace says, as far as it could be read. */
export interface Register {
  readonly name: string;
  readonly boundary: string | null;
  readonly site: string;
  /** First 16 hex digits or more; over config, entries, exceptions. Names the register in every verdict. */
  readonly digest: string;
  readonly owners: readonly Owner[];
  readonly zones: readonly Zone[];
  readonly hosts: readonly HostDeclaration[];
  readonly policy: Policy;
  readonly frameworks: readonly FrameworkChoice[];
  /** Sorted by id. */
  readonly entries: readonly RegisterEntry[];
  readonly exceptions: readonly Exception[];
  readonly problems: readonly RegisterProblem[];
  /** Entries and settings that differ from what `extends:` brought. */
  readonly deviations: ReadonlyArray<{ readonly what: string; readonly message: string; readonly at: SourcePosition }>;
  /** Where the register is changed; the other side only reads. Absent: git. */
  readonly authority?: 'git' | 'server';
  /** The bar at which `check` fails, from `thresholds`. Absent: medium. */
  readonly failOn?: Severity;
  readonly schedule?: readonly ScheduleItem[];
  readonly scan?: ScanPolicy;
  /** Who is told of trouble. Absent: nobody. */
  readonly alerts?: AlertPolicy;
  /** Where each checkpoint of the ledger is sent: `file:PATH`, `git:FOLDER`, or a URL; paths relative to the workspace. */
  readonly witnesses?: readonly string[];
  /** Observed traffic. Absent: the defaults. */
  readonly traffic?: { readonly retention: FlowRetention };
  /** Vulnerability data, paths relative to the workspace: OSV export directories or zips, CISA's KEV JSON. */
  readonly vulnerabilities?: { readonly osv: readonly string[]; readonly kev: string | null };
}

/** Days in milliseconds. */
export const DAY_MS = 86_400_000;
