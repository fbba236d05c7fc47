import { lookOverSsh, type SshOptions } from '../collectors/ssh/look.ts';
import type { SshTarget } from '../collectors/ssh/targets.ts';
import type { RulesetDump } from '../model/admission.ts';
import type { Gap, HostFacts, UnnamedObservation } from '../model/observation.ts';
import type { HostState } from '../model/state.ts';
import { compareText } from '../util/compare.ts';
import type { Context } from './context.ts';
import { withStateToRead } from './state.ts';

/** What one look brought. */
interface Look {
  readonly target: SshTarget;
  readonly seen: UnnamedObservation;
  readonly firewall: RulesetDump | undefined;
}

export interface SshScanOptions extends SshOptions {
  /** Machines looked at at one time. */
  readonly parallel: number;
  /** Told of each machine when it is done. `seen`: it was looked at, if only in part. */
  readonly onHost?: (target: SshTarget, seen: boolean) => void;
  /** Told of the packet filters of a machine before its observation is yielded, under the name that it is recorded by. */
  readonly onFirewall?: (dump: RulesetDump) => void | Promise<void>;
}

const AGENTLESS = 'agentless';

/** What was recorded of hosts so far; empty where nothing was. */
export function knownHosts(context: Context): Promise<readonly HostState[]> {
  return withStateToRead(context, async (store) => (await store?.hostStates()) ?? []);
}

/**
 * Looks at machines over SSH, many at a time, and yields each when it is done. A machine that failed is yielded too: with
 * a gap and no coverage, so that it closes nothing, under the name that it was recorded by before, if it was. `known`:
 * hosts that were recorded, by which a machine that takes another's name is found out.
 */
export async function* scanSsh(
  targets: readonly SshTarget[],
  known: readonly HostState[],
  options: SshScanOptions,
): AsyncGenerator<UnnamedObservation, void, undefined> {
  const names = createNames(known);
  const waiting = [...targets].reverse();
  const running = new Map<SshTarget, Promise<Look>>();
  const ending = new AbortController();
  try {
    while (waiting.length > 0 || running.size > 0) {
      for (let target = startable(); target !== undefined; target = startable()) running.set(target, look(target));
      const { target, seen, firewall } = await Promise.race(running.values());
      running.delete(target);
      options.onHost?.(target, seen.coverage.length > 0);
      const named = names.name(target, seen);
      if (named === undefined) continue;
      const host = named.host.name;
      if (firewall) await options.onFirewall?.({ ...firewall, host, source: `ssh:${host}` });
      yield named;
    }
  } finally {
    ending.abort(); // whoever asked may want no more of it
  }

  async function look(target: SshTarget): Promise<Look> {
    let firewall: RulesetDump | undefined;
    const onFirewall = (dump: RulesetDump) => {
      firewall = dump;
    };
    const seen = await lookOverSsh(target, { ...options, onFirewall, signal: ending.signal });
    return { target, seen, firewall };
  }

  function startable(): SshTarget | undefined {
    return running.size < options.parallel ? waiting.pop() : undefined;
  }
}

interface Names {
  /** The observation under the name that it is to be recorded by; `undefined`: the machine was seen already. */
  readonly name: (target: SshTarget, seen: UnnamedObservation) => UnnamedObservation | undefined;
}

/**
 * A machine says its own name, and one that was broken into could say another's, to close what that one has open. So a
 * name that is known to belong to a machine of another machine-id, reached by another target, is not believed: such a
 * machine is called as it was asked for, and the gap says so.
 */
function createNames(known: readonly HostState[]): Names {
  const states = known.filter((state) => !state.vantage.startsWith('network:'));
  const reachedBy = (host: HostFacts, target: string) => host.name === target || host.names?.includes(target) === true;
  const before = new Map<string, HostFacts>();
  for (const { host, vantage } of states.toSorted((a, b) => a.lastObservedAt - b.lastObservedAt))
    if (vantage === AGENTLESS) for (const name of [host.name, ...(host.names ?? [])]) before.set(name, host);
  /** Machine-id and target by the name taken in this run. */
  const taken = new Map<string, { readonly machineId: string | undefined; readonly target: string }>();

  /** Who has the name already, if that is another machine. */
  const holderOf = (name: string, machineId: string | undefined, target: string): string | undefined => {
    const now = taken.get(name);
    if (now !== undefined) return now.machineId === machineId && machineId !== undefined ? undefined : now.target;
    const earlier = states.filter((state) => state.host.name === name);
    if (earlier.some(({ host, vantage }) => vantage === AGENTLESS && reachedBy(host, target))) return undefined;
    const other = earlier.find(({ host }) => host.machineId !== undefined && host.machineId !== machineId);
    return other && (other.host.names?.[0] ?? other.host.name);
  };

  return {
    name: (target, seen) => {
      const { host } = seen;
      const wasSeen = seen.coverage.length > 0;
      if (!wasSeen && host.machineId === undefined) {
        const facts = before.get(target.name);
        return facts === undefined ? seen : rename(seen, { ...facts, names: namesOf(facts, target.name) });
      }
      const holder = holderOf(host.name, host.machineId, target.name);
      if (holder === undefined) {
        // the same machine by two names is looked at twice and recorded once
        if (taken.has(host.name)) return undefined;
        taken.set(host.name, { machineId: host.machineId, target: target.name });
        return seen;
      }
      taken.set(target.name, { machineId: host.machineId, target: target.name });
      const gap = nameTaken(target.name, host.name, holder);
      const own = rename(seen, { ...host, name: target.name, names: [] });
      return { ...own, gaps: [...seen.gaps, gap].sort((a, b) => compareText(a.code, b.code)) };
    },
  };
}

function namesOf(facts: HostFacts, target: string): string[] {
  const names = new Set([...(facts.names ?? []), target]);
  names.delete(facts.name);
  return [...names].sort(compareText);
}

function rename(seen: UnnamedObservation, host: HostFacts): UnnamedObservation {
  const { names, ...rest } = host;
  return {
    ...seen,
    host: names === undefined || names.length === 0 ? rest : { ...rest, names },
    coverage: seen.coverage.map((c) => ({ ...c, host: host.name })),
    listeners: seen.listeners.map((l) => ({ ...l, host: host.name })),
  };
}

function nameTaken(target: string, claimed: string, holder: string): Gap {
  return {
    code: 'host-name-taken',
    subject: target,
    message: `${target} calls itself ${claimed}, which is another machine (machine-ids differ; it was reached as ${holder}), so it is recorded as ${target}.`,
    remedy: 'Give one of them its own name; if neither was renamed or copied, find out why it claims that name.',
  };
}
