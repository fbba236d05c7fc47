import assert from 'node:assert/strict';
import type { Event } from '../src/model/event.ts';
import type { Store } from '../src/store/store.ts';

/** Checks that a ledger has no holes and that its events lead to the listeners that the store calls open. Returns the events. */
export async function assertLedgerLeadsToState(store: Store): Promise<readonly Event[]> {
  const events = [...(await store.events({ limit: 10_000_000 }))].reverse();
  assert.deepEqual(
    events.map((event) => event.sequence),
    events.map((_, i) => i + 1),
  );
  const open = new Set<string>();
  for (const { type, subject, body } of events) {
    const key = `${subject} ${String(body.address)}`;
    if (type === 'listener.opened') open.add(key);
    else if (type === 'listener.closed') assert.ok(open.delete(key), `${key} was open before it closed`);
  }
  const states = await store.listenerStates({ openOnly: true });
  const seen = states.map(({ listener: l }) => `${l.host}:${l.port}/${l.transport} ${l.address}`);
  assert.deepEqual(seen.sort(), [...open].sort());
  return events;
}
