import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { testHostileLines } from '../../test/hostile-flows.ts';
import { readFlows } from '../../test/read-flows.ts';
import { eve } from './eve.ts';

const EVE = readFileSync(join(import.meta.dirname, '../../fixtures/flows/eve/eve.json'), 'utf8');
const first = JSON.parse(EVE.split('\n')[0] as string);
const netflow = JSON.parse(EVE.split('\n')[5] as string);

const RECORDS = [
  '09:50:25 tcp 10.0.0.1:40000 > 10.0.0.2:443 accepted 1c 15p 4639b',
  '09:50:26 tcp 10.0.0.1:40001 > 10.0.0.2:8081 denied 1c 2p 128b',
  '09:50:27 udp [fd99::1]:40003 > [fd99::2]:53 accepted 1c 2p 206b',
  '09:50:29 icmp 10.0.0.1 > 10.0.0.2 accepted 1c 4p 392b',
  '09:50:30 tcp 10.0.0.2:445 ? 10.0.0.7:50123 unknown 1c 21p 3192b',
  '09:50:31 tcp 198.51.100.7:55000 > 10.0.0.2:3389 denied 1c 3p 180b',
];

test('eve: flows; alerts, statistics and netflow beside them are passed over by kind', () => {
  const found = readFlows(eve, EVE);
  assert.deepEqual(found.records, RECORDS);
  assert.deepEqual(found.problems, []);
  assert.deepEqual(found.skipped, { 'alert events': 1, 'stats events': 1, 'netflow events, beside flow events': 1 });
});

test('eve: netflow events alone are two halves; only a SYN alone shows a direction', () => {
  const back = { ...netflow, src_ip: '10.0.0.2', src_port: 443, dest_ip: '10.0.0.1', dest_port: 40000 };
  const unanswered = { ...netflow, tcp: { tcp_flags: '02', syn: true } };
  const found = readFlows(eve, [netflow, back, unanswered, first].map((v) => JSON.stringify(v)).join('\n'));
  assert.deepEqual(found.records, [
    '09:50:25 tcp 10.0.0.1:40000 ? 10.0.0.2:443 unknown 1c 8p 1053b',
    '09:50:25 tcp 10.0.0.2:443 ? 10.0.0.1:40000 unknown 1c 8p 1053b',
    '09:50:25 tcp 10.0.0.1:40000 > 10.0.0.2:443 unknown 1c 8p 1053b',
  ]);
  assert.deepEqual(found.skipped, { 'flow events, beside netflow events': 1 });
});

suite('eve: what flags and action say', () => {
  const cases = [
    { ts: '1b', tc: '1b', want: '> 10.0.0.2:443 accepted' },
    { ts: '18', tc: '12', want: '> 10.0.0.2:443 accepted' },
    { ts: '02', tc: '14', want: '> 10.0.0.2:443 denied' },
    { ts: '02', tc: '00', want: '> 10.0.0.2:443 unknown' },
    { ts: '18', tc: '18', want: '? 10.0.0.2:443 unknown' },
    { ts: '1b', tc: '1b', action: 'drop', want: '> 10.0.0.2:443 denied' },
    { ts: '1b', tc: '1b', action: 'accept', want: '> 10.0.0.2:443 accepted' },
  ];
  for (const { ts, tc, action, want } of cases)
    test(`${ts} ${tc} ${action ?? ''}`, () => {
      const event = { ...first, flow: { ...first.flow, action }, tcp: { tcp_flags_ts: ts, tcp_flags_tc: tc } };
      assert.ok(readFlows(eve, JSON.stringify(event)).records[0]?.includes(want));
    });
});

suite('eve: what cannot be read', () => {
  const cases = [
    { name: 'cut', text: JSON.stringify(first).slice(0, 300), message: /expected the closing quote/, column: 301 },
    { name: 'a list', text: '[1]', message: /a JSON object, found "\[1\]"/, column: 1 },
    { name: 'no kind', text: '{"a":1}', message: /a kind of event in event_type, which is missing/, column: 8 },
    { name: 'no address', change: { src_ip: 'web' }, message: /an address in src_ip, found "web"/ },
    { name: 'a port too large', change: { dest_port: 65536 }, message: /a port from 0 to 65535 in dest_port/ },
    { name: 'a port as a text', change: { dest_port: '443' }, message: /in dest_port, found "443"/ },
    { name: 'no protocol', change: { proto: 'XYZ' }, message: /a protocol in proto, found "XYZ"/ },
    { name: 'no flow', change: { flow: [] }, message: /flow.pkts_toserver, which is missing/ },
    {
      name: 'half a packet',
      change: { flow: { ...first.flow, pkts_toserver: 0.5 } },
      message: /a whole number in flow.pkts_toserver, found "0.5"/,
    },
    {
      name: 'fewer than none',
      change: { flow: { ...first.flow, bytes_toclient: -1 } },
      message: /in flow.bytes_toclient, found "-1"/,
    },
    {
      name: 'too many',
      change: { flow: { ...first.flow, bytes_toclient: 1e300 } },
      message: /in flow.bytes_toclient, found "1e\+300"/,
    },
    { name: 'no time', change: { flow: { ...first.flow, start: 1 } }, message: /a time in flow.start, found "1"/ },
  ];
  for (const { name, text, change, message, column } of cases)
    test(name, () => {
      const line = text ?? JSON.stringify({ ...first, ...change });
      const { problems, records } = readFlows(eve, `\n${line}\n`);
      assert.deepEqual([records, problems.length], [[], 1]);
      assert.match(problems[0]?.message ?? '', message);
      assert.equal(problems[0]?.line, 2);
      if (column !== undefined) assert.equal(problems[0]?.column, column);
    });
});

test('eve: escapes, key order, duplicates and nesting change nothing', () => {
  const { flow, ...rest } = first;
  const reversed = Object.fromEntries(Object.entries({ ...rest, flow }).reverse());
  const texts = [
    JSON.stringify(reversed),
    JSON.stringify(first).replace('"10.0.0.1"', '"10\\u002e0.0.1"').replace('"proto"', '"pr\\u006fto"'),
    JSON.stringify(first).replace('{', '{"event_type":"dns","src_ip":"1.1.1.1",'),
    JSON.stringify({ extra: { flow: { start: 1 }, event_type: 'dns' }, ...first, list: [[{ src_ip: 'x' }]] }),
    JSON.stringify(first, null, 1).replaceAll('\n', ' '),
  ];
  for (const text of texts) assert.deepEqual(readFlows(eve, text).records, RECORDS.slice(0, 1), text);
});

test('eve: sensors are feeds', () => {
  const found = readFlows(eve, ['a', 'a', 'b'].map((host) => JSON.stringify({ ...first, host })).join('\n'));
  assert.deepEqual(found.feeds, ['eve:a', 'eve:b']);
});

testHostileLines(eve, EVE.split('\n').slice(0, 4).join('\n'));
