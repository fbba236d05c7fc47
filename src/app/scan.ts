import { randomBytes } from 'node:crypto';
import { collectors } from '../collectors/index.ts';
import type { CandidateMemory } from '../collectors/linux/candidates.ts';
import { isInOtherNamespace } from '../collectors/linux/firewall.ts';
import { notTaken } from '../collectors/linux/firewall-dump.ts';
import type { RulesetDump } from '../model/admission.ts';
import { UserError } from '../model/errors.ts';
import type { Event } from '../model/event.ts';
import type { Observation } from '../model/observation.ts';
import { uuidv7 } from '../util/uuid.ts';
import { type Context, thisHost } from './context.ts';
import { LOCAL_FIREWALL, recordFirewall } from './firewall-record.ts';
import { takeLocalFirewall } from './firewall-saved.ts';
import { openStateToWrite } from './state.ts';

export interface ScanOptions {
  /** Name of the collector: `local` looks at this machine. */
  readonly collector: string;
  /** Hash the binaries behind the listeners. */
  readonly hashes: boolean;
  /** Root of the file system to read: `/`, or a captured tree. */
  readonly root: string;
  /** What package managers offered when they were last looked at; extended by the scan. Absent: not looked at. */
  readonly candidates?: CandidateMemory;
}

export interface ScanResult {
  readonly observation: Observation;
  /** What changed since the last look. */
  readonly events: readonly Event[];
  /** What could not be seen of the packet filters, a sentence each. */
  readonly firewallProblems: readonly string[];
}

/** Looks, without recording. Throws UserError where there is no such collector. */
export async function observe(
  { collector: name, hashes, root, candidates }: ScanOptions,
  env: NodeJS.ProcessEnv,
  now: () => number,
): Promise<Observation> {
  const collector = collectors.find((c) => c.name === name);
  if (!collector) {
    throw new UserError(`cannot scan "${name}"`, {
      hint: `What can be scanned: ${collectors.map((c) => c.name).join(', ')}`,
    });
  }
  // A captured tree names its own host.
  const hostName = root === '/' ? { hostName: thisHost(env) } : {};
  const seen = await collector.collect({
    ...{ ...hostName, hashes, root, now },
    ...(candidates && { candidates }),
  });
  return { id: uuidv7(seen.observedAt, randomBytes(10)), ...seen };
}

/** Where the store remembers what package managers offered. */
export const PACKAGE_CANDIDATES = 'package-candidates-1';

/** Looks, and records what was seen. Throws UserError where it cannot be written down. */
export async function scan(context: Context, options: ScanOptions): Promise<ScanResult> {
  // The store first: a scan that could not be recorded is said before the work, not after it.
  await using store = await openStateToWrite(context);
  const known = (await store.cacheGet(PACKAGE_CANDIDATES)) ?? '{}';
  const candidates: CandidateMemory = JSON.parse(known);
  // Programs that print the packet filters run meanwhile.
  const filters = isLocal(options) ? takeFirewall(context) : null;
  const observation = await observe({ ...options, candidates }, context.env, context.now);
  const events = await store.recordObservation(observation, context.now());
  const dump = await filters;
  if (dump)
    await recordFirewall(store, LOCAL_FIREWALL, [{ ...dump, host: observation.host.name }], {
      actor: 'collector:local',
      now: context.now,
    });
  const learned = JSON.stringify(candidates);
  if (learned !== known) await store.cachePut(PACKAGE_CANDIDATES, learned);
  return { observation, events, firewallProblems: dump?.problems ?? [] };
}

/** Of another network namespace they would pass for those in front of the machine's own sockets. */
async function takeFirewall({ env, now }: Context): Promise<RulesetDump> {
  const origin = { host: thisHost(env), source: LOCAL_FIREWALL, takenAt: now() };
  if (isInOtherNamespace())
    return notTaken(origin, "not recorded, as this runs in another network namespace than the machine's own");
  return takeLocalFirewall({ host: origin.host, now });
}

function isLocal({ collector, root }: ScanOptions): boolean {
  return collector === 'local' && root === '/';
}
