import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { type OutputOptions, type PlaceOptions, withExamples, withPlace } from '../options.ts';
import { progress, writeResult } from '../output.ts';

export function define(command: Command): void {
  command
    .option('-o, --output <file>', 'where to write it; "-" is standard output; default: report.html in the workspace')
    .option('-q, --quiet', 'no progress on standard error')
    .action(async (flags: Pick<OutputOptions, 'output' | 'quiet'> & PlaceOptions) => {
      const { openContext } = await import('../../app/context.ts');
      const { makeReport, recordExport } = await import('../../app/report.ts');
      const context = openContext(flags);
      const report = await makeReport(context);
      const output = flags.output ?? join(context.workspace, 'report.html');
      await writeResult(report.text, { output });
      await recordExport(context, report, basename(output));
      progress(flags, `${output === '-' ? 'report' : output}: sha256 ${report.sha256}`);
    });
  withPlace(command);
  withExamples(command, [
    ['quietdoor report', 'report.html in the workspace'],
    ['SOURCE_DATE_EPOCH=1795219200 quietdoor report -o march.html', 'the same bytes for the same facts'],
  ]);
}
