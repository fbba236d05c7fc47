import { type Command, InvalidArgumentError, Option } from 'commander';
import { EVENT_TYPES } from '../../model/event.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../options.ts';
import { renderOptions, writeResult } from '../output.ts';

interface EventFlags extends OutputOptions, PlaceOptions {
  readonly since?: string;
  readonly until?: string;
  readonly type?: readonly string[];
  readonly limit: string;
}

/** Collects --type; a list with commas is taken too. */
function addType(value: string, before: readonly string[] | undefined): readonly string[] {
  const types = value.split(',').map((type) => type.trim());
  const unknown = types.find((type) => !(EVENT_TYPES as readonly string[]).includes(type));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no event type "${unknown}".`);
  return [...(before ?? []), ...types];
}

export function define(command: Command): void {
  command
    .argument('[subject]', 'endpoint (db-1:5432/tcp), host or entry that they are about; what it begins with is enough')
    .option('--since <time>', 'not older than: 24h, 7d, or an ISO 8601 time')
    .option('--until <time>', 'not younger than')
    .addOption(
      new Option('--type <type>', `only this (may be given again): ${EVENT_TYPES.join(', ')}`).argParser(addType),
    )
    .option('--limit <n>', 'at most so many', '50')
    .action(async (subject: string | undefined, flags: EventFlags) => {
      const { openContext } = await import('../../app/context.ts');
      const { listEvents } = await import('../../app/events.ts');
      const { renderEvents } = await import('../../reports/events.ts');
      const events = await listEvents(openContext(flags), {
        subject,
        since: flags.since,
        until: flags.until,
        types: flags.type,
        limit: flags.limit,
      });
      await writeResult(renderEvents(events, flags.format, renderOptions(flags)), flags);
    });
  withPlace(command);
  withOutput(command, ['table', 'json', 'jsonl', 'csv']);
  withExamples(command, [
    ['quietdoor events', 'the newest fifty'],
    ['quietdoor events db-1: --since 7d', 'of one host, the last week'],
    ['quietdoor events --type listener.opened --format jsonl', 'for another program'],
  ]);
}
