import type { Command } from 'commander';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress, writeResult } from '../../output.ts';

interface RollbackFlags extends PlaceOptions {
  readonly quiet?: boolean;
}

export function define(parent: Command): void {
  const summary = 'put back the rules that were there before the last apply';
  const command = parent
    .command('rollback')
    .summary(summary)
    .description(`${summary}, confirmed or not. Only the table "inet quietdoor" is written.`)
    .option('-q, --quiet', 'no progress on standard error')
    .action(async (flags: RollbackFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { rollBackRules } = await import('../../../app/firewall-apply.ts');
      const { shortPlan } = await import('../../../reports/firewall-plan.ts');
      const run = await rollBackRules(openContext(flags));
      await writeResult(`taken back ${shortPlan(run.plan)}, run ${run.id}`, {});
      progress(flags, run.because === null ? 'Taken back.' : `Taken back: ${run.because}.`);
    });
  withPlace(command);
  withExamples(command, [['sudo quietdoor firewall rollback', 'what was there before the last apply']]);
}
