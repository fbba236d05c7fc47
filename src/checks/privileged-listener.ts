import { isProvenNow } from '../model/approved.ts';
import { describePort, widestBind } from '../model/describe.ts';
import type { EndpointFacts, MatchedEntry } from '../model/facts.ts';
import type { ProcessFacts } from '../model/listener.ts';
import { holdersOf, someHolder } from '../model/process-match.ts';
import { isInterpreter } from '../model/program.ts';
import type { Policy, RegisterEntry } from '../model/register.ts';
import { preferInside } from '../model/vantage.ts';
import { matchesGlob } from '../util/glob.ts';
import type { Check } from './check.ts';
import programs from './programs-needing-root.json' with { type: 'json' };
import { approveStep, placeOf, shellWord, yamlValue } from './remedy.ts';

const NEEDS_ROOT: ReadonlyMap<string, string> = new Map(programs.map((p) => [p.program, p.reason]));

export const privilegedListener: Check = {
  id: 'privileged-listener',
  title: 'Listener runs as root without need',
  severity: 'medium',
  rationale:
    'Whoever breaks into a service has the rights of its user. A service that listens as root gives away the whole host, ' +
    'and few services need more than to open a low port, which systemd or one capability can do for them.',
  remediation:
    'Run the service under a user of its own (User= in its unit, with AmbientCapabilities=CAP_NET_BIND_SERVICE for a port below 1024), or have `user: root` approved in its entry.',
  endpoint(facts, estate) {
    // Where no entry covers the port, that is the finding, and it names the user: one cause, one finding.
    if (facts.entries.length === 0) return [];
    const seen = preferInside(facts.listeners);
    if (!someHolder(seen, isRoot)) return [];
    const allowed = estate.register.policy.privilegedAllowed;
    if (approvesRoot(facts.entries[0], estate.now)) return [];
    for (const { listener } of seen) {
      const holders = holdersOf(listener);
      // A server that hands the socket to workers of another user has given up root where it matters.
      if (holders.length === 0 || !holders.every(isRoot)) continue;
      const needless = holders.find((p) => !mayBeRoot(p, allowed));
      if (!needless) continue;
      const name = needless.exe ?? needless.name ?? `process ${needless.pid}`;
      return [
        {
          subject: { kind: 'endpoint', endpoint: facts.endpoint },
          severity: widestBind(facts) === 'loopback' ? 'low' : 'medium',
          message: `${name} answers on port ${describePort(facts.endpoint)} as root, and no proven approval says that it needs to.`,
          evidence: [
            { label: 'process', value: `${name} (pid ${needless.pid}, uid 0)` },
            ...(needless.unit === undefined ? [] : [{ label: 'unit', value: needless.unit }]),
            { label: 'listens on', value: listener.address },
          ],
          remediation: remedyOf(facts, needless, estate.register.policy),
        },
      ];
    }
    return [];
  },
};

function remedyOf(facts: EndpointFacts, process: ProcessFacts, policy: Policy): string {
  const entry = facts.entries[0]?.entry;
  const { exe, unit } = process;
  const own = `Give the service a user of its own${unit === undefined ? '' : `: sudo systemctl edit ${shellWord(unit)}`}.`;
  // An interpreter there would let every script listen as root.
  const everywhere =
    exe === undefined || isInterpreter(exe.slice(exe.lastIndexOf('/') + 1))
      ? ''
      : ` (on every host: add ${yamlValue(exe)} to policy.privileged in quietdoor.yaml)`;
  if (!entry) return own;
  const write = saysRoot(entry) ? '' : `write process: { user: root } into ${entry.id} (${placeOf(entry)}) and `;
  return `${own} If it needs root${everywhere}, ${write}${approveStep(entry.id, policy)}`;
}

function isRoot({ uid }: ProcessFacts): boolean {
  return uid === 0;
}

/** An approver who signed `user: root` has accepted the need; a stamp that nothing proves accepts nothing. */
function approvesRoot(matched: MatchedEntry | undefined, now: number): boolean {
  if (!matched || !isProvenNow(matched, now)) return false;
  return saysRoot(matched.entry);
}

function saysRoot({ process: { user } }: RegisterEntry): boolean {
  return user === 'root' || user === '0';
}

function mayBeRoot(process: ProcessFacts, allowed: readonly string[]): boolean {
  const { exe } = process;
  if (exe !== undefined && allowed.some((pattern) => matchesGlob(pattern, exe))) return true;
  const program = exe === undefined ? process.name : exe.slice(exe.lastIndexOf('/') + 1);
  return program !== undefined && NEEDS_ROOT.has(program);
}
