import * as z from 'zod';
import type { Advisory } from '../model/advisory.ts';
import type { CompareVersions } from '../model/versions/index.ts';
import { compareText } from '../util/compare.ts';

const severitySchema = z.object({ type: z.string(), score: z.string() });

/** What is taken of an OSV record (ossf.github.io/osv-schema, 1.7); the rest is left lying. */
export const osvRecordSchema = z.object({
  id: z.string().min(1).max(200),
  modified: z.string(),
  withdrawn: z.string().optional(),
  aliases: z.array(z.string()).nullish(),
  upstream: z.array(z.string()).nullish(),
  related: z.array(z.string()).nullish(),
  summary: z.string().nullish(),
  details: z.string().nullish(),
  severity: z.array(severitySchema).nullish(),
  affected: z
    .array(
      z.object({
        package: z.object({ ecosystem: z.string(), name: z.string() }).nullish(),
        severity: z.array(severitySchema).nullish(),
        ranges: z.array(z.object({ type: z.string(), events: z.array(z.record(z.string(), z.unknown())) })).nullish(),
        versions: z.array(z.string()).nullish(),
        ecosystem_specific: z.record(z.string(), z.unknown()).nullish(),
      }),
    )
    .nullish(),
  database_specific: z.record(z.string(), z.unknown()).nullish(),
});
export type OsvRecord = z.infer<typeof osvRecordSchema>;
type Affected = NonNullable<OsvRecord['affected']>[number];

/** A package as records may name it: by its source, and for rpm by its own name too. */
export interface WantedPackage {
  readonly ecosystem: string;
  readonly names: ReadonlyArray<{ readonly name: string; readonly version: string }>;
  readonly compare: CompareVersions;
}

const MAX_SUMMARY = 200;

/** The advisory that a record is for a package, or null where it does not concern that version. */
export function advisoryFor(record: OsvRecord, wanted: WantedPackage): Advisory | null {
  if (record.withdrawn !== undefined) return null;
  for (const { name, version } of wanted.names) {
    const named = (record.affected ?? []).filter((affected) => affected.package?.name === name);
    for (const affected of ofEcosystem(named, wanted.ecosystem, version)) {
      const hit = isAffected(affected, version, wanted.compare);
      if (!hit) continue;
      const severity = severityOf(record, affected);
      return {
        id: record.id,
        aliases: idsOf(record),
        summary: summaryOf(record),
        ...(hit.fixed !== undefined && { fixed: hit.fixed }),
        ...(severity !== undefined && { severity }),
      };
    }
  }
  return null;
}

/** Says whether records of an ecosystem are about packages of a host's: Red Hat adds the repository after `::`. */
export function isOfEcosystem(recorded: string, host: string): boolean {
  return recorded === host || (host.startsWith('Red Hat:') && recorded.startsWith(`${host}::`));
}

/** Versions built for Ubuntu Pro (`…+esm1`) are fixed where the `Pro` part says so, not where the free part does. */
function ofEcosystem(affected: readonly Affected[], host: string, version: string): readonly Affected[] {
  const here = (ecosystem: string) => affected.filter((a) => isOfEcosystem(a.package?.ecosystem ?? '', ecosystem));
  const pro = /[+~]esm\d/.test(version) ? here(host.replace(/^Ubuntu:/, 'Ubuntu:Pro:')) : [];
  return pro.length > 0 ? pro : here(host);
}

/** The evaluation of the OSV schema ("Evaluation"): named among `versions`, or within one of the ranges. */
function isAffected(affected: Affected, version: string, compare: CompareVersions): { fixed?: string } | null {
  for (const { type, events } of affected.ranges ?? []) {
    if (type !== 'ECOSYSTEM') continue;
    const hit = withinRange(events.flatMap(eventOf), version, compare);
    if (hit) return hit;
  }
  return affected.versions?.includes(version) ? {} : null;
}

interface RangeEvent {
  readonly kind: 'introduced' | 'fixed' | 'last_affected' | 'limit';
  readonly at: string;
}

function eventOf(event: Record<string, unknown>): RangeEvent[] {
  return (['introduced', 'fixed', 'last_affected', 'limit'] as const).flatMap((kind) => {
    const at = event[kind];
    return typeof at === 'string' ? [{ kind, at }] : [];
  });
}

function withinRange(
  events: readonly RangeEvent[],
  version: string,
  compare: CompareVersions,
): { fixed?: string } | null {
  // streams of a module have versions of their own
  if (events.some(({ kind, at }) => kind === 'fixed' && at !== '0' && isModular(at) !== isModular(version)))
    return null;
  const order = (a: string, b: string) => (a === b ? 0 : a === '0' ? -1 : b === '0' ? 1 : compare(a, b));
  const limits = events.filter(({ kind }) => kind === 'limit');
  if (limits.length > 0 && !limits.some(({ at }) => at === '*' || order(version, at) < 0)) return null;
  const sorted = events.toSorted((a, b) => order(a.at, b.at));
  let affected = false;
  for (const { kind, at } of sorted) {
    const reached = order(version, at);
    if (kind === 'introduced' && reached >= 0) affected = true;
    else if (kind === 'fixed' && reached >= 0) affected = false;
    else if (kind === 'last_affected' && reached > 0) affected = false;
  }
  if (!affected) return null;
  const fixed = sorted.find(({ kind, at }) => kind === 'fixed' && order(version, at) < 0)?.at;
  return fixed === undefined ? {} : { fixed };
}

function isModular(version: string): boolean {
  return version.includes('.module');
}

/** `CVE-2024-6387`, also within `DEBIAN-CVE-2024-6387` and its like. */
const CVE = /CVE-\d{4}-\d{4,}/;

/** CVE ids and other names of what the record is about, without its own id, sorted. */
function idsOf({ id, aliases, upstream, related }: OsvRecord): string[] {
  const named = [...(aliases ?? []), ...(upstream ?? []), ...(related ?? [])];
  const cves = [id, ...named].flatMap((text) => CVE.exec(text)?.[0] ?? []);
  const others = (aliases ?? []).filter((text) => !CVE.test(text));
  return [...new Set([...cves, ...others])].filter((text) => text !== id).sort(compareText);
}

function summaryOf({ summary, details }: OsvRecord): string {
  const text = (summary || details || '').trim().split('\n')[0] as string;
  return text.length > MAX_SUMMARY ? `${text.slice(0, MAX_SUMMARY - 1)}…` : text;
}

/**
 * The distribution's own judgement where it gives one (Debian's urgency, Ubuntu's priority, the word in an erratum's
 * title), else a CVSS vector.
 */
function severityOf(record: OsvRecord, affected: Affected): string | undefined {
  const urgency = affected.ecosystem_specific?.urgency;
  if (typeof urgency === 'string' && urgency !== 'not yet assigned') return urgency;
  const scores = [...(affected.severity ?? []), ...(record.severity ?? [])];
  const priority = scores.find(({ type }) => type === 'Ubuntu')?.score;
  if (priority !== undefined) return priority;
  const word = record.database_specific?.severity;
  if (typeof word === 'string') return word.toLowerCase();
  const rating = /^(Critical|Important|Moderate|Low):/.exec(record.summary ?? '')?.[1];
  if (rating !== undefined) return rating.toLowerCase();
  const best = ['CVSS_V3', 'CVSS_V4', 'CVSS_V2'].flatMap((kind) => scores.find(({ type }) => type === kind) ?? []);
  return best[0]?.score;
}
