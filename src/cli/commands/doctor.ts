import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../options.ts';
import { renderOptions, writeResult } from '../output.ts';

const SIGNS = { ok: '✓', lacks: '?', broken: '✗' } as const;

export function define(command: Command): void {
  command.action(async (flags: OutputOptions & PlaceOptions) => {
    const { diagnose } = await import('../../app/doctor.ts');
    const { styleText } = await import('node:util');
    const diagnoses = await diagnose(flags);
    const { color } = renderOptions(flags);
    const paint = { ok: 'green', lacks: 'yellow', broken: 'red' } as const;
    const sign = (status: keyof typeof SIGNS) =>
      color ? styleText(paint[status], SIGNS[status], { validateStream: false }) : SIGNS[status];
    const lines = diagnoses.flatMap((d) => [
      `${sign(d.status)} ${d.what.padEnd(11)} ${d.found}`,
      ...(d.advice && d.status !== 'ok' ? [`  ${''.padEnd(11)} → ${d.advice}`] : []),
    ]);
    await writeResult(
      flags.format === 'json' ? JSON.stringify({ schemaVersion: 1, diagnoses }, null, 2) : lines.join('\n'),
      flags,
    );
    if (diagnoses.some((d) => d.status === 'broken')) process.exitCode = EXIT.failed;
    else if (diagnoses.some((d) => d.status === 'lacks')) process.exitCode = EXIT.gaps;
  });
  withPlace(command);
  withOutput(command, ['table', 'json']);
  withExamples(command, [
    ['quietdoor doctor', 'what a scan would see and not see here'],
    ['sudo quietdoor doctor', 'the same as root'],
  ]);
}
