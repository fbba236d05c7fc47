import type { Command } from 'commander';
import { EXIT } from '../../exit-codes.ts';
import { type OutputOptions, withExamples, withOutput } from '../../options.ts';
import { renderOptions, writeResult } from '../../output.ts';
import { type RulesetFlags, withRulesetFiles } from './ruleset-options.ts';

interface AdmittedFlags extends OutputOptions, RulesetFlags {
  readonly endpoint: readonly string[];
  readonly address?: string;
  readonly iif?: string;
  readonly scope?: string;
}

export function define(parent: Command): void {
  const summary = 'who can connect to a port, by files of packet filters; needs no workspace';
  const command = parent
    .command('admitted')
    .summary(summary)
    .description(
      `${summary}.\nFiles are recognised by what they hold, several together where a host has several: "nft -j list ruleset",\n"iptables-save", "ip6tables-save", "ipset save", AWS security groups and network ACLs, Kubernetes NetworkPolicy.`,
    );
  withRulesetFiles(command)
    .option('-e, --endpoint <port...>', 'port to ask about: tcp/22, 5432/tcp; may be repeated', [])
    .option('--address <ip>', 'address that clients send to; default: every address of the host')
    .option('--iif <name>', 'interface that packets come in by; default: any but loopback')
    .option('--scope <scope>', 'where the socket lives: host, container:NAME, pod:NAMESPACE/NAME', 'host')
    .action(async (flags: AdmittedFlags) => {
      const { admitted } = await import('../../../app/firewall-admitted.ts');
      const request = { ...flags, endpoints: flags.endpoint };
      const { text, isOpen } = await admitted(request, flags.format, renderOptions(flags));
      await writeResult(text, flags);
      if (isOpen) process.exitCode = EXIT.gaps;
    });
  withOutput(command, ['table', 'json']);
  withExamples(command, [
    ['quietdoor firewall admitted --ruleset nft.json --ip-json addr.json --endpoint tcp/22', 'who can reach SSH'],
    [
      'quietdoor firewall admitted --ruleset rules.v4 rules.v6 --endpoint tcp/443 -f json',
      'IPv4 and IPv6 rules together',
    ],
    ['nft -j list ruleset | quietdoor firewall admitted --ruleset - --endpoint udp/53', 'the rules in force now'],
  ]);
}
