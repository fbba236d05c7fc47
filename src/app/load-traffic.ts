import type { Endpoint } from '../model/endpoint.ts';
import type { EndpointTraffic } from '../model/traffic.ts';
import type { Store } from '../store/store.ts';
import type { Context } from './context.ts';
import type { FlowFactsInput } from './flow-facts.ts';

/** Who does connect to the endpoints of hosts, by the flows that are kept; null: none are. */
export async function loadTraffic(
  context: Context,
  store: Store,
  input: Omit<FlowFactsInput, 'flows' | 'anomalies'>,
): Promise<((endpoint: Endpoint) => EndpointTraffic | undefined) | null> {
  if ((await store.flows.parts()).length === 0) return null;
  // What reads flows is loaded where there are some.
  const [{ openFlowStore }, { flowFacts }, { recentAnomalies }] = await Promise.all([
    import('../store/flows.ts'),
    import('./flow-facts.ts'),
    import('./recent-anomalies.ts'),
  ]);
  await using flows = await openFlowStore(context.state, store, 'read');
  const anomalies = await recentAnomalies(flows, store, input);
  return await flowFacts({ ...input, flows, anomalies });
}
