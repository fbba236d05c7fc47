import type { Anomaly } from '../model/anomaly.ts';
import { UserError } from '../model/errors.ts';
import type { Event } from '../model/event.ts';
import { BUCKET_SECONDS } from '../model/flow.ts';
import {
  REVIEW_DECISIONS,
  type ReviewDecision,
  type ReviewItem,
  type ReviewQueue,
  type ReviewSitting,
  reviewQueue,
} from '../model/log-review.ts';
import { DAY_MS, type Register } from '../model/register.ts';
import { REVIEW_NAMESPACE, signPayload } from '../register/signature.ts';
import { eventWords } from '../reports/event-text.ts';
import type { LogReviewStatus } from '../reports/log-review-status.ts';
import { takeRunLock } from '../store/run-lock.ts';
import type { Store } from '../store/store.ts';
import { canonicalJson, type Json } from '../util/canonical-json.ts';
import { sha256 } from '../util/sha256.ts';
import { utcTime } from '../util/words.ts';
import type { Context } from './context.ts';
import { loadRegister } from './load-register.ts';
import { readText } from './read-text.ts';
import { firstRecord, lastSitting, listSittings, logReviewState, reviewedTo } from './review-state.ts';
import { decideAll, MAX_WORKSHEET_BYTES, parseWorksheet, refuseChanges, worksheetText } from './review-worksheet.ts';
import { keyToSignWith, signerOf } from './signer.ts';
import { openStateToWrite, withStateToRead } from './state.ts';

/** Records of one sitting at most: whoever never reviewed reviews the past in parts. */
const MAX_RECORDS = 1_000_000;
const MAX_INCIDENTS = 10_000;
/** How late flows may come and still be reviewed. */
const LATE_MS = 7 * DAY_MS;
const SITTINGS_BEFORE = 50;

/** A sitting's queue, and the worksheet to fill in. */
export interface ReviewDraft {
  readonly queue: ReviewQueue;
  /** SHA-256 of the queue, hex; kept in the store under it. */
  readonly digest: string;
  readonly worksheet: string;
}

/**
 * Makes the queue of the next sitting: from the end of the last one (or the first record) to `until`, and keeps it. Throws
 * UserError where nothing was recorded, or the time is over already.
 */
export async function draftLogReview(context: Context, until: number = context.now()): Promise<ReviewDraft> {
  await using store = await openStateToWrite(context);
  const { register } = await loadRegister(context, store);
  const last = await lastSitting(store);
  const first = await firstRecord(store);
  if (first === null)
    throw new UserError('nothing was recorded yet, so there is nothing to review', {
      hint: 'Begin with: quietdoor scan local',
    });
  const from = last?.sitting.until ?? first.observedAt;
  if (until <= from)
    throw new UserError(`the records up to ${utcTime(from)} are reviewed already; ${utcTime(until)} is not after that`);
  if (until > context.now())
    throw new UserError(`${utcTime(until)} lies in the future; a sitting is about what happened`);
  const events = await recordsOf(store, await reviewedTo(store), until);
  const incidents = (await store.incidents.list(['open', 'acknowledged', 'snoozed', 'resolved'], MAX_INCIDENTS)).filter(
    (one) => one.lastSeen >= from && one.firstSeen < until,
  );
  const anomalies = await anomaliesOf(context, store, register, from, until);
  const followUps = last === null ? [] : await followUpsOf(store, last.event);
  const queue = reviewQueue({ from, until, events, incidents, anomalies, followUps, words: eventWords });
  const bytes = Buffer.from(canonicalJson(queue as unknown as Json));
  const digest = sha256(bytes);
  await store.keepDocument('review', digest, bytes);
  return { queue, digest, worksheet: worksheetText(queue, digest, register.name) };
}

/** A signed sitting, as it was written down. */
export interface SignedSitting extends ReviewSitting {
  readonly decisions: Readonly<Record<ReviewDecision, number>>;
  /** Record of the ledger. */
  readonly record: number;
  /** Signed with an SSH key too. */
  readonly isSigned: boolean;
  /** The checkpoint over it could not be signed; why. */
  readonly problem: string | null;
}

/**
 * Signs a sitting: every item is decided, the decisions are kept by their hash, and the record of them is put under a
 * signed checkpoint of the ledger. Throws UserError where an item is open, or another sitting was signed meanwhile.
 */
export async function signLogReview(
  context: Context,
  file: string,
  options: { readonly by: string | undefined; readonly sign: boolean; readonly key: string | undefined },
): Promise<SignedSitting> {
  const by = signerOf(context, options.by, 'the reviewer');
  const sheet = parseWorksheet(await readText(file, MAX_WORKSHEET_BYTES), file);
  const key = options.sign ? keyToSignWith(context, options.key) : undefined;
  let sitting: Omit<SignedSitting, 'problem'>;
  {
    // Of two who sign at once, one is told that the other did.
    const lock = takeRunLock(context.state, '@review');
    if (!lock)
      throw new UserError('another process is signing a sitting', {
        hint: 'Nothing was signed. See who did, then run this again: quietdoor review log --status',
      });
    using _held = { [Symbol.dispose]: () => lock.release() };
    await using store = await openStateToWrite(context);
    const queue = await keptQueue(store, sheet.queue, file);
    const last = await lastSitting(store);
    if (last && last.sitting.until > queue.from)
      throw new UserError(
        `${file} begins at ${utcTime(queue.from)}, and the records up to ${utcTime(last.sitting.until)} are reviewed already`,
        {
          hint: `${last.sitting.by} signed a sitting meanwhile. Make a new worksheet: quietdoor review log`,
        },
      );
    refuseChanges(queue.items, sheet.items, file);
    const items = decideAll(queue.items, sheet.items, file);
    const at = context.now();
    const outcome = {
      type: 'quietdoor-log-review',
      version: 1,
      by,
      at: new Date(at).toISOString(),
      queue: `sha256:${sheet.queue}`,
      items: items.map(({ id, decision, note }) => ({ id, decision, ...(note === null ? {} : { note }) })),
    };
    const payload = `${canonicalJson(outcome)}\n`;
    const signature = key === undefined ? null : await signPayload(payload, key, context.env, REVIEW_NAMESPACE);
    const bytes = Buffer.from(canonicalJson({ ...outcome, ...(signature === null ? {} : { signature }) }));
    const digest = sha256(bytes);
    await store.keepDocument('review', digest, bytes);
    const decisions = Object.fromEntries(
      REVIEW_DECISIONS.map((decision) => [decision, items.filter((item) => item.decision === decision).length]),
    ) as Record<ReviewDecision, number>;
    const body = {
      by,
      from: new Date(queue.from).toISOString(),
      until: new Date(queue.until).toISOString(),
      items: items.length,
      decisions,
      queue: `sha256:${sheet.queue}`,
      outcome: `sha256:${digest}`,
      signed: signature !== null,
      ...(queue.records === null ? {} : { firstRecord: queue.records.first, lastRecord: queue.records.last }),
    };
    const [event] = await store.appendEvents(
      [{ type: 'log.reviewed', observedAt: at, actor: context.actor, subject: 'ledger', body }],
      at,
    );
    sitting = {
      by,
      at,
      from: queue.from,
      until: queue.until,
      items: items.length,
      followUps: decisions['follow-up'],
      decisions,
      record: (event as Event).sequence,
      isSigned: signature !== null,
    };
  }
  return { ...sitting, problem: await putUnderCheckpoint(context) };
}

/** Signs the ledger over what was just written; a sentence where that does not work. */
async function putUnderCheckpoint(context: Context): Promise<string | null> {
  const { witnesses = [] } = (await loadRegister(context, null)).register;
  const { makeCheckpoint, openSequencer } = await import('./ledger-checkpoint.ts');
  try {
    await using sequencer = await openSequencer(context);
    const checkpoint = await makeCheckpoint(context, sequencer);
    const { tellWitnesses } = await import('./ledger-witness.ts');
    const answers = await tellWitnesses(context, witnesses, checkpoint);
    const [failed] = answers.filter((answer) => answer.failed !== null);
    return failed ? `the witness ${failed.where} could not be told: ${failed.failed}` : null;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.message;
  }
}

/**
 * Records after `covered`, up to the last that was written before a time. Their numbers decide, so that none falls between
 * two sittings where the clock was set back.
 */
async function recordsOf(store: Store, covered: number, until: number): Promise<readonly Event[]> {
  const found: Event[] = [];
  for (let before: number | undefined; ; ) {
    const page = await store.events({ limit: 10_000, ...(before === undefined ? {} : { beforeSequence: before }) });
    for (const event of page)
      if (event.sequence > covered && (found.length > 0 || event.recordedAt < until)) found.push(event);
    const oldest = page.at(-1);
    if (!oldest || oldest.sequence <= covered + 1) return found;
    if (found.length > MAX_RECORDS)
      throw new UserError(`there are more than ${MAX_RECORDS} records to review`, {
        hint: 'Review them in parts: name an earlier end with --until.',
      });
    before = oldest.sequence;
  }
}

/** Ids of the items of the sittings before. */
async function reviewedItems(store: Store): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (const event of await store.events({ types: ['log.reviewed'], limit: SITTINGS_BEFORE })) {
    const queue = await documentOf(store, event.body.queue);
    for (const { id } of (queue?.items ?? []) as readonly ReviewItem[]) ids.add(id);
  }
  return ids;
}

/**
 * Unusual traffic of the period (UTC milliseconds), and of a week before it that no sitting had: flows may be imported days
 * after what they tell of. None where no flows are kept.
 */
async function anomaliesOf(
  context: Context,
  store: Store,
  register: Register,
  from: number,
  until: number,
): Promise<readonly Anomaly[]> {
  if ((await store.flows.parts()).length === 0) return [];
  const [{ openFlowStore }, { loadAnomalies }, { loadHosts }, { hostOfAddress }] = await Promise.all([
    import('../store/flows.ts'),
    import('./flows-anomalies.ts'),
    import('./identities.ts'),
    import('./host-of-address.ts'),
  ]);
  const hostOf = hostOfAddress(await loadHosts(store, register, context.now()));
  await using flows = await openFlowStore(context.state, store, 'read');
  const bucket = (ms: number) => Math.floor(ms / 1_000 / BUCKET_SECONDS) * BUCKET_SECONDS;
  const time = { from: bucket(from - LATE_MS), until: bucket(until) + BUCKET_SECONDS };
  const { anomalies } = await loadAnomalies(flows, (address) => hostOf(address) ?? address, time);
  const reviewed = await reviewedItems(store);
  return anomalies.filter((one) => Date.parse(one.from) < until && !reviewed.has(`pattern:${one.id}`));
}

async function keptQueue(store: Store, digest: string, file: string): Promise<ReviewQueue> {
  const bytes = await store.document(digest);
  if (bytes === undefined)
    throw new UserError(
      `${file} was not made here: its queue sha256:${digest.slice(0, 16)}… is not kept in this store`,
      {
        hint: 'Sign it in the workspace and state it was made with, or make a new one: quietdoor review log',
      },
    );
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as ReviewQueue;
}

async function followUpsOf(store: Store, event: Event): Promise<readonly ReviewItem[]> {
  const [queue, outcome] = await Promise.all([
    documentOf(store, event.body.queue),
    documentOf(store, event.body.outcome),
  ]);
  const left = new Map(
    ((outcome?.items ?? []) as readonly { id: string; decision: string; note?: string }[])
      .filter((item) => item.decision === 'follow-up')
      .map((item) => [item.id, item.note]),
  );
  return ((queue?.items ?? []) as readonly ReviewItem[])
    .filter((item) => left.has(item.id))
    .map((item) => ({
      ...item,
      message: `${item.message.replace(/ \[to follow up: [^\]]*\]$/, '')} [to follow up: ${left.get(item.id)}]`,
    }));
}

async function documentOf(store: Store, reference: Json | undefined): Promise<{ readonly items?: unknown } | null> {
  if (typeof reference !== 'string' || !reference.startsWith('sha256:')) return null;
  const bytes = await store.document(reference.slice('sha256:'.length));
  return bytes === undefined ? null : JSON.parse(Buffer.from(bytes).toString('utf8'));
}

const SHOWN_SITTINGS = 100;

/** Sittings until now, and what the policy demands. Reads only. */
export async function logReviewStatus(context: Context): Promise<LogReviewStatus> {
  return withStateToRead(context, async (store) => {
    if (store === null) return { state: null, sittings: [] };
    const { register } = await loadRegister(context, store);
    const state = await logReviewState(store, register.policy.logReviewEveryDays);
    return { state: state ?? null, sittings: await listSittings(store, SHOWN_SITTINGS) };
  });
}
