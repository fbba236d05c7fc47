import type { Surroundings } from '../model/facts.ts';
import type { Store } from '../store/store.ts';

/** What other systems say, as far as it was ever imported. */
export async function loadSurroundings(store: Store | null): Promise<Surroundings> {
  if (!store) return {};
  const [assets, tickets, declarations] = [
    await store.lists('assets'),
    await store.lists('tickets'),
    await store.lists('declarations'),
  ];
  return {
    ...(assets.length > 0 && { assets }),
    ...(tickets.length > 0 && { tickets }),
    ...(declarations.length > 0 && { declarations }),
  };
}
