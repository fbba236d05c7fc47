import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SAMPLE_ENTRIES, SAMPLE_REGISTER } from '../../test/sample-result.ts';
import { DAY_MS, type RegisterEntry } from './register.ts';
import { reviewDue, reviewState } from './review.ts';

const base = SAMPLE_ENTRIES[0] as RegisterEntry;
const { policy } = SAMPLE_REGISTER;
const at = Date.UTC(2026, 0, 1);
const approval = { by: 'a@example.org', at };

test('a review is due after the interval of the entry, its data, or the policy', () => {
  const cases: { name: string; entry: Partial<RegisterEntry>; want: number | null }[] = [
    { name: 'never approved', entry: { approval: null, review: null }, want: null },
    { name: 'the policy, from the approval', entry: { approval, review: null, data: [] }, want: at + 90 * DAY_MS },
    {
      name: 'the data class is shorter',
      entry: { approval, review: null, data: ['public', 'phi'] },
      want: at + 30 * DAY_MS,
    },
    { name: 'the entry says', entry: { approval, review: { everyDays: 7 }, data: ['phi'] }, want: at + 7 * DAY_MS },
    {
      name: 'the data caps what the entry says',
      entry: { approval, review: { everyDays: 365 }, data: ['phi'] },
      want: at + 30 * DAY_MS,
    },
    {
      name: 'a review of an older text',
      entry: { approval, review: { last: at + DAY_MS, digest: 'sha256:old' }, data: [] },
      want: at + 90 * DAY_MS,
    },
    { name: 'expired', entry: { approval, review: null, expires: at + DAY_MS }, want: null },
    {
      name: 'from the last review',
      entry: { approval, review: { last: at + DAY_MS }, data: [] },
      want: at + 91 * DAY_MS,
    },
  ];
  for (const { name, entry, want } of cases)
    assert.equal(reviewDue({ ...base, expires: null, ...entry }, policy, at + DAY_MS), want, name);
});

test('a review is overdue at its time, and due soon before it', () => {
  const soon = policy.dueSoonDays * DAY_MS;
  const got = [null, at, at + 1, at + soon, at + soon + 1].map((due) => reviewState(due, at, policy));
  assert.deepEqual(got, ['none', 'overdue', 'soon', 'soon', 'later']);
});
