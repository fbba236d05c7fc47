import type { PortBaseline } from './baseline.ts';
import type { FirstVisit } from './rules/sweep.ts';
import type { PortSignal } from './signal.ts';
import type { GrowingSourceTable } from './source-table.ts';

/** What was found on a whole day: it does not change any more while the flows up to then do not. */
export interface FoundDay {
  readonly signals: readonly PortSignal[];
  readonly firstVisits: readonly FirstVisit[];
}

/** What was learned for a day: enough to judge the newest bucket without a look at the weeks before. */
export interface LearnedDay {
  /** By keyOf of the port. */
  readonly baselines: ReadonlyMap<string, PortBaseline>;
  /** Ports active in each bucket of the weeks before. */
  readonly active: readonly number[];
}

/** A found day as text; sources are written as addresses. */
export function foundText(day: FoundDay, table: GrowingSourceTable): string {
  const named = (source: number) => (source < 0 ? '' : table.address(source));
  const signals = day.signals.map((s) => ({
    ...s,
    source: named(s.source),
    traces: s.traces.map((t) => ({ ...t, source: named(t.source) })),
  }));
  return JSON.stringify({ signals, firstVisits: day.firstVisits.map((v) => ({ ...v, source: named(v.source) })) });
}

interface Named {
  readonly source: string;
}

export function foundOf(text: string, table: GrowingSourceTable): FoundDay {
  const day = JSON.parse(text) as {
    readonly signals: (Omit<PortSignal, 'source' | 'traces'> & Named & { readonly traces: Named[] })[];
    readonly firstVisits: Named[];
  };
  const numbered = <T extends Named>(one: T) => ({
    ...one,
    source: one.source === '' ? -1 : table.ofAddress(one.source),
  });
  return {
    signals: day.signals.map((s) => ({ ...numbered(s), traces: s.traces.map(numbered) })) as unknown as PortSignal[],
    firstVisits: day.firstVisits.map(numbered) as unknown as FirstVisit[],
  };
}

/** Marks of what JSON does not have. */
const ARRAY = 'f64';

/** A learned day as text. Networks are left out: they follow from the sources. */
export function learnedText(day: LearnedDay, table: GrowingSourceTable): string {
  const addresses = new Map<number, number>();
  const indexOf = (source: number) => {
    const known = addresses.get(source);
    if (known !== undefined) return known;
    addresses.set(source, addresses.size);
    return addresses.size - 1;
  };
  const baselines = [...day.baselines].map(([key, b]) => [
    key,
    {
      ...b,
      ...{ knownNetworks: [], scales: b.scales.map((s) => ({ ...s, allMeans: new Float64Array() })) },
      ...{ knownSources: [...b.knownSources].map(indexOf), refusedSources: [...b.refusedSources].map(indexOf) },
    },
  ]);
  const body = JSON.stringify(baselines, (_, value: unknown) =>
    value instanceof Float64Array ? { [ARRAY]: [...value] } : value,
  );
  const named = [...addresses.keys()].map((source) => table.address(source));
  return JSON.stringify({ active: day.active, addresses: named, baselines: body });
}

export function learnedOf(text: string, table: GrowingSourceTable): LearnedDay {
  const day = JSON.parse(text) as Pick<LearnedDay, 'active'> & {
    readonly addresses: readonly string[];
    readonly baselines: string;
  };
  const sources = day.addresses.map((address) => table.ofAddress(address));
  const pairs = JSON.parse(day.baselines, (_, value: unknown) => {
    const array = (value as { [ARRAY]?: (number | null)[] } | null)?.[ARRAY];
    return array ? Float64Array.from(array, (v) => v ?? Number.NaN) : value; // JSON writes NaN as null
  }) as [string, PortBaseline & { readonly knownSources: number[]; readonly refusedSources: number[] }][];
  const baselines = pairs.map(([key, b]): [string, PortBaseline] => {
    const knownSources = new Set((b.knownSources as unknown as number[]).map((i) => sources[i] as number));
    const refusedSources = new Set((b.refusedSources as unknown as number[]).map((i) => sources[i] as number));
    const knownNetworks = new Set([...knownSources].map((source) => table.network(source)));
    return [key, { ...b, knownSources, refusedSources, knownNetworks }];
  });
  return { active: day.active, baselines: new Map(baselines) };
}
