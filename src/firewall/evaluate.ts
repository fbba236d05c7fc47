import type { Address } from '../model/address.ts';
import type { Admission, RuleReference, Witness } from '../model/admission.ts';
import type { Scope, Transport } from '../model/endpoint.ts';
import type { Ruleset } from '../model/ruleset.ts';

/** A question: who can connect to this port? */
export interface AdmissionQuery {
  readonly transport: Exclude<Transport, 'raw'>;
  readonly port: number;
  /** Addresses that the client sends to, or that the socket is bound to; null: every address of the host. */
  readonly addresses: readonly Address[] | null;
  /** Interface that packets come in by; null: any but loopback. */
  readonly iif: string | null;
  readonly scope: Scope;
  /**
   * `client`: packets sent to this address and port, wherever they end. `socket`: besides, packets sent to other ports
   * and addresses that end here (redirects, published ports).
   */
  readonly view: 'client' | 'socket';
  /** Work out who decides, witnesses and paths too. */
  readonly explain: boolean;
}

/** One packet to follow. */
export interface TracedPacket {
  readonly transport: Exclude<Transport, 'raw'>;
  readonly source: Address;
  readonly sourcePort: number;
  readonly destination: Address;
  readonly destinationPort: number;
  readonly iif: string | null;
  readonly scope: Scope;
}

/** A rule that a packet meets on its way. */
export interface TraceStep {
  readonly hook: string;
  readonly rule: RuleReference;
  /** What the rule does with it: `accept`, `drop`, `jump to ...`, `no match` is left out. */
  readonly effect: string;
  /** The rule could not be decided: the way splits here. */
  readonly certain: boolean;
}

export interface Trace {
  readonly verdict: Witness['verdict'];
  readonly completes: Witness['verdict'];
  readonly steps: readonly TraceStep[];
  readonly assumptions: readonly string[];
}

/** A ruleset made ready for many questions. */
export interface Evaluator {
  admission(query: AdmissionQuery): Admission;
  trace(packet: TracedPacket): Trace;
}

/** Compiles a ruleset once. Costs time in the order of its rules; every question after that only those that concern the port. */
export function createEvaluator(_ruleset: Ruleset): Evaluator {
  throw new Error('not built yet');
}
