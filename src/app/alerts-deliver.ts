import { type AlertMessage, DeliveryError } from '../alerts/channel.ts';
import { UserError } from '../model/errors.ts';
import type { EventDraft } from '../model/event.ts';
import type { AlertDelivery, Settlement } from '../store/incident-store.ts';
import type { Store } from '../store/store.ts';
import { getOrMake } from '../util/get-or-make.ts';
import type { ReadChannels, UsableChannel } from './alerts-channels.ts';
import { readSecret } from './alerts-secrets.ts';
import { type Context, thisHost } from './context.ts';

/** What became of the messages that were due. */
export interface DeliverResult {
  sent: number;
  /** Failed, and will be tried again. */
  failed: number;
  /** Given up. */
  dead: number;
  /** A sentence per channel that failed. */
  readonly errors: Map<string, string>;
}

export interface DeliverOptions {
  readonly channels: ReadChannels;
  /** Names of the channels that quietdoor.yaml has, usable or not. */
  readonly named: ReadonlySet<string>;
  /** 0 to 1: spreads the attempts of many machines. */
  readonly random: () => number;
  /** How long one attempt may take, milliseconds. */
  readonly attemptMs?: number;
}

const ATTEMPT_MS = 10_000;
/** The first wait between attempts, doubled each time up to the longest. */
const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 3_600_000;
const MOST_ATTEMPTS = 12;
const OLDEST_MS = 24 * 3_600_000;
/** A channel that fails so often in a row is left alone until the next run: one that hangs costs 10 s each time. */
const FAILURES_IN_ROW = 2;
/** Messages of one run; the rest is sent by the next. */
const MOST = 1_000;

/**
 * Sends what is due, every channel by itself, so that one that hangs keeps no other waiting. A message is marked after it was
 * taken: one that is sent and not marked (a crash) is sent again, with the same id.
 */
export async function deliverDue(context: Context, store: Store, options: DeliverOptions): Promise<DeliverResult> {
  const result: DeliverResult = { sent: 0, failed: 0, dead: 0, errors: new Map() };
  const byChannel = new Map<string, AlertDelivery[]>();
  for (const delivery of await store.incidents.deliveries('waiting', MOST, context.now()))
    getOrMake(byChannel, delivery.channel, () => []).push(delivery);
  await Promise.all(
    [...byChannel].map(async ([name, deliveries]) => {
      let failures = 0;
      for (const delivery of deliveries) {
        const outcome = await attempt(context, store, delivery, options);
        if (outcome.state === 'sent') result.sent++;
        else if (outcome.state === 'dead') result.dead++;
        else result.failed++;
        if (outcome.error !== null) result.errors.set(name, outcome.error);
        failures = outcome.state === 'waiting' ? failures + 1 : 0;
        if (failures === FAILURES_IN_ROW) break;
      }
    }),
  );
  return result;
}

async function attempt(
  context: Context,
  store: Store,
  delivery: AlertDelivery,
  options: DeliverOptions,
): Promise<Settlement> {
  const { id, channel: name } = delivery;
  const channel = options.channels.usable.get(name);
  let failure: { readonly error: string; readonly retry: boolean } | null = null;
  if (channel) failure = await send(context, channel, JSON.parse(delivery.message) as AlertMessage, options.attemptMs);
  else if (options.named.has(name)) failure = { error: 'its settings in quietdoor.yaml are wrong', retry: true };
  else failure = { error: 'quietdoor.yaml has no such channel any more', retry: false };
  const now = context.now();
  const attempts = delivery.attempts + 1;
  if (failure === null) {
    const sent: Settlement = { id, state: 'sent', attempts, nextAttempt: now, settledAt: now, error: null };
    await store.incidents.settle(sent, null, now);
    return sent;
  }
  const { error } = failure;
  const isOver = !failure.retry || attempts >= MOST_ATTEMPTS || now - delivery.createdAt >= OLDEST_MS;
  if (!isOver) {
    const wait = Math.min(FIRST_WAIT_MS * 2 ** (attempts - 1), LONGEST_WAIT_MS) * (0.5 + options.random());
    const waiting: Settlement = {
      ...{ id, state: 'waiting', attempts, nextAttempt: now + Math.round(wait), settledAt: null, error },
    };
    await store.incidents.settle(waiting, null, now);
    return waiting;
  }
  const event: EventDraft = {
    ...{ type: 'alert.undelivered', observedAt: now, actor: context.actor, subject: name },
    body: { attempts, because: error, channel: name, incidents: delivery.incidents.slice(0, 100), message: id },
  };
  const dead: Settlement = { id, state: 'dead', attempts, nextAttempt: now, settledAt: now, error };
  // Of its own failure a channel cannot tell; and one that fails to tell of another's would go on for ever.
  await store.incidents.settle(dead, event, now);
  return dead;
}

/** Sends one message; null: it was taken. Never throws but for a fault of the program. */
export async function send(
  context: Context,
  { kind, settings }: UsableChannel,
  message: AlertMessage,
  attemptMs = ATTEMPT_MS,
): Promise<{ readonly error: string; readonly retry: boolean } | null> {
  const limit = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const seconds = attemptMs / 1000;
  const timer = setTimeout(() => {
    limit.abort();
    reject(new DeliveryError(`no answer within ${seconds} s`, true));
  }, attemptMs);
  try {
    const { signal } = limit;
    const delivery = {
      ...{ signal, host: thisHost(context.env), folder: context.workspace },
      secret: (reference: string) => readSecret(context, reference),
    };
    const sending = kind.send(message, settings, delivery);
    // One that ignores the signal ends by itself, unheard.
    sending.catch(() => {});
    await Promise.race([sending, late]);
    return null;
  } catch (error) {
    if (error instanceof DeliveryError) return { error: error.message, retry: error.retry };
    if (error instanceof UserError) return { error: error.message, retry: true };
    return { error: `the channel failed: ${(error as Error).message}`.slice(0, 400), retry: true };
  } finally {
    clearTimeout(timer);
  }
}
