import type { EndpointAdmission, HostFirewall } from './admission.ts';
import type { AdvisoryData } from './advisory.ts';
import type { AssetList } from './asset.ts';
import type { Declaration, DeclarationList } from './declaration.ts';
import type { Endpoint } from './endpoint.ts';
import type { Event } from './event.ts';
import type { Finding } from './finding.ts';
import type { LogReviewState } from './log-review.ts';
import type { ApprovalState, Register, RegisterEntry } from './register.ts';
import type { ScheduleState } from './schedule.ts';
import type { HostState, ListenerState } from './state.ts';
import type { TicketList } from './ticket.ts';
import type { EndpointTraffic } from './traffic.ts';

/** An entry that covers an endpoint, with what `app` worked out about it. */
export interface MatchedEntry {
  readonly entry: RegisterEntry;
  readonly approval: ApprovalState;
  /** The host is one that the approver confirmed (or named outright). */
  readonly hostConfirmed: boolean;
}

/** Everything known about one endpoint: what an endpoint check judges. */
export interface EndpointFacts {
  readonly endpoint: Endpoint;
  /** Open listeners of the endpoint, every vantage and address; empty for a registered endpoint where nothing listens. */
  readonly listeners: readonly ListenerState[];
  /** Listeners that were open once and are not now. */
  readonly closed: readonly ListenerState[];
  /** The entry that decides (most specific first), and others that also cover it. */
  readonly entries: readonly MatchedEntry[];
  /** Knowledge of the host, newest per vantage. */
  readonly host: readonly HostState[];
  /** A broken part of the register might be about this endpoint. */
  readonly mayBeInBrokenPart: boolean;
  /** What deployment files and security plans say of it; absent: nothing. */
  readonly declared?: readonly Declaration[];
  /** Who can connect, by the packet filters of its host; absent: no ruleset of the host is known. */
  readonly admission?: EndpointAdmission;
  /** Who does connect, by flows; absent: no flows are known that could be of it. */
  readonly traffic?: EndpointTraffic;
}

/** Whose port, whose address: what does not fit together between sources. */
export type IdentityNotice =
  /** Several hosts claim an address. `by`: `observed`, or where it was written down. */
  | {
      readonly kind: 'address-conflict';
      readonly address: string;
      readonly claims: ReadonlyArray<{ readonly host: string; readonly by: string }>;
    }
  /** Several machines run with one machine-id: copies of one image. */
  | { readonly kind: 'clone'; readonly machineId: string; readonly hosts: readonly string[] }
  /** Names that are one host, and what shows it. */
  | { readonly kind: 'merged'; readonly host: string; readonly names: readonly string[]; readonly because: string };

/** What other systems say. An absent part was never given: it says nothing, and no check speaks of it. */
export interface Surroundings {
  readonly assets?: readonly AssetList[];
  readonly tickets?: readonly TicketList[];
  /** Opens, closes and register changes within the time that the tickets cover, oldest first. */
  readonly changes?: readonly Event[];
  /** There were more of them; the oldest are left out. */
  readonly changesAreCut?: boolean;
  readonly declarations?: readonly DeclarationList[];
  readonly advisories?: AdvisoryData;
  readonly schedule?: readonly ScheduleState[];
  readonly identity?: readonly IdentityNotice[];
  /** Where the review of the record of events stands; absent: nothing was ever recorded. */
  readonly logReview?: LogReviewState;
  /** Packet filters of hosts, sorted by host. */
  readonly firewalls?: readonly HostFirewall[];
}

/** What concerns the whole workspace: what an estate check judges, and the surroundings an endpoint check may look at. */
export interface EstateFacts extends Surroundings {
  /** UTC milliseconds. "Now" for every check of this run. */
  readonly now: number;
  readonly register: Register;
  /** By entry id. */
  readonly approvals: ReadonlyMap<string, ApprovalState>;
  readonly hosts: readonly HostState[];
  /** Endpoints that each entry covers, open or once open, by entry id. */
  readonly endpointsByEntry: ReadonlyMap<string, readonly EndpointFacts[]>;
  /** Hosts with an observation that each entry's selectors choose, by entry id. */
  readonly hostsByEntry: ReadonlyMap<string, readonly string[]>;
}

export interface Facts {
  readonly estate: EstateFacts;
  /** Every endpoint with an open listener, sorted. */
  readonly endpoints: readonly EndpointFacts[];
}

export type VerdictWord = 'CONFORMS' | 'DEVIATES' | 'UNDETERMINED';

/** What can be said of an endpoint, and under which conditions. */
export interface Verdict {
  readonly word: VerdictWord;
  /** Why not CONFORMS, or what the word rests on; sentences, most important first. */
  readonly reasons: readonly string[];
}

/** One endpoint with all that reports show of it. */
export interface EndpointResult {
  readonly facts: EndpointFacts;
  readonly verdict: Verdict;
  /** Findings about it, worst first, accepted ones included. */
  readonly findings: readonly Finding[];
}

/** The answer of one `check`: what every report is a view of. Plain data. */
export interface CheckResult {
  readonly schemaVersion: 1;
  readonly version: string;
  readonly now: number;
  readonly facts: Facts;
  readonly results: readonly EndpointResult[];
  /** Every finding, worst first, then by subject and rule. */
  readonly findings: readonly Finding[];
  /** Findings of earlier runs that are gone now. */
  readonly resolved: readonly Finding[];
  /** Newest events, newest first, bounded. */
  readonly events: readonly Event[];
}
