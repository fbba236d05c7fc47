import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SAMPLE_ENTRIES, SAMPLE_REGISTER } from '../../test/sample-result.ts';
import { type ApprovalState, DAY_MS, type RegisterEntry } from './register.ts';
import { reviewDue, reviewStanding, reviewState } from './review.ts';

const base = SAMPLE_ENTRIES[0] as RegisterEntry;
const { policy } = SAMPLE_REGISTER;
const at = Date.UTC(2026, 0, 1);
const now = at + 2 * DAY_MS;
const approval = { by: 'a@example.org', at };
const proven: ApprovalState = { kind: 'proven', by: 'a@example.org', how: 'ssh-signature' };

test('a review is due after the interval of the entry, its data, or the policy', () => {
  const cases: { name: string; entry: Partial<RegisterEntry>; want: number | null }[] = [
    { name: 'the policy, from the approval', entry: { review: null, data: [] }, want: at + 90 * DAY_MS },
    { name: 'the data class is shorter', entry: { review: null, data: ['public', 'phi'] }, want: at + 30 * DAY_MS },
    { name: 'the data class is longer than the policy', entry: { data: ['rare'] }, want: at + 400 * DAY_MS },
    { name: 'a class named like a method', entry: { data: ['constructor'] }, want: at + 90 * DAY_MS },
    { name: 'the entry says', entry: { review: { everyDays: 7 }, data: ['phi'] }, want: at + 7 * DAY_MS },
    { name: 'the entry says more', entry: { review: { everyDays: 365 }, data: [] }, want: at + 365 * DAY_MS },
    { name: 'the data caps it', entry: { review: { everyDays: 365 }, data: ['phi'] }, want: at + 30 * DAY_MS },
    { name: 'from the last review', entry: { review: { last: at + DAY_MS }, data: [] }, want: at + 91 * DAY_MS },
    { name: 'an older review', entry: { review: { last: at - DAY_MS }, data: [] }, want: at + 90 * DAY_MS },
    { name: 'expired', entry: { review: null, expires: at + DAY_MS }, want: null },
  ];
  const byData = { ...policy, reviewEveryDaysByData: { ...policy.reviewEveryDaysByData, rare: 400 } };
  for (const { name, entry, want } of cases)
    assert.equal(reviewDue({ ...base, approval, expires: null, ...entry }, proven, byData, now), want, name);
});

test('only a proven approval is a review, and only a review of what stands now counts', () => {
  const states: ApprovalState[] = [
    { kind: 'claimed', reason: 'there is no proof' },
    { kind: 'void', approved: 'sha256:00' },
    { kind: 'self-approved', by: 'a@example.org' },
    { kind: 'forged', reason: 'another key' },
    { kind: 'not-allowed', by: 'a@example.org', reason: 'not named' },
    { kind: 'unknown', reason: 'no history' },
  ];
  const entry = { ...base, approval, expires: null, review: null };
  const review = { last: at + DAY_MS, digest: base.digest };
  for (const state of states) {
    assert.equal(reviewDue(entry, state, policy, now), null, state.kind);
    assert.equal(reviewDue({ ...entry, review }, state, policy, now), at + 91 * DAY_MS, state.kind);
  }
  assert.equal(reviewDue({ ...entry, approval: null, review }, { kind: 'draft' }, policy, now), null);
  const stamps: [RegisterEntry['review'], string | null][] = [
    [review, null],
    [{ last: at + DAY_MS }, null],
    [{ last: at + DAY_MS, digest: 'sha256:old' }, 'the entry changed since'],
    [{ last: now + 2 * DAY_MS }, 'it is dated in the future'],
  ];
  for (const [stamp, ignored] of stamps) {
    const standing = reviewStanding({ ...entry, review: stamp }, proven, policy, now);
    assert.equal(standing.ignored, ignored);
    assert.equal(standing.due, (ignored === null ? at + DAY_MS : at) + 90 * DAY_MS);
  }
});

test('a review is overdue at its time, and due soon before it', () => {
  const soon = policy.dueSoonDays * DAY_MS;
  const got = [null, at, at + 1, at + soon, at + soon + 1].map((due) => reviewState(due, at, policy));
  assert.deepEqual(got, ['none', 'overdue', 'soon', 'soon', 'later']);
});
