import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SAMPLE_ENTRIES } from '../../../test/sample-result.ts';
import type { RegisterEntry, Zone } from '../../model/register.ts';
import { countSources, sourceBar, sourcesWith, sourceTotal, sourceWords } from './sources.ts';

const ZONES: readonly Zone[] = [
  { name: 'app', cidrs: ['10.20.4.0/24'] },
  { name: 'empty', cidrs: [] },
  { name: 'six', cidrs: ['fd00:20::/64'] },
];

function entry(sources: readonly string[] | null): RegisterEntry {
  return { ...(SAMPLE_ENTRIES[0] as RegisterEntry), sources };
}

const text = (markup: string) => markup.replace(/<sup>/g, '^').replace(/<[^>]*>/g, '');

for (const { sources, words, total } of [
  { sources: ['zone:app', '10.20.9.17'], words: '257 addresses', total: 257n },
  { sources: ['10.20.9.17'], words: '1 address', total: 1n },
  // What two sources share is counted once.
  { sources: ['10.20.4.0/25', '10.20.4.0/24', 'zone:app'], words: '256 addresses', total: 256n },
  { sources: ['0.0.0.0/0'], words: '4,294,967,296 addresses', total: 2n ** 32n },
  { sources: ['zone:six'], words: '2^64 IPv6 addresses', total: 2n ** 64n },
  { sources: ['zone:six', 'fd00:21::1'], words: 'over 2^64 IPv6 addresses', total: 2n ** 64n + 1n },
  { sources: ['fd00:20::1', '10.20.9.17'], words: '1 IPv4 and 1 IPv6 addresses', total: 2n },
  { sources: [], words: 'this host', total: 0n },
  { sources: ['zone:empty'], words: 'this host', total: 0n },
  { sources: null, words: 'not said', total: -1n },
  { sources: ['zone:gone', '10.20.9.17'], words: 'not readable', total: -1n },
])
  test(`sources ${JSON.stringify(sources)} are ${words}`, () => {
    const count = countSources(entry(sources), ZONES);
    assert.equal(text(sourceWords(count).markup), words);
    assert.equal(sourceTotal(count), total);
  });

test('a zone is shown with what it holds, one that is declared nowhere as such', () => {
  const { list } = sourcesWith(ZONES)(entry(['zone:app', 'zone:gone']));
  assert.equal(text((list as { markup: string }).markup), 'zone:app (10.20.4.0/24), zone:gone declared nowhere');
});

test('the bar grows by a quarter for each factor of 256, and never beyond its end', () => {
  const width = (n: bigint) => Number(/ width="([\d.]+)%" height="6"\/><\/svg>$/.exec(sourceBar(n).markup)?.[1]);
  assert.deepEqual(
    [0n, 1n, 256n, 65_536n, 2n ** 24n, 2n ** 32n, 2n ** 128n].map(width),
    [1.5, 1.5, 25, 50, 75, 100, 100],
  );
});
