import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { readTargets } from './read-targets.ts';

test('targets of a list carry their place; comments, byte order marks and other line ends are no targets', async () => {
  const input = Readable.from([Buffer.from('\ufeff10.0.0.1, db-1 # x\r\n#\n\n'), Buffer.from('10.0.0.0/30')]);
  assert.deepEqual(await readTargets(['a,b', '-'], input), [
    { text: 'a', at: '' },
    { text: 'b', at: '' },
    { text: '10.0.0.1', at: 'standard input:1' },
    { text: 'db-1', at: 'standard input:1' },
    { text: '10.0.0.0/30', at: 'standard input:4' },
  ]);
});

test('a list without line ends is given up soon, however long it is', async () => {
  let read = 0;
  const endless = async function* () {
    for (; ; read++) yield Buffer.alloc(65_536);
  };
  await assert.rejects(readTargets(['-'], Readable.from(endless())), /standard input: a list of targets has/);
  assert.ok(read < 2_000);
  await assert.rejects(readTargets(['@/dev/zero'], Readable.from([])), /\/dev\/zero: a list of targets has/);
  const long = Readable.from([Buffer.from(`10.0.0.1\n${'x'.repeat(5_000)}\n`)]);
  await assert.rejects(readTargets(['-'], long), /standard input:2: a list of targets has/);
  await assert.rejects(readTargets(['@/'], Readable.from([])), /cannot be read/);
});
