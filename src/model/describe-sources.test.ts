import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeSources } from './describe-sources.ts';

test('sources in words, however many', () => {
  const every = (count: number, step: number) => Array.from({ length: 2 * count }, (_, i) => (i >> 1) * step + (i & 1));
  assert.equal(
    describeSources({ ipv4: every(300_000, 4), ipv6: [] }),
    '0.0.0.0, 0.0.0.4, 0.0.0.8, 0.0.0.12 and 299,996 more',
  );
});
