import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SAMPLE_OBSERVATION, sampleResult } from '../../../test/sample-result.ts';
import { sha256 } from '../../util/sha256.ts';
import { renderInventory } from '../inventory.ts';
import { hashListeners } from './evidence.ts';

test('the hash of the listeners is that of a scan printed as JSON', () => {
  const scan = JSON.parse(renderInventory(SAMPLE_OBSERVATION, 'json', { width: 100, color: false }));
  const hashes = [...hashListeners(sampleResult('small').result)];
  assert.deepEqual(
    hashes.map(([h, hash]) => [h.host.name, hash]),
    [['vm', sha256(JSON.stringify(scan.listeners))]],
  );
});
