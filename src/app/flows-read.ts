import { UserError } from '../model/errors.ts';
import type { FlowQuery } from '../store/flow-store.ts';
import type { KeptFlows } from '../store/flows.ts';
import type { Store } from '../store/store.ts';
import type { Context } from './context.ts';
import { parseTime } from './parse-time.ts';
import { withStateToRead } from './state.ts';

/** A time as a person typed it. */
export interface TimeTexts {
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** Opens the flows for reading, and closes them. Throws UserError where nothing was ever recorded. */
export async function withFlowsToRead<T>(
  context: Context,
  use: (flows: KeptFlows, store: Store) => Promise<T>,
): Promise<T> {
  return withStateToRead(context, async (store) => {
    if (!store)
      throw new UserError('no flows are kept here: nothing was ever recorded', {
        hint: 'Take some in with: quietdoor flows import FILE',
      });
    const { openFlowStore } = await import('../store/flows.ts');
    await using flows = await openFlowStore(context.state, store, 'read');
    return await use(flows, store);
  });
}

/** The time that is looked at, UTC seconds: all that is kept where nothing is said; null where nothing is kept. */
export async function spanOf(
  context: Context,
  flows: KeptFlows,
  { from, to }: TimeTexts,
): Promise<Pick<FlowQuery, 'from' | 'until'> | null> {
  const now = context.now();
  const said = (text: string | undefined): number | undefined =>
    text === undefined ? undefined : Math.floor(parseTime(text, now) / 1000);
  const [first, last] = [said(from), said(to)];
  if (first !== undefined && last !== undefined && last <= first)
    throw new UserError(`--to ${to} is not after --from ${from}`);
  const kept = await flows.span();
  if (!kept) return null;
  return { from: first ?? kept.from, until: last ?? Math.max(kept.until, (first ?? 0) + 1) };
}

/** What could not be used, in sentences. */
export async function damageOf(flows: KeptFlows): Promise<readonly string[]> {
  return (await flows.damaged()).map(({ part, reason }) => {
    const time = (seconds: number): string => `${new Date(seconds * 1000).toISOString().slice(0, 16)}Z`;
    return `flows/${part.file}: ${reason}; its ${part.rows} rows from ${time(part.from)} to ${time(part.until)} are left out, and that time counts as a gap`;
  });
}
