import type { Command } from 'commander';
import { EXIT } from '../../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { changeWords, progress, renderOptions, writeResult } from '../../output.ts';

interface ScanFlags extends OutputOptions, PlaceOptions {
  readonly due?: boolean;
  readonly dryRun?: boolean;
  readonly record: boolean;
  readonly hashes: boolean;
  readonly root: string;
}

export function define(parent: Command): void {
  const summary = 'this machine: every listener of every network namespace (what "scan" alone does)';
  const command = parent
    .command('local', { isDefault: true })
    .summary(summary)
    .description(summary)
    .option('--due', 'run what the schedule of quietdoor.yaml says is due, instead')
    .option('--dry-run', 'with --due: only list the schedule')
    .option('--no-record', 'only print; needs no workspace')
    .option('--no-hashes', 'do not hash the binaries')
    .option('--root <dir>', 'read a captured tree instead of this machine (with --no-record)', '/')
    .allowExcessArguments()
    .action(async (flags: ScanFlags, { args }: Command) => {
      const { UserError } = await import('../../../model/errors.ts');
      if (args.length > 0) throw new UserError(...noSuchScan(args));
      if (flags.due) return (await import('./due.ts')).scanDue(flags);
      if (flags.root !== '/' && flags.record) {
        throw new UserError('a captured tree is not this machine, so it is not recorded', { hint: 'Add --no-record.' });
      }
      const { observe, scan } = await import('../../../app/scan.ts');
      const { openContext } = await import('../../../app/context.ts');
      const { renderInventory } = await import('../../../reports/inventory.ts');
      const options = { collector: 'local', hashes: flags.hashes, root: flags.root };
      let changes: string | undefined;
      const observation = await (async () => {
        if (!flags.record) return observe(options, process.env, () => Date.now());
        const { observation, events, firewallProblems } = await scan(openContext(flags), options);
        for (const problem of firewallProblems) progress(flags, `packet filters: ${problem}`);
        const count = (type: string) => events.filter((event) => event.type === type).length;
        const found = events.filter((event) => event.body.firstLook === true).length;
        const opened = count('listener.opened') - found;
        const counts = { found, opened, closed: count('listener.closed'), changed: count('listener.changed') };
        changes = `${changeWords(counts)} since the last look`;
        return observation;
      })();
      await writeResult(renderInventory(observation, flags.format, renderOptions(flags)), flags);
      if (changes) progress(flags, changes);
      if (observation.gaps.length > 0) process.exitCode = EXIT.gaps;
    });
  withPlace(command);
  withOutput(command, ['table', 'json', 'jsonl', 'csv']);
  withExamples(command, [
    ['sudo quietdoor scan', 'this machine, every owner visible'],
    ['quietdoor scan --due', 'scheduled scans, checks and imports that are due'],
    ['quietdoor scan --no-record --format json', 'print what listens, record nothing'],
  ]);
}

/** A misspelt verb, or targets without one: both arrive here, since local is what "scan" alone does. */
function noSuchScan([first = '', ...rest]: readonly string[]): [message: string, options: { hint: string }] {
  const words = rest.length === 0 ? first : `${first} ${rest.join(' ')}`;
  return [
    `scan: "${words}" is not understood; "scan" takes local, network, ssh or due, and alone it looks at this machine`,
    {
      hint: `Other machines over the network: quietdoor scan network ${rest.length === 0 ? first : 'TARGETS'}\nOther machines from inside: quietdoor scan ssh ${rest.length === 0 ? first : 'HOSTS'}`,
    },
  ];
}
