import { chmodSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../model/errors.ts';
import type { GeneratedRules } from './firewall-generate.ts';
import { writeFileWhole } from './write-file.ts';

/** All files as one text; where there are several, each behind its path, as head(1) prints them. */
export function filesText({ files }: GeneratedRules): string {
  const [only] = files;
  if (only && files.length === 1) return only.text;
  return files.map(({ path, text }) => `==> ${path} <==\n${text}`).join('\n');
}

/** Writes the files below a folder and returns their paths. Throws UserError where one cannot be written. */
export function writeRules({ files }: GeneratedRules, folder: string): string[] {
  return files.map(({ path, text, mode }) => {
    const full = join(folder, path);
    try {
      mkdirSync(dirname(full), { recursive: true });
    } catch (error) {
      throw new UserError(`could not make the folder ${dirname(full)}: ${(error as Error).message}`, { cause: error });
    }
    writeFileWhole(full, text);
    if (mode !== undefined) chmodSync(full, mode);
    return full;
  });
}

/** What a person should know of the result, a line each: what counts, what was left out, what was refused, what to do. */
export function remarksOf({ hosts, files }: GeneratedRules): string[] {
  const lines: string[] = [];
  for (const { host, plan, refused } of hosts) {
    const entries = new Set(plan.access.map((access) => access.entry));
    const state = refused.length > 0 ? 'refused, nothing is written' : 'read back and verified';
    lines.push(`${host}: ${entries.size} ${entries.size === 1 ? 'entry' : 'entries'}, ${state}.`);
    if (entries.size === 0 && refused.length === 0)
      lines.push('  nothing is approved here: these rules close every port, that of SSH too.');
    for (const reason of refused) lines.push(`  refused: ${reason}`);
    for (const { entry, reason } of plan.leftOut) lines.push(`  closed: entry ${entry}, since ${reason}.`);
    for (const entry of plan.claimed) lines.push(`  counts although only claimed: entry ${entry}.`);
  }
  if (files.length > 0) lines.push(...new Set(hosts.flatMap((host) => host.howTo)));
  return lines;
}
