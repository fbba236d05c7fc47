import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  isSameTable,
  isTableDone,
  parseSocketTable,
  parseSockstat,
  SOCKET_TABLES,
  type SocketTable,
} from './socket-tables.ts';

const HEADER = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const HEADER6 =
  '  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const EPS =
  ' ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS\n' +
  'ffff88017e0a0200 ffff880299f7fa00 2   10  29   11003   200 167141 10.0.0.1 10.0.0.2 \n' +
  'ffff88017e0a0201 ffff880299f7fa01 2   7   30   11004   200 167142 0.0.0.0 \n' +
  'ffff88017e0a0202 ffff880299f7fa02 2   10  31   11005     0 167143 2001:0db8:0000:0000:0000:0000:0000:0001 \n';

const cases: {
  name: string;
  file: string;
  input: string;
  want: string[];
  malformed?: number;
  truncated?: boolean;
}[] = [
  {
    name: 'tcp: listening rows only, and none after the first that does not listen',
    file: 'tcp',
    input: `${HEADER}   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 23456 1 000 100 0 0 10 0
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 23457 1 000 100 0 0 10 0
   2: 0100007F:1F90 0100007F:A8E2 01 00000000:00000000 00:00000000 00000000  1000        0 23458 1 000 20 4 30 10 -1
   3: 00000000:0017 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 23459 1 000 100 0 0 10 0
`,
    want: ['tcp ipv4 127.0.0.1 8080 1000 23456', 'tcp ipv4 0.0.0.0 22 0 23457'],
  },
  {
    name: 'tcp6: wildcard, loopback, mapped, and a global address',
    file: 'tcp6',
    input: `${HEADER6}   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 00000000000000000000000001000000:0051 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1
   2: 0000000000000000FFFF00000100007F:0052 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3 1
   3: B80D0120000000000000000001000000:0053 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4 1
`,
    want: [
      'tcp ipv6 :: 80 0 1',
      'tcp ipv6 ::1 81 0 2',
      'tcp ipv6 ::ffff:127.0.0.1 82 0 3',
      'tcp ipv6 2001:db8::1 83 0 4',
    ],
  },
  {
    name: 'udp: without a peer only, wherever it stands',
    file: 'udp',
    input: `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  100: 0100007F:0035 08080808:0035 01 00000000:00000000 00:00000000 00000000     0        0 5 2 0000000000000000 0
  101: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 6 2 0000000000000000 0
  102: 00000000:0045 0100007F:0000 07 00000000:00000000 00:00000000 00000000     0        0 7 2 0000000000000000 0
`,
    want: ['udp ipv4 0.0.0.0 68 0 6'],
  },
  {
    name: 'raw: the port is the protocol number',
    file: 'raw',
    input: `${HEADER}   1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 8 2 0000000000000000 0\n`,
    want: ['raw ipv4 0.0.0.0 1 0 8'],
  },
  {
    name: 'sctp: a socket per local address, listening ones only',
    file: 'sctp/eps',
    input: EPS,
    want: [
      'sctp ipv4 10.0.0.1 11003 200 167141',
      'sctp ipv4 10.0.0.2 11003 200 167141',
      'sctp ipv6 2001:db8::1 11005 0 167143',
    ],
  },
  {
    name: 'malformed lines are counted and the others kept',
    file: 'tcp',
    input: `${HEADER}garbage
   0: 0100007F:1F9X 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1
   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  10x0        0 2 1
   2: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 3 1
`,
    want: ['tcp ipv4 127.0.0.1 8080 1000 3'],
    malformed: 3,
  },
  {
    name: 'a table that ends within a line',
    file: 'tcp',
    input: `${HEADER}   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1\n   1: 0100007F:1F`,
    want: ['tcp ipv4 127.0.0.1 8080 1000 1'],
    truncated: true,
  },
  { name: 'an empty file is a truncated table', file: 'udp', input: '', want: [], truncated: true },
  { name: 'another header', file: 'tcp', input: 'hello\n', want: [], malformed: 1 },
];

const tableOf = (file: string) => SOCKET_TABLES.find((t) => t.file === file) as SocketTable;

for (const { name, file, input, want, malformed = 0, truncated = false } of cases)
  test(name, () => {
    const parsed = parseSocketTable(Buffer.from(input), tableOf(file), true);
    const got = parsed.sockets.map((s) => `${s.transport} ${s.family} ${s.address} ${s.port} ${s.uid} ${s.inode}`);
    assert.deepEqual(
      { got, malformed: parsed.malformed, truncated: parsed.truncated },
      { got: want, malformed, truncated },
    );
  });

test('counters of sockets in use', () => {
  const text =
    'sockets: used 17\nTCP: inuse 5 orphan 0 tw 2 alloc 8 mem 1\nUDP: inuse 0 mem 0\nFRAG: inuse 0 memory 0\nTCP6: inuse x\n';
  assert.deepEqual(
    [...parseSockstat(text)],
    [
      ['TCP', 5],
      ['UDP', 0],
      ['FRAG', 0],
    ],
  );
});

test('big-endian machines print the words as they are', () => {
  const row = '   0: 7F000001:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0        0 1 1\n';
  assert.equal(parseSocketTable(Buffer.from(HEADER + row), tableOf('tcp'), false).sockets[0]?.address, '127.0.0.1');
});

test('reading stops at the first row that does not listen', () => {
  const [, listening = '', , connected = ''] = (cases[0]?.input ?? '').split('\n');
  assert.equal(isTableDone(Buffer.from(`${HEADER}${listening}\n`), tableOf('tcp')), false);
  assert.equal(isTableDone(Buffer.from(`${HEADER}${listening}\n${connected}\n`), tableOf('tcp')), true);
  assert.equal(isTableDone(Buffer.from(`${HEADER}${listening}\n${connected}\n   4: 00`), tableOf('tcp')), true);
  assert.equal(isTableDone(Buffer.from(HEADER), tableOf('tcp')), false);
  assert.equal(isTableDone(Buffer.from(`${HEADER}${connected}\n`), tableOf('udp')), false);
});

test('a table is the same while what listens is the same', () => {
  const [, listening = '', , connected = ''] = (cases[0]?.input ?? '').split('\n');
  const earlier = Buffer.from(`${HEADER}${listening}\n`);
  const same = (text: string, file = 'tcp') => isSameTable(Buffer.from(text), earlier, tableOf(file));
  assert.equal(same(`${HEADER}${listening}\n`), true);
  assert.equal(same(`${HEADER}${listening}\n${connected}\n`), true);
  assert.equal(same(`${HEADER}${listening}\n${listening}\n`), false);
  assert.equal(same(`${HEADER}${listening}\n${connected}`), false);
  assert.equal(same(HEADER), false);
  assert.equal(same(`${HEADER}${listening}\n${connected}\n`, 'udp'), false);
});

test('no bytes make the parser throw, and every socket it gives is in range', () => {
  const line = fc.mixedCase(
    fc.stringMatching(/^ {0,3}\d{1,3}: [0-9A-F]{7,9}:[0-9A-F]{3,5} 0{8}:0000 (0A|07|01|ZZ) [0-9:]{5,20} .{0,60}$/),
  );
  const table = fc
    .tuple(fc.array(line, { maxLength: 8 }))
    .map(([lines]) => Buffer.from(`${HEADER}${lines.join('\n')}`));
  const anyBytes = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(table, anyBytes), fc.constantFrom(...SOCKET_TABLES), (bytes, which) => {
      isTableDone(bytes, which);
      for (const s of parseSocketTable(bytes, which, true).sockets)
        assert.ok(s.port >= 0 && s.port <= 65535 && s.uid >= 0 && s.inode >= 0);
    }),
    { numRuns: 500 },
  );
});
