import type { Transport } from './endpoint.ts';
import type { PortRange } from './observation.ts';

/** `selectors`: follows from what the entries say, whatever hosts there are. `known-hosts`: true of the hosts of today. */
export type OverlapBasis = 'selectors' | 'known-hosts';

export type Overlap = Ambiguity | Unreachable;

/** Both cover an endpoint with equal precedence; only the order of the ids makes `decidedBy` decide. */
export interface Ambiguity {
  readonly kind: 'ambiguous';
  readonly entry: string;
  readonly decidedBy: string;
  readonly transport: Transport;
  /** Ports that both cover so, sorted and merged. */
  readonly ports: readonly PortRange[];
  /** Selectors that both have, or names of known hosts, as `where` says; sorted, at most 20. */
  readonly hosts: readonly string[];
  readonly where: OverlapBasis;
}

/** The entry never decides: others, more specific or identical, cover all that it covers. */
export interface Unreachable {
  readonly kind: 'unreachable';
  readonly entry: string;
  /** Ids, sorted, at most 10. */
  readonly coveredBy: readonly string[];
  readonly where: OverlapBasis;
}

/** Steps that a search may still take: a register that is nothing but overlaps must not take minutes. */
export interface Budget {
  left: number;
}
