import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Check } from '../checks/check.ts';
import { checks } from '../checks/index.ts';
import { runEndpoint } from '../checks/run.ts';
import { buildFacts } from '../model/build-facts.ts';
import { isAtLeast, SEVERITIES, type Severity } from '../model/finding.ts';
import type { Listener } from '../model/listener.ts';
import { buildMatcher, type Matcher } from '../model/match.ts';
import type { UnnamedObservation } from '../model/observation.ts';
import type { ApprovalState, Register } from '../model/register.ts';
import type { RegisterStanding } from '../model/watch.ts';
import { judgeApprovals } from '../register/approval.ts';
import { directorySource } from '../register/source.ts';
import type { LoadedWorkspace } from '../register/workspace.ts';
import type { Store } from '../store/store.ts';
import type { Context } from './context.ts';
import { identitiesAt } from './identities.ts';
import { loadRegister, registerCache } from './load-register.ts';

/** Rules that judge a port by itself. Others need the whole estate: `check` runs them. */
const ENDPOINT_RULES: readonly Check[] = checks.filter((check) => check.endpoint !== undefined);

/** The register as it was read last, for a watch that asks it of every listener that opens. */
export interface WatchRegister {
  /** Reads the register again where its files changed; returns it where it did, else null. Never throws. */
  readonly refresh: () => Promise<Register | null>;
  readonly standing: (listener: Listener) => RegisterStanding;
  /** Null: it could not be read, and why. */
  readonly current: () => Register | null;
  readonly problem: () => string | null;
}

interface Loaded {
  readonly workspace: LoadedWorkspace;
  readonly approvals: ReadonlyMap<string, ApprovalState>;
  readonly matcher: Matcher;
  readonly known: Parameters<typeof buildMatcher>[1];
  readonly nameOf: (name: string) => string;
}

export function createWatchRegister(context: Context, store: Store, look: () => UnnamedObservation): WatchRegister {
  let loaded: Loaded | null = null;
  let problem: string | null = null;
  let state = '';

  const load = async (): Promise<Loaded> => {
    const now = context.now();
    const workspace = await loadRegister(context, store, true);
    const approvals = await judgeApprovals({
      ...{ workspace, dir: context.workspace, now, env: context.env },
      cache: registerCache(store, true),
    });
    const { register } = workspace;
    const [hosts, assets] = [await store.hostStates(), await store.lists('assets')];
    const { known, nameOf } = identitiesAt(now, register, { hosts, assets });
    return {
      ...{ workspace, approvals, known },
      matcher: buildMatcher(register.entries, known),
      nameOf: (name) => nameOf(name) ?? name,
    };
  };

  return {
    refresh: async () => {
      const now = await stateOf(context.workspace, loaded?.workspace);
      if (now === state) return null;
      state = now;
      try {
        loaded = await load();
        problem = null;
        state = await stateOf(context.workspace, loaded.workspace);
        return loaded.workspace.register;
      } catch (error) {
        loaded = null;
        problem = (error as Error).message;
        return null;
      }
    },
    standing: (listener) =>
      loaded === null
        ? { word: 'unknown', reasons: [`the register could not be read: ${problem}`] }
        : standingOf(loaded, listener, look(), context.now()),
    current: () => loaded?.workspace.register ?? null,
    problem: () => problem,
  };
}

/** Asks the rules of `check` about one listener, with the few entries that cover it. */
function standingOf(loaded: Loaded, seen: Listener, look: UnnamedObservation, now: number): RegisterStanding {
  const { workspace, approvals, matcher, known } = loaded;
  const host = loaded.nameOf(seen.host);
  const listener = host === seen.host ? seen : { ...seen, host };
  const { vantage, privilege, collector, coverage, gaps } = look;
  const entries = matcher.entriesFor(listener).map(({ entry }) => entry);
  const at = { firstSeen: now, openSince: now, lastSeen: now, closedAt: null };
  const facts = buildFacts({
    ...{ now, approvals, known },
    register: { ...workspace.register, entries },
    hosts: [
      {
        ...{ vantage, privilege, collector, coverage, gaps, observationId: '' },
        ...{ host: { ...look.host, name: host }, firstObservedAt: 0, lastObservedAt: now },
      },
    ],
    listeners: [{ vantage, listener, open: true, restarts: 0, ...at }],
  });
  const [endpoint] = facts.endpoints;
  if (endpoint === undefined) return { word: 'unknown', reasons: ['the listener was not compared'] };
  const { findings } = runEndpoint(endpoint, facts.estate, () => [], { firstSeen: () => undefined }, ENDPOINT_RULES);
  const decides = endpoint.entries[0];
  const deviations = findings.filter((f) => f.status === 'open' && isAtLeast(f.severity, 'low'));
  const reasons = deviations.map((finding) => finding.message);
  const severity = deviations.reduce<Severity | undefined>(
    (worst, f) => (worst && SEVERITIES.indexOf(worst) >= SEVERITIES.indexOf(f.severity) ? worst : f.severity),
    undefined,
  );
  if (decides === undefined) {
    const broken = endpoint.mayBeInBrokenPart;
    const more = broken ? ['a part of the register that could not be read may be about this port'] : [];
    return { word: broken ? 'unknown' : 'unregistered', reasons: [...more, ...reasons], ...(severity && { severity }) };
  }
  const { entry, approval, hostConfirmed } = decides;
  const named = { entry: entry.id, ...(entry.owner !== null && { owner: entry.owner }) };
  const proven = approval.kind === 'proven' && hostConfirmed;
  if (proven)
    return { word: deviations.length > 0 ? 'deviates' : 'approved', ...named, ...(severity && { severity }), reasons };
  // That an approval is missing is a finding of its own, and said by the word.
  const others = deviations.filter((f) => f.subject.kind === 'endpoint');
  const why = approval.kind === 'proven' ? 'not confirmed for this host' : approval.kind;
  return {
    word: others.length > 0 ? 'deviates' : 'unproven',
    ...named,
    ...(severity && { severity }),
    reasons: [...others.map((f) => f.message), `approval: ${why}`],
  };
}

/** Names, sizes and times of every file that the register was read from, and of the history that proves approvals. */
async function stateOf(dir: string, workspace: LoadedWorkspace | undefined): Promise<string> {
  const source = directorySource(dir);
  const own = await source.list().catch(() => []);
  const paths = new Set([...own, ...(workspace?.files.map((file) => file.path) ?? []), '.git/logs/HEAD', '.git/HEAD']);
  const parts = await Promise.all(
    [...paths].map(async (path) => {
      const facts = await stat(join(dir, path)).catch(() => null);
      return facts === null ? `${path} -` : `${path} ${facts.size} ${facts.mtimeMs} ${facts.ino}`;
    }),
  );
  return parts.sort().join('\n');
}
