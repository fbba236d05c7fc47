import { compareDigits } from './digits.ts';

/**
 * Orders two versions of Debian packages, `[epoch:]upstream[-revision]` (deb-version(7)): negative, 0, positive. Equal
 * order does not mean equal text: `1.0` and `1.00-0` are one version.
 */
export function compareDpkgVersions(a: string, b: string): number {
  const x = split(a);
  const y = split(b);
  return (
    compareDigits(x.epoch, y.epoch) || compareParts(x.upstream, y.upstream) || compareParts(x.revision, y.revision)
  );
}

interface Version {
  readonly epoch: string;
  readonly upstream: string;
  readonly revision: string;
}

/** The epoch ends at the first colon, the revision begins after the last hyphen. */
function split(version: string): Version {
  const colon = version.indexOf(':');
  const hyphen = version.lastIndexOf('-');
  const end = hyphen > colon ? hyphen : version.length;
  return {
    epoch: colon < 0 ? '' : version.slice(0, colon),
    upstream: version.slice(colon + 1, end),
    revision: version.slice(end + 1),
  };
}

/** Runs of anything but digits and runs of digits, in turn. */
function compareParts(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a, i)) || (j < b.length && !isDigit(b, j))) {
      const difference = orderOf(a, i) - orderOf(b, j);
      if (difference !== 0) return difference;
      i++;
      j++;
    }
    const from = i;
    const fromOther = j;
    while (isDigit(a, i)) i++;
    while (isDigit(b, j)) j++;
    const difference = compareDigits(a.slice(from, i), b.slice(fromOther, j));
    if (difference !== 0) return difference;
  }
  return 0;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}

/** A tilde sorts before the end, the end and digits before letters, letters before everything else. */
function orderOf(text: string, at: number): number {
  if (at >= text.length || isDigit(text, at)) return 0;
  const code = text.charCodeAt(at);
  if (code === 0x7e) return -1;
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) ? code : code + 256;
}
