import type { AlertPolicy, AlertRoute } from './alert-policy.ts';
import { isAtLeast } from './finding.ts';
import type { IncidentRecord } from './incident-record.ts';
import type { Owner } from './register.ts';

/** Who a message goes to: a channel, and one owner where the channel writes to each by itself. */
export interface Target {
  readonly channel: string;
  readonly owner: string | null;
}

/** One text per target; names have no blanks. */
export function targetKey({ channel, owner }: Target): string {
  return owner === null ? channel : `${channel} ${owner}`;
}

export function readTarget(key: string): Target {
  const [channel = '', owner] = key.split(' ');
  return { channel, owner: owner ?? null };
}

type Routed = Pick<IncidentRecord, 'key' | 'severity' | 'kinds' | 'zones' | 'data' | 'owner'>;

/**
 * Who is told of an incident. The first route that fits decides, and those after it where it goes on. Where none fits:
 * the channels of the owner of the port, else the owner's own address, else the fallback. A channel is never told of its
 * own failure.
 */
export function targetsOf(incident: Routed, policy: AlertPolicy, owners: readonly Owner[]): readonly Target[] {
  const isOwn = (name: string) => incident.key.startsWith(`channel:${name} `);
  const usable = policy.channels.filter((channel) => !isOwn(channel.name));
  const hasAddress = owners.some((owner) => owner.name === incident.owner && owner.email !== null);
  const targets = (names: readonly string[]): Target[] =>
    usable
      .filter((channel) => names.includes(channel.name) && (!channel.perOwner || hasAddress))
      .map((channel) => ({ channel: channel.name, owner: channel.perOwner ? incident.owner : null }));
  const routed = targets(routesOf(incident, policy.routes));
  if (routed.length > 0) return routed;
  const named = usable.filter((channel) => incident.owner !== null && channel.owners.includes(incident.owner));
  const own = targets(named.map((channel) => channel.name));
  if (own.length > 0) return own;
  const personal = targets(
    usable.filter((channel) => channel.perOwner && channel.owners.length === 0).map((c) => c.name),
  );
  if (personal.length > 0) return personal;
  const everybody = usable.filter((channel) => channel.owners.length === 0 && !channel.perOwner).map((c) => c.name);
  const fallback = targets(policy.fallback);
  return fallback.length > 0 ? fallback : targets(everybody);
}

function routesOf(incident: Routed, routes: readonly AlertRoute[]): readonly string[] {
  const to: string[] = [];
  for (const route of routes) {
    if (!fits(route, incident)) continue;
    to.push(...route.to);
    if (!route.goesOn) break;
  }
  return to;
}

function fits(route: AlertRoute, incident: Routed): boolean {
  const meets = (wanted: readonly string[], has: readonly string[]) =>
    wanted.length === 0 || wanted.some((one) => has.includes(one));
  return (
    meets(route.owners, incident.owner === null ? [] : [incident.owner]) &&
    meets(route.kinds, incident.kinds) &&
    meets(route.zones, incident.zones) &&
    meets(route.data, incident.data) &&
    (route.severity === null || isAtLeast(incident.severity, route.severity))
  );
}
