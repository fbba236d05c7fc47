import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SAMPLE_ENTRIES, SAMPLE_REGISTER, sampleResult } from '../../test/sample-result.ts';
import type { Facts } from '../model/facts.ts';
import { type ApprovalState, DAY_MS, type RegisterEntry } from '../model/register.ts';
import type { HostState } from '../model/state.ts';
import { observedWords, reviewWords } from './words.ts';

const at = Date.UTC(2026, 10, 22);
const policy = { ...SAMPLE_REGISTER.policy, reviewEveryDays: 365 };
const entry = { ...(SAMPLE_ENTRIES[0] as RegisterEntry), approval: { by: 'a@example.org', at }, data: [] };
const proven: ApprovalState = { kind: 'proven', by: 'a@example.org', how: 'signed-commit' };
const claimed: ApprovalState = { kind: 'claimed', reason: 'there is no proof' };
const review = { last: at + DAY_MS, by: 'b@example.org', digest: entry.digest };

test('the review in words', () => {
  const cases: [over: Partial<RegisterEntry>, state: ApprovalState, now: number, want: string][] = [
    [{}, proven, at + 1, 'not reviewed since its approval on 2026-11-22; due 2027-11-22'],
    [{}, claimed, at + 1, 'not reviewed: its approval is not proven'],
    [{ approval: null }, { kind: 'draft' }, at, 'not reviewed: a draft'],
    [{ review }, proven, at + 2 * DAY_MS, 'reviewed on 2026-11-23; due 2027-11-23'],
    [
      { review: { ...review, everyDays: 30 } },
      claimed,
      at + 34 * DAY_MS,
      'reviewed on 2026-11-23; due 2026-12-23, overdue by 3 days',
    ],
    [
      { review: { ...review, digest: 'sha256:old' } },
      proven,
      at + 2 * DAY_MS,
      'not reviewed since its approval on 2026-11-22 (the review of 2026-11-23 does not count: the entry changed since); due 2027-11-22',
    ],
  ];
  for (const [over, state, now, want] of cases)
    assert.equal(reviewWords({ ...entry, ...over }, state, policy, now), want);
});

test('when the hosts were observed, not when the command ran', () => {
  const { result } = sampleResult('small');
  const [host] = result.facts.estate.hosts;
  assert.ok(host);
  const t = (day: number, hour: number, minute: number) => Date.UTC(2026, 10, day, hour, minute, 20);
  const cases: [looks: [name: string, vantage: string, at: number][], want: string][] = [
    [[], 'no host observed'],
    [[['a', 'local', t(22, 1, 30)]], 'observed 2026-11-22 01:30 UTC'],
    [
      [
        ['a', 'local', t(22, 1, 38)],
        ['b', 'local', t(22, 1, 30)],
      ],
      'observed 2026-11-22 01:30 to 01:38 UTC',
    ],
    [
      [
        ['a', 'local', t(22, 1, 38)],
        ['b', 'local', t(20, 1, 30)],
      ],
      'observed 2026-11-20 01:30 to 2026-11-22 01:38 UTC',
    ],
    // Of several looks at one host the newest counts.
    [
      [
        ['a', 'local', t(22, 1, 38)],
        ['a', 'scan', t(20, 1, 30)],
      ],
      'observed 2026-11-22 01:38 UTC',
    ],
  ];
  for (const [looks, want] of cases) {
    const hosts: HostState[] = looks.map(([name, vantage, lastObservedAt]) => ({
      ...host,
      vantage,
      lastObservedAt,
      host: { ...host.host, name },
    }));
    const facts: Facts = { ...result.facts, estate: { ...result.facts.estate, hosts } };
    assert.equal(observedWords({ ...result, facts }), want);
  }
});
