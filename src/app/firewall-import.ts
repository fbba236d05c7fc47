import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { RulesetDump } from '../model/admission.ts';
import { UserError } from '../model/errors.ts';
import type { Event } from '../model/event.ts';
import type { Ruleset } from '../model/ruleset.ts';
import type { Context } from './context.ts';
import { readFirewallFiles, readRules } from './firewall-files.ts';
import { dropFirewall, recordFirewall } from './firewall-record.ts';
import { parseTime } from './parse-time.ts';
import { openStateToWrite } from './state.ts';

/** Files that somebody took of a host's or a cloud's packet filters. */
export interface FirewallImport {
  readonly paths: readonly string[];
  /** Host that they are of; null: they say themselves by addresses what they stand in front of. */
  readonly host: string | null;
  /** When they were taken, as a person says it; null: the date of the oldest file. */
  readonly at: string | null;
}

export interface FirewallImportResult {
  readonly source: string;
  readonly ruleset: Ruleset;
  /** UTC milliseconds. */
  readonly takenAt: number;
  /** null: the rules are those of the last import. */
  readonly event: Event | null;
}

/** Records files of packet filters in the place of what was imported for the host before. Throws UserError. */
export async function importFirewall(
  context: Context,
  { paths, host, at }: FirewallImport,
): Promise<FirewallImportResult> {
  if (host !== null && !/^[^\s:/@]{1,253}$/.test(host))
    throw new UserError(`--host: "${host}" is no name of a host`, { hint: 'Expected for example web-1 or 192.0.2.7.' });
  const files = await readFirewallFiles({ ruleset: paths, ipJson: [] });
  const ruleset = readRules(files);
  const unread = ruleset.files.find((file) => file.dialect === 'unknown');
  if (unread !== undefined)
    throw new UserError(`${unread.name} is no packet filter that is understood`, {
      hint: 'Understood: "nft -j list ruleset", iptables-save, ipset save, "ip -j addr|link|route", AWS security groups and network ACLs (JSON), Terraform ("terraform show -json"), Kubernetes NetworkPolicy (YAML).',
    });
  const own = ruleset.layers.find((layer) => layer.kind === 'linux');
  if (host === null && own !== undefined)
    throw new UserError('rules of a host do not say which host they are of', { hint: 'Add --host NAME.' });
  const names = files.map((file) => basename(file.name)).sort();
  const source = host === null ? `import:${names.join('+').slice(0, 200)}` : `import:${host}`;
  const takenAt = at === null ? dateOf(paths, context.now()) : parseTime(at, context.now());
  const dump: RulesetDump = { host, source, takenAt, files, problems: [] };
  await using store = await openStateToWrite(context);
  // the store keeps one time for what a source gave: when it was so
  const event = await recordFirewall(store, source, [dump], { actor: context.actor, now: () => takenAt });
  return { source, ruleset, takenAt, event };
}

/** Files do not say when they were taken, and a listing of last year does not speak of today: their oldest date counts. */
function dateOf(paths: readonly string[], now: number): number {
  const dates = paths.flatMap((path) => {
    const stats = path === '-' ? undefined : statSync(path, { throwIfNoEntry: false });
    return stats?.isFile() ? [Math.trunc(stats.mtimeMs)] : [];
  });
  return Math.min(now, ...dates);
}

/** Forgets what a source gave of packet filters. `name`: the source, or the host of an import. Throws UserError. */
export async function forgetFirewall(context: Context, name: string): Promise<string> {
  await using store = await openStateToWrite(context);
  const known = (await store.lists('rulesets')).map((list) => list.source);
  const source = [name, `import:${name}`, `ssh:${name}`].find((candidate) => known.includes(candidate));
  if (source === undefined)
    throw new UserError(`no packet filters came from ${name}`, {
      hint: known.length === 0 ? 'Nothing is recorded yet.' : `Sources: ${known.join(', ')}`,
    });
  await dropFirewall(store, source, context);
  return source;
}
