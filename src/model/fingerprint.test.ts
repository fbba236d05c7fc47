import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Subject } from './finding.ts';
import { fingerprintOf, subjectKey } from './fingerprint.ts';

const endpoint: Subject = {
  kind: 'endpoint',
  endpoint: { host: 'db-1', scope: 'host', transport: 'tcp', port: 5432 },
};

test('a fingerprint is 32 hex digits and stays what it was', () => {
  // Changing it makes every known finding new: the value is part of the contract.
  assert.equal(
    fingerprintOf('wider-bind', endpoint, 'pg-orders'),
    // printf '{"entry":"pg-orders","rule":"wider-bind","subject":"endpoint:db-1:5432/tcp"}' | sha256sum
    'e14e2c714f026b7fafa97f6dd418152c',
  );
});

test('rule, subject, entry and discriminator each make another finding', () => {
  const all = [
    fingerprintOf('wider-bind', endpoint),
    fingerprintOf('wrong-process', endpoint),
    fingerprintOf('wider-bind', endpoint, 'a'),
    fingerprintOf('wider-bind', endpoint, undefined, 'a'),
    fingerprintOf('wider-bind', { kind: 'host', host: 'db-1' }),
    fingerprintOf('wider-bind', { kind: 'entry', entry: 'db-1' }),
    fingerprintOf('wider-bind', { kind: 'estate' }),
  ];
  assert.equal(new Set(all).size, all.length);
});

test('subjects have a text of their own', () => {
  assert.equal(subjectKey(endpoint), 'endpoint:db-1:5432/tcp');
  assert.equal(subjectKey({ kind: 'entry', entry: 'pg' }), 'entry:pg');
  assert.equal(subjectKey({ kind: 'host', host: 'db-1' }), 'host:db-1');
  assert.equal(subjectKey({ kind: 'estate' }), 'estate');
});
