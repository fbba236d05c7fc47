import { UserError } from '../model/errors.ts';

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/**
 * Reads a time that a person typed: `90m`, `24h`, `7d`, `2w` before now, or ISO 8601 (without a zone it is UTC; a date
 * alone is its first moment). Returns UTC milliseconds. Throws UserError.
 */
export function parseTime(text: string, now: number): number {
  const ago = /^(\d{1,6})([mhdw])$/.exec(text);
  if (ago) return now - Number(ago[1]) * UNIT_MS[ago[2] as keyof typeof UNIT_MS];
  if (/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/.test(text)) {
    const hasZone = /(Z|[+-]\d{2}:?\d{2})$/.test(text.slice(10));
    const time = Date.parse(text.length === 10 || hasZone ? text : `${text}Z`);
    if (!Number.isNaN(time)) return time;
  }
  throw new UserError(`"${text}" is no time`, {
    hint: 'Expected 90m, 24h, 7d, 2w, or ISO 8601 such as 2026-11-21T22:14:00Z.',
  });
}
