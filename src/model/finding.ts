import type { Endpoint } from './endpoint.ts';
import type { SourcePosition } from './errors.ts';

export const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Says whether a severity reaches a bar. */
export function isAtLeast(severity: Severity, bar: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(bar);
}

/** What a finding is about. */
export type Subject =
  | { readonly kind: 'endpoint'; readonly endpoint: Endpoint }
  | { readonly kind: 'entry'; readonly entry: string }
  | { readonly kind: 'host'; readonly host: string }
  | { readonly kind: 'estate' };

/** An identified requirement of a framework. */
export interface ControlRef {
  readonly framework: string;
  readonly id: string;
}

/** One observed fact that supports a finding, in words: `{ label: 'bound to', value: '0.0.0.0' }`. */
export interface Evidence {
  readonly label: string;
  readonly value: string;
}

/** What a check returns: one rule broken by one subject. */
export interface FindingDraft {
  readonly subject: Subject;
  /** Endpoints it touches, where the subject is wider than one; bounded by the check. */
  readonly endpoints?: readonly Endpoint[];
  /** Listening address, where the finding is about one address of the endpoint. */
  readonly listener?: { readonly address: string };
  /** Id of the register entry it contradicts. */
  readonly entry?: string;
  /** Distinguishes findings of one rule on one subject (a source address, a port). Part of the fingerprint. */
  readonly discriminator?: string;
  /** Replaces the rule's own severity where the case is better or worse. */
  readonly severity?: Severity;
  /** A sentence about this subject: what was seen, where, what it contradicts. */
  readonly message: string;
  readonly evidence: readonly Evidence[];
  /** What to do, a command where there is one. Replaces the rule's general remediation. */
  readonly remediation?: string;
  /** Where in the register to look. */
  readonly at?: SourcePosition;
}

/** `accepted`: an exception in force covers it; `resolved`: was there before, is not any more. */
export type FindingStatus = 'open' | 'accepted' | 'resolved';

/** A finding as every report and every JSON output carries it. */
export interface Finding {
  /** First 32 hex digits of SHA-256 over rule, subject, entry and discriminator; never of times, pids or wording. */
  readonly fingerprint: string;
  readonly rule: string;
  readonly severity: Severity;
  readonly subject: Subject;
  readonly endpoint?: Endpoint;
  readonly endpoints?: readonly Endpoint[];
  readonly listener?: { readonly address: string };
  readonly entry?: string;
  /** As the check gave it. */
  readonly discriminator?: string;
  readonly message: string;
  readonly evidence: readonly Evidence[];
  readonly remediation: string;
  readonly controls: readonly ControlRef[];
  /** UTC milliseconds; the first check that raised it, as far as the store remembers. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly status: FindingStatus;
  /** The exception that accepts it, by id. */
  readonly exception?: string;
  /** Known from a baseline file: shown, but does not fail the run. */
  readonly inBaseline?: boolean;
  readonly at?: SourcePosition;
}
