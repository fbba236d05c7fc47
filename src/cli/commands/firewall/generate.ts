import { type Command, Option } from 'commander';
import type { EnforceMode } from '../../../enforce/target.ts';
import { EXIT } from '../../exit-codes.ts';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress, writeResult } from '../../output.ts';

interface GenerateFlags extends PlaceOptions {
  readonly target: string;
  readonly host: readonly string[];
  readonly mode: EnforceMode;
  readonly include: 'proven' | 'claimed';
  readonly logAccepted?: boolean;
  readonly output?: string;
  readonly quiet?: boolean;
}

export function define(parent: Command): void {
  const summary = 'rules of a packet filter from what the register approves';
  const command = parent
    .command('generate')
    .summary(summary)
    .description(
      `${summary}, one file or folder per host. Nothing is applied. Rules are read back\nand must let in exactly what is approved; else nothing is given out for that host, and the difference is told.`,
    )
    .addOption(
      new Option('-t, --target <name>', 'what the rules are for')
        .choices(['nftables', 'iptables', 'ansible', 'terraform', 'networkpolicy'])
        .makeOptionMandatory(),
    )
    .option('--host <name...>', 'hosts; default: every known host that an entry chooses', [])
    .addOption(
      new Option('--mode <mode>', 'observe: count what would be dropped; log: log it too; enforce: drop it')
        .choices(['observe', 'log', 'enforce'])
        .default('enforce'),
    )
    .addOption(
      new Option('--include <approvals>', 'claimed: approvals that are only written down count too')
        .choices(['proven', 'claimed'])
        .default('proven'),
    )
    .option('--log-accepted', 'log new connections that are let in, by entry')
    .option('-o, --output <dir>', 'folder to write into; default: print the files')
    .option('-q, --quiet', 'no remarks on standard error')
    .action(async (flags: GenerateFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { generateRules } = await import('../../../app/firewall-generate.ts');
      const { filesText, leftBehind, remarksOf, writeRules } = await import('../../../app/firewall-generated-text.ts');
      const rules = await generateRules(openContext(flags), {
        ...{ target: flags.target, hosts: flags.host, mode: flags.mode, include: flags.include },
        logAccepted: flags.logAccepted === true,
      });
      if (flags.output === undefined || flags.output === '-') await writeResult(filesText(rules), {});
      else await writeResult(writeRules(rules, flags.output).join('\n'), {});
      for (const line of remarksOf(rules)) progress(flags, line);
      // Of some hosts only, nobody can say which of the other files are still right.
      if (flags.output !== undefined && flags.output !== '-' && flags.host.length === 0)
        for (const path of leftBehind(rules, flags.output))
          process.stderr.write(
            `Warning: ${path} was written before and is not of this register: remove it, and its rules.\n`,
          );
      if (rules.hosts.some((host) => host.refused.length > 0)) process.exitCode = EXIT.failed;
    });
  withPlace(command);
  withExamples(command, [
    ['quietdoor firewall generate -t nftables --host db-1 --mode observe', 'look at rules that only count'],
    ['quietdoor firewall generate -t ansible -o roles', 'a role with a file for every host'],
    ['quietdoor firewall generate -t networkpolicy -o k8s/policies', 'policies of pods'],
  ]);
}
