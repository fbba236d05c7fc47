import type { Command } from 'commander';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress } from '../../output.ts';

export function define(parent: Command): void {
  const summary = 'forget the packet filters of a source (the ledger keeps that they were known)';
  const command = parent
    .command('drop')
    .summary(summary)
    .description(summary)
    .argument('<source>', 'local, ssh:HOST or import:NAME; a name alone is an import or a host')
    .action(async (source: string, flags: PlaceOptions) => {
      const { openContext } = await import('../../../app/context.ts');
      const { forgetFirewall } = await import('../../../app/firewall-import.ts');
      const { printable } = await import('../../../reports/printable.ts');
      progress({}, printable(`forgot the packet filters of ${await forgetFirewall(openContext(flags), source)}`));
    });
  withPlace(command);
  withExamples(command, [['quietdoor firewall drop import:web-1', 'the host is gone, or is scanned now']]);
}
