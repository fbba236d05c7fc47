import type { Endpoint } from '../model/endpoint.ts';
import type { EstateFacts } from '../model/facts.ts';
import type { Evidence, FindingDraft } from '../model/finding.ts';
import { findOverlaps } from '../model/overlap.ts';
import type { Overlap } from '../model/overlap-result.ts';
import { formatPorts } from '../model/port-ranges.ts';
import type { RegisterEntry } from '../model/register.ts';
import { listWords } from '../util/words.ts';
import type { Check } from './check.ts';

/** Endpoints that a finding names. */
const MAX_SHARED = 20;

export const overlappingEntries: Check = {
  id: 'overlapping-entries',
  title: 'Entries get in the way of each other',
  severity: 'low',
  rationale:
    'Where two entries cover the same port equally well, which of them was approved for it is an accident of their names. ' +
    'An entry that never decides looks like an approval and is none.',
  remediation: 'Make one of the entries narrower, join them, or remove the one that never decides.',
  estate(estate) {
    const { entries, hosts } = estate.register;
    const known = [...estate.hosts.map((h) => h.host), ...hosts];
    const deciding = new Set(entries.filter((e) => decidesSomething(e.id, estate)).map((e) => e.id));
    const { overlaps, exhaustive } = findOverlaps(entries, known, { deciding });
    const byId = new Map(entries.map((e) => [e.id, e]));
    const found: FindingDraft[] = [];
    for (const same of Map.groupBy(overlaps, (o) => `${o.entry} ${o.kind} ${o.where}`).values()) {
      const entry = byId.get(same[0]?.entry ?? '');
      if (entry) found.push(draftOf(entry, same, estate));
    }
    if (!exhaustive)
      found.push({
        subject: { kind: 'estate' },
        discriminator: 'cut-short',
        severity: 'info',
        message:
          'The register is so entangled that the search for overlapping entries was cut short; there may be more.',
        evidence: [],
      });
    return found;
  },
};

/** Says whether the entry decides an endpoint that was seen. One in an unknown scope may be of another entry. */
function decidesSomething(id: string, { endpointsByEntry }: EstateFacts): boolean {
  const covered = endpointsByEntry.get(id) ?? [];
  return covered.some(({ endpoint, entries }) => entries[0]?.entry.id === id && endpoint.scope !== 'unknown');
}

/** `overlaps`: those of one entry that are of one kind. */
function draftOf(entry: RegisterEntry, overlaps: readonly Overlap[], estate: EstateFacts): FindingDraft {
  const unreachable = overlaps.find((o) => o.kind === 'unreachable');
  const others = unreachable ? unreachable.coveredBy : overlaps.map((o) => (o.kind === 'ambiguous' ? o.decidedBy : ''));
  const today = overlaps.every((o) => o.where === 'known-hosts');
  const place = `${entry.at.file}:${entry.at.line}`;
  const shared = {
    subject: { kind: 'entry', entry: entry.id },
    entry: entry.id,
    discriminator: `${unreachable ? 'unreachable' : 'ambiguous'}${today ? ' today' : ''}`,
    severity: today ? 'info' : 'low',
    endpoints: sharedEndpoints(entry.id, new Set(others), estate),
    at: entry.at,
  } as const;
  const now = today ? ' on the hosts known today' : '';
  if (unreachable)
    return {
      ...shared,
      message: `${entry.id} never decides${now}: ${listWords(others)} cover${others.length === 1 ? 's' : ''} all that it covers and come${others.length === 1 ? 's' : ''} first.`,
      evidence: [{ label: 'covered by', value: listWords(others, 10) }],
      remediation: `Remove it or make it narrower at ${place}, then: quietdoor register lint`,
    };
  return {
    ...shared,
    message: `${entry.id} and ${listWords(others)} cover the same ports equally well${now}; only the order of their names makes ${others.length === 1 ? 'the latter' : 'one of the latter'} decide.`,
    evidence: overlaps.flatMap(evidenceOf),
    remediation: `Join them, or make one narrower in hosts, port or scope at ${place}, then: quietdoor register lint`,
  };
}

function evidenceOf(overlap: Overlap): Evidence[] {
  if (overlap.kind !== 'ambiguous') return [];
  const hosts = overlap.hosts.length === 0 ? '' : ` on ${listWords(overlap.hosts)}`;
  return [{ label: `with ${overlap.decidedBy}`, value: `${formatPorts(overlap.ports)}/${overlap.transport}${hosts}` }];
}

/** Observed endpoints that the entry covers together with one of the others; the first ones, as others decide them. */
function sharedEndpoints(id: string, others: ReadonlySet<string>, estate: EstateFacts): Endpoint[] {
  const shared: Endpoint[] = [];
  for (const facts of estate.endpointsByEntry.get(id) ?? []) {
    if (shared.length === MAX_SHARED) break;
    if (facts.entries.some((m) => others.has(m.entry.id))) shared.push(facts.endpoint);
  }
  return shared;
}
