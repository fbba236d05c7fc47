import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { testHostileLines } from '../../test/hostile-flows.ts';
import { readFlows } from '../../test/read-flows.ts';
import { nfdumpCsv } from './nfdump-csv.ts';

const dir = join(import.meta.dirname, '../../fixtures/flows/nfdump');
const fixture = (name: string) => readFileSync(join(dir, name), 'utf8');
const LEGACY = fixture('legacy.csv');

const RECORDS = [
  '09:50:25 tcp 10.0.0.1:40000 ? 10.0.0.2:443 unknown 1c 8p 941b',
  '09:50:25 tcp 10.0.0.2:443 ? 10.0.0.1:40000 unknown 1c 7p 3488b',
  '09:50:26 tcp 10.0.0.1:40002 > 10.0.0.3:8081 unknown 1c 3p 180b',
  '09:50:26 tcp 10.0.0.2:22 < 10.0.0.9:50200 unknown 0c 1p 60b',
  '09:50:27 udp 10.0.0.1:40003 ? 10.0.0.2:53 unknown 1c 1p 73b',
  '09:50:28 icmp 10.0.0.1 ? 10.0.0.2 unknown 1c 2p 168b',
  '09:50:28 icmp 10.0.0.1 ? 10.0.0.2 unknown 1c 1p 84b',
  '09:50:30 tcp [fd99::1]:40010 ? [fd99::2]:80 accepted 1c 5p 400b',
  '09:50:31 tcp [fd99::7]:50000 > [fd99::2]:3389 denied 1c 1p 80b',
];

test('nfdump 1.7.1 -o csv, of NetFlow v5 and v9', () => {
  const found = readFlows(nfdumpCsv, LEGACY);
  assert.deepEqual([found.records, found.problems], [RECORDS, []]);
  assert.deepEqual(found.skipped, { headers: 1, summaries: 3 });
  assert.deepEqual(found.feeds, ['nfdump:127.0.0.1']);
});

test('nfdump after 1.7.3: columns that are named, flows that were counted', () => {
  const found = readFlows(nfdumpCsv, fixture('fields.csv'));
  assert.deepEqual(found.problems, []);
  assert.deepEqual(found.records, [
    '09:50:25 tcp 10.0.0.1:40000 ? 10.0.0.2:443 unknown 1c 8p 941b',
    '09:50:26 tcp 10.0.0.1:40002 ? 10.0.0.3:8081 unknown 1c 3p 180b',
    '09:50:27 udp 10.0.0.1:40003 ? 10.0.0.2:53 unknown 4c 1p 73b',
    '09:50:28 icmp 10.0.0.1 ? 10.0.0.2 unknown 1c 2p 168b',
  ]);
});

test('nfdump -o csv-fast: milliseconds, protocols by number', () => {
  const found = readFlows(nfdumpCsv, fixture('fast.csv'), { utcOffsetMinutes: 60 });
  assert.deepEqual(found.problems, []);
  assert.deepEqual(found.records, [
    RECORDS[0],
    RECORDS[2],
    '09:50:30 tcp [fd99::1]:40010 ? [fd99::2]:80 unknown 1c 5p 400b',
  ]);
});

test('nfdump: the zone is the one nfdump ran in', () => {
  const { records } = readFlows(nfdumpCsv, LEGACY, { utcOffsetMinutes: 120 });
  assert.match(records[0] ?? '', /^07:50:25 /);
});

suite('nfdump: what flags show', () => {
  const header = 'ts,td,sa,da,sp,dp,pr,flg,ipkt,ibyt,opkt,obyt';
  const cases = [
    { flags: '......S.', packets: 3, out: 0, want: '> 1c' },
    { flags: '....S.', packets: 3, out: 0, want: '> 1c' },
    { flags: '.....RS.', packets: 2, out: 0, want: '> 1c' },
    { flags: '...A..S.', packets: 1, out: 0, want: '< 0c' },
    { flags: '...A..S.', packets: 2, out: 0, want: '? 1c' },
    { flags: '...AP.SF', packets: 9, out: 0, want: '? 1c' },
    { flags: '...A.R..', packets: 1, out: 0, want: '? 1c' },
    { flags: '......S.', packets: 3, out: 4, want: '? 1c' },
    { flags: '........', packets: 3, out: 0, want: '? 1c' },
  ];
  for (const { flags, packets, out, want } of cases)
    test(`${flags} in ${packets} packets, ${out} back`, () => {
      const row = `2026-11-22 09:50:25,    0.000, 10.0.0.1,10.0.0.2 ,4000,80,TCP  ,${flags},${packets},100,${out},${out}`;
      const { records, problems } = readFlows(nfdumpCsv, `${header}\n${row}\n`);
      assert.deepEqual(problems, []);
      const [arrow, connections] = want.split(' ');
      assert.equal(
        records[0],
        `09:50:25 tcp 10.0.0.1:4000 ${arrow} 10.0.0.2:80 unknown ${connections} ${packets + out}p ${100 + out}b`,
      );
    });
});

suite('nfdump: what cannot be read', () => {
  const [header, row] = LEGACY.split('\n') as [string, string];
  const cases = [
    { name: 'no header', text: row, message: /the header line of nfdump/, at: [1, 1] },
    {
      name: 'statistics',
      text: 'ts,te,td,pr,val,fl,flP,ipkt,ibyt\n2026-11-22 09:50:25,2026-11-22 09:50:25,0.254,any,443,1,11.1,8,941',
      message: /the columns sa, da, sp, dp in the header/,
      at: [2, 1],
    },
    { name: 'short', text: `${header}\n${row.slice(0, 60)}`, message: /48 columns, found 5/, at: [2, 61] },
    { name: 'long', text: `${header}\n${row},1`, message: /48 columns, found more/, at: [2, row.length + 2] },
    {
      name: 'no time',
      text: `${header}\n${row.replace('2026-11-22 09', '2026-22-11 09')}`,
      message: /a time in ts/,
      at: [2, 1],
    },
    {
      name: 'no address',
      text: `${header}\n${row.replace('10.0.0.2', 'web')}`,
      message: /an address in da, found "web"/,
      at: [2, row.indexOf('10.0.0.2') + 1],
    },
    {
      name: 'aggregated',
      text: `${header}\n${row.replace(',TCP,', ',0,')}`,
      message: /-A leaves out/,
      at: [2, row.indexOf(',TCP') + 2],
    },
    {
      name: 'aggregated without destination',
      text: `${header}\n${row.replace('10.0.0.2', '0.0.0.0')}`,
      message: /-A leaves out/,
      at: [2, row.indexOf('10.0.0.2') + 1],
    },
    {
      name: 'scaled',
      text: `${header}\n${row.replace(',941,', ',1.2 M,')}`,
      message: /a whole number \(nfdump -N\) in ibyt, found "1.2 M"/,
      at: [2, row.indexOf(',941') + 2],
    },
  ];
  for (const { name, text, message, at } of cases)
    test(name, () => {
      const { problems, records } = readFlows(nfdumpCsv, text);
      assert.deepEqual([records, problems.length], [[], 1]);
      assert.match(problems[0]?.message ?? '', message);
      assert.deepEqual([problems[0]?.line, problems[0]?.column], at);
    });

  test('no flows at all', () => {
    const found = readFlows(nfdumpCsv, `${header}\nNo matching flows\nSummary\nflows,bytes,packets\n0,0,0\n`);
    assert.deepEqual([found.problems, found.skipped], [[], { headers: 1, summaries: 4 }]);
  });
});

const missing = spawnSync('nfdump', ['-V']).error ? 'nfdump is not installed' : false;
test('nfdump of this machine, of a file that nfcapd wrote', { skip: missing }, () => {
  const run = spawnSync('nfdump', ['-r', join(dir, 'flows.nfcapd'), '-o', 'csv'], {
    encoding: 'utf8',
    env: { ...process.env, TZ: 'Asia/Kolkata' },
  });
  assert.equal(run.status, 0, run.stderr);
  const found = readFlows(nfdumpCsv, run.stdout, { utcOffsetMinutes: 330 });
  assert.deepEqual(found.problems, []);
  const { length } = found.records;
  assert.equal(length, RECORDS.length);
  // Releases differ in the columns that they write: ends, times and counts are in all of them.
  const ends = (records: readonly string[]) =>
    records.map((record) => record.replace(/ [<>?] | unknown| accepted| denied| \dc/g, ' '));
  assert.deepEqual(ends(found.records).toSorted(), ends(RECORDS).toSorted());
});

testHostileLines(nfdumpCsv, LEGACY.split('\n').slice(0, 4).join('\n'), `${LEGACY.split('\n')[0]}\n`);
