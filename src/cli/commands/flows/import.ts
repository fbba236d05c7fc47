import { setFlagsFromString } from 'node:v8';
import { type Command, Option } from 'commander';
import type { FlowImportRequest } from '../../../app/flows-import.ts';
import type { FlowImport } from '../../../model/flow-import.ts';
import { count } from '../../../util/words.ts';
import { EXIT } from '../../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { writeAsItComes, writeResult } from '../../output.ts';

interface FlowImportFlags extends OutputOptions, PlaceOptions {
  readonly as?: string;
  readonly feed?: string;
  readonly map: readonly string[];
  readonly fields?: string;
  readonly prefix: readonly string[];
  readonly utcOffset?: string;
  readonly record: boolean;
}

const collect = (value: string, before: string[]): string[] => [...before, value];

export function define(parent: Command): void {
  const command = parent
    .command('import')
    .summary('take in flow logs')
    .description('Takes in flow logs, rolled up per 5 minutes, source, endpoint and action.')
    .argument('[file...]', 'flow logs, .gz and .zst too; "-" is standard input')
    .option('--as <format>', 'format, where the content does not tell ("help" lists them)')
    .option('--feed <name>', 'where the flows come from, where the format does not tell; one name for all of them')
    .addOption(
      new Option('--map <field=column>', 'which column of a CSV a field is in; may be repeated')
        .argParser(collect)
        .default([], 'the names of the format'),
    )
    .option('--fields <names>', 'fields of an AWS VPC log that has no header line, in their order')
    .addOption(
      new Option(
        '--prefix <text=action>',
        'what a log prefix of a packet filter means: accepted or denied; may be repeated',
      )
        .argParser(collect)
        .default([], 'guessed from nothing: the action stays unknown'),
    )
    .option('--utc-offset <minutes>', 'minutes east of UTC that times without a zone are in; default: 0')
    .option('--no-record', 'only print; needs no workspace')
    .action(async (files: string[], flags: FlowImportFlags) => {
      const { knownFlowFormats } = await import('../../../app/flows-import.ts');
      if (flags.as === 'help') {
        for (const { name, title } of knownFlowFormats()) process.stdout.write(`${name.padEnd(16)}${title}\n`);
        return;
      }
      if (files.length === 0) return command.help({ error: true });
      // Nearly all that a stream makes dies young; V8 would still let the space for it grow to 128 MB.
      setFlagsFromString('--semi-space-growth-factor=1');
      const requests = await requestsOf(files, flags);
      const imports = await (flags.record ? record(requests, flags) : print(requests, flags));
      if (imports.some(({ counts, troubles }) => counts.problems > 0 || troubles.length > 0))
        process.exitCode ??= EXIT.gaps;
    });
  withPlace(command);
  withOutput(command, ['table', 'json', 'csv', 'jsonl']);
  withExamples(command, [
    ['quietdoor flows import vpc/*.log.gz', 'AWS VPC flow logs; what was taken in before is not taken twice'],
    ['quietdoor flows import flows.csv --map src="Source address"', 'a CSV with other column names'],
    ['quietdoor flows import conn.log --no-record -f csv', 'the roll-up alone, recorded nowhere'],
    ['journalctl -k -o export | quietdoor flows import - --prefix "drop: "=denied', 'log lines of a packet filter'],
  ]);
}

async function requestsOf(files: readonly string[], flags: FlowImportFlags): Promise<readonly FlowImportRequest[]> {
  const { UserError } = await import('../../../model/errors.ts');
  const pairs = (option: string, texts: readonly string[], example: string) =>
    texts.map((text) => {
      const at = option === '--prefix' ? text.lastIndexOf('=') : text.indexOf('=');
      if (at < 1 || at === text.length - 1)
        throw new UserError(`${option} ${text} is not of the form NAME=VALUE`, { hint: `Such as ${example}` });
      return [text.slice(0, at), text.slice(at + 1)] as const;
    });
  const mapping = new Map<string, string>(pairs('--map', flags.map, '--map src="Source address"'));
  if (flags.fields !== undefined) mapping.set('fields', flags.fields);
  const prefixes = new Map<string, 'accepted' | 'denied'>();
  for (const [prefix, action] of pairs('--prefix', flags.prefix, '--prefix "drop: "=denied')) {
    if (action !== 'accepted' && action !== 'denied')
      throw new UserError(`--prefix ${prefix}=${action}: the action is accepted or denied`);
    prefixes.set(prefix, action);
  }
  const utcOffsetMinutes = Number(flags.utcOffset ?? 0);
  if (!Number.isInteger(utcOffsetMinutes) || Math.abs(utcOffsetMinutes) > 14 * 60)
    throw new UserError(`--utc-offset ${flags.utcOffset} is no number of minutes from -840 to 840`);
  if (flags.feed !== undefined && (flags.feed.trim() === '' || flags.feed.length > 200))
    throw new UserError('--feed is a name of 1 to 200 characters');
  return files.map((file) => ({
    file,
    as: flags.as ?? null,
    feed: flags.feed ?? null,
    mapping,
    prefixes,
    utcOffsetMinutes,
  }));
}

/** Takes the files in; one that cannot be used is told, and the next one is read. */
async function record(requests: readonly FlowImportRequest[], flags: FlowImportFlags): Promise<readonly FlowImport[]> {
  const { UserError } = await import('../../../model/errors.ts');
  if (flags.format === 'csv' || flags.format === 'jsonl')
    throw new UserError(`-f ${flags.format} prints the roll-up, which is for --no-record`, {
      hint: 'What is recorded is shown by: quietdoor flows top',
    });
  const { openContext } = await import('../../../app/context.ts');
  const { importFlows } = await import('../../../app/flows-import.ts');
  const { withFlows } = await import('../../../app/flows-place.ts');
  const context = openContext(flags);
  const imports: FlowImport[] = [];
  await withFlows(context, async (place, services) => {
    for (const request of requests)
      try {
        const result = await importFlows(context, request, services, place);
        imports.push(result);
        tell(result);
      } catch (error) {
        if (!(error instanceof UserError) || requests.length === 1) throw error;
        failed(error.message, error.hint);
      }
  });
  await writeSummary(imports, flags);
  return imports;
}

/** Prints what the files come to, and keeps nothing. */
async function print(requests: readonly FlowImportRequest[], flags: FlowImportFlags): Promise<readonly FlowImport[]> {
  const { UserError } = await import('../../../model/errors.ts');
  const { readFlows } = await import('../../../app/flows-import.ts');
  const { contextAndServices } = await import('../../../app/flows-place.ts');
  const { flowRows, flowRowsHead } = await import('../../../reports/flows-import.ts');
  const { context, services } = await contextAndServices(flags);
  const imports: FlowImport[] = [];
  const format = flags.format === 'csv' || flags.format === 'jsonl' ? flags.format : null;

  async function* pieces(): AsyncGenerator<string, void, undefined> {
    if (format === 'csv') yield flowRowsHead();
    for (const request of requests)
      try {
        await using reading = await readFlows(context, request, services);
        for await (const batch of reading.batches())
          if (format !== null) yield flowRows(batch, reading.rollup.feeds, format);
        const result = reading.result(null, false);
        imports.push(result);
        tell(result);
      } catch (error) {
        if (!(error instanceof UserError) || requests.length === 1) throw error;
        failed(error.message, error.hint);
      }
  }

  if (format !== null) {
    await writeAsItComes(pieces(), flags);
    return imports;
  }
  for await (const _ of pieces());
  await writeSummary(imports, flags);
  return imports;
}

async function writeSummary(imports: readonly FlowImport[], flags: FlowImportFlags): Promise<void> {
  const { flowImportJson, flowImportText } = await import('../../../reports/flows-import.ts');
  await writeResult(flags.format === 'json' ? flowImportJson(imports) : flowImportText(imports), flags);
}

function failed(message: string, hint: string | undefined): void {
  process.stderr.write(`${message}\n${hint === undefined ? '' : `${hint}\n`}`);
  process.exitCode = EXIT.failed;
}

/** What went wrong with a file, on standard error; told with --quiet too. */
function tell({ file, problems, counts, troubles }: FlowImport): void {
  const name = file === '-' ? 'standard input' : file;
  const lines = problems.map(({ message, line, column }) => {
    const place = line === 0 ? name : column === 0 ? `${name}:${line}` : `${name}:${line}:${column}`;
    return `${place}: ${message}`;
  });
  if (counts.problems > problems.length)
    lines.push(`${name}: … and ${count(counts.problems - problems.length, 'more problem')}`);
  for (const trouble of troubles) lines.push(`${name}: ${trouble}`);
  for (const line of lines) process.stderr.write(`${line}\n`);
}
