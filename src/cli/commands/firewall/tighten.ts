import { type Command, Option } from 'commander';
import { utcTime } from '../../../util/words.ts';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress, writeResult } from '../../output.ts';

interface TightenFlags extends PlaceOptions {
  readonly for: string;
  readonly include: 'proven' | 'claimed';
  readonly output?: string;
  readonly quiet?: boolean;
}

export function define(parent: Command): void {
  const summary = 'drafts of narrower entries, from who is seen connected to this machine';
  const command = parent
    .command('tighten')
    .summary(summary)
    .description(
      `${summary}.\nEvery look is remembered, so a look now and then says more than a long one; flows that are kept of this machine count too. Nothing is approved, and nothing\nis written to the register: what is printed is for a person to take over.`,
    )
    .option('--for <time>', 'look for so long, every second; default: once', '0s')
    .addOption(
      new Option('--include <approvals>', 'claimed: approvals that are only written down count too')
        .choices(['proven', 'claimed'])
        .default('proven'),
    )
    .option('-o, --output <file>', 'write to a file instead of standard output')
    .option('-q, --quiet', 'no remarks on standard error')
    .action(async (flags: TightenFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { parseLookTime, tighten } = await import('../../../app/tighten.ts');
      const seconds = parseLookTime(flags.for);
      const result = await tighten(openContext(flags), { seconds, include: flags.include });
      if (result.text !== '') await writeResult(result.text, flags);
      const { since, until, looks } = result.observed;
      for (const remark of result.remarks) progress(flags, remark);
      progress(
        flags,
        `${result.proposals} ${result.proposals === 1 ? 'proposal' : 'proposals'}, from ${looks} ${looks === 1 ? 'look' : 'looks'} between ${utcTime(since)} and ${utcTime(until)}.`,
      );
    });
  withPlace(command);
  withExamples(command, [
    ['quietdoor firewall tighten', 'one look, with what earlier ones saw'],
    ['quietdoor firewall tighten --for 8h', 'over a working day'],
  ]);
}
