import { type Command, InvalidArgumentError, Option } from 'commander';
import { ANOMALY_KINDS, type AnomalyKind } from '../../../model/anomaly.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { renderOptions, writeResult } from '../../output.ts';

export interface AnomalyFlags extends OutputOptions, PlaceOptions {
  readonly from?: string;
  readonly to?: string;
  readonly endpoint?: string;
  readonly kind?: readonly AnomalyKind[];
}

/** Collects --kind; a list with commas is taken too. */
function addKind(value: string, before: readonly AnomalyKind[] | undefined): readonly AnomalyKind[] {
  const kinds = value.split(',').map((kind) => kind.trim());
  const unknown = kinds.find((kind) => !(ANOMALY_KINDS as readonly string[]).includes(kind));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no kind "${unknown}".`);
  return [...(before ?? []), ...(kinds as AnomalyKind[])];
}

/** Adds the options that `anomalies` and `backtest` share. */
export function withAnomalyOptions(command: Command): Command {
  return command
    .option('--endpoint <endpoint>', 'only of this host or port: db-1, db-1:5432, db-1:5432/tcp')
    .addOption(
      new Option('--kind <kind>', `only this (may be given again): ${ANOMALY_KINDS.join(', ')}`).argParser(addKind),
    );
}

export function define(parent: Command): void {
  const summary = 'show unusual traffic';
  const command = parent
    .command('anomalies')
    .summary(summary)
    .description(
      `${summary}: what was expected, what was seen, how surprising that is, since when, and by which flows. Learned from the flows of the four weeks before.`,
    )
    .option('--from <time>', 'not before: 24h, 7d, or an ISO 8601 time; default: a week before --to')
    .option('--to <time>', 'not after; default: the last flow')
    .action(async (flags: AnomalyFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { findAnomalies } = await import('../../../app/flows-anomalies.ts');
      const { renderAnomalies } = await import('../../../reports/anomalies.ts');
      const found = await findAnomalies(openContext(flags), {
        ...{ from: flags.from, to: flags.to, endpoint: flags.endpoint, kinds: flags.kind ?? [], defaultDays: 7 },
      });
      await writeResult(renderAnomalies(found.anomalies, flags.format, renderOptions(flags), found), flags);
    });
  withAnomalyOptions(command);
  withPlace(command);
  withOutput(command, ['table', 'json', 'jsonl', 'csv']);
  withExamples(command, [
    ['quietdoor flows anomalies', 'the last week'],
    ['quietdoor flows anomalies --from 2026-10-01 --to 2026-10-02 -f json', 'of one day, for another program'],
    ['quietdoor flows anomalies --endpoint db-1:5432 --kind traffic-spike', 'of one port, one kind'],
  ]);
}
