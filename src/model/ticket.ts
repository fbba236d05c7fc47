import type { Transport } from './endpoint.ts';
import type { PortRange } from './observation.ts';

/** A change ticket of Jira, ServiceNow or another system, as exported. */
export interface Ticket {
  /** `CHG0030001`, `OPS-42`. */
  readonly id: string;
  readonly source: string;
  readonly summary: string;
  /** As the system calls it: `Implement`, `Done`. */
  readonly status: string;
  /** Approved, scheduled, implemented or done: it allows the change. Rejected and cancelled ones do not. */
  readonly authorised: boolean;
  readonly requester?: string;
  readonly approver?: string;
  /** Window of the change, UTC milliseconds. Absent: not said. */
  readonly from?: number;
  readonly to?: number;
  /** Host names and addresses that it names. */
  readonly hosts: readonly string[];
  /** Ports that it names; a transport that it does not name is null. */
  readonly ports: ReadonlyArray<{ readonly transport: Transport | null; readonly range: PortRange }>;
  /** What it is to do, where it says. */
  readonly action: 'open' | 'close' | 'change' | null;
  readonly at?: string;
}

/** Tickets of one import. */
export interface TicketList {
  readonly source: string;
  /** UTC milliseconds. */
  readonly importedAt: number;
  /** Times that the export covers, UTC milliseconds: outside of them a missing ticket says nothing. */
  readonly covers: { readonly from: number; readonly to: number };
  readonly items: readonly Ticket[];
}
