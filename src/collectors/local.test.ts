import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { collectors } from './index.ts';
import { createLocalCollector, local } from './local.ts';

const fixtures = resolve(import.meta.dirname, '../../fixtures/collectors');
const skip = process.platform !== 'linux' && 'resolves paths through /proc/self/fd, which only Linux has';
const now = () => Date.UTC(2026, 10, 21, 12);

/** A machine put together from documented forms (see its README); `UPDATE_GOLDEN=1` rewrites the expected output. */
test('a captured machine gives the expected observation', { skip }, async () => {
  const golden = join(fixtures, 'mixed-host.golden.json');
  const observation = await local.collect({ root: join(fixtures, 'mixed-host'), hashes: true, now });
  const text = `${JSON.stringify({ ...observation, durationMs: 0 }, null, 2)}\n`;
  if (process.env.UPDATE_GOLDEN) writeFileSync(golden, text);
  assert.equal(text, readFileSync(golden, 'utf8'));
});

test('a second snapshot of the same machine is the same', { skip }, async () => {
  const collector = createLocalCollector();
  const options = { root: join(fixtures, 'mixed-host'), hashes: true, now };
  const first = await collector.collect(options);
  const again = await collector.collect(options);
  assert.deepEqual({ ...again, durationMs: 0 }, { ...first, durationMs: 0 });
});

test('a root without /proc is a gap, not a failure', { skip }, async () => {
  const observation = await local.collect({ root: join(fixtures, 'nowhere'), hashes: false, now, hostName: 'db-9' });
  assert.equal(observation.host.name, 'db-9');
  assert.deepEqual(observation.coverage, []);
  assert.deepEqual(
    observation.gaps.map((g) => g.code),
    ['proc-unreadable'],
  );
});

test('the list of collectors names every file of the folder', () => {
  const files = readdirSync(import.meta.dirname).filter((file) => /^[a-z-]+\.ts$/.test(file));
  const names = files.map((file) => file.slice(0, -3)).filter((name) => !['collector', 'index'].includes(name));
  assert.deepEqual(collectors.map((c) => c.name).sort(), names.sort());
});
