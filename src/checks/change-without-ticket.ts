import { endpointKey } from '../model/endpoint.ts';
import type { Evidence, FindingDraft, Severity } from '../model/finding.ts';
import type { TicketMatch } from '../model/ticket-match.ts';
import { type JudgedChange, mayBeSameScope, portKey, type TicketWork, ticketWork } from '../model/ticket-work.ts';
import { compareText } from '../util/compare.ts';
import { count, listWords, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';

export const changeWithoutTicket: Check = {
  id: 'change-without-ticket',
  title: 'Change without an authorised ticket',
  severity: 'medium',
  rationale:
    'A port that opened or closed, or a register entry that changed, while no approved change was under way is either an unplanned change or an intrusion. ' +
    'Change control holds only if what happened can be traced to what was approved.',
  remediation:
    'Find out who made the change. If it was right, have the ticket approved after the fact, import the tickets again, or name the ticket in the entry under `change`; if not, undo it.',
  lacking: ({ estate }) => ((estate.tickets ?? []).length === 0 ? 'no change tickets were imported' : null),
  endpoint({ endpoint }, estate) {
    const work = ticketWork(estate);
    const all = work?.byPort.get(portKey(endpoint)) ?? [];
    const opened = all.filter(
      ({ change }) => change.kind === 'opened' && mayBeSameScope(change.endpoint?.scope ?? '', endpoint.scope),
    );
    const draft = work && draftOf(opened, work);
    return draft ? [{ ...draft, subject: { kind: 'endpoint', endpoint }, discriminator: 'opened' }] : [];
  },
  estate(estate) {
    const work = ticketWork(estate);
    if (!work) return [];
    return [...closes(work), ...entries(work), ...(estate.changesAreCut ? [tooMany(work)] : [])];
  },
};

function tooMany({ changes }: TicketWork): FindingDraft {
  return {
    subject: { kind: 'estate' },
    discriminator: 'too-many-changes',
    severity: 'info',
    message: `Only the newest ${count(changes.length, 'change')} were put beside tickets; the times that the tickets cover hold more.`,
    evidence: [],
    remediation: 'Import tickets of a shorter time, or say with --covers which time is to be judged.',
  };
}

/** Ports that closed, and did so without a ticket: the last close of each counts. */
function closes(work: TicketWork): FindingDraft[] {
  const groups = Map.groupBy(
    work.changes.filter(({ change }) => change.kind === 'closed' && change.endpoint),
    ({ change }) => (change.endpoint ? endpointKey(change.endpoint) : ''),
  );
  return [...groups]
    .sort(([a], [b]) => compareText(a, b))
    .flatMap(([, group]) => {
      const draft = draftOf(group, work);
      const endpoint = group.at(-1)?.change.endpoint;
      if (!draft || !endpoint) return [];
      // Fewer ports are less of a danger than more.
      return [
        {
          ...draft,
          severity: 'low' as const,
          subject: { kind: 'endpoint' as const, endpoint },
          discriminator: 'closed',
        },
      ];
    });
}

function entries(work: TicketWork): FindingDraft[] {
  const groups = Map.groupBy(
    work.changes.filter(({ change }) => change.entry),
    ({ change }) => change.entry?.id ?? '',
  );
  return [...groups]
    .sort(([a], [b]) => compareText(a, b))
    .flatMap(([id, group]) => {
      const draft = draftOf(group, work);
      return draft
        ? [{ ...draft, subject: { kind: 'entry' as const, entry: id }, entry: id, discriminator: 'entry' }]
        : [];
    });
}

/** What to say of changes of one thing; null where each has a ticket that names it, or none would be known. */
function draftOf(group: readonly JudgedChange[], { matcher }: TicketWork): Omit<FindingDraft, 'subject'> | null {
  const lacking = group.filter(
    ({ change, matches }) => matcher.isCovered(change) && !matches.some((match) => match.by === 'endpoint'),
  );
  const worst = lacking.findLast(({ matches }) => matches.length === 0) ?? lacking.at(-1);
  if (!worst) return null;
  const { change, matches } = worst;
  const more = lacking.length > 1 ? ` So did ${count(lacking.length - 1, 'change')} of it before.` : '';
  const evidence: Evidence[] = [
    { label: 'seen', value: utcTime(change.seenAt) },
    ...(change.after === undefined ? [] : [{ label: 'look before', value: utcTime(change.after) }]),
    ...(change.entry?.ticket ? [{ label: 'ticket that the entry names', value: change.entry.ticket }] : []),
    ...(matches.length > 0 ? [{ label: 'tickets of the host at that time', value: ticketWords(matches) }] : []),
  ];
  const severity: Severity = matches.length > 0 ? 'low' : 'medium';
  const why =
    matches.length > 0
      ? `at that time only tickets that name the host and no port were authorised: ${ticketWords(matches)}.`
      : 'no authorised ticket names it at that time.';
  return { severity, message: `${whatHappened(worst)} at ${utcTime(change.seenAt)}, and ${why}${more}`, evidence };
}

function whatHappened({ change }: JudgedChange): string {
  if (change.entry) {
    const { id, change: what } = change.entry;
    return `The register entry ${id} was ${what}, as seen`;
  }
  return `${change.endpoint ? endpointKey(change.endpoint) : 'A port'} was seen to have ${change.kind}`;
}

function ticketWords(matches: readonly TicketMatch[]): string {
  return listWords(matches.map(({ ticket }) => ticket.id));
}
