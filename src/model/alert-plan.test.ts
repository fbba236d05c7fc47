import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sampleRecord } from '../../test/incident-sample.ts';
import { type PlanInput, type PlannedMessage, planAlerts } from './alert-plan.ts';
import { type AlertChannel, type AlertPolicy, type AlertRoute, DEFAULT_ALERTS } from './alert-policy.ts';
import { readTarget, targetKey, targetsOf } from './alert-routes.ts';
import { isQuiet, lastDigestTime, startOfDay } from './alert-times.ts';
import { SEVERITIES } from './finding.ts';
import type { IncidentNews } from './incident-fold.ts';
import type { IncidentRecord } from './incident-record.ts';
import type { MaintenanceWindow } from './maintenance.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const at = { file: 'quietdoor.yaml', line: 1, column: 1 };

const channel = (name: string, c: Partial<AlertChannel> = {}): AlertChannel => {
  return { name, kind: 'jsonl', owners: [], perOwner: false, settings: {}, at, places: {}, ...c };
};
const route = (r: Partial<AlertRoute>): AlertRoute => {
  return { owners: [], severity: null, kinds: [], zones: [], data: [], to: [], goesOn: false, at, ...r };
};
const policy = (p: Partial<AlertPolicy> = {}): AlertPolicy => ({ ...DEFAULT_ALERTS, channels: [channel('ops')], ...p });
const owner = (name: string, email: string | null) => ({ name, title: null, email, codeowners: [], members: [] });
const OWNERS = [owner('team-orders', 'orders@example.org'), owner('team-web', null)];

function plan(records: readonly IncidentRecord[], p: Partial<PlanInput> = {}) {
  return planAlerts({
    ...{ records, news: new Map(), policy: policy(), owners: OWNERS, windows: [], isFirst: false, isDigestDue: false },
    ...{ used: () => ({ messages: 0, hasSummary: false }), now: DAY },
    ...p,
  });
}
const words = (messages: readonly PlannedMessage[]) =>
  messages.map((m) => `${m.kind} ${targetKey(m)} ${m.incidents.length}${m.more > 0 ? `+${m.more}` : ''}`);

const ROUTES: ReadonlyArray<
  readonly [name: string, p: Partial<AlertPolicy>, r: Partial<IncidentRecord>, want: readonly string[]]
> = [
  [
    'the fallback is every channel of nobody',
    { channels: [channel('a'), channel('b', { owners: ['team-web'] })] },
    {},
    ['a'],
  ],
  ['or what is named', { channels: [channel('a'), channel('b')], fallback: ['b'] }, {}, ['b']],
  [
    'the channel of the owner',
    { channels: [channel('a'), channel('web', { owners: ['team-web'] })] },
    { owner: 'team-web' },
    ['web'],
  ],
  [
    "the owner's own address",
    { channels: [channel('a'), channel('mail', { perOwner: true })] },
    { owner: 'team-orders' },
    ['mail team-orders'],
  ],
  [
    'no address: the fallback',
    { channels: [channel('a'), channel('mail', { perOwner: true })] },
    { owner: 'team-web' },
    ['a'],
  ],
  ['nobody owns it: the fallback', { channels: [channel('a'), channel('mail', { perOwner: true })] }, {}, ['a']],
  [
    'the first route that fits',
    { channels: [channel('a'), channel('b')], routes: [route({ to: ['b'] }), route({ to: ['a'] })] },
    {},
    ['b'],
  ],
  [
    'and those after it where it goes on',
    { channels: [channel('a'), channel('b')], routes: [route({ to: ['b'], goesOn: true }), route({ to: ['a'] })] },
    {},
    ['a', 'b'],
  ],
  [
    'by severity',
    { channels: [channel('a'), channel('b')], routes: [route({ severity: 'high', to: ['b'] })], fallback: ['a'] },
    { severity: 'critical' },
    ['b'],
  ],
  [
    'by severity, milder',
    { channels: [channel('a'), channel('b')], routes: [route({ severity: 'high', to: ['b'] })], fallback: ['a'] },
    {},
    ['a'],
  ],
  [
    'by kind, zone, data and owner together',
    {
      channels: [channel('a'), channel('b')],
      routes: [route({ kinds: ['weak-tls'], zones: ['dmz'], data: ['phi'], owners: ['team-web'], to: ['b'] })],
      fallback: ['a'],
    },
    { kinds: ['weak-tls'], zones: ['app', 'dmz'], data: ['phi'], owner: 'team-web' },
    ['b'],
  ],
  [
    'one of them does not hold',
    {
      channels: [channel('a'), channel('b')],
      routes: [route({ kinds: ['weak-tls'], zones: ['dmz'], to: ['b'] })],
      fallback: ['a'],
    },
    { kinds: ['weak-tls'] },
    ['a'],
  ],
  [
    'a channel is not told of its own failure',
    { channels: [channel('a'), channel('b')] },
    { key: 'channel:a alert.undelivered' },
    ['b'],
  ],
  ['nobody is left', { channels: [channel('a')] }, { key: 'channel:a alert.undelivered' }, []],
];
for (const [name, p, r, want] of ROUTES)
  test(`route: ${name}`, () => {
    const targets = targetsOf(sampleRecord(1, r), policy(p), OWNERS);
    assert.deepEqual(targets.map(targetKey), want);
    assert.deepEqual(want.map(readTarget), targets);
  });

const window: MaintenanceWindow = {
  ...{ id: 'M-1', where: ['host:db-*'], from: 0, until: 2 * DAY, reason: 'upgrade', by: 'alice', endedAt: null },
};
const night = { from: 22 * 60, until: 6 * 60, except: 'high' as const };
const told = { told: 'medium', toldAt: 0 } as const;

const PLANS: ReadonlyArray<
  readonly [name: string, r: Partial<IncidentRecord>, p: Partial<PlanInput>, want: readonly string[]]
> = [
  ['what is new is told', {}, {}, ['raised ops 1']],
  ['and only once', told, {}, []],
  ['what got worse is told again', { ...told, severity: 'high' }, {}, ['raised ops 1']],
  ['what is mild waits', { severity: 'low' }, {}, []],
  ['for the digest', { severity: 'low' }, { isDigestDue: true }, ['digest ops 1']],
  ['which repeats nothing', { severity: 'low', told: 'low', toldAt: 0 }, { isDigestDue: true }, []],
  ['the first run sums up', {}, { isFirst: true }, ['summary ops 1']],
  ['what somebody has is not told', { state: 'acknowledged' }, {}, []],
  ['nor what is snoozed', { state: 'snoozed', snoozedUntil: 2 * DAY }, {}, []],
  ['nor in a maintenance window', {}, { windows: [window] }, []],
  ['but after it', {}, { windows: [window], now: 2 * DAY }, ['raised ops 1']],
  ['or when it is ended', {}, { windows: [{ ...window, endedAt: HOUR }] }, ['raised ops 1']],
  ['nor what is ignored', {}, { policy: policy({ ignore: ['unregistered-listener'] }) }, []],
  ['nor in quiet hours', {}, { policy: policy({ quietHours: night }), now: DAY + 23 * HOUR }, []],
  [
    'but what is severe is',
    { severity: 'high' },
    { policy: policy({ quietHours: night }), now: DAY + 23 * HOUR },
    ['raised ops 1'],
  ],
  ['and the rest in the morning', {}, { policy: policy({ quietHours: night }), now: DAY + 6 * HOUR }, ['raised ops 1']],
  [
    'what is severe is told again while nobody has it',
    { severity: 'high', told: 'high', toldAt: 0 },
    {},
    ['reminded ops 1'],
  ],
  ['not before its time', { severity: 'high', told: 'high', toldAt: HOUR }, {}, []],
  [
    'nor where nobody wants it',
    { severity: 'high', told: 'high', toldAt: 0 },
    { policy: policy({ remindMs: null }) },
    [],
  ],
  ['what waited for the cap is told', { ...told, waiting: ['ops'] }, {}, ['raised ops 1']],
  ['unless the channel is gone', { ...told, waiting: ['gone'] }, {}, []],
];
for (const [name, r, p, want] of PLANS)
  test(`plan: ${name}`, () => {
    const { messages, records } = plan([sampleRecord(1, r)], p);
    assert.deepEqual(words(messages), want);
    for (const { id } of want.length > 0 ? [sampleRecord(1, r)] : [])
      assert.ok(records.some((record) => record.id === id));
  });

test('what is over is told to who was told of it', () => {
  const resolved = { ...told, state: 'resolved' as const, resolvedAt: DAY };
  const news = (record: IncidentRecord) => new Map<string, IncidentNews>([[record.id, 'resolved']]);
  const one = sampleRecord(1, resolved);
  assert.deepEqual(words(plan([one], { news: news(one) }).messages), ['resolved ops 1']);
  const untold = sampleRecord(1, { ...resolved, told: null });
  assert.deepEqual(plan([untold], { news: news(untold) }).messages, []);
  const silent = policy({ tellResolved: false });
  assert.deepEqual(plan([one], { news: news(one), policy: silent }).messages, []);
  const waiting = sampleRecord(1, { ...resolved, waiting: ['ops'] });
  const { messages, records } = plan([waiting], { news: news(waiting) });
  assert.deepEqual([messages, records[0]?.waiting], [[], []], 'nobody was told that it began');
});

test('a flood becomes one summary, and what is critical gets through', () => {
  const records = Array.from({ length: 60 }, (_, n) => sampleRecord(n, { severity: n === 0 ? 'critical' : 'medium' }));
  const first = plan(records, { policy: policy({ dailyCap: 5 }) });
  assert.deepEqual(words(first.messages), ['raised ops 1', ...Array(4).fill('raised ops 1'), 'summary ops 20+35']);
  assert.ok(first.messages[0]?.isUrgent);
  assert.equal(first.records.filter((record) => record.told !== null && record.waiting.length === 0).length, 60);
  const late = sampleRecord(99);
  const used = () => ({ messages: 5, hasSummary: true });
  const second = plan([late], { policy: policy({ dailyCap: 5 }), used });
  assert.deepEqual(second.messages, []);
  const [waiting] = second.records;
  assert.deepEqual(waiting?.waiting, ['ops']);
  assert.deepEqual(
    words(plan([waiting as IncidentRecord], { policy: policy({ dailyCap: 5 }) }).messages),
    ['raised ops 1'],
    'the next day',
  );
});

test('the digest and the first summary are cut, with the number of the rest', () => {
  const low = Array.from({ length: 130 }, (_, n) => sampleRecord(n, { severity: 'low' }));
  assert.deepEqual(words(plan(low, { isDigestDue: true }).messages), ['digest ops 100+30']);
  assert.deepEqual(words(plan(low, { isFirst: true }).messages), ['summary ops 20+110']);
});

test('owners who are written to by themselves get lists of their own', () => {
  const channels = [channel('mail', { perOwner: true }), channel('ops')];
  const records = [1, 2, 3].map((n) => sampleRecord(n, { owner: n === 3 ? null : 'team-orders' }));
  assert.deepEqual(words(plan(records, { isFirst: true, policy: policy({ channels }) }).messages), [
    'summary mail team-orders 2',
    'summary ops 1',
  ]);
});

test('what no channel takes is counted and stays untold', () => {
  const own = sampleRecord(1, { key: 'channel:ops alert.undelivered', severity: 'high' });
  const { messages, records, nobody } = plan([own]);
  assert.deepEqual([messages, records, nobody], [[], [], 1]);
});

test('no target gets more than the cap a day, nothing is told twice, and in the end all is told', () => {
  const anyRecord = (n: number) =>
    fc
      .record({ severity: fc.constantFrom(...SEVERITIES.slice(1)), owner: fc.constantFrom(null, 'team-orders') })
      .map((r) => sampleRecord(n, r));
  const bursts = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(bursts, fc.integer({ min: 1, max: 6 }), fc.infiniteStream(fc.nat(1_000)), (sizes, dailyCap, seeds) => {
      const channels = [channel('ops'), channel('mail', { perOwner: true })];
      const p = policy({ channels, dailyCap, remindMs: null });
      const known = new Map<string, IncidentRecord>();
      const sent: (PlannedMessage & { day: number })[] = [];
      const covered = new Map<string, number>();
      let n = 0;
      const run = (now: number, fresh: readonly IncidentRecord[]) => {
        for (const record of fresh) known.set(record.id, record);
        const day = Math.floor(now / DAY);
        const { messages, records } = plan([...known.values()], {
          ...{ policy: p, now, isDigestDue: true },
          used: (target, isUrgent) => {
            const today = sent.filter(
              (m) => m.day === day && m.counts && m.isUrgent === isUrgent && targetKey(m) === targetKey(target),
            );
            return { messages: today.length, hasSummary: today.some((m) => m.kind === 'summary') };
          },
        });
        for (const record of records) known.set(record.id, record);
        for (const message of messages) {
          sent.push({ ...message, day });
          covered.set(message.kind, (covered.get(message.kind) ?? 0) + message.incidents.length + message.more);
        }
      };
      for (const [i, size] of sizes.entries()) {
        const fresh = Array.from({ length: size }, () => {
          const seed = seeds.next().value as number;
          return fc.sample(anyRecord(n++), { seed, numRuns: 1 })[0] as IncidentRecord;
        });
        run(i * 6 * HOUR, fresh);
      }
      // Then days without anything new, so that what waits is told.
      for (let day = 10; day < 16; day++) run(day * DAY, []);
      for (const message of sent) {
        const same = sent.filter(
          (m) =>
            m.day === message.day && m.counts && m.isUrgent === message.isUrgent && targetKey(m) === targetKey(message),
        );
        if (message.counts) assert.ok(same.length <= dailyCap, `${same.length} messages of ${dailyCap}`);
      }
      const total = [...covered.values()].reduce((a, b) => a + b, 0);
      assert.equal(total, known.size, 'each was told once');
      for (const record of known.values()) assert.deepEqual([record.told, record.waiting], [record.severity, []]);
    }),
    { numRuns: 60 },
  );
});

test('times of day are those of the time zone', () => {
  const berlin = { ...policy(), timeZone: 'Europe/Berlin', digest: 8 * 60 };
  const noon = Date.UTC(2026, 6, 15, 12);
  assert.equal(startOfDay(noon, 'Europe/Berlin'), Date.UTC(2026, 6, 14, 22));
  assert.equal(startOfDay(noon, 'UTC'), Date.UTC(2026, 6, 15));
  assert.equal(lastDigestTime(berlin, noon), Date.UTC(2026, 6, 15, 6));
  assert.equal(lastDigestTime({ ...berlin, digest: null }, noon), null);
  const quiet = { ...berlin, quietHours: night };
  const hours = [5, 6, 12, 19, 20, 23].filter((hour) => isQuiet(quiet, 'medium', Date.UTC(2026, 0, 15, hour)));
  assert.deepEqual(hours, [23], 'UTC+1: 22:00 is 21:00');
  assert.deepEqual(
    [4, 5].filter((hour) => isQuiet(quiet, 'medium', Date.UTC(2026, 0, 15, hour))),
    [4],
  );
});
