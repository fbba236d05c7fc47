import type { Command } from 'commander';
import { EXIT } from '../../exit-codes.ts';
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
      `${summary}, an export that is verified before a record leaves.\nThe ledger stays verifiable; "events" and "explain" show archived records no more.\nWhere records are reviewed (policy.reviewLog), those that nobody reviewed stay; exit code 3 then.`,
    )
    .argument('<dir>', 'a new or empty folder')
    .requiredOption('--older-than <age>', 'records made before: 365d, 52w, or an ISO 8601 time')
    .action(async (dir: string, flags: ArchiveFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { archiveLedger } = await import('../../../app/ledger-archive.ts');
      const { parseTime } = await import('../../../app/parse-time.ts');
      const context = openContext(flags);
      const result = await archiveLedger(context, parseTime(flags.olderThan, context.now()), dir);
      const { archived, unreviewed } = result;
      if (archived) progress({}, `records ${archived.first} to ${archived.last} are in ${archived.folder} now`);
      else if (unreviewed === 0) progress({}, 'no record is that old');
      if (unreviewed === 0) return;
      const { count } = await import('../../../util/words.ts');
      progress({}, `${count(unreviewed, 'old record')} stayed, as nobody reviewed them yet: quietdoor review log`);
      process.exitCode = EXIT.gaps;
    });
  withPlace(command);
  withExamples(command, [['quietdoor ledger archive /srv/archive/2026 --older-than 365d', 'once a year']]);
}
