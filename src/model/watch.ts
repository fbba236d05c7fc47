import type { Endpoint } from './endpoint.ts';
import type { Severity } from './finding.ts';
import type { Listener } from './listener.ts';
import type { AttributeChange } from './listener-attributes.ts';
import type { Notice } from './notices.ts';

/** What happened to a listener, as a notice carries it. */
export interface WatchedListener {
  readonly listener: Listener;
  /** Of a change: what is other now. */
  readonly changes?: readonly AttributeChange[];
}

/** What the register says of a listener. */
export interface RegisterStanding {
  /**
   * `approved`: an entry with a proven approval covers it, and nothing deviates. `unproven`: nothing deviates, but the
   * approval is a draft, only claimed, or cannot be said. `deviates`: a rule is broken. `unregistered`: no entry covers
   * it. `unknown`: the register could not be read.
   */
  readonly word: 'approved' | 'unproven' | 'deviates' | 'unregistered' | 'unknown';
  /** Entry that decides; absent: none. */
  readonly entry?: string;
  readonly owner?: string;
  /** Severity of the worst deviation. */
  readonly severity?: Severity;
  /** Sentences, most important first. */
  readonly reasons: readonly string[];
}

/** A set of sources, in words and as CIDRs, of which there may be more than are listed. */
export interface SourceList {
  /** `10.0.0.0/8 and 2 more`, `every IPv4 address`. */
  readonly words: string;
  readonly cidrs: readonly string[];
  readonly more: number;
}

/** A port that more sources, or fewer, can reach than before. An absent part is empty. */
export interface ReachChange {
  readonly transport: Endpoint['transport'];
  /** `443`, `1024-65535`. */
  readonly ports: string;
  readonly gained?: SourceList;
  readonly lost?: SourceList;
  /** Sources for which only one of the two could be decided. */
  readonly undecided?: SourceList;
  /** Ports among them that something listens on beyond loopback. */
  readonly listening: readonly number[];
}

/** Something to tell that is not about one listener. */
export type WatchMessage =
  | {
      readonly kind: 'started';
      readonly host: string;
      readonly listeners: number;
      readonly scopes: number;
      readonly method: string;
    }
  /** What the first look found to be other than the last look before it, whoever that was. */
  | { readonly kind: 'caught-up'; readonly opened: number; readonly closed: number; readonly changed: number }
  | { readonly kind: 'stopped'; readonly because: string }
  /** `seconds`: how long nothing was watched; absent where that is not known. */
  | { readonly kind: 'gap'; readonly because: string; readonly seconds?: number; readonly lost?: number }
  | { readonly kind: 'unseen'; readonly message: string; readonly remedy?: string }
  | {
      readonly kind: 'firewall';
      readonly summary: string;
      readonly reach: readonly ReachChange[];
      readonly cut: number;
    }
  | { readonly kind: 'register'; readonly entries: number; readonly problems: number; readonly digest: string }
  | { readonly kind: 'job'; readonly job: string; readonly message: string };

/** What a watch tells, one line each. `at`: UTC milliseconds. */
export type WatchEntry =
  | {
      readonly kind: 'notice';
      readonly at: number;
      readonly notice: Notice<WatchedListener>;
      /** Of the listener that it is about; of several, of each example. */
      readonly standings: readonly RegisterStanding[];
    }
  | { readonly kind: 'message'; readonly at: number; readonly message: WatchMessage };
