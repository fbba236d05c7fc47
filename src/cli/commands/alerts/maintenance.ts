import type { Command } from 'commander';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { progress, renderOptions, writeResult } from '../../output.ts';

interface AddFlags extends PlaceOptions {
  readonly host: readonly string[];
  readonly endpoint: readonly string[];
  readonly zone: readonly string[];
  readonly from?: string;
  readonly until: string;
  readonly reason: string;
}

/** `alerts maintenance add|list|end`. */
export function define(parent: Command): void {
  const summary = 'times in which trouble is expected: recorded, and told only if it outlasts them (add, list, end)';
  const command = parent.command('maintenance').summary(summary).description(summary);
  for (const verb of [add, list, end]) verb(command);
  withExamples(command, [
    ['quietdoor alerts maintenance add --host db-1 --until 4h --reason "upgrade, CHG-4830"', 'from now on'],
    ['quietdoor alerts maintenance', 'what is announced'],
  ]);
}

const collect = (value: string, before: readonly string[]) => [...before, value];

function add(parent: Command): void {
  const summary = 'announce a window';
  const command = parent
    .command('add')
    .summary(summary)
    .description(`${summary}. Name at least one host, endpoint or zone; * and ? are wildcards.`)
    .option('--host <name>', 'every port of a host (may be given again)', collect, [] as readonly string[])
    .option('--endpoint <host:port[/transport]>', 'one port (may be given again)', collect, [] as readonly string[])
    .option(
      '--zone <name>',
      'what is in a zone, or comes from it (may be given again)',
      collect,
      [] as readonly string[],
    )
    .option('--from <time>', 'begin: 2h from now, or an ISO 8601 time; default: now')
    .requiredOption('--until <time>', 'end: 4h from now, or an ISO 8601 time')
    .requiredOption('--reason <text>', 'why, for the record')
    .action(async ({ host, endpoint, zone, from, until, reason, ...flags }: AddFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { announceMaintenance } = await import('../../../app/alerts-maintenance.ts');
      const { printable } = await import('../../../reports/printable.ts');
      const where = [
        ...host.map((name) => `host:${name}`),
        ...endpoint.map((name) => `endpoint:${name}`),
        ...zone.map((name) => `zone:${name}`),
      ];
      const request = { where, until, reason, ...(from !== undefined && { from }) };
      const window = await announceMaintenance(openContext(flags), request);
      const times = [window.from, window.until].map((ms) => new Date(ms).toISOString());
      progress({}, printable(`${window.id}: ${window.where.join(' ')} from ${times[0]} until ${times[1]}`));
    });
  withPlace(command);
  withExamples(command, [
    ['quietdoor alerts maintenance add --host db-1 --until 4h --reason "upgrade"', 'from now on'],
    [
      'quietdoor alerts maintenance add --endpoint "web-*:443" --from 2026-11-21T22:00:00Z --until 2026-11-21T23:00:00Z --reason "new certificates"',
      'a window to come',
    ],
  ]);
}

function list(parent: Command): void {
  const summary = 'windows that are announced';
  const command = parent
    .command('list', { isDefault: true })
    .summary(summary)
    .description(summary)
    .option('--all', 'also those that are over')
    .action(async (flags: OutputOptions & PlaceOptions & { readonly all?: boolean }) => {
      const { openContext } = await import('../../../app/context.ts');
      const { listMaintenance } = await import('../../../app/alerts-maintenance.ts');
      const { renderWindows } = await import('../../../reports/incidents.ts');
      const context = openContext(flags);
      const windows = await listMaintenance(context, flags.all === true);
      await writeResult(renderWindows(windows, context.now(), flags.format, renderOptions(flags)), flags);
    });
  withPlace(command);
  withOutput(command, ['table', 'json', 'jsonl', 'csv']);
  withExamples(command, [['quietdoor alerts maintenance list --all', 'also those that are over']]);
}

function end(parent: Command): void {
  const summary = 'end a window before its time: what is still there is told by the next run';
  const command = parent
    .command('end')
    .summary('end a window before its time')
    .description(summary)
    .argument('<id>', 'its short name, e.g. M-7K3M2')
    .action(async (id: string, flags: PlaceOptions) => {
      const { openContext } = await import('../../../app/context.ts');
      const { endMaintenance } = await import('../../../app/alerts-maintenance.ts');
      const { printable } = await import('../../../reports/printable.ts');
      const window = await endMaintenance(openContext(flags), id);
      progress({}, printable(`${window.id} ended: ${window.reason}`));
    });
  withPlace(command);
  withExamples(command, [['quietdoor alerts maintenance end M-7K3M2', 'done earlier than planned']]);
}
