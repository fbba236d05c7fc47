import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyCauses, DB, NOWHERE, sampleCause } from '../../test/incident-sample.ts';
import type { Cause } from './incident.ts';
import { type FoldedIncident, foldIncidents, type IncidentNews } from './incident-fold.ts';
import type { Place } from './incident-place.ts';
import type { IncidentRecord } from './incident-record.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** What alerting remembers from run to run, without a store. */
class Memory {
  readonly records = new Map<string, IncidentRecord>();
  readonly causes = new Map<string, { key: string; cause: Cause }>();
  readonly #place: Place;

  constructor(place: Place = NOWHERE) {
    this.#place = place;
  }

  run(now: number, found: readonly Cause[], isWhole = true): FoldedIncident[] {
    const folded = foldIncidents({
      known: {
        records: [...this.records.values()],
        causes: this.causes,
        isTaken: (id) => [...this.records.values()].some((record) => record.id === id),
      },
      ...{ found, isWhole, now, place: () => this.#place, resolveAfterMs: 6 * HOUR },
    });
    for (const { record, causes } of folded) {
      this.records.set(record.key, record);
      for (const cause of causes) this.causes.set(cause.id, { key: record.key, cause });
    }
    return folded;
  }
  set(change: Partial<IncidentRecord>): void {
    for (const [key, record] of this.records) this.records.set(key, { ...record, ...change });
  }
  get only(): IncidentRecord {
    const [record, ...more] = this.records.values();
    assert.ok(record && more.length === 0);
    return record;
  }
}

/** News of each run, in order; nothing where nothing changes. */
type Step = readonly [
  at: number,
  what: 'there' | 'gone' | 'worse' | 'more' | 'hidden' | Partial<IncidentRecord>,
  want?: IncidentNews,
];

const LIVES: ReadonlyArray<readonly [name: string, steps: readonly Step[]]> = [
  [
    'is raised once',
    [
      [0, 'there', 'raised'],
      [HOUR, 'there', null],
      [DAY, 'there', null],
    ],
  ],
  [
    'is over once it has been gone for the wait',
    [
      [0, 'there', 'raised'],
      [HOUR, 'gone', null],
      [5 * HOUR, 'gone', null],
      [6 * HOUR, 'gone', 'resolved'],
      [7 * HOUR, 'gone', null],
    ],
  ],
  [
    'is not over where it may only be hidden',
    [
      [0, 'there', 'raised'],
      [DAY, 'hidden', null],
      [DAY + 1, 'gone', 'resolved'],
    ],
  ],
  [
    'does not flap within the wait',
    [
      [0, 'there', 'raised'],
      [HOUR, 'gone', null],
      [2 * HOUR, 'there', null],
      [7 * HOUR, 'gone', null],
      [8 * HOUR, 'gone', 'resolved'],
    ],
  ],
  [
    'opens again, and must then be gone for longer',
    [
      [0, 'there', 'raised'],
      [6 * HOUR, 'gone', 'resolved'],
      [7 * HOUR, 'there', 'reopened'],
      [14 * HOUR, 'gone', null],
      [19 * HOUR, 'gone', 'resolved'],
    ],
  ],
  [
    'gets worse',
    [
      [0, 'there', 'raised'],
      [HOUR, 'worse', 'escalated'],
      [2 * HOUR, 'there', null],
      [3 * HOUR, 'worse', null],
    ],
  ],
  [
    'stays acknowledged until it gets worse',
    [
      [0, 'there', 'raised'],
      [1, { state: 'acknowledged' }],
      [HOUR, 'there', null],
      [2 * HOUR, 'more', null],
      [3 * HOUR, 'worse', 'escalated'],
    ],
  ],
  [
    'is for who acknowledged it to close',
    [
      [0, 'there', 'raised'],
      [1, { state: 'acknowledged' }],
      [30 * DAY, 'gone', null],
    ],
  ],
  [
    'wakes up after its snooze',
    [
      [0, 'there', 'raised'],
      [1, { state: 'snoozed', snoozedUntil: DAY }],
      [HOUR, 'there', null],
      [DAY, 'there', 'woken'],
      [DAY + 1, 'there', null],
    ],
  ],
  [
    'is over although it is snoozed',
    [
      [0, 'there', 'raised'],
      [1, { state: 'snoozed', snoozedUntil: DAY }],
      [6 * HOUR, 'gone', 'resolved'],
    ],
  ],
  [
    'gets worse in its snooze',
    [
      [0, 'there', 'raised'],
      [1, { state: 'snoozed', snoozedUntil: DAY }],
      [HOUR, 'worse', 'escalated'],
    ],
  ],
  [
    'resolved by hand, stays so although it is seen for a day',
    [
      [0, 'there', 'raised'],
      [1, { state: 'resolved', resolvedAt: 1, quietUntil: DAY }],
      [HOUR, 'there', null],
      [DAY, 'there', 'reopened'],
    ],
  ],
  [
    'resolved by hand, opens at once for something new',
    [
      [0, 'there', 'raised'],
      [1, { state: 'resolved', resolvedAt: 1, quietUntil: DAY }],
      [HOUR, 'more', 'reopened'],
    ],
  ],
];

for (const [name, steps] of LIVES)
  test(`an incident ${name}`, () => {
    const memory = new Memory();
    for (const [at, what, want] of steps) {
      if (typeof what === 'object') {
        memory.set(what);
        continue;
      }
      const here = sampleCause({ lastSeen: at, severity: what === 'worse' ? 'high' : 'medium' });
      const more = sampleCause({ lastSeen: at, kind: 'wrong-process' });
      const isHere = what === 'there' || what === 'worse' || what === 'more';
      const folded = memory.run(at, [...(isHere ? [here] : []), ...(what === 'more' ? [more] : [])], what !== 'hidden');
      assert.deepEqual(
        folded.map((one) => one.news).filter((news) => news !== null),
        want ? [want] : [],
        `at ${at / HOUR} h`,
      );
    }
  });

test('traffic that is over does not open a resolved incident again', () => {
  const memory = new Memory();
  const burst = sampleCause({ from: 'anomaly', kind: 'denied-burst', lastSeen: HOUR });
  memory.run(2 * HOUR, [burst]);
  assert.deepEqual(
    memory.run(8 * HOUR, [burst]).map((one) => one.news),
    ['resolved'],
  );
  assert.deepEqual(
    memory
      .run(9 * HOUR, [burst])
      .map((one) => one.news)
      .filter(Boolean),
    [],
  );
  assert.equal(memory.only.state, 'resolved');
});

test('the title is the cause that makes it as bad as it is', () => {
  const memory = new Memory({ ...NOWHERE, registered: false, exposure: 'everybody' });
  memory.run(0, [sampleCause({ severity: 'high', message: 'Nobody registered it.' })]);
  assert.equal(memory.only.title, 'Nobody registered it.');
  const pulse = sampleCause({
    from: 'anomaly',
    kind: 'dormant-port-active',
    severity: 'high',
    message: 'A quiet port pulses.',
  });
  memory.run(1, [sampleCause({ severity: 'high', message: 'Nobody registered it.' }), pulse]);
  assert.deepEqual([memory.only.severity, memory.only.title], ['critical', 'A quiet port pulses.']);
});

test('it keeps the owner it had when the register cannot be read', () => {
  const memory = new Memory();
  memory.run(0, [sampleCause()]);
  memory.set({ owner: 'team-orders', service: 'postgresql' });
  memory.run(1, [sampleCause({ lastSeen: 1 }), sampleCause({ kind: 'wrong-process', lastSeen: 1 })]);
  assert.deepEqual([memory.only.owner, memory.only.service], ['team-orders', 'postgresql']);
});

test('short names differ, and are digits that nobody mistakes', () => {
  const memory = new Memory();
  const causes = Array.from({ length: 3_000 }, (_, port) => sampleCause({ endpoint: { ...DB, port } }));
  memory.run(0, causes);
  const ids = [...memory.records.values()].map((record) => record.id);
  assert.equal(new Set(ids).size, 3_000);
  for (const id of ids) assert.match(id, /^Q-[0-9A-HJKMNP-TV-Z]{5}$/);
});

test('no cause is lost, each is in one incident, and the same again raises nothing', () => {
  fc.assert(
    fc.property(fc.array(anyCauses, { maxLength: 6 }), (runs) => {
      const memory = new Memory();
      const told = new Map<string, string>();
      let now = 0;
      for (const some of runs) {
        now += HOUR;
        // One cause by id, as the sources give them.
        const found = [...new Map(some.map((cause) => [cause.id, { ...cause, lastSeen: now }])).values()];
        memory.run(now, found);
        for (const { id } of found) {
          const key = memory.causes.get(id)?.key ?? assert.fail(`${id} is lost`);
          assert.equal(told.get(id) ?? key, key, `${id} is in two incidents`);
          told.set(id, key);
          assert.notEqual(memory.records.get(key)?.state, 'resolved');
        }
        const again = memory.run(now, found);
        assert.deepEqual(
          again.flatMap((one) => one.news ?? []),
          [],
        );
      }
      for (const record of memory.records.values()) {
        const causes = [...memory.causes.values()].filter(({ key }) => key === record.key);
        assert.equal(record.causeCount, causes.length);
      }
    }),
    { numRuns: 200 },
  );
});
