import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTime } from './parse-time.ts';

const now = Date.parse('2026-11-21T12:00:00Z');
const cases: readonly { text: string; want: string | null }[] = [
  { text: '24h', want: '2026-11-20T12:00:00.000Z' },
  { text: '90m', want: '2026-11-21T10:30:00.000Z' },
  { text: '7d', want: '2026-11-14T12:00:00.000Z' },
  { text: '2w', want: '2026-11-07T12:00:00.000Z' },
  { text: '2026-11-01', want: '2026-11-01T00:00:00.000Z' },
  { text: '2026-11-01T10:00', want: '2026-11-01T10:00:00.000Z' },
  { text: '2026-11-01T10:00:00+02:00', want: '2026-11-01T08:00:00.000Z' },
  { text: '2026-13-01', want: null },
  { text: 'yesterday', want: null },
  { text: '', want: null },
  { text: '5y', want: null },
];

for (const { text, want } of cases)
  test(`parseTime ${JSON.stringify(text)}`, () => {
    if (want === null) assert.throws(() => parseTime(text, now), { name: 'UserError' });
    else assert.equal(new Date(parseTime(text, now)).toISOString(), want);
  });
