import type { CheckResult } from '../../model/facts.ts';
import { compareListeners } from '../../model/listener.ts';
import type { HostState } from '../../model/state.ts';
import { sha256 } from '../../util/sha256.ts';
import { listenerJson } from '../listener-json.ts';

/** SHA-256 of what was observed of each host, hex. */
export type ListenerHashes = ReadonlyMap<HostState, string>;

/**
 * Returns for each host and vantage the SHA-256 (hex) of its open listeners: of the JSON that `quietdoor scan --format
 * json` prints under `listeners`, without white space, in the same order. So a scan that was kept can be told to be, or
 * not to be, the one that a report rests on: `jq -cj .listeners scan.json | sha256sum`.
 */
export function hashListeners({ facts: { estate }, results }: CheckResult): ListenerHashes {
  const byHost = Map.groupBy(
    results.flatMap((r) => r.facts.listeners),
    (s) => `${s.vantage}\n${s.listener.host}`,
  );
  return new Map(
    estate.hosts.map((h) => {
      const listeners = (byHost.get(`${h.vantage}\n${h.host.name}`) ?? []).map((s) => s.listener);
      return [h, sha256(JSON.stringify(listeners.sort(compareListeners).map(listenerJson)))];
    }),
  );
}
