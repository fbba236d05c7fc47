import { type Command, Option } from 'commander';
import { EXIT } from '../../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { progress, renderOptions, writeResult } from '../../output.ts';
import { type PlanFlags, planRequest, withPlanOptions } from './plan-options.ts';

export function define(parent: Command): void {
  const summary = 'what rules from the register would change on this machine; changes nothing';
  const command = parent
    .command('plan')
    .summary(summary)
    .description(
      `${summary}: who gains and who loses access against the rules in force,\nwhich connections would not be let in again, what stays blocked by other tools. Needs root to see the rules in force.`,
    )
    .addOption(
      new Option('-t, --target <name>', 'packet filter of this machine; "firewall apply" loads those of nftables')
        .choices(['nftables', 'iptables'])
        .default('nftables'),
    );
  withPlanOptions(command).action(async (flags: PlanFlags & PlaceOptions & OutputOptions) => {
    const { openContext } = await import('../../../app/context.ts');
    const { planFirewall, savePlan } = await import('../../../app/firewall-plan.ts');
    const { renderFirewallPlan } = await import('../../../reports/firewall-plan.ts');
    const context = openContext(flags);
    const plan = await planFirewall(context, planRequest(flags));
    const name = savePlan(context, plan);
    await writeResult(renderFirewallPlan(plan, flags.format, renderOptions(flags)), flags);
    progress(
      flags,
      plan.target === 'nftables'
        ? `Apply it: quietdoor firewall apply ${name}`
        : `Write its files and a script that applies them: quietdoor firewall generate -t ${plan.target} --host ${plan.host} --mode ${plan.mode} --include ${plan.include} -o DIR`,
    );
    if (plan.lockouts.length > 0) process.exitCode = EXIT.findings;
  });
  withPlace(command);
  withOutput(command, ['table', 'json']);
  withExamples(command, [
    ['sudo quietdoor firewall plan', 'what the register would change here'],
    ['sudo quietdoor firewall plan --mode observe', 'rules that only count what they would drop'],
  ]);
}
