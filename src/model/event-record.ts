import { canonicalJson } from '../util/canonical-json.ts';
import type { Event } from './event.ts';

/**
 * The record of an event: its canonical JSON (RFC 8785). These bytes are final: they are the leaves of the Merkle tree.
 * Written member by member, in order, which is what canonicalJson of the whole gives.
 */
export function eventRecord(event: Event): string {
  return `${recordHead(event)}${canonicalJson(event.body)}${recordTail(event)}`;
}

/** What a record begins with, before the body. */
export function recordHead({ actor }: Pick<Event, 'actor'>): string {
  return `{"actor":${canonicalJson(actor)},"body":`;
}

/** What a record ends with, after the body. */
export function recordTail(e: Omit<Event, 'actor' | 'body' | 'type'> & { readonly type: string }): string {
  const times = `,"observedAt":${canonicalJson(e.observedAt)},"recordedAt":${canonicalJson(e.recordedAt)}`;
  return `${times},"sequence":${e.sequence},"subject":${canonicalJson(e.subject)},"type":${canonicalJson(e.type)}}`;
}
