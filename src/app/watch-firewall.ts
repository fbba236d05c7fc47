import { isInOtherNamespace } from '../collectors/linux/firewall.ts';
import { firewallDigest } from '../collectors/linux/firewall-digest.ts';
import { type AddressSet, isEmpty, toCidrs } from '../model/address-set.ts';
import { asSaid } from '../model/admission-compare.ts';
import { describeSources } from '../model/describe-sources.ts';
import { HOST_SCOPE } from '../model/endpoint.ts';
import type { Listener } from '../model/listener.ts';
import type { ReachChange, SourceList } from '../model/watch.ts';
import type { Store } from '../store/store.ts';
import type { Json } from '../util/canonical-json.ts';
import type { Context } from './context.ts';
import { LOCAL_FIREWALL, recordFirewall } from './firewall-record.ts';
import { takeLocalFirewall } from './firewall-saved.ts';

/** Asking takes at most one of so many parts of the time. */
const SHARE = 100;
const MIN_PAUSE_MS = 10_000;
/** Taken whole this often although nothing seems to have changed, so that checks know them to be of now. */
const REFRESH_MS = 600_000;
/** Changes in who can connect that are told and recorded; the rest is counted. */
const MOST_CHANGES = 50;
const MOST_CIDRS = 50;

/** A changed ruleset: what it says, and who can reach what that could not before. */
export interface FirewallChange {
  readonly summary: string;
  readonly reach: readonly ReachChange[];
  /** Further changes that are not listed. */
  readonly cut: number;
}

export interface FirewallWatch {
  /** Why the filters are not watched, a sentence; null: they are. */
  readonly unavailable: string | null;
  /** Looks, and records a change. Null: none. Throws where the store cannot be written. */
  readonly look: () => Promise<FirewallChange | null>;
  readonly pauseMs: () => number;
  /** What could not be read at the last look, a sentence each. */
  readonly problems: () => readonly string[];
}

export interface FirewallWatchOptions {
  readonly context: Pick<Context, 'now'>;
  readonly store: Store;
  readonly host: string;
  readonly elapsed: () => number;
  /** What listens now. */
  readonly listeners: () => readonly Listener[];
}

export function createFirewallWatch({ context, store, host, elapsed, listeners }: FirewallWatchOptions): FirewallWatch {
  const { now } = context;
  let digest: string | null = null;
  let takenAt = Number.NEGATIVE_INFINITY;
  let cost = 0;
  let problems: readonly string[] = [];

  return {
    unavailable: whyNot(),
    look: async () => {
      const started = elapsed();
      const current = await firewallDigest();
      cost = elapsed() - started;
      if (current !== null && current === digest && started - takenAt < REFRESH_MS) return null;
      const dump = await takeLocalFirewall({ host, now });
      let reached: { readonly reach: readonly ReachChange[]; readonly cut: number } = { reach: [], cut: 0 };
      const { accessBetween } = await import('./watch-firewall-access.ts');
      const event = await recordFirewall(store, LOCAL_FIREWALL, [dump], {
        actor: 'collector:local',
        now,
        describe: (before, after) => {
          reached = reachOf(accessBetween(before, after), listeners());
          const access = reached.reach as unknown as Json;
          return { access, ...(reached.cut > 0 && { cut: reached.cut }) };
        },
      });
      problems = dump.problems;
      digest = current;
      takenAt = started;
      if (event?.type !== 'firewall.changed') return null;
      return { summary: String(event.body.summary), ...reached };
    },
    pauseMs: () => Math.max(MIN_PAUSE_MS, SHARE * cost),
    problems: () => problems,
  };
}

function whyNot(): string | null {
  if (process.platform !== 'linux') return `the packet filters of ${process.platform} are not read`;
  if (process.geteuid?.() !== 0) return 'packet filters can only be read as root';
  if (isInOtherNamespace()) return "this runs in another network namespace than the machine's own";
  return null;
}

function reachOf(
  changes: ReturnType<typeof import('./watch-firewall-access.ts').accessBetween>,
  listeners: readonly Listener[],
): { readonly reach: readonly ReachChange[]; readonly cut: number } {
  const told = changes.map(({ transport, ports, gained, lost, undecided }): ReachChange => {
    const open = listeners.filter(
      (l) => l.scope === HOST_SCOPE && l.transport === transport && l.bind !== 'loopback' && l.role === 'service',
    );
    const within = open.map((l) => l.port).filter((port) => ports.from <= port && port <= ports.to);
    return {
      transport,
      ports: ports.from === ports.to ? String(ports.from) : `${ports.from}-${ports.to}`,
      ...(!isEmpty(gained) && { gained: sourceList(gained) }),
      ...(!isEmpty(lost) && { lost: sourceList(lost) }),
      ...(!isEmpty(undecided) && { undecided: sourceList(undecided) }),
      listening: [...new Set(within)].sort((a, b) => a - b),
    };
  });
  // What something listens on comes first: that is what somebody can reach now.
  const sorted = told.toSorted((a, b) => Number(b.listening.length > 0) - Number(a.listening.length > 0));
  return { reach: sorted.slice(0, MOST_CHANGES), cut: Math.max(0, sorted.length - MOST_CHANGES) };
}

function sourceList(set: AddressSet): SourceList {
  const cidrs = toCidrs(set);
  return {
    words: describeSources(asSaid(set)),
    cidrs: cidrs.slice(0, MOST_CIDRS),
    more: Math.max(0, cidrs.length - MOST_CIDRS),
  };
}
