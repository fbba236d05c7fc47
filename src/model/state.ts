import type { Scope } from './endpoint.ts';
import type { Listener } from './listener.ts';
import type { ListenerAttributes } from './listener-attributes.ts';
import type { Coverage, Gap, HostFacts, PortOutcome } from './observation.ts';

/** A listener over time, as seen from one vantage. */
export interface ListenerState {
  readonly vantage: string;
  readonly listener: Listener;
  readonly open: boolean;
  /** UTC milliseconds: first time ever seen. */
  readonly firstSeen: number;
  /** UTC milliseconds: start of the present (or last) time it was open. */
  readonly openSince: number;
  readonly lastSeen: number;
  /** UTC milliseconds; null while open. */
  readonly closedAt: number | null;
  /** Times its process restarted while it stayed an open endpoint. */
  readonly restarts: number;
  /**
   * Attributes that an earlier look knew and the newest could not see (taken without root, say). Not facts of now:
   * only what the next look that sees them is compared with. Absent: nothing is hidden.
   */
  readonly remembered?: ListenerAttributes;
  /**
   * Seen from outside and not matched to one scope (identity-scopes.ts): scopes in which the host itself knows a listener
   * that may be what answered. Worked out at reading, never stored. Absent: it knows none, or the scope is certain.
   */
  readonly possibleScopes?: readonly Scope[];
}

/** The newest knowledge about a host from one vantage. */
export interface HostState {
  readonly vantage: string;
  readonly host: HostFacts;
  readonly firstObservedAt: number;
  readonly lastObservedAt: number;
  readonly privilege: 'root' | 'user';
  readonly collector: string;
  readonly observationId: string;
  readonly coverage: readonly Coverage[];
  readonly gaps: readonly Gap[];
  /** From outside only: what became of the ports that are not open. */
  readonly outcomes?: readonly PortOutcome[];
  /** Name under which it was recorded, where the host goes by another (identity.ts). Worked out at reading, never stored. */
  readonly recordedAs?: string;
}
