import { type AlertChannel, type AlertPolicy, DEFAULT_ALERTS } from '../model/alert-policy.ts';
import type { AlertLayer } from './load-alerts.ts';

/**
 * Lays what configs say of alerts over each other, the workspace's own last: a channel of the same name takes the place of
 * the one below, and so does every setting, the routes as a whole. Undefined where no config speaks of alerts.
 */
export function mergeAlerts(layers: readonly AlertLayer[]): AlertPolicy | undefined {
  if (layers.length === 0) return undefined;
  const channels = new Map<string, AlertChannel>();
  for (const layer of layers) for (const [name, said] of layer.channels) channels.set(name, said.value);
  const settings = layers.reduce((all, layer) => Object.assign(all, layer.settings), {});
  return { ...DEFAULT_ALERTS, ...settings, channels: [...channels.values()] };
}
