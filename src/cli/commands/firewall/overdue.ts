import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { PlaceOptions } from '../../options.ts';

/** Verbs that see to it themselves, each in its own order. */
const SEE_TO_IT = new Set(['apply', 'confirm', 'rollback']);

/**
 * Runs before every verb: rules that were not confirmed in time and that their guard could not take back are taken back
 * now. Costs a look at one folder where there is nothing to do.
 */
export async function settleFirst(_parent: Command, verb: Command): Promise<void> {
  if (SEE_TO_IT.has(verb.name()) || process.platform !== 'linux' || process.geteuid?.() !== 0) return;
  if (!existsSync(process.env.QUIETDOOR_RUN ?? '/run/quietdoor')) return;
  const { bareContext, openContext } = await import('../../../app/context.ts');
  const { settleOverdue } = await import('../../../app/firewall-apply.ts');
  let context = bareContext();
  try {
    context = openContext(verb.opts<PlaceOptions>());
  } catch {
    // Without a workspace there is no ledger; the rules go all the same.
  }
  const { rolledBack, waiting } = await settleOverdue(context);
  for (const run of rolledBack)
    process.stderr.write(
      `quietdoor: rules that ${run.by} applied were taken back: ${run.because ?? 'not confirmed'}\n`,
    );
  if (waiting)
    process.stderr.write(
      `quietdoor: rules that ${waiting.run.by} applied wait to be confirmed until ${new Date(waiting.until).toISOString()}\n`,
    );
}
