import { type Command, Option } from 'commander';
import { SEVERITIES, type Severity } from '../../model/finding.ts';
import { EXIT } from '../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../options.ts';
import { progress, renderOptions, writeResult } from '../output.ts';

interface CheckFlags extends OutputOptions, PlaceOptions {
  readonly failOn?: Severity;
  readonly baseline?: string;
  readonly writeBaseline?: string;
  readonly osv?: readonly string[];
  readonly kev?: string;
}

export function define(command: Command): void {
  command
    .addOption(
      new Option(
        '--fail-on <severity>',
        'exit 1 at findings of this severity or above; default: thresholds.failOn, else medium',
      ).choices([...SEVERITIES]),
    )
    .option('--baseline <file>', 'findings known from this file are shown, but do not fail the run')
    .option('--write-baseline <file>', 'write the findings of this run as a baseline')
    .option(
      '--osv <path...>',
      'OSV exports (directories, all.zip) to look packages up in, instead of those in quietdoor.yaml',
    )
    .option('--kev <file>', "CISA's JSON of known exploited vulnerabilities, instead of the one in quietdoor.yaml")
    .action(async (flags: CheckFlags) => {
      const { openContext } = await import('../../app/context.ts');
      const { writeFileWhole } = await import('../../app/write-file.ts');
      const { readBaseline, renderBaseline } = await import('../../app/baseline.ts');
      const { check } = await import('../../app/check.ts');
      const { folderInRepository } = await import('../../app/folder-in-repository.ts');
      const { outcomeOf } = await import('../../app/outcome.ts');
      const { reportFormats } = await import('../../reports/index.ts');
      const context = openContext(flags);
      const { givenVulnerabilityFiles } = await import('../../app/vulnerability-files.ts');
      const vulnerabilities = givenVulnerabilityFiles(flags);
      const outcome = await check(context, {
        ...(flags.baseline && { baseline: readBaseline(flags.baseline) }),
        ...(vulnerabilities && { vulnerabilities }),
      });
      const { result, frameworks, rules, notRecorded } = outcome;
      const failOn = flags.failOn ?? outcome.workspace.register.failOn ?? 'medium';
      const onCodeHost = flags.format === 'sarif' || flags.format === 'github';
      const options = { ...renderOptions(flags), ...(onCodeHost ? { folder: await folderInRepository(context) } : {}) };
      const format = reportFormats.find((f) => f.name === flags.format);
      if (!format) throw new Error(`no format ${flags.format}`); // commander checked it
      const input = { result, frameworks, rules, failOn };
      await writeResult(format.pieces?.(input, options) ?? format.render(input, options), flags);
      if (flags.writeBaseline) {
        writeFileWhole(flags.writeBaseline, renderBaseline(result.findings));
        progress(flags, `wrote ${result.findings.length} findings to ${flags.writeBaseline}`);
      }
      if (notRecorded) progress(flags, `The history of findings was not recorded: ${notRecorded}`);
      process.exitCode = EXIT[outcomeOf(outcome, failOn)];
    });
  withPlace(command);
  withOutput(command, ['table', 'json', 'jsonl', 'csv', 'markdown', 'sarif', 'junit', 'github']);
  withExamples(command, [
    ['quietdoor check', 'findings and verdicts, for people'],
    ['quietdoor check --fail-on high --format junit -o ports.xml', 'for a CI server'],
    ['quietdoor check --format sarif -o ports.sarif', 'for code scanning'],
    ['quietdoor check --write-baseline known.json', 'start from what is there today…'],
    ['quietdoor check --baseline known.json', '…and fail on new findings only'],
    ['quietdoor check --osv Debian/all.zip --kev kev.json', 'with known vulnerabilities of the packages'],
  ]);
}
