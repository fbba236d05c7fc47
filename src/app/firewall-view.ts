import { collectLocalFirewall } from '../collectors/linux/firewall.ts';
import type { RulesetDump } from '../model/admission.ts';
import { UserError } from '../model/errors.ts';
import type { Identities } from '../model/identity.ts';
import type { UnnamedObservation } from '../model/observation.ts';
import type { Register } from '../model/register.ts';
import type { HostState, ListenerState } from '../model/state.ts';
import { DEFAULT_POLICY } from '../register/extends.ts';
import { asOf, bareContext, type Context, openContext, type PlaceFlags, thisHost } from './context.ts';
import { type HostRuleset, hostRulesets } from './firewall-facts-rulesets.ts';
import { type FirewallFiles, rulesetFromFiles } from './firewall-files.ts';
import { identitiesAt } from './identities.ts';
import { loadRegister } from './load-register.ts';
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
}

/** Reads workspace and store; where there is no workspace and none was named, this machine can still be asked. */
export async function openFirewallView(flags: PlaceFlags): Promise<FirewallView> {
  const context = findContext(flags);
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
    };
  }
  const now = asOf(context);
  return withStateToRead(context, async (store) => {
    const { register } = await loadRegister(context, store);
    const hosts = (await store?.hostStates()) ?? [];
    const listeners = (await store?.listenerStates()) ?? [];
    const assets = (await store?.lists('assets')) ?? [];
    const dumps = ((await store?.lists('rulesets')) ?? []).flatMap((list) => list.items);
    const identities = identitiesAt(now, register, { hosts, listeners, assets });
    const own = thisHost(context.env);
    return { context, now, here: identities.nameOf(own) ?? own, hasWorkspace: true, register, identities, dumps };
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

async function takeLive({ now }: FirewallView, host: string): Promise<readonly RulesetDump[]> {
  return [await collectLocalFirewall({ host, now: () => now })];
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
