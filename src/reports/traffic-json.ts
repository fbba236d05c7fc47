import type { EndpointTraffic } from '../model/traffic.ts';
import { isoTime } from './time.ts';

/** Traffic as data; times as ISO 8601 in UTC. `sources`: how many are listed at most. */
export function trafficJson(traffic: EndpointTraffic, sources: number) {
  const { from, until, coveredSince, lastAccepted, sources: all, ...rest } = traffic;
  return {
    from: isoTime(from),
    until: isoTime(until),
    coveredSince: isoTime(coveredSince),
    lastAccepted: isoTime(lastAccepted),
    ...rest,
    sources: all.slice(0, sources).map(({ firstSeen, lastSeen, lastAccepted: accepted, ...source }) => ({
      ...source,
      firstSeen: isoTime(firstSeen),
      lastSeen: isoTime(lastSeen),
      lastAccepted: isoTime(accepted),
    })),
  };
}
