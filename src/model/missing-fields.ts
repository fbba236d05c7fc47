import type { RegisterEntry } from './register.ts';

/** Fields without which nobody can judge an entry. */
export type JustificationField = 'purpose' | 'owner' | 'sources';

/**
 * Returns the empty fields of an entry's justification, in the order of the schema. `sources` is asked only of an entry
 * that may be reached from outside the host.
 */
export function missingFields(entry: RegisterEntry): readonly JustificationField[] {
  const missing: JustificationField[] = [];
  if (isBlank(entry.purpose)) missing.push('purpose');
  if (isBlank(entry.owner)) missing.push('owner');
  if (entry.sources === null && !isLoopbackBind(entry.bind)) missing.push('sources');
  return missing;
}

/** Says whether an entry's `bind` keeps the port on the host: the word `loopback`, 127/8 (RFC 1122) or ::1 (RFC 4291). */
export function isLoopbackBind(bind: string): boolean {
  return bind === 'loopback' || bind === '::1' || bind.startsWith('127.');
}

function isBlank(text: string | null): boolean {
  return text === null || text.trim() === '';
}
