import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { testHostileLines } from '../../test/hostile-flows.ts';
import { readFlows } from '../../test/read-flows.ts';
import { zeekJson } from './zeek-json.ts';
import { zeekTsv } from './zeek-tsv.ts';

const fixture = (name: string) => readFileSync(join(import.meta.dirname, '../../fixtures/flows/zeek', name), 'utf8');
const LOG = fixture('conn.log');
const JSON_LOG = fixture('conn.json');

const RECORDS = [
  '09:50:25 tcp 10.0.0.1:40000 > 10.0.0.2:443 accepted 1c 15p 4429b',
  '09:50:26 tcp 10.0.0.1:40001 > 10.0.0.2:8081 denied 1c 2p 100b',
  '09:50:26 tcp 10.0.0.1:40002 > 10.0.0.3:8081 unknown 1c 1p 60b',
  '09:50:27 udp 10.0.0.1:40003 > 10.0.0.2:53 accepted 1c 2p 178b',
  '09:50:28 udp 10.0.0.9:514 > 10.0.0.2:514 unknown 1c 1p 180b',
  '09:50:29 icmp6 [fd99::1] > [fd99::2] unknown 1c 4p 416b',
  '09:50:30 tcp 10.0.0.2:445 < 10.0.0.7:50123 unknown 1c 21p 3192b',
  '09:50:31 tcp 10.0.0.7:50200 > 10.0.0.2:22 accepted 1c 42p 8328b',
  '09:50:32 udp 10.0.0.7:5000 ? 10.0.0.2:123 accepted 1c 2p 152b',
  '09:50:33 tcp [fd99::1]:40010 > [fd99::2]:80 accepted 1c 11p 4300b',
];

test('Zeek conn.log: tab-separated', () => {
  const found = readFlows(zeekTsv, LOG);
  assert.deepEqual([found.records, found.problems, found.skipped], [RECORDS, [], { headers: 9 }]);
});

test('Zeek conn.log: JSON', () => {
  const found = readFlows(zeekJson, JSON_LOG);
  assert.deepEqual([found.records, found.problems, found.skipped], [RECORDS, [], {}]);
});

test('Zeek: two rotated files one after the other, the second with other columns and separator', () => {
  const columns = ['proto', 'id.resp_p', 'id.resp_h', 'id.orig_p', 'id.orig_h', 'note', 'ts'];
  const second = [
    '#separator \\x2c',
    '#set_separator,;',
    '#empty_field,(empty)',
    '#unset_field,none',
    '#path,conn',
    `#fields,${columns.join(',')}`,
    'tcp,80,10.0.0.2,4000,10.0.0.1,hello,1795341025.1',
  ];
  const found = readFlows(zeekTsv, `${LOG}${second.join('\n')}\n`);
  assert.deepEqual(found.problems, []);
  assert.deepEqual(found.records, [...RECORDS, '09:50:25 tcp 10.0.0.1:4000 ? 10.0.0.2:80 unknown 1c 0p 0b']);
});

suite('Zeek: what a state and a history say', () => {
  const cases: { proto?: string; state: string; history: string; want: string }[] = [
    { state: 'S0', history: 'S', want: '> unknown' },
    { state: 'S1', history: 'ShA', want: '> accepted' },
    { state: 'SF', history: 'ShAFf', want: '> accepted' },
    { state: 'REJ', history: 'Sr', want: '> denied' },
    { state: 'S2', history: 'ShAF', want: '> accepted' },
    { state: 'S3', history: 'ShAf', want: '> accepted' },
    { state: 'RSTO', history: 'ShAR', want: '> accepted' },
    { state: 'RSTR', history: 'ShAr', want: '> accepted' },
    { state: 'RSTOS0', history: 'SR', want: '> unknown' },
    { state: 'RSTRH', history: '^hr', want: '> accepted' },
    { state: 'SH', history: 'SF', want: '> unknown' },
    { state: 'SHR', history: '^hf', want: '> accepted' },
    { state: 'OTH', history: 'Dd', want: '? unknown' },
    { state: 'OTH', history: '-', want: '? unknown' },
    { state: 'OTH', history: '^Dd', want: '? unknown' },
    { state: 'OTH', history: 'HADd', want: '< unknown' },
    { state: 'NEW', history: 'Dd', want: '? unknown' },
    { state: '-', history: '-', want: '? unknown' },
    { proto: 'udp', state: 'SF', history: 'Dd', want: '> accepted' },
    { proto: 'udp', state: 'S0', history: 'D', want: '> unknown' },
    { proto: 'udp', state: 'SHR', history: '^d', want: '? unknown' },
  ];
  for (const { proto = 'tcp', state, history, want } of cases)
    test(`${proto} ${state} ${history}`, () => {
      const log = LOG.split('\n');
      const line = (log[8] as string)
        .replace('\ttcp\t', `\t${proto}\t`)
        .replace('\tSF\t', `\t${state}\t`)
        .replace('ShADadFf', history);
      const [record] = readFlows(zeekTsv, [...log.slice(0, 8), line].join('\n')).records;
      assert.ok(record?.includes(` ${want.split(' ')[0]} 10.0.0.2:443 ${want.split(' ')[1]} `), record);
      const json = { ...JSON.parse(JSON_LOG.split('\n')[0] as string), proto, conn_state: state, history };
      assert.deepEqual(readFlows(zeekJson, JSON.stringify(json)).records, [record], 'JSON');
    });
});

suite('Zeek: what cannot be read', () => {
  const lines = LOG.split('\n');
  const row = lines[8] as string;
  const cases = [
    { name: 'no #fields', text: `${row}\n`, message: /#fields line before the first record/, at: [1, 1] },
    {
      name: 'a column is missing',
      text: `#fields\tts\tproto\n1\ttcp\n`,
      message: /columns id.orig_h, id.orig_p/,
      at: [2, 1],
    },
    {
      name: 'a row is short',
      text: [...lines.slice(0, 8), row.slice(0, 40)].join('\n'),
      message: /21 columns, found 3/,
      at: [9, 41],
    },
    {
      name: 'a row is long',
      text: [...lines.slice(0, 8), `${row}\tx`].join('\n'),
      message: /21 columns, found more/,
      at: [9, row.length + 2],
    },
    {
      name: 'no time',
      text: [...lines.slice(0, 8), row.replace('1795341025.576799', 'now')].join('\n'),
      message: /seconds since 1970 in ts, found "now"/,
      at: [9, 1],
    },
    {
      name: 'no address',
      text: [...lines.slice(0, 8), row.replace('10.0.0.2', '10.0.0')].join('\n'),
      message: /an address in id.resp_h, found "10.0.0"/,
      at: [9, row.indexOf('10.0.0.2') + 1],
    },
    {
      name: 'no count',
      text: [...lines.slice(0, 8), row.replace('\t941\t', '\t-941\t')].join('\n'),
      message: /whole number in orig_ip_bytes/,
      at: [9, row.indexOf('\t941\t') + 2],
    },
  ];
  for (const { name, text, message, at } of cases)
    test(name, () => {
      const { problems, records } = readFlows(zeekTsv, text);
      assert.deepEqual([records.length, problems.length], [0, 1]);
      assert.match(problems[0]?.message ?? '', message);
      assert.deepEqual([problems[0]?.line, problems[0]?.column], at);
    });

  test('JSON: a port that is a text, a field that is missing', () => {
    const json = JSON.parse(JSON_LOG.split('\n')[0] as string);
    const { 'id.resp_h': _, ...without } = json;
    const text = [JSON.stringify({ ...json, 'id.resp_p': '443' }), JSON.stringify(without)].join('\n');
    const { problems, records } = readFlows(zeekJson, text);
    assert.deepEqual(records, []);
    assert.deepEqual(
      problems.map(({ message, line }) => `${line}: ${message}`),
      [
        '1: expected a port from 0 to 65535 in id.resp_p, found "443"',
        '2: expected an address in id.resp_h, which is missing',
      ],
    );
    assert.equal(problems[0]?.column, text.indexOf('"443"') + 2);
  });
});

test('Zeek: other logs are passed over by their name', () => {
  const dns = LOG.replace('#path\tconn', '#path\tdns');
  assert.deepEqual(readFlows(zeekTsv, dns).skipped, { headers: 9, 'records of dns.log': 10 });
  const json = JSON.parse(JSON_LOG.split('\n')[0] as string);
  const text = [
    { ...json, _path: 'dns' },
    { ...json, _path: 'conn' },
    { ts: 1, uid: 'x' },
  ].map((v) => JSON.stringify(v));
  const found = readFlows(zeekJson, text.join('\n'));
  assert.equal(found.records.length, 1);
  assert.deepEqual(found.skipped, { 'records of dns.log': 1, 'records without conn_state (not of conn.log)': 1 });
});

test('Zeek JSON: times as ISO 8601 and in milliseconds, numbers with an exponent', () => {
  const json = JSON.parse(JSON_LOG.split('\n')[0] as string);
  for (const ts of ['"2026-11-22T09:50:25.576799Z"', '1795341025576.799', '1795341025.576799', '1.795341025576799e9']) {
    const text = JSON.stringify({ ...json, ts: 0, duration: 0 })
      .replace('"ts":0', `"ts":${ts}`)
      .replace('"duration":0', '"duration":9.5367431640625e-07');
    const { records, starts } = readFlows(zeekJson, text);
    assert.deepEqual(records, RECORDS.slice(0, 1), ts);
    assert.ok(Math.abs((starts[0] as number) - 1795341025.576799) < 1e-5, ts);
  }
});

test('Zeek: payload bytes where those with headers are not written', () => {
  const json = JSON.parse(JSON_LOG.split('\n')[0] as string);
  const { orig_ip_bytes: _, resp_ip_bytes: __, ...without } = json;
  assert.match(readFlows(zeekJson, JSON.stringify(without)).records[0] ?? '', / 15p 3637b$/);
});

testHostileLines(zeekTsv, LOG.split('\n').slice(0, 12).join('\n'), `${LOG.split('\n').slice(0, 8).join('\n')}\n`);
testHostileLines(zeekJson, JSON_LOG.split('\n').slice(0, 4).join('\n'));
