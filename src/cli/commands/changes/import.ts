import type { Command } from 'commander';
import { Option } from 'commander';
import { EXIT } from '../../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { progress, writeResult } from '../../output.ts';

interface ChangesFlags extends PlaceOptions, OutputOptions {
  readonly as?: string;
  readonly map: readonly string[];
  readonly source?: string;
  readonly covers?: string;
  readonly timeZone?: string;
  readonly dateOrder?: 'dmy' | 'mdy';
  readonly authorised: readonly string[];
}

/** Problems that are printed; the rest is counted. JSON has all. */
const SHOWN_PROBLEMS = 20;

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

export function define(parent: Command): void {
  const summary = 'take over change tickets: exports of Jira, ServiceNow, CSV, JSON';
  const command = parent
    .command('import')
    .summary(summary)
    .description(`${summary}. They take the place of what the same source listed before.`)
    .argument('<files...>', 'files of one export, or - for standard input')
    .addOption(
      new Option('--as <format>', 'what wrote the files; default: recognised').choices([
        'jira',
        'servicenow',
        'csv',
        'json',
      ]),
    )
    .option(
      '--map <field=column>',
      'column (CSV) or path (JSON) of a field: id, summary, description, status, resolution, approval, from, to, created, requester, approver, host, port, transport, action; repeatable',
      collect,
      [] as readonly string[],
    )
    .option('--source <name>', 'name of the list; default: the first file')
    .option(
      '--covers <from..to>',
      'the time of which the export has every ticket; default: the times that the tickets name',
    )
    .option('--time-zone <name>', 'zone of times that name none, as in Europe/Berlin; default: UTC')
    .addOption(
      new Option('--date-order <order>', 'which comes first in 03/04/2026: day or month').choices(['dmy', 'mdy']),
    )
    .option(
      '--authorised <status>',
      'status that allows a change, in place of the known ones; repeatable',
      collect,
      [] as readonly string[],
    )
    .action(async (files: string[], flags: ChangesFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { importTickets, placeOfTicket } = await import('../../../app/changes.ts');
      const { utcTime } = await import('../../../util/words.ts');
      const { as = null, map, source = null, covers = null, timeZone = null, dateOrder = null, authorised } = flags;
      const done = await importTickets(openContext(flags), {
        files,
        as,
        map,
        source,
        covers,
        timeZone,
        dateOrder,
        authorised,
      });
      const { list, problems, formats, added, changed, removed, assumed } = done;
      if (flags.format === 'json') {
        const { source, covers, items } = list;
        const counts = {
          tickets: items.length,
          authorised: items.filter((t) => t.authorised).length,
          added,
          changed,
          removed,
        };
        const times = { from: new Date(covers.from).toISOString(), to: new Date(covers.to).toISOString() };
        await writeResult(
          JSON.stringify({ schemaVersion: 1, source, formats, covers: times, ...counts, assumed, problems }, null, 2),
          flags,
        );
      } else {
        const allowed = list.items.filter((ticket) => ticket.authorised).length;
        const line = `${list.source}: ${list.items.length} tickets (${formats.join(', ')}), ${allowed} authorised: ${added} new, ${changed} changed, ${removed} gone`;
        await writeResult(`${line}\ncovers ${utcTime(list.covers.from)} to ${utcTime(list.covers.to)}`, flags);
        for (const sentence of assumed) progress(flags, `assumed: ${sentence}`);
        for (const problem of problems.slice(0, SHOWN_PROBLEMS))
          progress({}, `${placeOfTicket(problem)}: ${problem.message}`);
        const more = problems.length - SHOWN_PROBLEMS;
        if (more > 0) progress({}, `… and ${more} more problems (all of them: --format json)`);
      }
      if (problems.length > 0) process.exitCode = EXIT.gaps;
    });
  withPlace(command);
  withOutput(command, ['table', 'json']);
  withExamples(command, [
    ['quietdoor changes import jira.csv --time-zone Europe/Berlin', 'times as the exporting user sees them'],
    [
      'quietdoor changes import changes.json --covers 2026-09-01..2026-09-30',
      'the export has every ticket of September',
    ],
    ['quietdoor changes import log.csv --map id="Change no" --map host=Machine --map port=Port', 'columns of your own'],
  ]);
}
