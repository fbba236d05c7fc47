import { UserError } from '../model/errors.ts';
import type { Event } from '../model/event.ts';
import type { ReviewItem } from '../model/log-review.ts';
import { locate } from '../register/repository.ts';
import { REVIEW_NAMESPACE, verifySignature } from '../register/signature.ts';
import { findTrustRoot } from '../register/trust-root.ts';
import type { ShownSitting } from '../reports/log-review-sitting.ts';
import type { Store } from '../store/store.ts';
import { canonicalJson, type Json } from '../util/canonical-json.ts';
import { sha256 } from '../util/sha256.ts';
import type { Context } from './context.ts';
import { withStateToRead } from './state.ts';

/** One sitting as it was signed: every item, what was decided of it, and what can be said of its signature. */
export async function showSitting(context: Context, record: string): Promise<ShownSitting> {
  if (!/^[1-9]\d{0,14}$/.test(record))
    throw new UserError(`"${record}" is no number of a record`, { hint: 'See: quietdoor review log --status' });
  return withStateToRead(context, async (store) => {
    const event = store === null ? undefined : await sittingOf(store, Number(record));
    if (store === null || !event)
      throw new UserError(`record ${record} is no sitting of log review`, {
        hint: 'See: quietdoor review log --status',
      });
    const queue = (await keptDocument(store, event, 'queue')) as { items: readonly ReviewItem[] };
    const outcome = (await keptDocument(store, event, 'outcome')) as {
      readonly by: string;
      readonly items: readonly { readonly id: string; readonly decision: string; readonly note?: string }[];
      readonly signature?: string;
    };
    const said = new Map(queue.items.map((item) => [item.id, item]));
    return {
      record: event.sequence,
      by: outcome.by,
      actor: event.actor,
      at: event.observedAt,
      signature: await signatureOf(context, outcome as unknown as SignedOutcome),
      items: outcome.items.map(({ id, decision, note }) => ({
        ...{ id, decision, note: note ?? null },
        says: said.get(id)?.message ?? '',
        records: said.get(id)?.records ?? [],
      })),
    };
  });
}

type SignedOutcome = { readonly by: string; readonly signature?: string } & { readonly [field: string]: Json };

async function sittingOf(store: Store, sequence: number): Promise<Event | undefined> {
  const [event] = await store.events({ types: ['log.reviewed'], beforeSequence: sequence + 1, limit: 1 });
  return event?.sequence === sequence ? event : undefined;
}

/** A document that the record names. Throws UserError where it is gone, or is not what was signed. */
async function keptDocument(store: Store, { sequence, body }: Event, field: 'queue' | 'outcome'): Promise<unknown> {
  const digest = String(body[field]).replace(/^sha256:/, '');
  const bytes = await store.document(digest);
  if (bytes === undefined || sha256(bytes) !== digest)
    throw new UserError(
      `the ${field} of the sitting in record ${sequence} is ${bytes ? 'not what was signed' : 'not in the store'}`,
      {
        hint: 'Restore the store from a backup, and look at: quietdoor ledger verify',
      },
    );
  return JSON.parse(Buffer.from(bytes).toString('utf8'));
}

async function signatureOf(context: Context, outcome: SignedOutcome): Promise<ShownSitting['signature']> {
  const { signature, ...claim } = outcome;
  if (signature === undefined) return { kind: 'none' };
  const place = await locate(context.workspace, context.env);
  const trust = await findTrustRoot(
    place.kind === 'in-git'
      ? { repoDir: place.repoDir, noRepository: '', pathInRepo: place.folder, env: context.env }
      : { repoDir: null, noRepository: place.reason, pathInRepo: '', env: context.env },
  );
  const signers = trust.kind === 'found' ? trust.text : '';
  const verdict = await verifySignature(
    ...([`${canonicalJson(claim)}\n`, signature, outcome.by, signers, context.env, REVIEW_NAMESPACE] as const),
  );
  if (verdict.kind === 'good') return { kind: 'good', key: verdict.key };
  return {
    kind: verdict.kind,
    reason:
      trust.kind === 'none' && verdict.kind === 'untrusted' ? `${verdict.reason} (${trust.reason})` : verdict.reason,
  };
}
