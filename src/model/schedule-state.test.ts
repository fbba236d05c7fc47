import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ScheduleItem } from './schedule.ts';
import { isDue, type ScheduleRun, scheduleStates } from './schedule-state.ts';

const HOUR = 3_600_000;
const at = (text: string) => Date.parse(`2026-01-${text}Z`);

function item(name: string, cron: string, graceMs = HOUR): ScheduleItem {
  return { name, cron, timeZone: 'UTC', run: ['check'], graceMs };
}

function run(name: string, started: number, exit = 0, cron = '0 3 * * *'): ScheduleRun {
  return { name, started, exit, cron, timeZone: 'UTC' };
}

const NIGHTLY = item('scan', '0 3 * * *');

const TABLE: readonly {
  name: string;
  runs?: readonly ScheduleRun[];
  since?: number | null;
  now: number;
  want: { due: boolean; missed: number; lastRun?: number | null };
}[] = [
  { name: 'never written down: nothing was due', since: null, now: at('05T12:00'), want: { due: false, missed: 0 } },
  {
    name: 'written down after the last time',
    since: at('05T04:00'),
    now: at('05T12:00'),
    want: { due: false, missed: 0 },
  },
  { name: 'due for the first time', since: at('04T12:00'), now: at('05T03:00'), want: { due: true, missed: 0 } },
  { name: 'within its grace', since: at('04T12:00'), now: at('05T04:00'), want: { due: true, missed: 0 } },
  { name: 'past its grace', since: at('04T12:00'), now: at('05T04:00:01'), want: { due: true, missed: 1 } },
  { name: 'ran', runs: [run('scan', at('05T03:00:05'))], now: at('05T12:00'), want: { due: false, missed: 0 } },
  {
    name: 'ran at the very moment',
    runs: [run('scan', at('05T03:00'))],
    now: at('05T12:00'),
    want: { due: false, missed: 0 },
  },
  {
    name: 'ran late, once for two times',
    runs: [run('scan', at('05T11:00'))],
    now: at('05T12:00'),
    want: { due: false, missed: 0 },
  },
  {
    name: 'three nights missed',
    runs: [run('scan', at('02T03:00:05'))],
    now: at('05T12:00'),
    want: { due: true, missed: 3 },
  },
  {
    name: 'failed, and waits for the next time',
    runs: [run('scan', at('05T03:00'), 2)],
    now: at('05T12:00'),
    want: { due: false, missed: 0 },
  },
  {
    name: 'another item ran',
    runs: [run('other', at('05T03:00'))],
    since: at('04T12:00'),
    now: at('05T12:00'),
    want: { due: true, missed: 1 },
  },
  {
    name: 'the item was changed since it ran: counts from when that was written down',
    runs: [run('scan', at('01T00:00'), 0, '0 0 1 * *')],
    since: at('04T12:00'),
    now: at('05T12:00'),
    want: { due: true, missed: 1 },
  },
  {
    name: 'the clock was set back a little: it does not run twice',
    runs: [run('scan', at('05T03:00:05'))],
    now: at('05T02:30'),
    want: { due: false, missed: 0 },
  },
  {
    name: 'the clock had been far ahead: its run is none, and it is due',
    runs: [run('scan', Date.UTC(2036, 0, 1))],
    since: Date.UTC(2035, 0, 1),
    now: at('05T03:10'),
    want: { due: true, missed: 0, lastRun: null },
  },
  {
    name: 'the newest by the ledger counts, not by the clock',
    runs: [run('scan', at('05T03:00')), run('scan', Date.UTC(2036, 0, 1))],
    now: at('05T12:00'),
    want: { due: false, missed: 0, lastRun: at('05T03:00') },
  },
];

for (const { name, runs = [], since = at('01T00:00'), now, want } of TABLE)
  test(name, () => {
    const [state] = scheduleStates([NIGHTLY], runs, since, now);
    assert.ok(state);
    assert.equal(isDue(state), want.due);
    assert.equal(state.missed, want.missed);
    if (want.lastRun !== undefined) assert.equal(state.lastRun, want.lastRun);
    assert.ok(state.nextDue !== null && state.nextDue > now);
  });

test('missed times of years are counted to a thousand', () => {
  const [state] = scheduleStates([item('scan', '* * * * *')], [], Date.UTC(2020, 0, 1), at('05T12:00'));
  assert.equal(state?.missed, 1_000);
});

test('a timer that asks at any times runs each item once per due time at most, and a run ends being due', () => {
  const crons = fc.constantFrom('0 3 * * *', '*/30 * * * *', '15 2 * * 1-5', '0 0 1 * *');
  const steps = fc.array(fc.integer({ min: 1, max: 40 * HOUR }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(
      crons,
      steps,
      fc.constantFrom('UTC', 'Europe/Berlin', 'Australia/Lord_Howe'),
      (cron, waits, timeZone) => {
        const one = { ...item('x', cron), timeZone };
        let now = Date.UTC(2026, 2, 20);
        const since = now;
        const runs: ScheduleRun[] = [];
        const dues = new Set<number>();
        for (const wait of waits) {
          now += wait;
          const [before] = scheduleStates([one], runs, since, now);
          if (!before || !isDue(before)) continue;
          assert.ok(before.lastDue !== null && before.lastDue <= now && !dues.has(before.lastDue));
          dues.add(before.lastDue);
          runs.unshift({ ...run('x', now, 0, cron), timeZone });
          const [after] = scheduleStates([one], runs, since, now);
          assert.ok(after && !isDue(after));
          assert.equal(after.missed, 0);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('the order of the items does not matter, and runs of other items change nothing', () => {
  const items = [NIGHTLY, item('check', '0 * * * *'), item('report', '@weekly')];
  const runs = [run('check', at('05T11:00'), 1, '0 * * * *'), run('scan', at('03T03:00')), run('gone', at('05T11:00'))];
  const byName = (list: readonly ScheduleItem[]) =>
    new Map(scheduleStates(list, runs, at('01T00:00'), at('05T12:00')).map((state) => [state.item.name, state]));
  const [forward, backward] = [byName(items), byName(items.toReversed())];
  for (const { name } of items) assert.deepEqual(forward.get(name), backward.get(name));
});
