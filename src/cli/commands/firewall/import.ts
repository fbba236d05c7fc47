import type { Command } from 'commander';
import { EXIT } from '../../exit-codes.ts';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress } from '../../output.ts';

interface ImportFlags extends PlaceOptions {
  readonly host?: string;
  readonly at?: string;
}

export function define(parent: Command): void {
  const summary = 'record packet filters that were taken elsewhere: of another host, or of a cloud';
  const command = parent
    .command('import')
    .summary(summary)
    .description(`${summary}.\nThey take the place of what was imported for the host before.`)
    .argument('<file...>', 'files of one host or cloud, any dialects, .gz too; "-" is standard input')
    .option('--host <name>', 'host that they are of; without it filters of clouds apply by address')
    .option('--at <time>', 'when they were taken; default: the date of the oldest file')
    .action(async (paths: string[], flags: ImportFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { importFirewall } = await import('../../../app/firewall-import.ts');
      const { statementsText } = await import('../../../reports/firewall-admission.ts');
      const { printable } = await import('../../../reports/printable.ts');
      const { utcTime } = await import('../../../util/words.ts');
      const request = { paths, host: flags.host ?? null, at: flags.at ?? null };
      const { source, ruleset, takenAt, event } = await importFirewall(openContext(flags), request);
      for (const file of ruleset.files)
        if (file.incomplete !== null) process.stderr.write(`${printable(`${file.name}: ${file.incomplete}`)}\n`);
      const change =
        event === null ? 'unchanged' : event.type === 'firewall.recorded' ? 'new' : String(event.body.summary);
      const asOf = flags.at === undefined ? ` (the date of the oldest file; --at gives another)` : '';
      progress(
        {},
        printable(`${source}: ${statementsText(ruleset.statements)}; ${change}; as of ${utcTime(takenAt)}${asOf}`),
      );
      if (ruleset.files.some((file) => file.incomplete !== null)) process.exitCode = EXIT.gaps;
    });
  withPlace(command);
  withExamples(command, [
    ['quietdoor firewall import --host web-1 nft.json addr.json', 'of a host that nobody can log in to'],
    ['quietdoor firewall import security-groups.json instances.json', 'AWS: hosts are found by their addresses'],
  ]);
}
