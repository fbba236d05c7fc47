import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writtenKeys } from './written-keys.ts';

test('keys that are set, one level down too; blank and broken ones are not', () => {
  const keys = writtenKeys('name: x\nsite:\npolicy:\n  review: 90d\n  dueSoon:\nzones: [a\n');
  assert.deepEqual([...keys].sort(), ['name', 'policy', 'policy.review']);
});
