import { NO_STATEMENTS, type Ruleset } from '../model/ruleset.ts';
import type { RulesetFile } from './dialect.ts';

/**
 * Reads the files of one host's packet filters: any dialects, detected, several together; outputs of `ip -j` among them.
 * Never throws for what they hold: see `files[].incomplete` and `notes`.
 */
export function readRuleset(_files: readonly RulesetFile[]): Ruleset {
  return { files: [], layers: [], statements: NO_STATEMENTS, notes: [], network: null, assumptions: [] };
}
