import type { Event } from '../../model/event.ts';
import type { CheckResult, EndpointFacts } from '../../model/facts.ts';
import type { Json } from '../../util/canonical-json.ts';
import { getOrMake } from '../../util/get-or-make.ts';
import { utcDay } from '../../util/words.ts';
import { isoTime } from '../time.ts';
import { tag } from './format.ts';

/** Kinds that say that somebody looked, not that something changed. */
const LOOKS = ['observation.recorded', 'observation.out-of-order', 'evidence.exported'];

/** What ports that opened or closed together have in common. A first look at a host has no scope and no program. */
export interface Together {
  readonly host: string;
  readonly scope: string | null;
  /** Last part of the executable's path; null where it is not known. */
  readonly program: string | null;
  /** UTC milliseconds. */
  readonly at: number;
}

/** Something that changed, as people tell it: what happened at once to many ports or entries is one change. */
export type Change =
  | { readonly kind: 'one'; readonly events: readonly [Event, ...Event[]] }
  | { readonly kind: 'entries'; readonly type: Event['type']; readonly by: string; readonly events: readonly Event[] }
  | {
      readonly kind: 'first-look' | 'opened' | 'closed';
      readonly together: Together;
      /** Distinct endpoints among the events. */
      readonly ports: number;
      /** Of the endpoints that are open now, those that opened then. */
      readonly stillOpen: number;
      /** The list of events ends within this change: there may have been more. */
      readonly isCut: boolean;
      readonly events: readonly Event[];
    };

/** From this many on, ports or entries that changed together are one line. */
const FOLD = 4;

/** Returns what changed, newest first: events of one look, or of one approver on one day, are taken together. */
export function changesOf({ events, results }: CheckResult): readonly Change[] {
  const firstLooks = new Set(
    events.filter((e) => e.type === 'host.first-seen').map((e) => `${e.subject} ${e.observedAt}`),
  );
  const groups = new Map<string, Event[]>();
  for (const e of events) if (!LOOKS.includes(e.type)) getOrMake(groups, groupOf(e, firstLooks), () => []).push(e);
  const oldest = events.at(-1);
  return [...groups.values()].flatMap((group) => {
    const isCut = oldest !== undefined && oldest.sequence > 1 && group.includes(oldest);
    return changesIn(group, isCut, results);
  });
}

function groupOf(e: Event, firstLooks: ReadonlySet<string>): string {
  const place = placeOf(e);
  if (e.type === 'host.first-seen') return `first-look ${e.subject} ${e.observedAt}`;
  if (place && (e.type === 'listener.opened' || e.type === 'listener.closed')) {
    if (e.type === 'listener.opened' && firstLooks.has(`${place.host} ${e.observedAt}`))
      return `first-look ${place.host} ${e.observedAt}`;
    return JSON.stringify([e.type, e.observedAt, e.actor, place.host, place.scope, programOf(e)]);
  }
  if (e.type === 'entry.approved' || e.type === 'entry.reviewed')
    return JSON.stringify([e.type, e.body.by, utcDay(e.observedAt)]);
  return `${e.sequence}`;
}

function changesIn(group: readonly Event[], isCut: boolean, results: CheckResult['results']): Change[] {
  const [first] = group as [Event, ...Event[]];
  const subjects = Map.groupBy(group, (e) => e.subject);
  const newHost = group.find((e) => e.type === 'host.first-seen')?.subject;
  const isFirstLook = newHost !== undefined;
  if (!isFirstLook && subjects.size < FOLD)
    return [...subjects.values()].map((events) => ({ kind: 'one', events: events as unknown as [Event, ...Event[]] }));
  if (first.type === 'entry.approved' || first.type === 'entry.reviewed')
    return [{ kind: 'entries', type: first.type, by: text(first.body.by) ?? 'somebody', events: group }];
  const together: Together = isFirstLook
    ? { host: newHost, scope: null, program: null, at: first.observedAt }
    : {
        host: placeOf(first)?.host ?? '',
        scope: placeOf(first)?.scope ?? null,
        program: programOf(first),
        at: first.observedAt,
      };
  const ports = [...subjects.values()].filter(([e]) => e?.type !== 'host.first-seen').length;
  const kind = isFirstLook ? 'first-look' : first.type === 'listener.opened' ? 'opened' : 'closed';
  const stillOpen = kind === 'closed' ? 0 : results.filter((r) => isOf(r.facts, together)).length;
  return [{ kind, together, ports, stillOpen, isCut, events: group }];
}

/** What an endpoint is filtered by that opened together with many: its tag in each such change. */
export function openedTags(changes: readonly Change[]): (facts: EndpointFacts) => readonly string[] {
  const all = changes.flatMap((c) => (c.kind === 'first-look' || c.kind === 'opened' ? [c.together] : []));
  return (facts) => all.filter((t) => isOf(facts, t)).map((t) => tag('opened', openedValue(t)));
}

/** `2026-11-21T22:14:03Z@db-1`, `2026-11-21T22:14:03Z/python3@netns:x`: the value of that tag. */
export function openedValue({ host, scope, program, at }: Together): string {
  const when = (isoTime(at) ?? 'unknown').replace(/\.\d+Z$/, 'Z');
  return scope === null ? `${when}@${host}` : `${when}/${program ?? 'unknown'}@${host}/${scope}`;
}

function isOf({ endpoint, listeners }: EndpointFacts, t: Together): boolean {
  if (endpoint.host !== t.host || (t.scope !== null && endpoint.scope !== t.scope)) return false;
  return listeners.some(
    (s) => s.openSince === t.at && (t.scope === null || baseName(s.listener.process?.exe) === t.program),
  );
}

/** Where a listener event happened. Bodies come from the ledger, which may hold records of another version. */
function placeOf(e: Event): { readonly host: string; readonly scope: string } | null {
  const endpoint = record(e.body.endpoint);
  const [host, scope] = [text(endpoint.host), text(endpoint.scope)];
  return host === null || scope === null ? null : { host, scope };
}

function programOf(e: Event): string | null {
  return baseName(text(record(e.body.facts).exe) ?? undefined);
}

function baseName(path: string | undefined): string | null {
  return path?.split('/').at(-1) || null;
}

function text(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function record(value: Json | undefined): { readonly [key: string]: Json | undefined } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as { readonly [key: string]: Json | undefined })
    : {};
}
