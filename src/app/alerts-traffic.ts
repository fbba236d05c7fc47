import type { AnomalySource } from './alerts-gather.ts';
import { recentAnomalies } from './recent-anomalies.ts';

/** Unusual traffic of the last days. The check before it has worked it out already, and it is remembered. */
export const trafficAnomalies: AnomalySource = async (context, store, at) => {
  if ((await store.flows.parts()).length === 0) return [];
  const { openFlowStore } = await import('../store/flows.ts');
  await using flows = await openFlowStore(context.state, store, 'read');
  return await recentAnomalies(flows, store, at);
};
