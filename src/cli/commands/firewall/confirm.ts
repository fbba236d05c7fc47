import type { Command } from 'commander';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress, writeResult } from '../../output.ts';

interface ConfirmFlags extends PlaceOptions {
  readonly persist?: boolean;
  readonly quiet?: boolean;
}

export function define(parent: Command): void {
  const summary = 'keep the rules that were applied';
  const command = parent
    .command('confirm')
    .summary(summary)
    .description(`${summary}: they are not taken back any more.`)
    .option('--persist', 'also write them where this machine loads rules from when it starts')
    .option('-q, --quiet', 'no progress on standard error')
    .action(async (flags: ConfirmFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { confirmRules } = await import('../../../app/firewall-apply.ts');
      const { shortPlan } = await import('../../../reports/firewall-plan.ts');
      const { run, persisted } = await confirmRules(openContext(flags), flags.persist === true);
      await writeResult(
        `confirmed ${shortPlan(run.plan)}, run ${run.id}${persisted === null ? '' : `, ${persisted}`}`,
        {},
      );
      progress(
        flags,
        persisted === null
          ? 'They hold until this machine restarts; with --persist also after it. Take them back: quietdoor firewall rollback'
          : `${persisted} is loaded when this machine starts. Take both back: quietdoor firewall rollback`,
      );
    });
  withPlace(command);
  withExamples(command, [
    ['sudo quietdoor firewall confirm', 'after you saw that everything works'],
    ['sudo quietdoor firewall confirm --persist', 'over a restart too'],
  ]);
}
