import type { Command } from 'commander';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../options.ts';
import { writeResult } from '../output.ts';

export function define(command: Command): void {
  const show = command
    .command('show')
    .summary('print every setting and where it comes from')
    .description('print every setting and where it comes from')
    .action(async (flags: OutputOptions & PlaceOptions) => {
      const { openContext } = await import('../../app/context.ts');
      const { showConfig } = await import('../../app/config.ts');
      const settings = await showConfig(openContext(flags));
      const width = (key: 'name' | 'value') => Math.max(...settings.map((setting) => setting[key].length));
      const text =
        flags.format === 'json'
          ? `${JSON.stringify({ schemaVersion: 1, settings }, null, 2)}\n`
          : settings
              .map((s) => `${s.name.padEnd(width('name'))}  ${s.value.padEnd(Math.min(width('value'), 60))}  ${s.from}`)
              .join('\n');
      await writeResult(text, flags);
    });
  withPlace(show);
  withOutput(show, ['table', 'json']);
  withExamples(command, [['quietdoor config show', 'what is in force here, and why']]);
  withExamples(show, [['quietdoor config show', 'what is in force here, and why']]);
}
