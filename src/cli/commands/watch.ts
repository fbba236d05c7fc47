import { type Command, InvalidArgumentError } from 'commander';
import type { Context } from '../../app/context.ts';
import { EXIT } from '../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../options.ts';
import { renderOptions } from '../output.ts';

interface WatchFlags extends OutputOptions, PlaceOptions {
  readonly for?: number;
  readonly hashes: boolean;
  readonly trace: boolean;
  readonly schedule?: boolean;
  readonly checkpoint: boolean;
  readonly printUnit?: boolean;
}

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Reads a length of time: `90s`, `10m`, `8h`, `2d`. */
function parseLength(text: string): number {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  const ms = match ? Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS] : 0;
  // The longest time that a timer takes.
  if (ms < 1 || ms > 0x7fffffff) throw new InvalidArgumentError('Expected 90s, 10m, 8h or 2d; at most 24d.');
  return ms;
}

export function define(command: Command): void {
  command
    .description(
      'Tells of everything that opens, closes and changes on this machine, at once, and records it; of the packet filters\n' +
        'too. Runs until it is stopped (Ctrl-C, SIGTERM). Times in which nothing was watched are recorded as gaps.\n' +
        'As root it uses the trace of the kernel, so that no TCP listener is too short-lived to be seen; else it looks again\n' +
        'and again, and says what it cannot see. Restarts are quiet, and what flaps is told once; all of it is recorded.',
    )
    .option('--for <time>', 'end by itself after 90s, 10m, 8h or 2d', parseLength)
    .option('--schedule', 'also run what the schedule of quietdoor.yaml says is due')
    .option('--no-checkpoint', 'do not sign the ledger every hour and at the end')
    .option('--no-trace', "do not use the kernel's trace, only look again and again")
    .option('--no-hashes', 'do not hash the binaries')
    .option('--print-unit', 'print a unit for systemd that runs this watch, hardened, and end')
    .action(async (flags: WatchFlags) => {
      const { openContext } = await import('../../app/context.ts');
      if (flags.printUnit) return printUnit(openContext(flags), flags);
      const { watch } = await import('../../app/watch.ts');
      const { renderWatchEntry } = await import('../../reports/watch-lines.ts');
      const { openWatchOutput } = await import('../watch-output.ts');
      const context = openContext(flags);
      const output = openWatchOutput(flags);
      const { color } = renderOptions(flags);
      const stop = new AbortController();
      const stopOn = (signal: NodeJS.Signals) => {
        // The second time it ends at once: what was acknowledged is on disk.
        process.once(signal, () => {
          stop.abort(signal === 'SIGINT' ? 'interrupted (Ctrl-C)' : `asked to stop (${signal})`);
          interrupted ||= signal === 'SIGINT';
        });
      };
      let interrupted = false;
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) stopOn(signal);
      try {
        const { hasGaps } = await watch(context, {
          ...{ hashes: flags.hashes, trace: flags.trace, checkpoint: flags.checkpoint },
          schedule: flags.schedule === true,
          ...(flags.for !== undefined && { forMs: flags.for }),
          signal: stop.signal,
          tell: (entry) => output.write((format) => renderWatchEntry(entry, format, color)),
        });
        if (interrupted) process.exitCode = EXIT.interrupted;
        else if (!stop.signal.aborted && hasGaps) process.exitCode = EXIT.gaps;
      } finally {
        await output.close();
      }
    });
  withPlace(command);
  withOutput(command, ['table', 'jsonl']);
  withExamples(command, [
    ['sudo quietdoor watch', 'everything, until Ctrl-C'],
    ['sudo quietdoor watch --format jsonl | jq .subject', 'for another program'],
    ['quietdoor watch --print-unit', 'a hardened unit for systemd; docs/how-to/watch-service.md'],
    ['quietdoor watch --for 60s', 'for a minute, say in a test; exit code 3 where something could not be seen'],
  ]);
}

/** The unit names Node itself: a launcher that is killed would leave the watch running. */
async function printUnit({ workspace, state }: Context, flags: WatchFlags): Promise<void> {
  const { watchUnit } = await import('../../reports/watch-unit.ts');
  const { packageFile } = await import('../../util/package-root.ts');
  const args = [
    ...(flags.schedule ? ['--schedule'] : []),
    ...(flags.checkpoint ? [] : ['--no-checkpoint']),
    ...(flags.trace ? [] : ['--no-trace']),
    ...(flags.hashes ? [] : ['--no-hashes']),
  ];
  const main = packageFile('bin/quietdoor.js');
  process.stdout.write(watchUnit({ node: process.execPath, main, workspace, state, args }));
}
