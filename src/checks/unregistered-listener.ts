import { describeAddresses, describePort, describeProcess, widestBind } from '../model/describe.ts';
import { endpointKey } from '../model/endpoint.ts';
import type { Severity } from '../model/finding.ts';
import type { BindScope } from '../model/listener.ts';
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
    const services = facts.listeners.filter((l) => l.listener.role === 'service');
    const first = services[0];
    if (!first) return [];
    const seen = { ...facts, listeners: services };
    const reach = widestBind(seen) ?? 'any';
    const who = [...new Set(services.map((l) => describeProcess(l.listener)))];
    return [
      {
        subject: { kind: 'endpoint', endpoint: facts.endpoint },
        severity: BY_REACH[reach],
        message: `${who.join(' and ')} listens on ${describeAddresses(seen)}, port ${describePort(facts.endpoint)}, and no register entry covers it.`,
        evidence: [
          { label: 'endpoint', value: endpointKey(facts.endpoint) },
          { label: 'listens on', value: describeAddresses(seen) },
          { label: 'process', value: who.join('; ') },
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
