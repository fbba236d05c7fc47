import type { Event, EventDraft } from '../model/event.ts';
import type { IdentityNotice } from '../model/facts.ts';
import type { Store } from '../store/store.ts';
import { canonicalJson } from '../util/canonical-json.ts';
import { sha256 } from '../util/sha256.ts';
import type { Context } from './context.ts';

/** Records of merges and splits that are read back at most. */
const MOST_RECORDS = 1_000_000;

type Merged = IdentityNotice & { readonly kind: 'merged' };

/**
 * Writes to the ledger which names are one host, where that differs from what it says: what approvals and findings were
 * about stays explainable when a host goes by another name one day. Does nothing where nothing changed.
 */
export async function keepIdentities(
  context: Context,
  store: Store,
  notices: readonly IdentityNotice[],
): Promise<void> {
  const merged = notices.filter((notice): notice is Merged => notice.kind === 'merged');
  const types = ['host.merged', 'host.split'] as const;
  const [newest] = await store.events({ types, limit: 1 });
  if (newest === undefined && merged.length === 0) return;
  const state = sha256(canonicalJson(merged.map(({ host, names }) => [host, [...names]])));
  if (newest?.body.state === state) return;
  const before = foldRecords(await store.events({ types, limit: MOST_RECORDS }));
  const now = context.now();
  const draft = (type: EventDraft['type'], subject: string, body: EventDraft['body']): EventDraft => ({
    ...{ type, observedAt: now, actor: context.actor, subject },
    body: { ...body, state },
  });
  const drafts: EventDraft[] = [];
  for (const { host, names, because } of merged) {
    const known = before.get(host) ?? [];
    const gone = known.filter((name) => !names.includes(name));
    if (gone.length > 0) drafts.push(draft('host.split', host, { gone, names }));
    if (names.some((name) => !known.includes(name))) drafts.push(draft('host.merged', host, { because, names }));
  }
  const present = new Set(merged.map(({ host }) => host));
  for (const [host, known] of before)
    if (!present.has(host) && known.length > 0) drafts.push(draft('host.split', host, { gone: known, names: [] }));
  if (drafts.length > 0) await store.appendEvents(drafts, now);
}

/** Further names of each host as the newest record of it says; `newestFirst` as the store gives them. */
function foldRecords(newestFirst: readonly Event[]): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, readonly string[]>();
  for (const { subject, body } of newestFirst) {
    if (names.has(subject)) continue;
    names.set(subject, Array.isArray(body.names) ? body.names.filter((name) => typeof name === 'string') : []);
  }
  return names;
}
