import { type AssetStanding, matchAssets } from '../model/asset-match.ts';
import { nameKey } from '../model/identity-nodes.ts';
import { compareBy, compareText } from '../util/compare.ts';
import { count, duration, listWords, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';

/** 7 days. */
const DEFAULT_WITHIN_HOURS = 168;
const HOUR_MS = 3_600_000;

export const uncoveredAsset: Check = {
  id: 'uncovered-asset',
  title: 'Asset that nobody observes',
  severity: 'medium',
  rationale:
    'What is said about the ports of an estate holds for the machines that were looked at. An asset that is in use and was ' +
    'never observed, or not for a long time, is a part of the estate about which nothing can be said.',
  remediation:
    'Look at it with `quietdoor scan ssh` or `quietdoor scan network`, put it into a schedule, or set its state in the ' +
    'inventory if it is retired.',
  lacking: ({ estate }) => ((estate.assets ?? []).length === 0 ? 'no inventory was imported' : null),
  estate({ assets = [], hosts, now, register }) {
    const within = register.policy.observeWithinHours ?? DEFAULT_WITHIN_HOURS;
    const expected = matchAssets(assets, hosts).filter(({ asset }) => !asset.inactive && !asset.passive);
    const bySubject = Map.groupBy(expected, (standing) => nameKey(hostOf(standing)));
    return [...bySubject.values()].flatMap((group) => {
      const standings = group.toSorted(IN_ORDER);
      const [first] = standings as [AssetStanding];
      const last = standings.reduce<number | null>(
        (newest, { lastObserved }) => (lastObserved === null ? newest : Math.max(newest ?? lastObserved, lastObserved)),
        null,
      );
      if (last !== null && now - last <= within * HOUR_MS) return [];
      const host = hostOf(first);
      const all = standings.map(({ asset }) => asset);
      const texts = (values: readonly (string | undefined)[]) =>
        listWords([...new Set(values.filter((value) => value !== undefined))].sort(compareText));
      const evidence = [
        { label: 'inventories', value: texts(all.map((asset) => asset.source)) },
        { label: 'addresses', value: texts(all.flatMap((asset) => asset.addresses)) },
        { label: 'owner', value: texts(all.map((asset) => asset.owner)) },
        { label: 'criticality', value: texts(all.map((asset) => asset.criticality)) },
        { label: 'last observed', value: last === null ? 'never' : utcTime(last) },
      ].filter(({ value }) => value !== '');
      const isImportant = all.some(({ criticality }) => criticality === 'high' || criticality === 'critical');
      const isMinor = all.every(({ criticality }) => criticality === 'low');
      const [address] = all.flatMap((asset) => asset.addresses);
      return [
        {
          subject: { kind: 'host', host } as const,
          ...(isImportant ? { severity: 'high' as const } : isMinor ? { severity: 'low' as const } : {}),
          message:
            last === null
              ? `The asset ${first.asset.name} was never observed.`
              : `The asset ${first.asset.name} was last observed ${duration(now - last)} ago; ${count(within, 'hour')} are allowed.`,
          evidence,
          ...(address !== undefined && {
            remediation: `Look at it: quietdoor scan ssh ${first.asset.name}, or quietdoor scan network ${address}. If it is retired, set its state in the inventory.`,
          }),
        },
      ];
    });
  },
};

const IN_ORDER = compareBy<AssetStanding>(
  hostOf,
  ({ asset }) => asset.name,
  ({ asset }) => asset.source,
  ({ asset }) => asset.id,
);

/** The host that the asset was observed as, else its own name. */
function hostOf({ asset, hosts }: AssetStanding): string {
  return hosts.map((state) => state.host.name).toSorted(compareText)[0] ?? asset.name;
}
