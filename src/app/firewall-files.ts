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
  return readRules(await readFirewallFiles(paths));
}

/** What says something about rules and holds none: sets, addresses and routes, the bytecode of what is listed elsewhere. */
const NO_RULES: ReadonlySet<string> = new Set(['ipset-save', 'ip-json', 'nftables-bytecode']);

/** Puts files of one host or cloud together. Throws UserError where none of them is a listing of rules. */
export function readRules(files: readonly RulesetFile[]): Ruleset {
  const ruleset = readRuleset(files);
  if (ruleset.files.every((file) => NO_RULES.has(file.dialect)))
    throw new UserError(`${files.map((file) => file.name).join(', ')}: no listing of rules`, {
      hint: 'Add the output of "nft -j list ruleset" or "iptables-save": sets, addresses and routes do not say what is let in.',
    });
  return ruleset;
}
