import { compareDigits } from './digits.ts';

/**
 * Orders two versions of RPM packages, `[epoch:]version[-release]`: negative, 0, positive. A missing epoch is 0, a
 * missing release comes before every release (rpm.org, "Version comparison"; the order of rpm's rpmvercmp).
 */
export function compareRpmVersions(a: string, b: string): number {
  const x = split(a);
  const y = split(b);
  const difference = compareDigits(x.epoch, y.epoch) || compareSegments(x.version, y.version);
  if (difference !== 0) return difference;
  if (x.release === null || y.release === null) return Number(x.release !== null) - Number(y.release !== null);
  return compareSegments(x.release, y.release);
}

function split(text: string): { readonly epoch: string; readonly version: string; readonly release: string | null } {
  const epoch = /^(\d*):/.exec(text);
  const rest = epoch ? text.slice(epoch[0].length) : text;
  const hyphen = rest.lastIndexOf('-');
  return {
    epoch: epoch?.[1] ?? '',
    version: hyphen < 0 ? rest : rest.slice(0, hyphen),
    release: hyphen < 0 ? null : rest.slice(hyphen + 1),
  };
}

/** Only ASCII letters, digits, tilde and caret count; everything else separates. */
const SEPARATORS = /[^A-Za-z0-9~^]*/y;
const DIGITS = /[0-9]*/y;
const LETTERS = /[A-Za-z]*/y;

/** Runs of digits and runs of letters, in turn. `~` sorts before the end, `^` after the end and before all else. */
function compareSegments(a: string, b: string): number {
  if (a === b) return 0;
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    i += take(SEPARATORS, a, i).length;
    j += take(SEPARATORS, b, j).length;
    if (a[i] === '~' || b[j] === '~') {
      if (a[i] !== '~') return 1;
      if (b[j] !== '~') return -1;
      i++;
      j++;
      continue;
    }
    if (a[i] === '^' || b[j] === '^') {
      if (i >= a.length) return -1;
      if (j >= b.length) return 1;
      if (a[i] !== '^') return 1;
      if (b[j] !== '^') return -1;
      i++;
      j++;
      continue;
    }
    if (i >= a.length || j >= b.length) break;
    const digits = take(DIGITS, a, i);
    const left = digits || take(LETTERS, a, i);
    const right = take(digits ? DIGITS : LETTERS, b, j);
    // A number is newer than a word.
    if (right === '') return digits ? 1 : -1;
    const difference = digits ? compareDigits(left, right) : left < right ? -1 : left > right ? 1 : 0;
    if (difference !== 0) return difference;
    i += left.length;
    j += right.length;
  }
  return i < a.length ? 1 : j < b.length ? -1 : 0;
}

function take(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}
