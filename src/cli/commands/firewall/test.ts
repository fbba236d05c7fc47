import { type Command, InvalidArgumentError, Option } from 'commander';
import { EXIT } from '../../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { renderOptions, writeResult } from '../../output.ts';
import { type RulesetFlags, withRulesetFiles } from './ruleset-options.ts';

interface TestFlags extends OutputOptions, PlaceOptions, RulesetFlags {
  readonly from: string;
  readonly to: string;
  readonly iif?: string;
  readonly sport: number;
  readonly transport?: 'tcp' | 'udp' | 'sctp' | 'udplite';
}

export function define(parent: Command): void {
  const summary = 'what becomes of one packet, rule by rule; none is sent';
  const command = parent.command('test').summary(summary).description(summary);
  command
    .requiredOption('--from <ip>', 'address that the client sends from')
    .requiredOption('--to <port>', 'HOST:PORT[/transport]; HOST may be an address, ":PORT" is this machine')
    .option('--iif <name>', 'interface that the packet comes in by; default: any but loopback')
    .option('--sport <port>', 'port that the client sends from', portNumber, 40_000)
    .addOption(new Option('--transport <name>', 'default: tcp').choices(['tcp', 'udp', 'sctp', 'udplite']));
  withRulesetFiles(command).action(async (flags: TestFlags) => {
    const { UserError } = await import('../../../model/errors.ts');
    const { parseEndpointQuery } = await import('../../../app/parse-endpoint.ts');
    const { openFirewallView } = await import('../../../app/firewall-view.ts');
    const { testPacket } = await import('../../../app/firewall-packet.ts');
    const query = parseEndpointQuery(flags.to);
    if (!query)
      throw new UserError(`--to: "${flags.to}" is no port`, {
        hint: 'Expected HOST:PORT[/transport], such as web-1:443.',
      });
    const to = flags.transport === undefined ? query : { ...query, transport: flags.transport };
    const view = await openFirewallView(flags);
    const request = { ...flags, to, sourcePort: flags.sport };
    const result = await testPacket(view, request, flags.format, renderOptions(flags));
    await writeResult(result.text, flags);
    if (result.isOpen) process.exitCode = EXIT.gaps;
  });
  withPlace(command);
  withOutput(command, ['table', 'json']);
  withExamples(command, [
    ['sudo quietdoor firewall test --from 10.0.0.5 --to :22', 'would this client reach SSH here?'],
    ['quietdoor firewall test --from 192.0.2.9 --to 198.51.100.7:8080 --ruleset rules.v4', 'by files of another host'],
  ]);
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError('a port from 0 to 65535 is expected');
  return port;
}
