import { UNKNOWN_SCOPE } from '../../model/endpoint.ts';
import type { CheckResult } from '../../model/facts.ts';
import { compareListeners, type Listener } from '../../model/listener.ts';
import type { HostState, ListenerState } from '../../model/state.ts';
import { vantageKind } from '../../model/vantage.ts';
import { sha256 } from '../../util/sha256.ts';
import { listenerJson } from '../listener-json.ts';

/** SHA-256 of what was observed of each host, hex. */
export type ListenerHashes = ReadonlyMap<HostState, string>;

/**
 * Returns for each host and vantage the SHA-256 (hex) of its open listeners: of the JSON that `quietdoor scan --format
 * json` prints under `listeners`, without white space, in the same order. So a scan that was kept can be told to be, or
 * not to be, the one that a report rests on: `jq -cj .listeners scan.json | sha256sum`. None for a look that a newer one from
 * inside has corrected.
 */
export function hashListeners({ facts: { estate }, results }: CheckResult): ListenerHashes {
  const states = results.flatMap((r) => r.facts.listeners);
  const byHost = Map.groupBy(states, (s) => `${s.vantage}\n${s.listener.host}`);
  const looks = Map.groupBy(estate.hosts, (h) => h.host.name);
  const hashes = new Map<HostState, string>();
  for (const h of estate.hosts) {
    if (isOutdated(h, looks.get(h.host.name) ?? [])) continue;
    const seen = byHost.get(`${h.vantage}\n${h.host.name}`) ?? [];
    const listeners = asRecorded(h, seen);
    hashes.set(h, sha256(JSON.stringify(listeners.sort(compareListeners).map(listenerJson))));
  }
  return hashes;
}

/** A newer look from inside has closed some of what this one saw, so its listeners are not all here any more. */
function isOutdated(h: HostState, looks: readonly HostState[]): boolean {
  return looks.some(
    (other) => vantageKind(other.vantage) === 'inside' && other !== h && other.lastObservedAt > h.lastObservedAt,
  );
}

/** The listeners under the name that the host was looked at by; from outside without the scope that was matched since. */
function asRecorded(h: HostState, seen: readonly ListenerState[]): Listener[] {
  const isOutside = vantageKind(h.vantage) === 'outside';
  const host = h.recordedAs ?? h.host.name;
  return seen
    .map((s) => s.listener)
    .filter((l) => !isOutside || h.host.addresses.includes(l.address))
    .map((l) => ({ ...l, host, ...(isOutside && { scope: UNKNOWN_SCOPE }) }));
}
