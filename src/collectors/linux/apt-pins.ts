import { matchesGlob } from '../../util/glob.ts';
import { field } from './dpkg.ts';

/** What a Release file says of itself, and the host its lists came from. */
export interface AptRelease {
  readonly suite: string;
  readonly codename: string;
  readonly origin: string;
  readonly label: string;
  readonly host: string;
}

/** A stanza of an apt_preferences(5) file. */
export interface AptPin {
  /** Names, globs (`*` is every package) and `/regular expressions/`. */
  readonly packages: readonly string[];
  readonly pin: string;
  /** Below 0, or `never`: what it names is never installed. */
  readonly excludes: boolean;
}

/** Reads the stanzas that have a pin. Comments are lines that start with `#`. */
export function parsePins(text: string): AptPin[] {
  const stanzas = text.replace(/^#.*\n?/gm, '').split(/\n\s*\n/);
  return stanzas.flatMap((stanza) => {
    const [packages, pin, priority] = ['Package', 'Pin', 'Pin-Priority'].map((name) => field(stanza, name));
    if (packages === undefined || pin === undefined || priority === undefined) return [];
    return [{ packages: packages.split(/\s+/), pin, excludes: priority === 'never' || Number(priority) < 0 }];
  });
}

/**
 * What the pins make of one list for one package: `excluded`; `undecided` where they change its rank, so that the newest
 * version may not be the one apt would choose; `plain` where they say nothing of it.
 */
export function judgeList(
  name: string,
  release: AptRelease,
  pins: readonly AptPin[],
): 'plain' | 'excluded' | 'undecided' {
  let judged: 'plain' | 'excluded' | 'undecided' = 'plain';
  for (const pin of pins) {
    if (!pin.packages.some((pattern) => isNamed(name, pattern)) || !isMeant(pin.pin, release)) continue;
    if (!pin.excludes) return 'undecided';
    judged = 'excluded';
  }
  return judged;
}

/** Patterns that are not understood (`src:`, regular expressions) may name anything. */
function isNamed(name: string, pattern: string): boolean {
  return /^src:|^\/.*\/$|\[/.test(pattern) || matchesGlob(pattern, name);
}

/** `release a=stable, o=Debian`, `origin "host"`, `version 1.2*`; what is not understood may mean anything. */
function isMeant(pin: string, release: AptRelease): boolean {
  const origin = /^origin\s+"?([^"]*)"?$/.exec(pin)?.[1];
  if (origin !== undefined) return matchesGlob(origin, release.host);
  const terms = /^release\s+(.*)$/.exec(pin)?.[1];
  if (terms === undefined) return true;
  return terms.split(',').every((term) => {
    const [, key, value] = /^\s*([a-z])=(.*?)\s*$/.exec(term) ?? [];
    const known = { a: release.suite, n: release.codename, o: release.origin, l: release.label }[key as 'a'];
    return known === undefined || value === undefined || matchesGlob(value, known);
  });
}
