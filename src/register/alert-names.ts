import type { SourcePosition } from '../model/errors.ts';
import type { RegisterProblem } from '../model/register.ts';
import type { MergedConfig } from './extends.ts';
import { didYouMean } from './suggest.ts';
import { cut } from './times.ts';

/** Names in `alerts` that mean nothing: channels, owners and zones that are declared nowhere. */
export function checkAlerts({ regular, owners, zones, brokenZones }: MergedConfig): RegisterProblem[] {
  const { alerts } = regular;
  if (!alerts) return [];
  const problems: RegisterProblem[] = [];
  const check = (what: string, names: readonly string[], known: readonly string[], at: SourcePosition) => {
    for (const name of names) {
      if (known.includes(name)) continue;
      const hint =
        didYouMean(name, known) ?? (known.length > 0 ? `known: ${known.slice(0, 10).join(', ')}` : undefined);
      const message = `alerts: there is no ${what} "${cut(name)}"`;
      problems.push({ severity: 'error', code: `unknown-${what}`, message, ...(hint && { hint }), at });
    }
  };
  const channelNames = alerts.channels.map((channel) => channel.name);
  const ownerNames = owners.map((owner) => owner.name);
  for (const route of alerts.routes) {
    check('channel', route.to, channelNames, route.at);
    check('owner', route.owners, ownerNames, route.at);
    check('zone', route.zones, [...zones.map((zone) => zone.name), ...brokenZones], route.at);
  }
  for (const channel of alerts.channels) check('owner', channel.owners, ownerNames, channel.at);
  const [first] = [...alerts.channels, ...alerts.routes];
  check('channel', alerts.fallback, channelNames, first?.at ?? { file: 'quietdoor.yaml', line: 1, column: 1 });
  return problems;
}
