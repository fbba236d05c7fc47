import type { Ticket } from '../../model/ticket.ts';

/** Something of an export that could not be read. The rest of it is used. */
export interface TicketProblem {
  readonly source: string;
  /** A sentence: what is wrong and what was expected. */
  readonly message: string;
  /** 1-based. */
  readonly line?: number;
  readonly column?: number;
  /** `/issues/17`, `CHG0030001`: where lines say little. */
  readonly place?: string;
}

/** Fields of a ticket that a column (CSV) or path (JSON, `fields.customfield_10050`) can be mapped to. */
export const TICKET_FIELDS = [
  'id',
  'summary',
  'description',
  'status',
  'resolution',
  'approval',
  'from',
  'to',
  'created',
  'requester',
  'approver',
  'host',
  'port',
  'transport',
  'action',
] as const;
export type TicketField = (typeof TICKET_FIELDS)[number];

/** Which of day and month comes first where a date has both as numbers; null: nobody says, so such a date is refused. */
export type DateOrder = 'dmy' | 'mdy' | null;

export interface TicketOptions {
  /** Columns by field; they take the place of those that the format knows. */
  readonly mapping: ReadonlyMap<TicketField, readonly string[]>;
  /** IANA name of the zone of times that name none: `UTC`, `Europe/Berlin`. */
  readonly timeZone: string;
  readonly dateOrder: DateOrder;
  /** Status words (lower case) that allow a change, in place of those that are known; null: the known ones. */
  readonly authorised: ReadonlySet<string> | null;
}

export type ReadTicket = Omit<Ticket, 'source'>;

export interface TicketReading {
  /** Ids are unique; a repeated one keeps its last record. */
  readonly tickets: readonly ReadTicket[];
  readonly problems: readonly TicketProblem[];
  /** Earliest and latest time that any ticket names, also of those without a window; null: none does. */
  readonly span: { readonly from: number; readonly to: number } | null;
  /** How many tickets the search found, where the file is one page of several. */
  readonly total?: number;
}

/** A format of ticket exports: one file of this folder each. */
export interface TicketFormat {
  /** Slug for `--as`. */
  readonly name: string;
  readonly title: string;
  /** Says whether a file is of this format, by its name (without folders) and its first 64 KiB. */
  detect(head: { readonly name: string; readonly text: string }): boolean;
  /** Throws UserError only where nothing can be made of the file because the person must say more. */
  read(file: { readonly source: string; readonly text: string }, options: TicketOptions): TicketReading;
}

/** Largest export that is read, bytes. */
export const MAX_TICKET_BYTES = 128 * 1024 * 1024;
/** Most tickets of one export. */
export const MAX_TICKETS = 500_000;
