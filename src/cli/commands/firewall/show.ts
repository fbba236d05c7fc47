import type { Command } from 'commander';
import { EXIT } from '../../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { renderOptions, writeResult } from '../../output.ts';
import { type RulesetFlags, withRulesetFiles } from './ruleset-options.ts';

interface ShowFlags extends OutputOptions, PlaceOptions, RulesetFlags {
  readonly iif?: string;
}

export function define(parent: Command): void {
  const summary = 'who can connect to a port, by which way and which rules; beside who may';
  const command = parent
    .command('show')
    .summary(summary)
    .description(
      `${summary}.\nOf this machine what is in force now (as root), of others what was recorded. A port of an address is asked as a\nclient sees it, so that published and redirected ports are followed.`,
    )
    .argument('<port>', 'HOST:PORT[/transport][@scope]; ":PORT" is this machine, HOST may be an address')
    .option('--iif <name>', 'interface that packets come in by; default: any but loopback');
  withRulesetFiles(command).action(async (text: string, flags: ShowFlags) => {
    const { UserError } = await import('../../../model/errors.ts');
    const { parseEndpointQuery } = await import('../../../app/parse-endpoint.ts');
    const { openFirewallView } = await import('../../../app/firewall-view.ts');
    const { showFirewall } = await import('../../../app/firewall-show.ts');
    const query = parseEndpointQuery(text);
    if (!query)
      throw new UserError(`"${text}" is no port`, {
        hint: 'Expected HOST:PORT[/transport], such as web-1:443 or :53/udp.',
      });
    const view = await openFirewallView(flags);
    const result = await showFirewall(view, { ...flags, query }, flags.format, renderOptions(flags));
    await writeResult(result.text, flags);
    if (result.isOpen) process.exitCode = EXIT.gaps;
  });
  withPlace(command);
  withOutput(command, ['table', 'json']);
  withExamples(command, [
    ['sudo quietdoor firewall show :22', 'who can reach SSH on this machine, by the rules in force now'],
    ['quietdoor firewall show web-1:443', 'the same of another host, by what was recorded of it'],
    ['quietdoor firewall show 192.0.2.7:8080', 'a published port, as a client asks for it'],
  ]);
}
