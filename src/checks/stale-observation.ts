import { isInFuture, isStale } from '../model/freshness.ts';
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
    return estate.hosts.flatMap((state) => {
      const future = isInFuture(state.lastObservedAt, estate);
      if (!future && !isStale(state.lastObservedAt, estate)) return [];
      const { name } = state.host;
      const limit = count(estate.register.policy.staleAfterHours, 'hour');
      return [
        {
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
            : `On ${name}: sudo quietdoor scan`,
        },
      ];
    });
  },
};
