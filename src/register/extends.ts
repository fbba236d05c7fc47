import { isDeepStrictEqual } from 'node:util';
import { formatPosition, type SourcePosition } from '../model/errors.ts';
import type { FrameworkChoice, HostDeclaration, Owner, Policy, Register, Zone } from '../model/register.ts';
import { compareText } from '../util/compare.ts';
import type { ConfigLayer, Said } from './load-config.ts';

type Deviation = Register['deviations'][number];

const DEFAULT_POLICY: Policy = {
  prohibited: [],
  allow: [],
  approvers: [],
  reviewEveryDays: 365,
  reviewEveryDaysByData: {},
  dueSoonDays: 14,
  exceptionMaxDays: 180,
  staleAfterHours: 24,
  silentAfterDays: 30,
  privilegedAllowed: [],
  claimed: 'medium',
};

export const DEFAULT_FRAMEWORKS: readonly FrameworkChoice[] = [
  { id: 'nist-800-53-r5', baseline: 'moderate' },
  { id: 'iso-27001-2022' },
  { id: 'hitrust-csf' },
];

export interface MergedConfig {
  readonly owners: readonly Owner[];
  readonly zones: readonly Zone[];
  readonly hosts: readonly HostDeclaration[];
  readonly policy: Policy;
  readonly frameworks: readonly FrameworkChoice[];
  readonly brokenZones: readonly string[];
  readonly deviations: readonly Deviation[];
}

/** Lists that a layer adds to; any other setting replaces the one below. */
const ADDED = new Set<keyof Policy>(['prohibited', 'allow', 'privilegedAllowed', 'reviewEveryDaysByData']);

/**
 * Lays configs over each other, the most general first, the workspace's own last. Where a layer says something else
 * than the ones below, that is a deviation (more prohibitions are none).
 */
export function mergeConfigs(layers: readonly ConfigLayer[]): MergedConfig {
  const deviations: Deviation[] = [];
  const owners = mergeNamed(
    'owner',
    layers.map((layer) => layer.owners),
    deviations,
  );
  const zones = mergeNamed(
    'zone',
    layers.map((layer) => layer.zones),
    deviations,
  );
  const hosts = mergeNamed(
    'host',
    layers.map((layer) => layer.hosts),
    deviations,
  );
  return {
    owners,
    zones,
    hosts,
    policy: mergePolicies(layers, deviations),
    frameworks: layers.findLast((layer) => layer.frameworks !== undefined)?.frameworks ?? DEFAULT_FRAMEWORKS,
    brokenZones: layers.flatMap((layer) => layer.brokenZones),
    deviations,
  };
}

function mergeNamed<T extends { readonly name: string }>(
  what: string,
  layers: ReadonlyArray<ReadonlyMap<string, Said<T>>>,
  deviations: Deviation[],
): T[] {
  const merged = new Map<string, Said<T>>();
  for (const layer of layers)
    for (const [name, said] of layer) {
      const below = merged.get(name);
      if (below && !isDeepStrictEqual(below.value, said.value))
        deviations.push({
          what: `${what}:${name}`,
          message: `the ${what} ${name} differs from the shared one (${formatPosition(below.at)})`,
          at: said.at,
        });
      merged.set(name, said);
    }
  return [...merged.values()].map((said) => said.value).sort((a, b) => compareText(a.name, b.name));
}

function mergePolicies(layers: readonly ConfigLayer[], deviations: Deviation[]): Policy {
  const policy: Record<string, unknown> = { ...DEFAULT_POLICY };
  const saidAt = new Map<string, SourcePosition>();
  for (const layer of layers)
    for (const [key, said] of Object.entries(layer.policy)) {
      const below = policy[key];
      const next = ADDED.has(key as keyof Policy) ? add(below, said.value) : said.value;
      const from = saidAt.get(key);
      if (from && key !== 'prohibited' && !isDeepStrictEqual(below, next))
        deviations.push({
          what: `policy:${key}`,
          message: `the setting differs from the shared policy (${formatPosition(from)})`,
          at: said.at,
        });
      policy[key] = next;
      saidAt.set(key, said.at);
    }
  return policy as unknown as Policy;
}

function add(below: unknown, more: unknown): unknown {
  if (!Array.isArray(below) || !Array.isArray(more)) return { ...(below as object), ...(more as object) };
  return [...below, ...more.filter((item) => !below.some((other) => isDeepStrictEqual(other, item)))];
}
