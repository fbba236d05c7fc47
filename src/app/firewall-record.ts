import type { RulesetDump } from '../model/admission.ts';
import type { Event, EventDraft } from '../model/event.ts';
import type { ListEvent, RulesetList, Store } from '../store/store.ts';
import type { Context } from './context.ts';
import { changeOf, isDerived, type RuleLines, ruleLines, withoutCounters } from './firewall-rule-lines.ts';
import { openStateToWrite } from './state.ts';

/** Who records, for the ledger. */
export interface FirewallRecorder {
  readonly actor: string;
  /** UTC milliseconds. */
  readonly now: () => number;
  /** What the event is to say besides, of the filters before and now. */
  readonly describe?: (before: readonly RulesetDump[], after: readonly RulesetDump[]) => EventDraft['body'];
}

/** Source of what this machine's own scan takes. */
export const LOCAL_FIREWALL = 'local';

/** Texts that differ in counters alone are written down this often: one for each look would be many that say the same. */
const REFRESH_MS = 86_400_000;

/**
 * Keeps what was taken of packet filters in the place of what the source gave before. An event is written at the first time,
 * and when the rules mean something else. A dump that holds nothing (not root) replaces nothing. Returns the event.
 */
export async function recordFirewall(
  store: Store,
  source: string,
  dumps: readonly RulesetDump[],
  { actor, now, describe }: FirewallRecorder,
): Promise<Event | null> {
  if (dumps.every((dump) => dump.files.length === 0)) return null;
  const importedAt = now();
  const list: RulesetList = { source, importedAt, textsFrom: importedAt, items: dumps };
  const before = (await store.lists('rulesets')).find((known) => known.source === source);
  const subject = subjectOf(list);
  const draft = { observedAt: importedAt, actor, subject };
  if (before === undefined) {
    const rules = dumps.reduce((sum, dump) => sum + ruleLines(dump).rules, 0);
    return store.putList('rulesets', list, { type: 'firewall.recorded', ...draft, body: { rules } });
  }
  if (plainText(before.items) === plainText(dumps) && importedAt - before.textsFrom < REFRESH_MS) {
    // what says the same is not written again, but that it still does: `importedAt`
    await store.putList('rulesets', { ...before, importedAt }, null);
    return null;
  }
  const { summary, added, removed } = changeOf(linesOf(before.items), linesOf(dumps));
  const isPart = dumps.some((dump) => dump.problems.length > 0);
  const body = { summary: `${summary}${isPart ? '; not everything could be read' : ''}`, added, removed };
  const more = summary === null ? undefined : describe?.(before.items, dumps);
  const event: ListEvent | null =
    summary === null ? null : { type: 'firewall.changed', ...draft, body: { ...body, ...more } };
  return store.putList('rulesets', list, event);
}

/** The host that it is all of, else the source. */
function subjectOf({ source, items }: Pick<RulesetList, 'source' | 'items'>): string {
  const [host, ...others] = new Set(items.map((dump) => dump.host));
  return others.length === 0 ? (host ?? source) : source;
}

/** Everything that was taken, without what changes by itself. */
function plainText(dumps: readonly RulesetDump[]): string {
  return JSON.stringify(
    dumps.map(({ host, files, problems, saved }) => ({
      ...{ host, problems, saved },
      files: files
        .filter((file) => !isDerived(file.name))
        .map(({ name, text }) => ({ name, text: withoutCounters(text) })),
    })),
  );
}

/** Several dumps of one source (files of a cloud) are compared together. */
function linesOf(dumps: readonly RulesetDump[]): RuleLines {
  return ruleLines({ files: dumps.flatMap((dump) => dump.files) });
}

/** Forgets what a source gave. Returns null where it gave nothing. */
export async function dropFirewall(
  store: Store,
  source: string,
  { actor, now }: FirewallRecorder,
): Promise<Event | null> {
  const list = (await store.lists('rulesets')).find((known) => known.source === source);
  const subject = (list && subjectOf(list)) ?? source;
  return store.dropList('rulesets', source, { type: 'firewall.changed', observedAt: now(), actor, subject });
}

/** Records packet filters of many hosts, one after the other, beside whatever else is written. Opens the store at the first. */
export interface FirewallKeeper extends AsyncDisposable {
  keep(dump: RulesetDump): Promise<void>;
  /** Hosts of which the filters could not be seen, or only in part. */
  readonly notSeen: () => number;
}

export function createFirewallKeeper(context: Context, actor: string): FirewallKeeper {
  let store: Store | undefined;
  let notSeen = 0;
  return {
    keep: async (dump) => {
      if (dump.problems.length > 0) notSeen++;
      if (dump.files.length === 0) return;
      store ??= await openStateToWrite(context);
      await recordFirewall(store, dump.source, [dump], { actor, now: context.now });
    },
    notSeen: () => notSeen,
    [Symbol.asyncDispose]: async () => {
      await store?.close();
    },
  };
}
