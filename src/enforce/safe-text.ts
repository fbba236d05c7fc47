import { sha256 } from '../util/sha256.ts';

/**
 * Returns a text that is safe in comments, quoted strings and log prefixes of every target: letters, digits and a few
 * marks; anything else becomes `_`. At most `most` characters.
 */
export function plainText(text: string, most = 100): string {
  return text.replaceAll(/[^A-Za-z0-9 ._:/@=,+()-]/g, '_').slice(0, most);
}

/**
 * Returns a name of letters, digits, `-` and `_` that starts with a letter. A text that is none already gets a part of
 * its digest, so that two texts never become one name.
 */
export function nameOf(text: string, most = 40): string {
  const plain = text.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '-');
  const name = /^[a-z]/.test(plain) ? plain : `n-${plain}`;
  if (name === text && name.length <= most) return name;
  return `${name.slice(0, most - 9)}-${sha256(text).slice(0, 8)}`;
}

/** Returns a name of letters, digits and single `_`; two texts never become one. */
export function identifierOf(text: string): string {
  if (/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(text) && text.length <= 60) return text.replaceAll('-', '_');
  const plain = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_|_$/g, '');
  return `n_${plain.slice(0, 40)}_${sha256(text).slice(0, 8)}`;
}

/** Returns a file name for a host: as it is called where that is safe. */
export function fileNameOf(host: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(host) ? host : nameOf(host, 60);
}

/** Returns names for things in order; what would have a name twice gets a number. */
export function uniqueNames(): (name: string) => string {
  const used = new Map<string, number>();
  return (name) => {
    const before = used.get(name) ?? 0;
    used.set(name, before + 1);
    return before === 0 ? name : `${name}_${before + 1}`;
  };
}
