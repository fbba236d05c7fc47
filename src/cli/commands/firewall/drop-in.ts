import { type Command, Option } from 'commander';
import { UserError } from '../../../model/errors.ts';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress, writeResult } from '../../output.ts';

interface DropInFlags extends PlaceOptions {
  readonly unit?: string;
  readonly also: readonly string[];
  readonly include: 'proven' | 'claimed';
  readonly output?: string;
  readonly quiet?: boolean;
}

export function define(parent: Command): void {
  const summary = 'systemd drop-in that holds a service to what is approved: its ports, and who reaches them';
  const command = parent
    .command('drop-in')
    .summary(summary)
    .description(
      `${summary}.\nNothing is changed: the text goes to standard output, where it belongs is told. It holds whatever packet filter there is.`,
    )
    .argument('<port>', 'HOST:PORT[/transport] of the service (":5432" is this machine)')
    .option('--unit <name>', 'unit that it is for; default: the one that was seen to hold the port')
    .option('--also <address...>', 'addresses and CIDRs that the service itself connects to', [])
    .addOption(
      new Option('--include <approvals>', 'claimed: approvals that are only written down count too')
        .choices(['proven', 'claimed'])
        .default('proven'),
    )
    .option('-o, --output <file>', 'write to a file instead of standard output')
    .option('-q, --quiet', 'no remarks on standard error')
    .action(async (what: string, flags: DropInFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { parseEndpointQuery } = await import('../../../app/parse-endpoint.ts');
      const { dropInFor } = await import('../../../app/firewall-drop-in.ts');
      const query = parseEndpointQuery(what);
      if (!query)
        throw new UserError(`"${what}" names no port`, { hint: 'For example: quietdoor firewall drop-in :5432' });
      const { also, include } = flags;
      const result = await dropInFor(openContext(flags), { query, unit: flags.unit ?? null, also, include });
      await writeResult(result.text, flags);
      progress(flags, `Goes to ${result.path}`);
      for (const note of result.notes) progress(flags, note);
      progress(
        flags,
        result.complaints === null
          ? 'Not verified: systemd-analyze is not installed here.'
          : 'systemd-analyze verify has nothing against it.',
      );
    });
  withPlace(command);
  withExamples(command, [
    ['quietdoor firewall drop-in :5432', 'for the unit that holds the port here'],
    ['quietdoor firewall drop-in db-1:5432 --also 10.20.0.53', 'the service asks a name server'],
  ]);
}
