import { type Command, Option } from 'commander';
import { UserError } from '../../model/errors.ts';
import { EXIT } from '../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../options.ts';
import { progress, renderOptions, writeResult } from '../output.ts';

interface CloseFlags extends OutputOptions, PlaceOptions {
  readonly yes?: boolean;
  readonly undo?: boolean;
  readonly patch?: string;
}

export function define(command: Command): void {
  command
    .argument('<port>', 'HOST:PORT[/transport][@scope] of this machine (":8080" is enough)')
    .option('-y, --yes', 'do it: stop, disable and mask the units, then look whether nothing listens (needs root)')
    .option('--undo', 'put back what was closed: enabled and active as before (needs root)')
    .addOption(new Option('--patch <kind>', 'print only this patch').choices(['ansible', 'compose', 'kubernetes']))
    .action(async (what: string, flags: CloseFlags) => {
      const { openContext } = await import('../../app/context.ts');
      const { parseEndpointQuery } = await import('../../app/parse-endpoint.ts');
      const { closePort, closingView, planClosing, reopenPort } = await import('../../app/close.ts');
      const { renderClosing } = await import('../../reports/close.ts');
      const query = parseEndpointQuery(what);
      if (!query) throw new UserError(`"${what}" names no port`, { hint: 'For example: quietdoor close :8080' });
      const context = openContext(flags);
      if (flags.undo) {
        const units = await reopenPort(context, query);
        await writeResult(units.map((u) => `${u.unit}\tput back`).join('\n'), flags);
        return;
      }
      const closing = await planClosing(context, query);
      if (flags.patch !== undefined) {
        const patches = closing.patches.filter((patch) => patch.kind === flags.patch);
        const kinds = new Set(closing.patches.map((patch) => patch.kind));
        if (patches.length === 0)
          throw new UserError(`there is no patch of the kind ${flags.patch} for ${what}`, {
            hint:
              kinds.size > 0
                ? `There is: ${[...kinds].join(', ')}.`
                : 'Import the files that declare it first (quietdoor import compose.yaml); without --patch, it is said what else is in the way.',
          });
        await writeResult(patches.map((patch) => patch.text).join('---\n'), flags);
        return;
      }
      if (!flags.yes) {
        await writeResult(renderClosing(closingView(closing), flags.format, renderOptions(flags)), flags);
        if (closing.plan.refused.length === 0) progress(flags, 'Nothing was changed. Do it: the same with --yes');
        else process.exitCode = EXIT.findings;
        return;
      }
      const { units, isClosed, still } = await closePort(context, closing);
      await writeResult(units.map((u) => `${u.unit}\tclosed`).join('\n'), flags);
      if (isClosed) progress(flags, 'Nothing listens there any more. Put it back: the same with --undo');
      else
        throw new UserError(
          `something listens there all the same: ${still.map((p) => `${p.exe ?? p.name ?? 'a process'} (process ${p.pid})`).join(', ') || 'a process that is not visible'}`,
        );
    });
  withPlace(command);
  withOutput(command, ['table', 'json']);
  withExamples(command, [
    ['quietdoor close :8080', 'what holds it, and what would close it; changes nothing'],
    ['sudo quietdoor close :8080 --yes', 'do it, and see that nothing listens any more'],
    ['sudo quietdoor close :8080 --undo', 'put it back as it was'],
    ['quietdoor close :8080 --patch ansible > close.yml', 'the same for many machines'],
  ]);
}
