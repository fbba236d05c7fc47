import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderFeeds } from './flows-kept.ts';

const NOW = Date.UTC(2026, 10, 22, 11, 38, 5);

for (const { delivered, words } of [
  { delivered: '11:40:00', words: 'now' }, // the bucket that is not over
  { delivered: '11:48:05', words: 'ahead of this clock by 10 minutes' },
  { delivered: '11:35:05', words: '3 minutes ago' },
])
  test(`a feed that delivered until ${delivered} at 11:38:05: ${words}`, () => {
    const feed = { name: 'conntrack:db-1', format: 'conntrack', covered: 1, gaps: [], lost: 0, addresses: 1 };
    const lastDelivered = Date.parse(`2026-11-22T${delivered}Z`) / 1000;
    const text = renderFeeds(
      { from: NOW / 1000 - 3600, until: NOW / 1000, feeds: [{ ...feed, lastDelivered }] },
      'table',
      NOW,
      { color: false, width: 200 },
    );
    assert.match(text, new RegExp(` ${words} +100`));
  });
