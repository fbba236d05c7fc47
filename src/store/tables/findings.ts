import type { Finding } from '../../model/finding.ts';
import { batches, type Database } from '../database.ts';
import type { FindingSync } from '../store.ts';
import { readMeta, writeMeta } from './meta.ts';

/** A finding ever seen. */
export interface FindingTable {
  fingerprint: string;
  rule: string;
  first_seen: number;
  /** The last sync that had it; kept up to date only once it is resolved. */
  last_seen: number;
  /** null while it is there. */
  resolved_at: number | null;
  /** JSON of the Finding without what changes from run to run. */
  finding: string;
}

/** How long, and how many, resolved findings are handed out again. */
const RESOLVED_MS = 7 * 86_400_000;
const RESOLVED_MAX = 1_000;

/** First date of every finding ever seen, by fingerprint. */
export async function selectFirstSeen(db: Database): Promise<Map<string, number>> {
  const rows = await db.selectFrom('findings').select(['fingerprint', 'first_seen']).execute();
  return new Map(rows.map((row) => [row.fingerprint, row.first_seen]));
}

/** Brings the history up to date with the findings that there are now. Inside a transaction. */
export async function writeFindings(db: Database, open: readonly Finding[], now: number): Promise<FindingSync> {
  const known = new Map((await db.selectFrom('findings').selectAll().execute()).map((row) => [row.fingerprint, row]));
  const syncedAt = Number((await readMeta(db, 'findings.synced_at')) ?? 0);
  const firstSeen = new Map<string, number>();
  const changed: FindingTable[] = [];
  for (const finding of open) {
    const { fingerprint, rule } = finding;
    if (firstSeen.has(fingerprint)) continue;
    const old = known.get(fingerprint);
    const since = old?.first_seen ?? Math.min(finding.firstSeen, now);
    firstSeen.set(fingerprint, since);
    const text = lasting(finding);
    if (old && old.resolved_at === null && old.finding === text) continue;
    changed.push({ fingerprint, rule, first_seen: since, last_seen: now, resolved_at: null, finding: text });
  }
  for (const row of known.values()) {
    if (row.resolved_at !== null || firstSeen.has(row.fingerprint)) continue;
    changed.push({ ...row, last_seen: Math.max(row.last_seen, syncedAt), resolved_at: now });
  }
  for (const batch of batches(changed)) {
    await db
      .insertInto('findings')
      .values(batch)
      .onConflict((conflict) =>
        conflict.column('fingerprint').doUpdateSet((eb) => ({
          last_seen: eb.ref('excluded.last_seen'),
          resolved_at: eb.ref('excluded.resolved_at'),
          finding: eb.ref('excluded.finding'),
        })),
      )
      .execute();
  }
  await writeMeta(db, 'findings.synced_at', String(now));
  return { firstSeen, resolved: await selectResolved(db, now) };
}

async function selectResolved(db: Database, now: number): Promise<Finding[]> {
  const rows = await db
    .selectFrom('findings')
    .selectAll()
    .where('resolved_at', '>=', now - RESOLVED_MS)
    .orderBy('resolved_at', 'desc')
    .orderBy('fingerprint')
    .limit(RESOLVED_MAX)
    .execute();
  return rows.map((row) => ({
    ...(JSON.parse(row.finding) as Finding),
    firstSeen: row.first_seen,
    lastSeen: row.last_seen,
    status: 'resolved',
  }));
}

/** What of a finding is the same in every run while nothing happens. */
function lasting(finding: Finding): string {
  const { firstSeen: _first, lastSeen: _last, inBaseline: _baseline, ...rest } = finding;
  return JSON.stringify(rest);
}
