import { canonicalJson } from '../util/canonical-json.ts';
import type { Event } from './event.ts';

/**
 * The record of an event: its canonical JSON (RFC 8785). These bytes are final: they are the leaves of the Merkle tree.
 * Written member by member, in order, which is what canonicalJson of the whole gives.
 */
export function eventRecord(event: Event): string {
  return `${recordHead(event)}${canonicalJson(event.body)}${recordTail(event)}`;
}

let [headActor, head]: [string, string] = ['', '{"actor":"","body":'];

/** What a record begins with, before the body. Most records have the actor of the one before. */
export function recordHead({ actor }: Pick<Event, 'actor'>): string {
  if (actor !== headActor) {
    head = `{"actor":${quote(actor)},"body":`;
    headActor = actor;
  }
  return head;
}

/** What a record ends with, after the body. */
export function recordTail(e: Omit<Event, 'actor' | 'body' | 'type'> & { readonly type: string }): string {
  const { observedAt, recordedAt, sequence } = e;
  if (!Number.isSafeInteger(observedAt) || !Number.isSafeInteger(recordedAt) || !Number.isSafeInteger(sequence))
    throw new TypeError(`${observedAt}, ${recordedAt} and ${sequence} are to be times and a sequence`);
  return `,"observedAt":${observedAt},"recordedAt":${recordedAt},"sequence":${sequence},"subject":${quote(e.subject)},"type":${quote(e.type)}}`;
}

/** Nothing in it that JSON escapes, and no surrogates: almost every name. */
const PLAIN = /^[ !#-[\]-~]*$/;

function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : canonicalJson(text);
}
