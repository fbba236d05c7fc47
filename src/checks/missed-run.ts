import { count, duration, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';

/** Exit codes of a run that did its work: clean, findings, gaps. */
const DONE: ReadonlySet<number> = new Set([0, 1, 3]);

export const missedRun: Check = {
  id: 'missed-run',
  title: 'Scheduled run missed or failed',
  severity: 'medium',
  rationale:
    'Continuous monitoring that stopped looks like an estate without changes. A scan or check that is scheduled and did not ' +
    'run, or could not do its work, leaves a time about which nothing is known.',
  remediation:
    'Run `quietdoor scan --due` now and read what it says, then look at what should have started it (a systemd timer, CI).',
  lacking: ({ estate }) => ((estate.schedule ?? []).length === 0 ? 'nothing is scheduled in quietdoor.yaml' : null),
  estate({ schedule = [], now }) {
    return schedule.flatMap(({ item, lastRun, lastExit, lastDue, missed, nextDue }) => {
      const failed = lastExit !== null && !DONE.has(lastExit);
      if (missed === 0 && !failed) return [];
      const what = `quietdoor ${item.run.join(' ')}`;
      const since = lastDue === null ? '' : `, last at ${utcTime(lastDue)}`;
      return [
        {
          subject: { kind: 'estate' } as const,
          discriminator: item.name,
          message:
            missed > 0
              ? `The scheduled run ${item.name} was missed ${times(missed)}${since}; ${lastRun === null ? 'it never ran' : `it last began ${duration(now - lastRun)} ago`}.`
              : `The scheduled run ${item.name} failed with exit code ${lastExit}${lastRun === null ? '' : ` at ${utcTime(lastRun)}`}.`,
          evidence: [
            { label: 'runs', value: what },
            { label: 'schedule', value: `${item.cron} ${item.timeZone}` },
            { label: 'last run', value: lastRun === null ? 'never' : utcTime(lastRun) },
            ...(lastExit === null ? [] : [{ label: 'exit code', value: String(lastExit) }]),
            ...(nextDue === null ? [] : [{ label: 'next due', value: utcTime(nextDue) }]),
          ],
        },
      ];
    });
  },
};

function times(n: number): string {
  if (n === 1) return 'once';
  return n >= 1_000 ? 'a thousand times or more' : count(n, 'time');
}
