import { UserError } from '../model/errors.ts';
import { DEFAULT_FLOW_RETENTION, type FlowRetention } from '../model/flow-retention.ts';
import type { Compacted } from '../store/flows.ts';
import type { Context } from './context.ts';
import { damageOf } from './flows-read.ts';
import { loadRegister } from './load-register.ts';
import { openStateToWrite } from './state.ts';

export interface CompactResult extends Omit<Compacted, 'damaged'> {
  readonly retention: FlowRetention;
  readonly damaged: readonly string[];
  /** Names in the folder of flows that are none of this program's. */
  readonly foreign: readonly string[];
}

/**
 * Merges the parts of flows, makes old ones coarser and removes those that are past their time. Throws UserError where a
 * config cannot be read: it may say to keep flows longer.
 */
export async function compactFlows(context: Context): Promise<CompactResult> {
  await using store = await openStateToWrite(context);
  const { register, files } = await loadRegister(context, store);
  const configs = new Set(files.filter(({ kind }) => kind === 'config').map(({ path }) => path));
  const wrong = register.problems.find(
    (problem) => problem.severity === 'error' && (configs.has(problem.at.file) || problem.code.startsWith('extends-')),
  );
  if (wrong)
    throw new UserError(
      `how long flows are kept is not known: ${wrong.at.file}:${wrong.at.line}:${wrong.at.column} ${wrong.message}`,
      { hint: 'Nothing was removed. Put the config right first: quietdoor register lint' },
    );
  const retention = register.traffic?.retention ?? DEFAULT_FLOW_RETENTION;
  const { openFlowStore } = await import('../store/flows.ts');
  await using flows = await openFlowStore(context.state, store, 'write', { retention, actor: context.actor });
  const { merged, into, expired } = await flows.compact(context.now());
  return { retention, merged, into, expired, damaged: await damageOf(flows), foreign: flows.foreign() };
}
