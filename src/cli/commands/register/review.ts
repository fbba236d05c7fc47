import type { Command } from 'commander';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress, writeResult } from '../../output.ts';

export function define(parent: Command): void {
  const summary = 'write that an entry was reviewed: who, when, and what it said';
  const command = parent
    .command('review')
    .summary(summary)
    .description(summary)
    .argument('<ids...>', 'entries')
    .option('--by <email>', 'reviewer; default: git config user.email')
    .option('-q, --quiet', 'no progress on standard error')
    .action(async (ids: string[], flags: PlaceOptions & { by?: string; quiet?: boolean }) => {
      const { openContext } = await import('../../../app/context.ts');
      const { reviewEntries } = await import('../../../app/approve.ts');
      const done = await reviewEntries(openContext(flags), ids, { by: flags.by });
      for (const { id, by, digest, file } of done) {
        await writeResult(`${id}\t${digest}\t${by}`, {});
        progress(flags, `${file}: ${id} reviewed by ${by}`);
      }
    });
  withPlace(command);
  withExamples(command, [['quietdoor register review pg-orders ssh-admin', 'both are still needed as they are']]);
}
