import { setFlagsFromString } from 'node:v8';
import { type Command, Option } from 'commander';
import type { FileProblem, ImportReport } from '../../app/import.ts';
import { count } from '../../util/words.ts';
import { EXIT } from '../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../options.ts';
import { changeWords, progress, renderOptions, writeAsItComes } from '../output.ts';

interface ImportFlags extends OutputOptions, PlaceOptions {
  readonly as?: string;
  readonly host?: string;
  readonly at?: string;
  readonly map: readonly string[];
  readonly complete: boolean;
  readonly record: boolean;
}

export function define(command: Command): void {
  command
    .argument('[file...]', 'files of other tools, .gz too; "-" is standard input')
    .option('--as <format>', 'format, where the content does not tell ("help" lists them)')
    .option('--host <name>', 'the host that the files are about, where they do not say')
    .option('--at <time>', 'when it was looked, where the files do not say; default: the date of the file')
    .addOption(
      new Option('--map <field=column>', 'which column of a CSV a field is in; may be repeated')
        .argParser((value: string, before: string[]) => [...before, value])
        .default([], 'common names are known'),
    )
    .option('--complete', 'a CSV lists every listener of its hosts, so what is missing is closed', false)
    .option('--no-record', 'only print; needs no workspace')
    .action(async (files: string[], flags: ImportFlags) => {
      const { importableFormats, importFiles, noImport } = await import('../../app/import.ts');
      if (flags.as === 'help') {
        for (const { name, title } of importableFormats()) process.stdout.write(`${name.padEnd(16)}${title}\n`);
        return;
      }
      if (files.length === 0) return command.help({ error: true });
      // Nearly all that a stream makes dies young; V8 would still let the space for it grow to 128 MB.
      setFlagsFromString('--semi-space-growth-factor=1');
      const { bareContext, openContext } = await import('../../app/context.ts');
      const { parseTime } = await import('../../app/parse-time.ts');
      const { renderObservations } = await import('../../reports/observations.ts');
      const context = flags.record ? openContext(flags) : bareContext();
      const report = noImport();
      const request = {
        files,
        as: flags.as ?? null,
        host: flags.host ?? null,
        at: flags.at === undefined ? null : parseTime(flags.at, context.now()),
        mapping: await readMapping(flags.map),
        isComplete: flags.complete,
        isRecorded: flags.record,
      };
      const observations = importFiles(context, request, report);
      const pieces = renderObservations(observations, flags.format, renderOptions(flags), () => report.problems);
      await writeAsItComes(pieces, flags);
      tell(report, flags);
      if (report.failures.length > 0) process.exitCode = EXIT.failed;
      else if (report.problemCount > 0 || report.counts.gaps > 0) process.exitCode = EXIT.gaps;
    });
  withPlace(command);
  withOutput(command, ['table', 'json', 'jsonl', 'csv']);
  withExamples(command, [
    ['nmap -sT -oX - 10.0.0.0/24 | quietdoor import -', 'what nmap found'],
    ['ss -tulpn | quietdoor import - --host db-1', 'the listeners of a host'],
    ['quietdoor import ports.csv --map port="Local Port" --no-record', 'look at a CSV, record nothing'],
    ['quietdoor import --as help', 'every format that is known'],
  ]);
}

async function readMapping(pairs: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const { UserError } = await import('../../model/errors.ts');
  return new Map(
    pairs.map((pair) => {
      const [field = '', ...column] = pair.split('=');
      if (field === '' || column.length === 0 || column.join('=') === '')
        throw new UserError(`--map ${pair} is no mapping`, {
          hint: 'Expected FIELD=COLUMN, such as port="Local Port".',
        });
      return [field.trim(), column.join('=')] as const;
    }),
  );
}

/** What became of the files, on standard error. What went wrong is told with --quiet too. */
function tell(report: ImportReport, flags: ImportFlags): void {
  const { counts, problems, problemCount, failures, declared, notes } = report;
  for (const { file, ports, changed } of declared)
    progress(
      flags,
      `${file}: declares ${count(ports, 'port')}${changed ? '' : ', nothing new'} (declared, not observed)`,
    );
  for (const note of notes) progress(flags, note);
  if (flags.record && counts.hosts > 0) {
    const late = counts.late > 0 ? `; ${counts.late} older than what is known, which changed nothing` : '';
    progress(
      flags,
      `${count(counts.hosts, 'host')}, ${count(counts.listeners, 'listener')}: ${changeWords(counts)}${late}`,
    );
  }
  const lines = problems.map((p) => `${placeOf(p)}: ${p.message}`);
  if (problemCount > problems.length) lines.push(`… and ${count(problemCount - problems.length, 'more problem')}`);
  for (const { file, message, hint } of failures)
    lines.push(`${message.includes(file) ? '' : `${file}: `}${message}${hint ? `\n${hint}` : ''}`);
  for (const line of lines) process.stderr.write(`${line}\n`);
}

/** `scan.xml:12:7`, `ports.json: record 4`. */
function placeOf({ file, line, column, place }: FileProblem): string {
  const at = line === undefined ? file : column === undefined ? `${file}:${line}` : `${file}:${line}:${column}`;
  return place === undefined ? at : `${at}: ${place}`;
}
