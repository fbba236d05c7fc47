import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../model/errors.ts';
import { type FirewallRun, writeDurably } from './firewall-apply-run.ts';

/** Files that distributions load nftables rules from at start: Debian and Arch, Fedora and its kin, Alpine. */
const MAIN_FILES = ['nftables.conf', 'sysconfig/nftables.conf', 'nftables.nft'] as const;

/** Where rules are kept over a restart. */
export interface PersistPlace {
  readonly file: string;
  /** For people. */
  readonly words: string;
}

/**
 * A folder that the machine's own nftables configuration includes; null: it includes none, and the configuration is
 * somebody else's to change. `etc`: `/etc`; tests give another.
 */
export function persistPlace(etc: string): PersistPlace | null {
  for (const name of MAIN_FILES) {
    const main = join(etc, name);
    let text: string;
    try {
      text = readFileSync(main, 'utf8');
    } catch {
      continue;
    }
    for (const [, folder] of text.matchAll(/^\s*include\s+"(\/[^"*?[]*)\/\*(?:\.nft)?"/gm)) {
      if (folder === undefined || !existsSync(folder)) continue;
      const file = join(folder, 'quietdoor.nft');
      return { file, words: `"confirm --persist" writes ${file}, which ${main} includes.` };
    }
  }
  return null;
}

/** What a run wrote for the next start, and what was there before (null: nothing), as its folder keeps it. */
interface Persisted {
  readonly file: string;
  readonly before: string | null;
}

/** Writes the rules of a confirmed run where the machine loads them from at its next start. */
export function persistRun(run: FirewallRun, etc: string): string {
  const place = persistPlace(etc);
  if (!place)
    throw new UserError('the rules are in force, and this machine has no place to keep them over a restart', {
      hint: 'Let its nftables configuration include a folder, for example with this line at the end of /etc/nftables.conf, then try again: include "/etc/nftables.d/*.nft" (and: mkdir /etc/nftables.d)',
    });
  const before = existsSync(place.file) ? readFileSync(place.file, 'utf8') : null;
  const kept: Persisted = { file: place.file, before };
  if (!existsSync(join(run.dir, 'persisted.json'))) writeDurably(join(run.dir, 'persisted.json'), JSON.stringify(kept));
  replace(place.file, readFileSync(join(run.dir, 'apply.nft'), 'utf8'));
  return place.file;
}

/** Puts back what lay there before a run was persisted. Returns the file; null where nothing was written. */
export function unpersistRun(run: FirewallRun): string | null {
  const note = join(run.dir, 'persisted.json');
  if (!existsSync(note)) return null;
  const { file, before } = JSON.parse(readFileSync(note, 'utf8')) as Persisted;
  if (before === null) rmSync(file, { force: true });
  else replace(file, before);
  return file;
}

function replace(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const beside = join(dirname(file), `.${basename(file)}.part`); // no pattern of an include meets a leading dot
  writeFileSync(beside, '', { mode: 0o600 });
  writeDurably(beside, text);
  renameSync(beside, file);
}
