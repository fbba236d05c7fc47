import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { testHostileLines } from '../../test/hostile-flows.ts';
import { accountedFor, flowOptions, lineCount, REFERENCE, readFlows } from '../../test/read-flows.ts';
import { journalExport } from './journal-export.ts';
import { createRollup } from './rollup.ts';

const fixture = (name: string) => readFileSync(join(import.meta.dirname, '../../fixtures/flows/journal', name));
const EXPORT = fixture('journal.export');
const JSON_LINES = fixture('journal.json');

/** Both were written by journalctl, of the same journal. */
const RECORDS = [
  '09:50:25 tcp 198.51.100.7:55000 > 10.0.0.2:3389 denied 1c 1p 60b',
  '09:50:26 tcp 198.51.100.7:55000 > 10.0.0.2:22 accepted 1c 1p 60b',
  '09:50:29 udp 10.0.0.7:1 ? 10.1.0.2:53 denied 1c 1p 60b',
];
const SKIPPED = {
  'entries that are not of the kernel': 3,
  'messages that are no packet of a rule that logs': 1,
};

const PACKET = 'DROP IN=eth0 OUT= SRC=10.0.0.1 DST=10.0.0.2 LEN=20 PROTO=2';

suite('journal', () => {
  for (const [name, bytes] of [
    ['export', EXPORT],
    ['json', JSON_LINES],
  ] as const)
    test(`-o ${name}`, () => {
      const found = readFlows(journalExport, bytes);
      assert.deepEqual([found.records, found.problems, found.skipped], [RECORDS, [], SKIPPED]);
      assert.deepEqual(found.feeds, ['journal', 'journal:gw-1', 'journal:gw-1/forward']);
    });

  test('export: the same, wherever the pieces end, also within a length or a value', () => {
    const whole = readFlows(journalExport, EXPORT);
    for (const piece of [1, 5, 50, 500]) assert.deepEqual(readFlows(journalExport, EXPORT, {}, piece), whole);
  });

  test('export: a value with line ends, and a length with one in its bytes', () => {
    const value = Buffer.from(`${'x'.repeat(9)}\n`); // ten bytes: the length has a line end, too
    const entry = (name: string, more: Buffer) =>
      Buffer.concat([
        Buffer.from(`__REALTIME_TIMESTAMP=1795341025576799\n_TRANSPORT=kernel\n${name}`),
        more,
        Buffer.from('\n'),
      ]);
    const binary = Buffer.concat([Buffer.from('\n\x0a\0\0\0\0\0\0\0'), value, Buffer.from('\n')]);
    const packet = Buffer.from('=DROP IN=eth0 OUT= SRC=10.0.0.1 DST=10.0.0.2 LEN=20 PROTO=2\n');
    const bytes = Buffer.concat([entry('OTHER', binary), entry('MESSAGE', binary), entry('MESSAGE', packet)]);
    for (const piece of [1, Number.POSITIVE_INFINITY]) {
      const found = readFlows(journalExport, bytes, {}, piece);
      assert.deepEqual(found.records, ['09:50:25 2 10.0.0.1 ? 10.0.0.2 denied 1c 1p 20b']);
      assert.deepEqual(found.skipped, {
        'entries without a message': 1,
        'messages that are no packet of a rule that logs': 1,
      });
      assert.deepEqual([found.problems, found.lines], [[], lineCount(bytes)]);
    }
  });

  test('export: where a problem is', () => {
    const text = [
      '__REALTIME_TIMESTAMP=1795341025576799',
      '_TRANSPORT=kernel',
      'MESSAGE=DROP IN=eth0 OUT= SRC=10.0.0.1 DST=10.0.0.x LEN=20 PROTO=2',
      '',
      '_TRANSPORT=kernel',
      'MESSAGE=DROP IN=eth0 OUT= SRC=10.0.0.1 DST=10.0.0.2 LEN=20 PROTO=2',
      '',
      'MESSAGE',
    ].join('\n');
    const found = readFlows(journalExport, text);
    assert.deepEqual(
      found.problems.map(({ message, line, column }) => `${line}:${column} ${message}`),
      [
        '3:44 expected an address after DST=, found "10.0.0.x LEN=20 PROTO=2"',
        '5:1 expected microseconds since 1970 in __REALTIME_TIMESTAMP',
        '8:1 expected NAME=value, found "MESSAGE"',
      ],
    );
  });

  test('json: where a problem is', () => {
    const line =
      '{"MESSAGE":"DROP IN=eth0 OUT= SRC=10.0.0.1 DST=10.0.0.x LEN=20","_TRANSPORT":"kernel","__REALTIME_TIMESTAMP":"1"}';
    const found = readFlows(journalExport, `${line}\n`);
    assert.deepEqual([found.problems[0]?.line, found.problems[0]?.column], [1, line.indexOf('10.0.0.x') + 1]);
  });

  test('export: cut at every byte, each entry is accounted for', () => {
    const second = EXPORT.indexOf('\n\n') + 2;
    const binary = EXPORT.indexOf('MESSAGE\n');
    for (let length = 0; length <= EXPORT.length; length += length > second && length < binary - 200 ? 37 : 1) {
      const cut = EXPORT.subarray(0, length);
      const found = readFlows(journalExport, cut);
      assert.equal(found.lines, lineCount(cut));
      const end = length < 2 ? 0 : EXPORT.lastIndexOf('\n\n', length - 2) + 2;
      const before = readFlows(journalExport, EXPORT.subarray(0, Math.min(end, length)));
      const more = accountedFor(found) - accountedFor(before);
      assert.ok(more >= 0 && more <= 1, `${length}: ${more}`);
    }
  });

  test('export: any bytes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(EXPORT.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.uint8Array({ maxLength: 200 }),
        (changes, random) => {
          const changed = Uint8Array.from(EXPORT);
          for (const [at, byte] of changes) changed[at] = byte;
          for (const bytes of [changed, random, Buffer.concat([Buffer.from('MESSAGE\n'), random])]) {
            const found = readFlows(journalExport, bytes);
            assert.equal(found.lines, lineCount(bytes));
            for (const { line } of found.problems) assert.ok(line >= 1 && line <= found.lines + 1);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test('export: a huge value is not held', () => {
    const head = Buffer.from('__REALTIME_TIMESTAMP=1795341025576799\n_TRANSPORT=kernel\n');
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(3_000_000n);
    const bytes = Buffer.concat([
      head,
      Buffer.from('MESSAGE\n'),
      length,
      Buffer.alloc(3_000_000, 'a\n'),
      Buffer.from('\n\n'),
      head,
      Buffer.from(`MESSAGE=${'b'.repeat(1_000_000)}\n\n`),
      head,
      Buffer.from('MESSAGE=DROP IN=eth0 OUT= SRC=10.0.0.1 DST=10.0.0.2 LEN=20 PROTO=2\n\n'),
    ]);
    for (const piece of [1000, Number.POSITIVE_INFINITY]) {
      const found = readFlows(journalExport, bytes, {}, piece);
      assert.equal(found.records.length, 1);
      assert.deepEqual(
        found.problems.map(({ message }) => message),
        Array(2).fill('expected no more than 65536 bytes'),
      );
    }
  });
});

test('journal: where a line was too long to be read, nothing inside of a value is taken for an entry', () => {
  const value = Buffer.from(
    `${'x'.repeat(50)}\n\n_TRANSPORT=kernel\n__REALTIME_TIMESTAMP=1795341025576799\nMESSAGE=${PACKET}\n\n`,
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(value.length));
  const bytes = Buffer.concat([Buffer.from('_TRANSPORT=syslog\nMESSAGE\n'), length, value, Buffer.from('\n\n')]);
  const start = bytes.indexOf('xxx');
  const end = bytes.indexOf(10, start) + 1;
  const whole = readFlows(journalExport, bytes);
  assert.deepEqual([whole.records, whole.skipped], [[], { 'entries that are not of the kernel': 1 }]);

  const problems: string[] = [];
  let added = 0;
  const rollup = createRollup({
    services: null,
    feed: 'x',
    format: 'journal',
    now: () => REFERENCE,
    onFlush: (batch) => {
      added += batch.length;
    },
    onProblem: (message) => void problems.push(message),
  });
  const parser = journalExport.open(rollup, flowOptions());
  // The importer leaves out a line that is too long, with the eight bytes before it, and counts it.
  const at = bytes.lastIndexOf(10, start - 1) + 1;
  const first = parser.lines(bytes, 0, at, 1);
  parser.lines(bytes, end, bytes.length, first + 2);
  parser.end();
  rollup.flush();
  assert.equal(added, 0);
  assert.match(problems[0] ?? '', /the rest of the input is not read/);
});

test('journal: each line of JSON, cut anywhere, is accounted for', () => {
  for (const line of JSON_LINES.toString().trim().split('\n'))
    for (let length = 1; length <= line.length; length += 3)
      assert.equal(accountedFor(readFlows(journalExport, `${line.slice(0, length)}\n${line}\n`)), 2);
});

testHostileLines(journalExport, JSON_LINES.toString().split('\n').slice(0, 3).join('\n'), '', false);
