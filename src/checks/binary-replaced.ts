import { describePort, widestBind } from '../model/describe.ts';
import { endpointKey } from '../model/endpoint.ts';
import type { ProcessFacts } from '../model/listener.ts';
import { holdersOf, someHolder } from '../model/process-match.ts';
import { preferInside } from '../model/vantage.ts';
import { listWords } from '../util/words.ts';
import type { Check } from './check.ts';
import { shellWord } from './remedy.ts';

export const binaryReplaced: Check = {
  id: 'binary-replaced',
  title: 'Running binary is not the one on disk',
  severity: 'low',
  rationale:
    'A service whose program was updated still runs the old code, with the old vulnerabilities, until it is restarted. ' +
    'A program that was deleted and has no successor is rarer and worse: malware does that to hide.',
  remediation:
    'Restart the service. If the program was deleted and nothing took its place, find out who started it before you stop it.',
  endpoint(facts) {
    const seen = preferInside(facts.listeners);
    if (!someHolder(seen, isOutdated)) return [];
    // A client's socket is no service; the ports of the same program tell of it.
    const isClient = seen.every(({ listener }) => listener.role === 'ephemeral');
    if (isClient && facts.entries.length === 0) return [];
    const holders = new Map<number, ProcessFacts>();
    for (const { listener } of seen) for (const p of holdersOf(listener)) holders.set(p.pid, p);
    const stale = [...holders.values()].filter(isOutdated);
    const deleted = stale.filter((p) => p.exeState === 'deleted');
    const worst = deleted.length > 0 ? deleted : stale;
    const programs = listWords([...new Set(worst.map((p) => p.exe ?? p.name ?? `process ${p.pid}`))].sort());
    const unit = worst.find((p) => p.unit !== undefined)?.unit;
    return [
      {
        subject: { kind: 'endpoint', endpoint: facts.endpoint },
        severity: deleted.length > 0 ? 'high' : widestBind(facts) === 'loopback' ? 'low' : 'medium',
        message:
          deleted.length > 0
            ? `The process on port ${describePort(facts.endpoint)} runs ${programs}, which was deleted from disk and not replaced.`
            : `The process on port ${describePort(facts.endpoint)} still runs the old ${programs}; the file was replaced, so a restart is needed.`,
        evidence: stale.map((p) => ({
          label: `pid ${p.pid}`,
          value: `${p.exe ?? p.name ?? 'executable not visible'}, ${p.exeState} on disk${p.package ? `, package ${p.package.name}` : ''}`,
        })),
        remediation:
          deleted.length > 0
            ? `Find out who started it before you stop it: quietdoor explain ${shellWord(endpointKey(facts.endpoint))}`
            : `${unit === undefined ? 'Restart the service' : `Restart it: sudo systemctl restart ${shellWord(unit)}`}. Then look again: sudo quietdoor scan`,
      },
    ];
  },
};

function isOutdated({ exeState }: ProcessFacts): boolean {
  return exeState === 'replaced' || exeState === 'deleted';
}
