import { createHash } from 'node:crypto';
import type { Finding } from '../../model/finding.ts';
import { batches, type Database, writeBatches } from '../database.ts';
import type { FindingSync, PastFinding } from '../store.ts';
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
  /** JSON of the finding without what is the same for a rule or changes from run to run. */
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

/**
 * Brings the history up to date with the findings that there are now. Inside a transaction. Where nothing changed since
 * the last time, only the time is written and the history is not even read.
 */
export async function writeFindings(db: Database, open: readonly Finding[], now: number): Promise<FindingSync> {
  const digest = digestOf(open);
  if ((await readMeta(db, 'findings.digest')) !== digest) {
    await writeChanges(db, open, now);
    await writeMeta(db, 'findings.digest', digest);
  }
  await writeMeta(db, 'findings.synced_at', String(now));
  return { resolved: await selectResolved(db, now) };
}

async function writeChanges(db: Database, open: readonly Finding[], now: number): Promise<void> {
  const known = new Map((await db.selectFrom('findings').selectAll().execute()).map((row) => [row.fingerprint, row]));
  const syncedAt = Number((await readMeta(db, 'findings.synced_at')) ?? 0);
  const seen = new Set<string>();
  const changed: FindingTable[] = [];
  for (const finding of open) {
    const { fingerprint, rule } = finding;
    if (seen.has(fingerprint)) continue;
    seen.add(fingerprint);
    const old = known.get(fingerprint);
    const text = lasting(finding);
    if (old && old.resolved_at === null && old.finding === text) continue;
    const first_seen = old?.first_seen ?? Math.min(finding.firstSeen, now);
    changed.push({ fingerprint, rule, first_seen, last_seen: now, resolved_at: null, finding: text });
  }
  for (const row of known.values()) {
    if (row.resolved_at !== null || seen.has(row.fingerprint)) continue;
    changed.push({ ...row, last_seen: Math.max(row.last_seen, syncedAt), resolved_at: now }); // keys in the same order
  }
  await writeBatches(db, 'upsert findings', changed, (batch) =>
    db
      .insertInto('findings')
      .values(batch)
      .onConflict((conflict) =>
        conflict.column('fingerprint').doUpdateSet((eb) => ({
          last_seen: eb.ref('excluded.last_seen'),
          resolved_at: eb.ref('excluded.resolved_at'),
          finding: eb.ref('excluded.finding'),
        })),
      ),
  );
}

async function selectResolved(db: Database, now: number): Promise<PastFinding[]> {
  const rows = await db
    .selectFrom('findings')
    .selectAll()
    .where('resolved_at', '>=', now - RESOLVED_MS)
    .orderBy('resolved_at', 'desc')
    .orderBy('fingerprint')
    .limit(RESOLVED_MAX)
    .execute();
  return rows.map((row) => ({
    ...(JSON.parse(row.finding) as PastFinding),
    firstSeen: row.first_seen,
    lastSeen: row.last_seen,
    status: 'resolved',
  }));
}

/** What of a finding is the same in every run while nothing happens. */
function lasting(finding: Finding): string {
  const without = { controls: undefined, firstSeen: undefined, lastSeen: undefined, inBaseline: undefined };
  return JSON.stringify({ ...finding, ...without });
}

function digestOf(findings: readonly Finding[]): string {
  const hash = createHash('sha256');
  for (const batch of batches(findings)) hash.update(`${batch.map(lasting).join('\n')}\n`);
  return hash.digest('hex');
}
