import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CronTimes, parseCron, shortestInterval } from './cron.ts';

function times(pattern: string, timeZone = 'UTC'): CronTimes {
  const read = parseCron(pattern, timeZone);
  if ('problem' in read) throw new Error(read.problem);
  return read;
}

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

const NEXT: readonly { pattern: string; zone?: string; after: string; want: string | null }[] = [
  { pattern: '0 3 * * *', after: '2026-01-01T02:59:59.999Z', want: '2026-01-01T03:00:00.000Z' },
  { pattern: '0 3 * * *', after: '2026-01-01T03:00:00.000Z', want: '2026-01-02T03:00:00.000Z' },
  { pattern: '@hourly', after: '2026-01-01T02:10:00.000Z', want: '2026-01-01T03:00:00.000Z' },
  { pattern: '*/15 9-17 * * 1-5', after: '2026-01-02T17:45:00.000Z', want: '2026-01-05T09:00:00.000Z' },
  { pattern: '0 0 29 2 *', after: '2026-01-01T00:00:00.000Z', want: '2028-02-29T00:00:00.000Z' },
  { pattern: '0 0 30 2 *', after: '2026-01-01T00:00:00.000Z', want: null },
  // Day of month or day of week, as crontab(5) has it.
  { pattern: '0 0 13 * 5', after: '2026-01-01T00:00:00.000Z', want: '2026-01-02T00:00:00.000Z' },
  // 2026-03-29: 02:00 becomes 03:00 in Berlin. What lies in the gap is due right after it.
  { pattern: '30 2 * * *', zone: 'Europe/Berlin', after: '2026-03-28T12:00:00.000Z', want: '2026-03-29T01:00:00.000Z' },
  { pattern: '30 2 * * *', zone: 'Europe/Berlin', after: '2026-03-29T01:00:00.000Z', want: '2026-03-30T00:30:00.000Z' },
  // 2026-10-25: 02:30 comes twice. It is due once.
  { pattern: '30 2 * * *', zone: 'Europe/Berlin', after: '2026-10-24T12:00:00.000Z', want: '2026-10-25T00:30:00.000Z' },
  { pattern: '30 2 * * *', zone: 'Europe/Berlin', after: '2026-10-25T00:30:00.000Z', want: '2026-10-26T01:30:00.000Z' },
];

for (const { pattern, zone = 'UTC', after, want } of NEXT)
  test(`${pattern} ${zone} after ${after}`, () =>
    assert.equal(iso(times(pattern, zone).next(Date.parse(after))), want));

test('the last time includes the moment itself, to the millisecond', () => {
  const { last } = times('0 3 * * *');
  assert.equal(iso(last(Date.parse('2026-01-02T03:00:00.000Z'))), '2026-01-02T03:00:00.000Z');
  assert.equal(iso(last(Date.parse('2026-01-02T03:00:00.001Z'))), '2026-01-02T03:00:00.000Z');
  assert.equal(iso(last(Date.parse('2026-01-02T02:59:59.999Z'))), '2026-01-01T03:00:00.000Z');
});

test('every time is the last one of itself and the next one of the one before, over both changes of the clock', () => {
  for (const pattern of ['30 2 * * *', '*/20 * * * *', '5 0 * * 0']) {
    const { next, last } = times(pattern, 'Europe/Berlin');
    for (const start of ['2026-03-28T20:00:00Z', '2026-10-24T20:00:00Z']) {
      let before = next(Date.parse(start)) as number;
      for (let i = 0; i < 40; i++) {
        const at = next(before) as number;
        assert.ok(at > before, `${pattern} ${iso(at)}`);
        assert.equal(iso(last(at)), iso(at));
        assert.equal(iso(last(at - 1)), iso(before));
        before = at;
      }
    }
  }
});

for (const pattern of ['', '@reboot', '@every 5m', '* * * *', '* * * * * *', '60 * * * *', '*/0 * * * *', 'H H * * *'])
  test(`"${pattern}" is no pattern`, () => assert.ok('problem' in parseCron(pattern, 'UTC')));

test('a time, a very long pattern and a zone that does not exist are problems', () => {
  for (const [pattern, zone] of [
    ['2026-01-01T00:00:00', 'UTC'],
    [`${'1,'.repeat(500)}1 * * * *`, 'UTC'],
    ['* * * * *', 'Mars/Olympus'],
    ['* * * * *', ''],
  ] as const)
    assert.ok('problem' in parseCron(pattern, zone), `${pattern} ${zone}`);
});

test('the shortest interval is that between two times that follow each other', () => {
  const minutes = (pattern: string) => (shortestInterval(times(pattern)) ?? Number.NaN) / 60_000;
  assert.equal(minutes('*/5 * * * *'), 5);
  assert.equal(minutes('0 3 * * *'), 24 * 60);
  assert.equal(minutes('0 3 * * 1,2'), 24 * 60);
  assert.equal(minutes('50,55 * * * *'), 5);
  assert.equal(shortestInterval(times('0 0 30 2 *')), null);
});
