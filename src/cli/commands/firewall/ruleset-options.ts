import type { Command } from 'commander';

/** Files of packet filters as options name them. */
export interface RulesetFlags {
  readonly ruleset: readonly string[];
  readonly ipJson: readonly string[];
}

/** Adds --ruleset and --ip-json. Each takes several files and may be repeated. */
export function withRulesetFiles(command: Command): Command {
  return command
    .option('--ruleset <file...>', 'files of rules, any dialects, .gz too; "-" is standard input; may be repeated', [])
    .option('--ip-json <file...>', 'outputs of "ip -j addr", "ip -j link", "ip -j route"; may be repeated', []);
}
