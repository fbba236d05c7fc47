/** Values of parsed JSON and YAML, which nobody has checked yet. */

export type Values = Readonly<Record<string, unknown>>;

/** An untrusted value as a map; an empty one where it is none. */
export function mapOf(value: unknown): Values {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Values) : {};
}

/** An untrusted value as a list; an empty one where it is none. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text or number as printable text of at most 200 characters; null for anything else and for nothing. */
export function textOf(value: unknown): string | null {
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value : '';
  const clean = printable(text, 200).trim();
  return clean === '' ? null : clean;
}

/** Most texts are; the pattern below is slow. */
const PLAIN = /^[\x20-\x7e]*$/;

/** Takes control characters out of a text, and bounds it. */
export function printable(text: string, most = 500): string {
  if (text.length <= most && PLAIN.test(text)) return text;
  const clean = text.slice(0, 2 * most).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
  return clean.length > most ? `${clean.slice(0, most - 1)}…` : clean;
}

/** A value as a message shows it: quoted and short, whatever it is. Deep values are not printed whole. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `"${printable(value, 60)}"`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value !== null && typeof value === 'object') return 'a map';
  return `"${String(value)}"`;
}

/** A whole number of a range, also written as a text; null where it is none. */
export function numberOf(value: unknown, from: number, to: number): number | null {
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
  if (!/^-?\d{1,10}$/.test(text)) return null;
  const number = Number(text);
  return number >= from && number <= to ? number : null;
}
