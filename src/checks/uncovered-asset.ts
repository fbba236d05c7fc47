import { expectedMachines, observeWithinHours } from '../model/asset-match.ts';
import { compareText } from '../util/compare.ts';
import { duration, listWords, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';

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
    const within = observeWithinHours(register.policy);
    return expectedMachines(assets, hosts).flatMap(({ host, standings, lastObserved: last }) => {
      if (last !== null && now - last <= within * HOUR_MS) return [];
      const all = standings.map(({ asset }) => asset);
      const name = all[0]?.name ?? host;
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
              ? `The asset ${name} was never observed.`
              : `The asset ${name} was last observed ${duration(now - last)} ago; ${duration(within * 3_600_000)} are allowed.`,
          evidence,
          ...(address !== undefined && {
            remediation: `Look at it: quietdoor scan ssh ${name}, or quietdoor scan network ${address}. If it is retired, set its state in the inventory.`,
          }),
        },
      ];
    });
  },
};
