import type { RulesetFile } from '../firewall/dialect.ts';
import { readRuleset } from '../firewall/read.ts';
import { UserError } from '../model/errors.ts';
import type { Ruleset } from '../model/ruleset.ts';
import { readText } from './read-text.ts';

/** Largest file of rules that is read: some 300,000 rules. */
export const MAX_RULESET_BYTES = 64 * 1024 * 1024;
const MOST_FILES = 1_000;

/** Files of packet filters as a person names them. */
export interface FirewallFiles {
  /** Rules of any dialect; `-` is standard input. */
  readonly ruleset: readonly string[];
  /** Outputs of `ip -j addr`, `link` and `route`. */
  readonly ipJson: readonly string[];
}

/** Reads files of rules whole. Throws UserError where one cannot be read, is too large, or standard input is named twice. */
export async function readFirewallFiles({ ruleset, ipJson }: FirewallFiles): Promise<readonly RulesetFile[]> {
  const paths = [...ruleset, ...ipJson];
  if (paths.length > MOST_FILES)
    throw new UserError(`${paths.length} files are too many: at most ${MOST_FILES} are read together`);
  const twice = paths.find((path, i) => paths.indexOf(path) !== i);
  if (twice !== undefined)
    throw new UserError(`${twice === '-' ? 'standard input' : twice} is named twice; each file is read once`);
  const files: RulesetFile[] = [];
  for (const path of paths)
    files.push({ name: path === '-' ? 'standard input' : path, text: await readText(path, MAX_RULESET_BYTES) });
  return files;
}

/**
 * Reads files of rules and puts them together. Throws UserError where none of them holds rules: an answer from nothing would
 * say that everybody is let in.
 */
export async function rulesetFromFiles(paths: FirewallFiles): Promise<Ruleset> {
  if (paths.ruleset.length === 0)
    throw new UserError('no ruleset was given', {
      hint: 'For example: --ruleset nft.json iptables.save (outputs of "nft -j list ruleset", "iptables-save" and others).',
    });
  const files = await readFirewallFiles(paths);
  const empty = files.find((file) => file.text.trim() === '');
  if (empty !== undefined)
    throw new UserError(`${empty.name} is empty; a packet filter without rules does not print that`, {
      hint: 'What was it taken with? "nft -j list ruleset" prints at least {"nftables": [...]}. Leave out a file of a tool that the host does not use.',
    });
  return readRuleset(files);
}
