import type { EstateFacts } from '../model/facts.ts';
import { isInFuture, isStale } from '../model/freshness.ts';
import { coversAll } from '../model/observation.ts';
import type { HostState } from '../model/state.ts';
import { preferInsideLooks, vantageKind, vantageWords } from '../model/vantage.ts';
import { count, duration, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';

export const staleObservation: Check = {
  id: 'stale-observation',
  title: 'Host not observed lately',
  severity: 'medium',
  rationale:
    'What was seen days ago says nothing about now: a host that stopped reporting is not a host without ports. ' +
    'Until it is observed again its ports are undetermined.',
  remediation: 'Observe the host again with `sudo quietdoor scan`, or find out why its collector stopped.',
  estate(estate) {
    return staleLooks(estate).map((state) => {
      const future = isInFuture(state.lastObservedAt, estate);
      const { name } = state.host;
      const limit = count(estate.register.policy.staleAfterHours, 'hour');
      return {
        subject: { kind: 'host', host: name } as const,
        discriminator: state.vantage,
        message: future
          ? `The last observation of ${name} is dated ${utcTime(state.lastObservedAt)}, ${duration(state.lastObservedAt - estate.now)} after now; one of the clocks is wrong.`
          : `${name} was last observed ${duration(estate.now - state.lastObservedAt)} ago; after ${limit} an observation says nothing about now.`,
        evidence: [
          { label: 'last observed', value: utcTime(state.lastObservedAt) },
          { label: 'seen from', value: state.vantage },
          { label: 'collector', value: state.collector },
        ],
        remediation: future
          ? `Set the clocks right on ${name} and here, then on ${name}: sudo quietdoor scan`
          : `On ${name}: ${vantageKind(state.vantage) === 'inside' ? 'sudo quietdoor scan' : `sudo quietdoor scan local   or look again ${vantageWords(state.vantage)}`}`,
      };
    });
  },
};

/**
 * One look for each host and vantage: those from inside where there are any, and not where a look of now covers all that
 * this one did.
 */
function staleLooks(estate: EstateFacts): readonly HostState[] {
  const isDoubtful = (state: HostState) =>
    isInFuture(state.lastObservedAt, estate) || isStale(state.lastObservedAt, estate);
  if (!estate.hosts.some(isDoubtful)) return [];
  const byHost = Map.groupBy(estate.hosts, (state) => state.host.name.toLowerCase());
  return [...byHost.values()].flatMap((states) => {
    const looks = preferInsideLooks(states);
    const fresh = looks.filter((state) => !isDoubtful(state));
    const stale = looks.filter(
      (state) => isDoubtful(state) && !fresh.some((f) => coversAll(f.coverage, state.coverage)),
    );
    return [...Map.groupBy(stale, (state) => state.vantage).values()].map((same) =>
      same.reduce((a, b) => (b.lastObservedAt > a.lastObservedAt ? b : a)),
    );
  });
}
