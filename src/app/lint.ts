import { checks } from '../checks/index.ts';
import { UserError } from '../model/errors.ts';
import type { RegisterProblem } from '../model/register.ts';
import { lintWorkspace } from '../register/lint.ts';
import type { Context } from './context.ts';
import { loadHosts } from './identities.ts';
import { loadRegister } from './load-register.ts';
import { withStateToRead } from './state.ts';

/** Everything wrong or missing in the workspace; hosts that were observed help to see which entries overlap. */
export async function lintRegister(context: Context): Promise<readonly RegisterProblem[]> {
  const loaded = await loadRegister(context, null);
  const now = context.now();
  const hosts = await withStateToRead(context, (store) => loadHosts(store, loaded.register, now)).catch(
    (error: unknown) => {
      if (error instanceof UserError) return null; // a store that cannot be used is no reason not to lint
      throw error;
    },
  );
  const rules = checks.map((check) => check.id);
  const { alerts } = loaded.register;
  const problems = lintWorkspace(loaded, hosts?.known ?? [], now, rules);
  // What only the channels know of their settings; they are not loaded where there are none.
  return alerts
    ? [...problems, ...(await (await import('./alerts-channels.ts')).alertProblems(alerts, rules))]
    : problems;
}
