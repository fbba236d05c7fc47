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
function recordHead({ actor }: Pick<Event, 'actor'>): string {
  if (actor !== headActor) {
    head = `{"actor":${quote(actor)},"body":`;
    headActor = actor;
  }
  return head;
}

/** What a record ends with, after the body. */
function recordTail(e: Omit<Event, 'actor' | 'body' | 'type'> & { readonly type: string }): string {
  const { observedAt, recordedAt, sequence } = e;
  if (!Number.isSafeInteger(observedAt) || !Number.isSafeInteger(recordedAt) || !Number.isSafeInteger(sequence))
    throw new TypeError(`${observedAt}, ${recordedAt} and ${sequence} are to be times and a sequence`);
  return `,"observedAt":${observedAt},"recordedAt":${recordedAt},"sequence":${sequence},"subject":${quote(e.subject)},"type":${quote(e.type)}}`;
}

/**
 * Says whether a record says the same as the columns beside it. Compared piece by piece from its end: building the text to
 * compare it with would take four times as long, and millions are verified.
 */
export function isRecordOf(record: string, e: Omit<Event, 'body' | 'type'> & { readonly type: string }): boolean {
  let at = record.length;
  const isBefore = (piece: string): boolean => {
    at -= piece.length;
    return at >= 0 && record.startsWith(piece, at);
  };
  if (
    isBefore('"}') &&
    isBefore(e.type) &&
    isBefore('","type":"') &&
    isBefore(e.subject) &&
    isBefore(',"subject":"') &&
    isBefore(String(e.sequence)) &&
    isBefore(',"sequence":') &&
    isBefore(String(e.recordedAt)) &&
    isBefore(',"recordedAt":') &&
    isBefore(String(e.observedAt)) &&
    isBefore(',"observedAt":') &&
    record.startsWith(recordHead(e))
  )
    return true;
  // A name that JSON escapes looks other in the record.
  return record.endsWith(recordTail(e)) && record.startsWith(recordHead(e));
}

/** Nothing in it that JSON escapes, and no surrogates: almost every name. */
const PLAIN = /^[ !#-[\]-~]*$/;

function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : canonicalJson(text);
}
