import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { testHostileLines } from '../../test/hostile-flows.ts';
import { readFlows } from '../../test/read-flows.ts';
import { awsVpc } from './aws-vpc.ts';

const HEADER =
  'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status';
const START = Date.UTC(2026, 2, 2, 10) / 1000;
const T = `${START} ${START + 59}`;
const A = '2 123456789012 eni-0a1 10.0.0.1 10.0.0.2 40000 443 6 10 840';

test('version 2, with and without a header, line ends of Windows, no line feed at the end', () => {
  const want = ['10:00:00 tcp 10.0.0.1:40000 ? 10.0.0.2:443 accepted 1c 10p 840b'];
  for (const text of [
    `${A} ${T} ACCEPT OK\n`,
    `${HEADER}\n${A} ${T} ACCEPT OK`,
    `${HEADER}\r\n${A} ${T} ACCEPT OK\r\n`,
  ]) {
    const found = readFlows(awsVpc, text);
    assert.deepEqual([found.records, found.problems, found.feeds], [want, [], ['aws-vpc:eni-0a1']]);
    assert.ok(awsVpc.detect(new TextEncoder().encode(text)));
  }
});

const fields = (names: string, ...lines: readonly string[]) => readFlows(awsVpc, `${names}\n${lines.join('\n')}\n`);

test('any order of fields, a header in the middle, addresses of the packet before those of the interface', () => {
  const found = fields(
    'start dstport protocol pkt-dstaddr dstaddr srcaddr az-id action bytes',
    `${START} 443 6 2001:db8::2 10.0.0.9 10.0.0.1 use1-az1 REJECT 40`,
    `${START} 443 6 - 10.0.0.9 10.0.0.1 - - 40`,
    'srcaddr dstaddr dstport protocol start end packets',
    `10.0.0.3 ::ffff:10.0.0.4 53 17 ${START + 300} ${START + 301} 2`,
  );
  assert.deepEqual(found.records, [
    '10:00:00 tcp 10.0.0.1 ? [2001:db8::2]:443 denied 1c 0p 40b',
    '10:00:00 tcp 10.0.0.1 ? 10.0.0.9:443 unknown 1c 0p 40b',
    '10:05:00 udp 10.0.0.3 ? 10.0.0.4:53 unknown 1c 2p 0b',
  ]);
  assert.deepEqual([found.problems, found.skipped], [[], { header: 2 }]);
});

test('a field list takes the place of a header', () => {
  const mapping = new Map([['fields', 'dstaddr srcaddr dstport protocol start']]);
  const found = readFlows(awsVpc, `10.0.0.2 10.0.0.1 22 6 ${START}\n`, { mapping });
  assert.deepEqual(found.records, ['10:00:00 tcp 10.0.0.1 ? 10.0.0.2:22 unknown 1c 0p 0b']);
  const wrong = readFlows(awsVpc, '', { mapping: new Map([['fields', 'srcaddr dstaddr colour']]) });
  assert.match(wrong.problems[0]?.message ?? '', /field list/);
});

test('CloudWatch puts a time before the record, and aws logs tail a stream', () => {
  for (const led of ['2026-03-02T10:00:59.000Z', '2026-03-02T10:00:59+00:00 eni-0a1-all']) {
    const text = `${led} ${A} ${T} ACCEPT OK\n${led} 2 123456789012 eni-0a1 - - - - - - - ${T} - NODATA\n`;
    const found = readFlows(awsVpc, text);
    assert.deepEqual([found.records.length, found.problems, found.skipped], [1, [], { NODATA: 1 }]);
    assert.ok(awsVpc.detect(new TextEncoder().encode(text)));
  }
});

test('NODATA and SKIPDATA are coverage of the interface', () => {
  const line = (status: string) => `2 123456789012 eni-0b2 - - - - - - - ${T} - ${status}`;
  const found = fields(HEADER, line('NODATA'), line('SKIPDATA'));
  assert.deepEqual(found.records, []);
  assert.deepEqual(found.skipped, { header: 1, NODATA: 1, SKIPDATA: 1 });
  assert.deepEqual(found.coverage, [
    `aws-vpc:eni-0b2 ${START}-${START + 59} delivered 0`,
    `aws-vpc:eni-0b2 ${START}-${START + 59} gap null`,
  ]);
});

const flags: readonly (readonly [flags: string, action: string, protocol: number, want: string])[] = [
  ['2', 'ACCEPT', 6, '> 10.0.0.2:443 accepted 1c'],
  ['3', 'ACCEPT', 6, '> 10.0.0.2:443 accepted 1c'],
  ['18', 'ACCEPT', 6, '< 10.0.0.2:443 accepted 0c'],
  ['19', 'ACCEPT', 6, '< 10.0.0.2:443 accepted 0c'],
  ['0', 'ACCEPT', 6, '? 10.0.0.2:443 accepted 0c'],
  ['1', 'ACCEPT', 6, '? 10.0.0.2:443 accepted 0c'],
  ['-', 'ACCEPT', 6, '? 10.0.0.2:443 accepted 1c'],
  ['0', 'REJECT', 6, '? 10.0.0.2:443 denied 1c'],
  ['2', 'REJECT', 6, '> 10.0.0.2:443 denied 1c'],
  ['18', 'ACCEPT', 17, '? 10.0.0.2:443 accepted 1c'],
];
for (const [tcpFlags, action, protocol, want] of flags)
  test(`tcp-flags ${tcpFlags}, ${action}, protocol ${protocol}`, () => {
    const names = 'srcaddr dstaddr srcport dstport protocol start action tcp-flags';
    const found = fields(names, `10.0.0.1 10.0.0.2 40000 443 ${protocol} ${START} ${action} ${tcpFlags}`);
    assert.deepEqual(found.problems, []);
    assert.ok(found.records[0]?.includes(want), found.records[0]);
  });

test('ICMP has no ports', () => {
  const found = fields(HEADER, `2 1 eni-0a1 10.0.0.1 10.0.0.2 0 0 1 1 84 ${T} ACCEPT OK`);
  assert.deepEqual(found.records, ['10:00:00 icmp 10.0.0.1 ? 10.0.0.2 accepted 1c 1p 84b']);
});

const problems: readonly (readonly [line: string, column: number, message: RegExp])[] = [
  [`${A.replace('10.0.0.1', '10.0.0.256')} ${T} ACCEPT OK`, 24, /srcaddr is "10\.0\.0\.256"; expected an IP address/],
  [`${A.replace('443', '65536')} ${T} ACCEPT OK`, 48, /dstport is "65536"; expected a port/],
  [`${A.replace('40000', '-1')} ${T} ACCEPT OK`, 42, /srcport is "-1"/],
  [`${A} ${START} ${START - 1} ACCEPT OK`, 72, /end is .*not before the start/],
  [`${A} ${T} ALLOW OK`, 83, /action is "ALLOW"; expected ACCEPT, REJECT or -/],
  [`${A} ${T} ACCEPT`, 89, /the line ends before log-status/],
  [`${A} ${T} ACCEPT OK more`, 93, /goes on behind its 14 fields/],
  [`${A.replace('840', '99999999999999999')} ${T} ACCEPT OK`, 57, /bytes is "9+"; expected a whole number/],
  ['\u0000\u0000\u0000', 4, /expected/],
];
for (const [line, column, message] of problems)
  test(`problem: ${message.source}`, () => {
    const found = fields(HEADER, line, `${A} ${T} ACCEPT OK`);
    assert.equal(found.records.length, 1, 'the next line is read');
    assert.equal(found.problems.length, 1);
    assert.match(found.problems[0]?.message ?? '', message);
    assert.deepEqual([found.problems[0]?.line, found.problems[0]?.column], [2, column]);
  });

test('a header that lacks what a flow needs is told once, and the next good one is used', () => {
  const found = fields('srcaddr dstaddr action', '10.0.0.1 10.0.0.2 ACCEPT', HEADER, `${A} ${T} ACCEPT OK`);
  assert.equal(found.records.length, 1);
  assert.match(
    found.problems.map(({ message }) => message).join('|'),
    /^the header lacks dstport, protocol, start[^|]*$/,
  );
});

const SAMPLE = [
  HEADER,
  `${A} ${T} ACCEPT OK`,
  `2 123456789012 eni-0b2 - - - - - - - ${T} - NODATA`,
  `2 123456789012 eni-0b2 2001:db8::1 2001:db8::2 40001 22 6 3 180 ${T} REJECT OK`,
  '',
].join('\n');
testHostileLines(awsVpc, SAMPLE);

/** Pieces of lines as they nearly always are, and some that are not. */
const pieceOf = (usual: readonly string[], odd: readonly string[]) =>
  fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...usual) }, { weight: 1, arbitrary: fc.constantFrom(...odd) });
const address = pieceOf(
  ['10.0.0.1', '192.168.100.255', '1.2.3.4', '0.0.0.0', '255.255.255.255'],
  ['10.0.0.256', '010.0.0.1', '10.0.0', '10.0.0.1.2', '10..0.1', '2001:db8::1', '::ffff:10.0.0.1', '-', ''],
);
const port = pieceOf(['0', '22', '443', '8080', '65535'], ['65536', '00443', '-', '-1', '4a', '9999999999999999', '']);
const time = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: START, max: START + 20 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('-', '177245640', '17724564000', '177245640x', '/772456400', '0000000000') },
);
const lineOf = fc
  .tuple(
    pieceOf(['2', '2', '2'], ['3', '-', '22']),
    pieceOf(['123456789012'], ['unknown', '9', '1234567890123456789012345678901234567890']),
    pieceOf(['eni-0a1', 'eni-00000000000000001', 'eni-00000000000000002'], ['-', 'e', `eni-${'a'.repeat(200)}`, 'é']),
    address,
    address,
    port,
    port,
    pieceOf(['6', '17', '1', '255'], ['256', '-', 'tcp']),
    pieceOf(['1', '12345'], ['-', '007', '999999999999999', '9999999999999999']),
    pieceOf(['40', '123456789'], ['-', '1e3']),
    time,
    time,
    pieceOf(['ACCEPT', 'REJECT'], ['-', 'ACCEPTED', 'accept', 'REJEPT']),
    pieceOf(['OK'], ['OK\r', 'NODATA', 'SKIPDATA', '-', 'KO', 'OK OK', 'OK ']),
  )
  .map((columns) => columns.join(' '));

test('the reader of plain records takes what the reader of all fields takes, and as that does', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 30, arbitrary: lineOf }, fc.constant(HEADER)), { maxLength: 40 }),
      (lines) => {
        const text = `${lines.join('\n')}\n`;
        // Near the end of what it is given, a record is read by the reader of all fields.
        const whole = readFlows(awsVpc, `${text}${'\n'.repeat(400)}`);
        const single = readFlows(awsVpc, `${text}${'\n'.repeat(400)}`, {}, 1);
        assert.deepEqual(whole, single);
      },
    ),
    { numRuns: 300 },
  );
});
