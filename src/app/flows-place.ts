import type { ServiceIndex } from '../flows/direction.ts';
import { UserError } from '../model/errors.ts';
import { bareContext, type Context, openContext, type PlaceFlags } from './context.ts';
import { loadServices } from './flow-services.ts';
import type { FlowImportPlace } from './flows-import.ts';
import { openStateToWrite, withStateToRead } from './state.ts';

/** Runs something with the store of flows open for writing, and with what decides the direction of flows. */
export async function withFlows<T>(
  context: Context,
  use: (place: FlowImportPlace, services: ServiceIndex) => Promise<T>,
): Promise<T> {
  const { openFlowStore } = await import('../store/flows.ts');
  await using store = await openStateToWrite(context);
  await using flows = await openFlowStore(context.state, store, 'write');
  return await use({ store, flows }, await loadServices(context, store));
}

/** The workspace where there is one, for what is only read and printed; else none, and nothing is known of services. */
export async function contextAndServices(
  flags: PlaceFlags,
): Promise<{ readonly context: Context; readonly services: ServiceIndex | null }> {
  let context: Context;
  try {
    context = openContext(flags);
  } catch (error) {
    if (!(error instanceof UserError) || flags.workspace !== undefined) throw error;
    return { context: bareContext(), services: null };
  }
  const services = await withStateToRead(context, async (store) => (store ? loadServices(context, store) : null));
  return { context, services };
}
