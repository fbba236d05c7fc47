import type { Command } from 'commander';
import { Option } from 'commander';
import { EXIT } from '../../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { progress, writeResult } from '../../output.ts';

interface AssetsFlags extends PlaceOptions, OutputOptions {
  readonly as?: string;
  readonly map: readonly string[];
  readonly source?: string;
}

/** Problems that are printed; the rest is counted. JSON has all. */
const SHOWN_PROBLEMS = 20;

export function define(parent: Command): void {
  const summary = 'take over an asset inventory: NetBox, CSV, Ansible, Terraform';
  const command = parent
    .command('import')
    .summary(summary)
    .description(`${summary}. It takes the place of what the same source listed before.`)
    .argument('<files...>', 'files of the inventory, or - for standard input')
    .addOption(
      new Option('--as <format>', 'format of the files; default: recognised').choices([
        'netbox',
        'csv',
        'ansible',
        'terraform',
      ]),
    )
    .option(
      '--map <field=column>',
      'column of a CSV file that holds a field (id, name, names, addresses, zone, environment, criticality, owner, tags, status); repeatable',
      (pair: string, pairs: readonly string[]) => [...pairs, pair],
      [] as readonly string[],
    )
    .option('--source <name>', 'name of the list; default: the first file')
    .action(async (files: string[], flags: AssetsFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { importAssets, placeOf } = await import('../../../app/assets.ts');
      const { printable, printableJson } = await import('../../../reports/printable.ts');
      const { as = null, map, source = null } = flags;
      const done = await importAssets(openContext(flags), { files, as, map, source });
      const problems = done.flatMap((one) => one.problems);
      if (flags.format === 'json') {
        const lists = done.map(({ list, ...rest }) => ({ source: list.source, assets: list.items.length, ...rest }));
        await writeResult(printableJson({ schemaVersion: 1, lists }, 2), flags);
      } else {
        const lines = done.map(
          ({ list, format, added, changed, removed }) =>
            `${list.source}: ${list.items.length} assets (${format}): ${added} new, ${changed} changed, ${removed} gone`,
        );
        await writeResult(lines.map(printable).join('\n'), flags);
        for (const problem of problems.slice(0, SHOWN_PROBLEMS))
          progress({}, `${placeOf(problem)}: ${problem.message}`);
        const more = problems.length - SHOWN_PROBLEMS;
        if (more > 0) progress({}, `… and ${more} more problems (all of them: --format json)`);
      }
      if (problems.length > 0) process.exitCode = EXIT.gaps;
    });
  withPlace(command);
  withOutput(command, ['table', 'json']);
  withExamples(command, [
    ['quietdoor assets import devices.json addresses.json', 'exports of NetBox, joined'],
    ['quietdoor assets import cmdb.csv --map name="CI Name" --map addresses="IP"', 'columns of your own'],
    ['quietdoor assets import inventory.ini', 'hosts of Ansible; its groups become tags'],
    ['terraform show -json | quietdoor assets import - --source terraform', 'machines of a state'],
  ]);
}
