import { type Address, parseAddress } from '../model/address.ts';
import { PROTOCOL } from '../model/flow.ts';
import { getOrMake } from '../util/get-or-make.ts';
import type { Context } from './context.ts';
import { openStateToRead } from './state.ts';
import type { ObservedPeers } from './tighten-proposals.ts';

/**
 * Adds who connected to ports of TCP by the flows that are kept of these addresses (text). What was seen stays as it is where
 * no flows are kept, or none of a feed that knows the addresses.
 */
export async function withFlowPeers(
  context: Context,
  observed: ObservedPeers,
  addresses: readonly string[],
): Promise<ObservedPeers> {
  await using store = await openStateToRead(context);
  if (!store || addresses.length === 0 || (await store.flows.parts()).length === 0) return observed;
  const { openFlowStore } = await import('../store/flows.ts');
  await using flows = await openFlowStore(context.state, store, 'read');
  const span = await flows.span();
  if (!span) return observed;
  const peers = new Map([...observed.peers].map(([port, seen]) => [port, new Map(seen.map((a) => [key(a), a]))]));
  let found = false;
  const query = { from: 0, until: span.until, destinations: addresses, protocol: PROTOCOL.tcp };
  for await (const { port, source, lastAccepted } of flows.sources(query, 0)) {
    found = true;
    const address = lastAccepted === null || addresses.includes(source) ? null : parseAddress(source);
    if (address !== null) getOrMake(peers, port, () => new Map<string, Address>()).set(key(address), address);
  }
  if (!found) return observed;
  return {
    ...observed,
    since: Math.min(observed.since, span.from * 1_000),
    until: Math.max(observed.until, span.until * 1_000),
    peers: new Map([...peers].map(([port, seen]) => [port, [...seen.values()]])),
  };
}

function key({ family, value }: Address): string {
  return `${family} ${value}`;
}
