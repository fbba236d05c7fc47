import { answerWords } from '../model/answer-words.ts';
import { describeAddresses, describePort, describeProcess, widestBind } from '../model/describe.ts';
import { endpointKey } from '../model/endpoint.ts';
import type { Severity } from '../model/finding.ts';
import type { BindScope } from '../model/listener.ts';
import type { ListenerState } from '../model/state.ts';
import { isSeenInside, preferInside, vantageWords } from '../model/vantage.ts';
import { utcTime } from '../util/words.ts';
import type { Check } from './check.ts';

const BY_REACH: Readonly<Record<BindScope, Severity>> = {
  loopback: 'low',
  private: 'medium',
  public: 'high',
  any: 'high',
};

export const unregisteredListener: Check = {
  id: 'unregistered-listener',
  title: 'Listener without a register entry',
  severity: 'high',
  rationale:
    'A port that nobody registered has no owner, no purpose and no agreed set of clients, so nobody notices when it is abused. ' +
    'The register proves least functionality only if every listener is in it.',
  remediation:
    'Stop the service if nobody needs it. Otherwise draft an entry with `quietdoor register draft`, fill in purpose and owner, and have it approved.',
  endpoint(facts) {
    if (facts.entries.length > 0 || facts.mayBeInBrokenPart) return [];
    const services = preferInside(facts.listeners).filter((l) => l.listener.role === 'service');
    const first = services[0];
    // It may be one of several that the host knows, and each of those is told of.
    if (!first || services.every((s) => s.possibleScopes)) return [];
    const seen = { ...facts, listeners: services };
    const reach = widestBind(seen) ?? 'any';
    const isInside = isSeenInside(services);
    const who = [...new Set(services.map((l) => describeProcess(l.listener)))];
    return [
      {
        subject: { kind: 'endpoint', endpoint: facts.endpoint },
        severity: BY_REACH[reach],
        message: isInside
          ? `${who.join(' and ')} listens on ${describeAddresses(seen)}, port ${describePort(facts.endpoint)}, and no register entry covers it.`
          : `Port ${describePort(facts.endpoint)} answers on ${describeAddresses(seen)}, ${vantageWords(first.vantage)}, and no register entry covers it.`,
        evidence: [
          { label: 'endpoint', value: endpointKey(facts.endpoint) },
          { label: isInside ? 'listens on' : 'answers on', value: describeAddresses(seen) },
          ...(isInside ? [{ label: 'process', value: who.join('; ') }] : answerEvidence(services)),
          ...(first.listener.process?.exe === undefined
            ? []
            : [{ label: 'executable', value: first.listener.process.exe }]),
          ...(first.listener.process?.unit === undefined
            ? []
            : [{ label: 'unit', value: first.listener.process.unit }]),
          { label: 'open since', value: utcTime(Math.min(...services.map((l) => l.openSince))) },
        ],
        remediation:
          'If nobody needs the service, stop it. Otherwise draft an entry, fill in purpose and owner, and have it approved: quietdoor register draft',
      },
    ];
  },
};

/** What it said of itself when it was asked, which proves nothing and helps to find it. */
function answerEvidence(seen: readonly ListenerState[]) {
  const said = new Set(seen.flatMap(({ listener: { answer } }) => (answer ? [answerWords(answer)] : [])));
  return said.size === 0 ? [] : [{ label: 'says of itself', value: [...said].join('; ') }];
}
