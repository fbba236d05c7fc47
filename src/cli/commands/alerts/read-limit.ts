import { UserError } from '../../../model/errors.ts';

/** Reads --limit. Throws UserError. */
export function readLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1_000_000) return limit;
  throw new UserError(`--limit is "${text}"; a whole number from 1 to 1000000 is expected`);
}
