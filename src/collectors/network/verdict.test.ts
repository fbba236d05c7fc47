import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Attempt, attemptOfError } from './verdict.ts';

const CASES: [code: string, ipv4: Attempt, ipv6: Attempt][] = [
  ['ECONNREFUSED', 'closed', 'closed'],
  ['EHOSTUNREACH', 'unreachable', 'unreachable'],
  ['ENETUNREACH', 'unreachable', 'unreachable'],
  ['ETIMEDOUT', 'filtered', 'filtered'],
  ['EACCES', 'refused-here', 'filtered'],
  ['EPERM', 'refused-here', 'refused-here'],
  ['EMFILE', 'shortage', 'shortage'],
  ['EADDRNOTAVAIL', 'shortage', 'shortage'],
  ['ENOBUFS', 'shortage', 'shortage'],
  ['ESOMETHINGNEW', 'refused-here', 'refused-here'],
];
for (const [code, ipv4, ipv6] of CASES)
  test(`${code} means ${ipv4}`, () =>
    assert.deepEqual([attemptOfError(code, false), attemptOfError(code, true)], [ipv4, ipv6]));
