import type { Command } from 'commander';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress } from '../../output.ts';

interface ArchiveFlags extends PlaceOptions {
  readonly olderThan: string;
}

export function define(parent: Command): void {
  const summary = 'move old records out of the store into an archive';
  const command = parent
    .command('archive')
    .summary(summary)
    .description(
      `${summary}, an export that is verified before a record leaves.\nThe ledger stays verifiable; "events" and "explain" show archived records no more.`,
    )
    .argument('<dir>', 'a new or empty folder')
    .requiredOption('--older-than <age>', 'records made before: 365d, 52w, or an ISO 8601 time')
    .action(async (dir: string, flags: ArchiveFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { archiveLedger } = await import('../../../app/ledger-archive.ts');
      const { parseTime } = await import('../../../app/parse-time.ts');
      const context = openContext(flags);
      const result = await archiveLedger(context, parseTime(flags.olderThan, context.now()), dir);
      if (result) progress({}, `records ${result.first} to ${result.last} are in ${result.folder} now`);
      else progress({}, 'no record is that old');
    });
  withPlace(command);
  withExamples(command, [['quietdoor ledger archive /srv/archive/2026 --older-than 365d', 'once a year']]);
}
