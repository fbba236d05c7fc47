import type { Command } from 'commander';
import { EXIT } from '../../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { renderOptions, writeResult } from '../../output.ts';
import { type RulesetFlags, withRulesetFiles } from './ruleset-options.ts';

export function define(parent: Command): void {
  const summary = 'a whole host: who may beside who can connect, for everything that listens';
  const command = parent
    .command('verify')
    .summary(summary)
    .description(
      `${summary}, the worst first.\nVerdicts: wider (more can than may), not filtered, undecided, blocked (some may and cannot), conforms.\nExit code 1 where somebody is let in who is not approved, 3 where that is undecided.`,
    )
    .argument('[host]', 'default: this machine');
  withRulesetFiles(command).action(
    async (host: string | undefined, flags: OutputOptions & PlaceOptions & RulesetFlags) => {
      const { openFirewallView } = await import('../../../app/firewall-view.ts');
      const { verifyFirewall } = await import('../../../app/firewall-verify.ts');
      const view = await openFirewallView(flags);
      const { text, outcome } = await verifyFirewall(view, host, flags, flags.format, renderOptions(flags));
      await writeResult(text, flags);
      process.exitCode = EXIT[outcome];
    },
  );
  withPlace(command);
  withOutput(command, ['table', 'json']);
  withExamples(command, [
    ['sudo quietdoor firewall verify', 'this machine, by the rules in force now'],
    ['quietdoor firewall verify web-1 --format json', 'another host, by what was recorded of it'],
  ]);
}
