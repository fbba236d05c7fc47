import type { AlertDelivery } from '../store/incident-store.ts';
import type { Context } from './context.ts';
import { openStateToWrite, withStateToRead } from './state.ts';

/** Messages that are read at most. */
const MOST = 10_000;

/** Messages that were given up, oldest first; of one channel where it is named. */
export async function deadAlerts(context: Context, channel?: string): Promise<readonly AlertDelivery[]> {
  return withStateToRead(context, async (store) => {
    const dead = store ? await store.incidents.deliveries('dead', MOST) : [];
    return channel === undefined ? dead : dead.filter((delivery) => delivery.channel === channel);
  });
}

/** Puts them back into the outbox: the next run sends them. Returns how many. */
export async function retryDead(context: Context, channel?: string): Promise<number> {
  await using store = await openStateToWrite(context);
  return await store.incidents.revive(channel ?? null, context.now());
}
