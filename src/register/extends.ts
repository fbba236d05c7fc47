import { isDeepStrictEqual } from 'node:util';
import { formatPosition, type SourcePosition } from '../model/errors.ts';
import type { FrameworkChoice, HostDeclaration, Owner, Policy, Register, ScanPolicy, Zone } from '../model/register.ts';
import type { ScheduleItem } from '../model/schedule.ts';
import { compareText } from '../util/compare.ts';
import { mergeAlerts } from './alert-layers.ts';
import type { Said } from './config-reader.ts';
import type { ConfigLayer } from './load-config.ts';
import { mergeRetention } from './load-traffic.ts';

type Deviation = Register['deviations'][number];

export const DEFAULT_POLICY: Policy = {
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
  /** What network scans, schedules, vulnerability data and alerts are told; absent where no layer says. */
  readonly regular: Pick<Register, 'schedule' | 'scan' | 'vulnerabilities' | 'alerts' | 'traffic' | 'witnesses'>;
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
    regular: mergeRegular(layers, deviations),
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
  return mergeInOrder(what, layers, deviations).sort((a, b) => compareText(a.name, b.name));
}

/** The same in the order in which they are written, the most general layer first. */
function mergeInOrder<T extends { readonly name: string }>(
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
  return [...merged.values()].map((said) => said.value);
}

function mergeRegular(layers: readonly ConfigLayer[], deviations: Deviation[]): MergedConfig['regular'] {
  const schedules = layers.flatMap((layer) => layer.schedule ?? []);
  const schedule: ScheduleItem[] = mergeInOrder('schedule', schedules, deviations);
  const scan = mergeScanPolicies(layers, deviations);
  const said = layers.map((layer) => layer.vulnerabilities).filter((one) => one !== undefined);
  const osv = said.findLast((one) => one.osv !== undefined)?.osv ?? [];
  const kev = said.findLast((one) => one.kev !== undefined)?.kev ?? null;
  const retention = mergeRetention(layers.flatMap((layer) => layer.traffic ?? []));
  const alerts = mergeAlerts(layers.flatMap((layer) => layer.alerts ?? []));
  // A shared policy's witnesses stay: a workspace can only add to them.
  const witnesses = [...new Set(layers.flatMap((layer) => layer.witnesses ?? []))];
  return {
    ...(schedules.length > 0 && { schedule }),
    ...(scan && { scan }),
    ...(said.length > 0 && { vulnerabilities: { osv, kev } }),
    ...(alerts && { alerts }),
    ...(retention && { traffic: { retention } }),
    ...(witnesses.length > 0 && { witnesses }),
  };
}

/** What a shared policy excludes stays excluded; the nearest rate counts. */
function mergeScanPolicies(layers: readonly ConfigLayer[], deviations: Deviation[]): ScanPolicy | undefined {
  const said = layers.flatMap((layer) => layer.scan ?? []);
  if (said.length === 0) return undefined;
  const nearest = (key: 'rate' | 'ratePerHost'): number | undefined => {
    const [below, own] = said.flatMap((scan) => scan[key] ?? []).slice(-2);
    if (below && own && below.value !== own.value)
      deviations.push({
        what: `scan:${key}`,
        message: `the setting differs from the shared one (${formatPosition(below.at)})`,
        at: own.at,
      });
    return (own ?? below)?.value;
  };
  const [rate, ratePerHost] = [nearest('rate'), nearest('ratePerHost')];
  return {
    ...(rate !== undefined && { rate }),
    ...(ratePerHost !== undefined && { ratePerHost }),
    exclude: said.reduce<ScanPolicy['exclude']>((all, { exclude }) => add(all, exclude) as ScanPolicy['exclude'], []),
    ...(said.some((scan) => scan.incomplete) && { incomplete: true }),
  };
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
