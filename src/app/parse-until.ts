import { UserError } from '../model/errors.ts';
import { parseTime } from './parse-time.ts';

/**
 * Reads a time to come that a person typed: `4h`, `2d` from now, or ISO 8601 (without a zone it is UTC). Returns UTC
 * milliseconds. Throws UserError where it is none, or over.
 */
export function parseUntil(text: string, now: number): number {
  const time = /^\d{1,6}[mhdw]$/.test(text) ? 2 * now - parseTime(text, now) : parseTime(text, now);
  if (time > now) return time;
  throw new UserError(`"${text}" is over`, { hint: 'Expected a time to come: 4h, 2d, or 2026-11-21T22:14:00Z.' });
}
