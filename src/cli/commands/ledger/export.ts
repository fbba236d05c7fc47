import { type Command, InvalidArgumentError } from 'commander';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress } from '../../output.ts';

interface ExportFlags extends PlaceOptions {
  readonly from?: number;
  readonly to?: number;
}

function readSequence(text: string): number {
  if (!/^[1-9]\d{0,15}$/.test(text)) throw new InvalidArgumentError('A number of a record is expected.');
  return Number(text);
}

export function define(parent: Command): void {
  const summary = 'write records with all that proves them, for an assessor';
  const command = parent
    .command('export')
    .summary(summary)
    .description(
      `${summary}.\nThe folder says itself how it is verified without this program. The export is recorded as an event.`,
    )
    .argument('<dir>', 'a new or empty folder')
    .option('--from <sequence>', 'first record; default: the oldest that is not archived', readSequence)
    .option('--to <sequence>', 'last record; default: the newest', readSequence)
    .action(async (dir: string, flags: ExportFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { exportLedger } = await import('../../../app/ledger-export.ts');
      const { from, to } = flags;
      const range = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
      const { folder, first, last, sha256 } = await exportLedger(openContext(flags), dir, range);
      progress({}, `records ${first} to ${last} in ${folder}, SHA-256 of the manifest ${sha256}`);
    });
  withPlace(command);
  withExamples(command, [
    ['quietdoor ledger export ledger-2026', 'everything'],
    ['quietdoor ledger export october --from 4000 --to 5200', 'a part'],
  ]);
}
