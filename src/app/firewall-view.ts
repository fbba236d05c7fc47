import { networkInterfaces } from 'node:os';
import { collectLocalFirewall, isInOtherNamespace } from '../collectors/linux/firewall.ts';
import { formatAddress, parseAddress } from '../model/address.ts';
import type { RulesetDump } from '../model/admission.ts';
import { UserError } from '../model/errors.ts';
import type { Identities } from '../model/identity.ts';
import type { UnnamedObservation } from '../model/observation.ts';
import type { Register } from '../model/register.ts';
import type { HostState, ListenerState } from '../model/state.ts';
import { DEFAULT_POLICY } from '../register/extends.ts';
import { formatTime } from '../reports/time.ts';
import { asOf, bareContext, type Context, openContext, type PlaceFlags, thisHost } from './context.ts';
import { type HostRuleset, hostRulesets } from './firewall-facts-rulesets.ts';
import { type FirewallFiles, rulesetFromFiles } from './firewall-files.ts';
import { identitiesAt } from './identities.ts';
import { loadRegister } from './load-register.ts';
import type { EndpointQuery } from './parse-endpoint.ts';
import { withStateToRead } from './state.ts';

/** What is approved, observed and recorded of packet filters, as far as there is a workspace. */
export interface FirewallView {
  readonly context: Context;
  /** UTC milliseconds. */
  readonly now: number;
  /** Name that this machine goes by. */
  readonly here: string;
  /** Without a workspace: nothing is approved, and nothing is known of what is. */
  readonly hasWorkspace: boolean;
  readonly register: Register;
  readonly identities: Identities;
  readonly dumps: readonly RulesetDump[];
  /** We run in another network namespace than the machine: its filters are live, its listeners are not those recorded. */
  readonly isElsewhere: boolean;
}

/** Reads workspace and store; where there is no workspace and none was named, this machine can still be asked. */
export async function openFirewallView(flags: PlaceFlags): Promise<FirewallView> {
  const context = findContext(flags);
  const isElsewhere = isInOtherNamespace();
  if (context === null) {
    const bare = bareContext();
    const now = asOf(bare);
    const hosts: readonly HostState[] = [];
    const identities = identitiesAt(now, NO_REGISTER, { hosts });
    return {
      context: bare,
      now,
      here: thisHost(bare.env),
      hasWorkspace: false,
      register: NO_REGISTER,
      identities,
      dumps: [],
      isElsewhere,
    };
  }
  const now = asOf(context);
  return withStateToRead(context, async (store) => {
    const { register } = await loadRegister(context, store);
    const hosts = (await store?.hostStates()) ?? [];
    const listeners = (await store?.listenerStates()) ?? [];
    const assets = (await store?.lists('assets')) ?? [];
    const dumps = ((await store?.lists('rulesets')) ?? []).flatMap((list) => list.items);
    const all = identitiesAt(now, register, { hosts, listeners, assets });
    const here = all.nameOf(thisHost(context.env)) ?? thisHost(context.env);
    const identities = isElsewhere
      ? { ...all, listeners: all.listeners.filter((state) => state.listener.host !== here) }
      : all;
    return { context, now, here, hasWorkspace: true, register, identities, dumps, isElsewhere };
  });
}

function findContext(flags: PlaceFlags): Context | null {
  try {
    return openContext(flags);
  } catch (error) {
    if (flags.workspace === undefined && error instanceof UserError) return null;
    throw error;
  }
}

/**
 * The filters in front of a host: the files given, else what this machine says now if it is the host and we are root, else what
 * was recorded. Throws UserError where there is nothing.
 */
export async function rulesetOf(view: FirewallView, host: string, files: FirewallFiles): Promise<HostRuleset> {
  if (files.ruleset.length > 0 || files.ipJson.length > 0) {
    const ruleset = await rulesetFromFiles(files);
    const source = ruleset.files.map((file) => file.name).join(', ');
    return { host, takenAt: view.now, source, ruleset, problems: [], hasOwn: true, saved: null };
  }
  const live = host === view.here && process.geteuid?.() === 0 ? await takeLive(view, host) : [];
  const known = [...view.dumps, ...live].filter(
    (d) => d.host === null || (view.identities.nameOf(d.host) ?? d.host) === host,
  );
  for (const found of hostRulesets(known, onlyOf(view.identities, host))) if (found.host === host) return found;
  throw notKnown(view, host);
}

/** An address that nobody is recorded with, and that this machine has, means this machine. */
export function orThisMachine({ identities }: FirewallView, query: EndpointQuery): EndpointQuery {
  const address = query.host === undefined ? null : parseAddress(query.host);
  if (address === null) return query;
  const text = formatAddress(address);
  const isKnown =
    identities.hosts.some(({ host }) => host.addresses.includes(text)) ||
    identities.listeners.some(({ listener }) => listener.address === text);
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const isOwn = own.some((entry) => {
    const parsed = parseAddress(entry.address);
    return parsed !== null && formatAddress(parsed) === text;
  });
  return !isKnown && isOwn ? { ...query, host: undefined } : query;
}

/** What an answer rests on, for people. Files do not say when they were taken. */
export function basisOf({ host, takenAt, source }: HostRuleset, { ruleset }: FirewallFiles): string {
  if (ruleset.length > 0) return `by ${source}`;
  return `packet filters of ${host} as of ${formatTime(takenAt)} (${source})`;
}

async function takeLive({ now, isElsewhere }: FirewallView, host: string): Promise<readonly RulesetDump[]> {
  const dump = await collectLocalFirewall({ host, now: () => now });
  return [isElsewhere ? { ...dump, source: 'this network namespace' } : dump];
}

/** Other hosts need not be looked through for the filters of one. */
function onlyOf(identities: Identities, host: string): Identities {
  return {
    ...identities,
    hosts: identities.hosts.filter((state) => state.host.name === host),
    listeners: identities.listeners.filter((state) => state.listener.host === host),
  };
}

function notKnown(view: FirewallView, host: string): UserError {
  if (host === view.here)
    return new UserError(`no packet filters of ${host} are known, and only root may read those in force`, {
      hint: `Run this as root, record them with "sudo quietdoor scan", or give files with --ruleset.`,
    });
  return new UserError(`no packet filters of ${host} are known`, {
    hint: `Take them with "quietdoor scan ssh --sudo ${host}", bring files with "quietdoor firewall import --host ${host} FILE...", or give them with --ruleset.`,
  });
}

/** Listeners and host of an observation as the store would give them. */
export function statesOf(seen: UnnamedObservation): {
  hosts: readonly HostState[];
  listeners: readonly ListenerState[];
} {
  const { vantage, observedAt, host, privilege, collector, coverage, gaps } = seen;
  const at = { firstSeen: observedAt, openSince: observedAt, lastSeen: observedAt, closedAt: null };
  return {
    hosts: [
      {
        ...{ vantage, host, privilege, collector, coverage, gaps },
        ...{ firstObservedAt: observedAt, lastObservedAt: observedAt, observationId: '' },
      },
    ],
    listeners: seen.listeners.map((listener) => ({ vantage, listener, open: true, restarts: 0, ...at })),
  };
}

/** Without a workspace: nobody has said what is approved. */
const NO_REGISTER: Register = {
  name: 'no workspace',
  boundary: null,
  site: 'default',
  digest: '',
  owners: [],
  zones: [],
  hosts: [],
  policy: DEFAULT_POLICY,
  frameworks: [],
  entries: [],
  exceptions: [],
  problems: [],
  deviations: [],
};
