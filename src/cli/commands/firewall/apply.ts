import type { Command } from 'commander';
import { UserError } from '../../../model/errors.ts';
import { consent } from '../../consent.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress, renderOptions, writeResult } from '../../output.ts';
import { type PlanFlags, planRequest, withPlanOptions } from './plan-options.ts';

interface ApplyFlags extends PlanFlags, PlaceOptions, Pick<OutputOptions, 'quiet' | 'color'> {
  readonly confirmWithin: string;
  readonly yes?: boolean;
  readonly allowLockout?: boolean;
}

export function define(parent: Command): void {
  const summary = 'load rules from the register on this machine; they go again unless confirmed';
  const command = parent
    .command('apply')
    .summary(summary)
    .description(
      `${summary}.\nOnly the table "inet quietdoor" is written, in one transaction; the rules of other tools are not touched.\nA plan that would lock out the login that runs this is refused.`,
    )
    .argument('[plan]', 'plan to apply, as "firewall plan" names it; default: a fresh one, which is shown')
    .option('--confirm-within <time>', 'take the rules back unless "firewall confirm" comes within', '5m')
    .option('-y, --yes', 'do not ask')
    .option('--allow-lockout', 'apply although nobody could log in any more')
    .option('-q, --quiet', 'no progress on standard error')
    .option('--no-color', 'no colour (also: NO_COLOR=1)');
  withPlanOptions(command).action(async (name: string | undefined, flags: ApplyFlags) => {
    const { openContext } = await import('../../../app/context.ts');
    const app = await import('../../../app/firewall-apply-plan.ts');
    const { renderFirewallPlan, shortPlan } = await import('../../../reports/firewall-plan.ts');
    const context = openContext(flags);
    const seconds = app.parseConfirmTime(flags.confirmWithin);
    const plan = await app.planToApply(context, name ?? null, planRequest(flags));
    if (name === undefined)
      await writeResult(renderFirewallPlan(plan, 'table', renderOptions({ ...flags, format: 'table' })), {});
    app.refuseLockout(plan, flags.allowLockout === true);
    const question = `Load these rules now? They go again in ${flags.confirmWithin} unless confirmed.`;
    if (!(await consent(question, flags.yes === true)))
      throw new UserError('nothing was applied', { hint: 'Nobody said yes. Without a terminal: --yes' });
    const { run, guard, notRecorded, unplanned } = await app.applyPlan(context, plan, {
      seconds,
      allowLockout: flags.allowLockout === true,
    });
    if (notRecorded !== null) process.stderr.write(`Warning: the ledger does not know of it yet: ${notRecorded}\n`);
    for (const line of unplanned) process.stderr.write(`Warning: ${line}\n`);
    await writeResult(`applied ${shortPlan(plan.digest)}, run ${run.id}`, {});
    progress(
      flags,
      `Open another connection to see that you still can. Then, within ${flags.confirmWithin}: quietdoor firewall confirm\nOtherwise ${guard === 'systemd' ? 'a systemd unit' : 'a process of its own'} takes the rules back.`,
    );
  });
  withPlace(command);
  withExamples(command, [
    ['sudo quietdoor firewall apply', 'show a fresh plan, ask, load it'],
    ['sudo quietdoor firewall apply 3f9c2ab81e40 --yes --confirm-within 10m', 'exactly the plan that was looked at'],
    ['sudo quietdoor firewall apply --mode observe', 'count what would be dropped, drop nothing'],
  ]);
}
