import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { testHostileLines } from '../../test/hostile-flows.ts';
import { readFlows } from '../../test/read-flows.ts';
import { createAddressIds } from './address-ids.ts';
import { emptyConntrackLine, readConntrackLine } from './conntrack-line.ts';
import { conntrackText } from './conntrack-text.ts';
import { createOpenConnections } from './open-connections.ts';

const fixture = (name: string) =>
  readFileSync(join(import.meta.dirname, '../../fixtures/flows/conntrack', name), 'utf8');

/** 09:50:25 and 09:50:26 of the day. */
const NEW = '[1795341025.576799]\t    [NEW] ipv4     2 tcp      6 120 SYN_SENT';
const GONE = '[1795341625.000000]\t[DESTROY] ipv4     2 tcp      6';
const THERE = 'src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=80';
const BACK = 'src=10.0.0.2 dst=10.0.0.1 sport=80 dport=4000';

suite('conntrack: lines', () => {
  const cases: { name: string; lines: string[]; records: string[]; skipped?: Record<string, number> }[] = [
    {
      name: 'NEW is a connection',
      lines: [`${NEW} ${THERE} [UNREPLIED] ${BACK} id=3973616480`],
      records: ['09:50:25 tcp 10.0.0.1:4000 > 10.0.0.2:80 accepted 1c 0p 0b'],
    },
    {
      name: 'DESTROY adds packets and bytes of both ways, in the bucket of the beginning',
      lines: [
        `${NEW} ${THERE} [UNREPLIED] ${BACK} id=7`,
        `${GONE} ${THERE} packets=5 bytes=318 ${BACK} packets=4 bytes=5268 [ASSURED] delta-time=598 id=7`,
      ],
      records: [
        '09:50:25 tcp 10.0.0.1:4000 > 10.0.0.2:80 accepted 1c 0p 0b',
        '09:50:25 tcp 10.0.0.1:4000 > 10.0.0.2:80 accepted 0c 9p 5586b',
      ],
    },
    {
      name: 'DESTROY whose NEW was not seen counts the connection, at its beginning',
      lines: [`${GONE} ${THERE} packets=5 bytes=318 ${BACK} packets=4 bytes=5268 [ASSURED] delta-time=600`],
      records: ['09:50:25 tcp 10.0.0.1:4000 > 10.0.0.2:80 accepted 1c 9p 5586b'],
    },
    {
      name: 'without accounting and time stamps, at its end',
      lines: [`${GONE} ${THERE} ${BACK} [ASSURED]`],
      records: ['10:00:25 tcp 10.0.0.1:4000 > 10.0.0.2:80 accepted 1c 0p 0b'],
    },
    {
      name: 'the same ports again are another connection',
      lines: [
        `${NEW} ${THERE} ${BACK}`,
        `${GONE} ${THERE} packets=1 bytes=1 ${BACK} packets=1 bytes=1`,
        `${GONE} ${THERE} packets=2 bytes=2 ${BACK} packets=2 bytes=2`,
      ],
      records: [
        '09:50:25 tcp 10.0.0.1:4000 > 10.0.0.2:80 accepted 1c 0p 0b',
        '09:50:25 tcp 10.0.0.1:4000 > 10.0.0.2:80 accepted 0c 2p 2b',
        '10:00:25 tcp 10.0.0.1:4000 > 10.0.0.2:80 accepted 1c 4p 4b',
      ],
    },
    {
      name: 'behind a destination NAT the service is who answers; behind a source NAT the client stays',
      lines: [
        `${NEW} src=10.0.0.1 dst=203.0.113.1 sport=4000 dport=8080 [UNREPLIED] src=172.17.0.2 dst=203.0.113.1 sport=80 dport=61000`,
      ],
      records: ['09:50:25 tcp 10.0.0.1:4000 > 172.17.0.2:80 accepted 1c 0p 0b'],
    },
    {
      name: 'UPDATE says nothing new',
      lines: [`[1795341025.1]\t [UPDATE] tcp      6 60 SYN_RECV ${THERE} ${BACK}`],
      records: [],
      skipped: { 'updates of connections': 1 },
    },
    {
      name: 'IPv6, without -o extended',
      lines: [
        '[1795341025.577675]\t    [NEW] tcp      6 120 SYN_SENT src=fd99::1 dst=fd99::2 sport=49028 dport=80 [UNREPLIED] src=fd99::2 dst=fd99::1 sport=80 dport=49028',
      ],
      records: ['09:50:25 tcp [fd99::1]:49028 > [fd99::2]:80 accepted 1c 0p 0b'],
    },
    {
      name: 'ICMP: two pings at once are told apart by the id of their tuple',
      lines: [
        '[1795341025.1]\t    [NEW] ipv4     2 icmp     1 30 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=1 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=1 id=99',
        '[1795341025.2]\t[DESTROY] ipv4     2 icmp     1 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=2 packets=1 bytes=84 src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=2 packets=1 bytes=84',
        '[1795341026.2]\t[DESTROY] ipv4     2 icmp     1 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=1 packets=1 bytes=84 src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=1 packets=1 bytes=84',
      ],
      records: [
        '09:50:25 icmp 10.0.0.1 > 10.0.0.2 accepted 1c 0p 0b',
        '09:50:25 icmp 10.0.0.1 > 10.0.0.2 accepted 1c 2p 168b',
        '09:50:25 icmp 10.0.0.1 > 10.0.0.2 accepted 0c 2p 168b',
      ],
    },
    {
      name: 'the same tuple in two zones is two connections',
      lines: [`${NEW} ${THERE} ${BACK} zone=1`, `${GONE} ${THERE} packets=1 bytes=1 ${BACK} packets=1 bytes=1 zone=2`],
      records: [
        '09:50:25 tcp 10.0.0.1:4000 > 10.0.0.2:80 accepted 1c 0p 0b',
        '10:00:25 tcp 10.0.0.1:4000 > 10.0.0.2:80 accepted 1c 2p 2b',
      ],
    },
    {
      name: 'a protocol without a name, and GRE with keys',
      lines: [
        '[1795341025.1]\t    [NEW] ipv4     2 unknown  112 600 src=10.0.0.1 dst=10.0.0.2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1',
        '[1795341025.1]\t    [NEW] ipv4     2 gre      47 30 src=10.0.0.1 dst=10.0.0.2 srckey=0x1 dstkey=0x2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 srckey=0x2 dstkey=0x1',
      ],
      records: [
        '09:50:25 112 10.0.0.1 > 10.0.0.2 accepted 1c 0p 0b',
        '09:50:25 47 10.0.0.1 > 10.0.0.2 accepted 1c 0p 0b',
      ],
    },
    {
      name: 'a listing is as old as the file; what it shows again is counted once, with what was added',
      lines: [
        `ipv4     2 tcp      6 431999 ESTABLISHED ${THERE} packets=5 bytes=300 ${BACK} packets=5 bytes=300 [ASSURED] mark=0 delta-time=3600 use=1`,
        `ipv4     2 tcp      6 431999 ESTABLISHED ${THERE} packets=7 bytes=400 ${BACK} packets=7 bytes=400 [ASSURED] mark=0 delta-time=3660 use=1`,
        'conntrack v1.4.7 (conntrack-tools): 1 flow entries have been shown.',
      ],
      records: [
        '11:00:00 tcp 10.0.0.1:4000 > 10.0.0.2:80 accepted 1c 10p 600b',
        '11:00:00 tcp 10.0.0.1:4000 > 10.0.0.2:80 accepted 0c 4p 200b',
      ],
      skipped: { 'messages of conntrack': 1 },
    },
    {
      name: 'expectations are no connections',
      lines: [
        '[1795341025.1]\t    [NEW] 300 proto=6 src=10.0.0.1 dst=10.0.0.2 sport=0 dport=40000 mask-src=255.255.255.255 mask-dst=255.255.255.255 sport=0 dport=65535 master-src=10.0.0.1 master-dst=10.0.0.2 sport=40001 dport=21 class=0 helper=ftp',
      ],
      records: [],
      skipped: { 'expected connections': 1 },
    },
  ];
  for (const { name, lines, records, skipped = {} } of cases)
    test(name, () => {
      const found = readFlows(conntrackText, `${lines.join('\n')}\n`);
      assert.deepEqual(
        { records: found.records, skipped: found.skipped, problems: found.problems },
        { records, skipped, problems: [] },
      );
    });
});

suite('conntrack: what cannot be read', () => {
  const cases = [
    {
      line: `${NEW} src=10.0.0.256 dst=10.0.0.2`,
      message: /an address after src=, found "10.0.0.256 dst=/,
      at: '10.0.0.256',
    },
    { line: `${NEW} ${THERE.replace('80', '65536')} ${BACK}`, message: /a port from 0 to 65535/, at: '65536' },
    { line: `${NEW} ${THERE}`, message: /src= of the reply direction/, at: '' },
    { line: `    [NEW] tcp      6 120 SYN_SENT ${THERE} ${BACK}`, message: /-o timestamp/, at: '    [NEW]' },
    { line: `[yesterday] [NEW] tcp 6 120 ${THERE} ${BACK}`, message: /seconds since 1970/, at: 'yesterday' },
    { line: `[1795341025.576799]\t    [NEW] hello`, message: /the name and the number of a protocol/, at: 'hello' },
  ];
  for (const { line, message, at } of cases)
    test(line.slice(-60), () => {
      const { problems, records } = readFlows(conntrackText, `\n${line}\n`);
      assert.deepEqual([records.length, problems.length], [0, 1]);
      assert.match(problems[0]?.message ?? '', message);
      assert.deepEqual([problems[0]?.line, problems[0]?.column], [2, 1 + (at === '' ? line.length : line.indexOf(at))]);
    });
});

test('conntrack: microseconds without leading zeros, as older releases write them', () => {
  const out = emptyConntrackLine();
  const bytes = new TextEncoder().encode(`[1795341025.42    ]\t    [NEW] tcp 6 120 SYN_SENT ${THERE} ${BACK}`);
  assert.equal(readConntrackLine(bytes, 0, bytes.length, createAddressIds(), out), 0);
  assert.equal(out.time, 1795341025.000042);
});

test('conntrack: lost events are a gap between the events around the warning', () => {
  const found = readFlows(
    conntrackText,
    `${NEW} ${THERE} ${BACK}\nWARNING: We have hit ENOBUFS! We are losing events.\nThis message means that the current netlink socket buffer size is too small.\nPlease, check --buffer-size in conntrack(8) manpage.\n${GONE} ${THERE} ${BACK}\n`,
  );
  assert.deepEqual(found.coverage, ['conntrack 1795341025.576799-1795341625 gap null']);
  assert.deepEqual([found.records.length, found.problems], [2, []]);
});

test('conntrack -E of real connections: TCP, IPv6, UDP, a destination NAT, one refused', () => {
  const found = readFlows(conntrackText, fixture('events.txt'));
  assert.deepEqual(found.problems, []);
  assert.deepEqual(found.skipped, { 'updates of connections': 16 });
  assert.deepEqual(found.records.toSorted(), [
    '09:50:25 tcp 10.99.0.1:34628 > 10.99.0.2:80 accepted 0c 10p 5586b',
    '09:50:25 tcp 10.99.0.1:34628 > 10.99.0.2:80 accepted 1c 0p 0b',
    '09:50:25 tcp 10.99.0.1:45902 > 10.99.0.2:80 accepted 0c 10p 5586b',
    '09:50:25 tcp 10.99.0.1:45902 > 10.99.0.2:80 accepted 1c 0p 0b',
    '09:50:25 tcp 10.99.0.1:53798 > 10.99.0.2:81 accepted 0c 2p 100b',
    '09:50:25 tcp 10.99.0.1:53798 > 10.99.0.2:81 accepted 1c 0p 0b',
    '09:50:25 tcp [fd99::1]:49028 > [fd99::2]:80 accepted 0c 10p 5786b',
    '09:50:25 tcp [fd99::1]:49028 > [fd99::2]:80 accepted 1c 0p 0b',
    '09:50:25 udp 10.99.0.1:36490 > 10.99.0.2:53 accepted 0c 2p 62b',
    '09:50:25 udp 10.99.0.1:36490 > 10.99.0.2:53 accepted 1c 0p 0b',
    '09:50:25 udp 10.99.0.1:36490 > 10.99.0.2:5353 accepted 0c 1p 29b',
    '09:50:25 udp 10.99.0.1:36490 > 10.99.0.2:5353 accepted 1c 0p 0b',
  ]);
});

test('conntrack -L of real connections', () => {
  const found = readFlows(conntrackText, fixture('listing.txt'));
  assert.deepEqual([found.records.length, found.problems, found.skipped], [5, [], { 'messages of conntrack': 1 }]);
});

testHostileLines(conntrackText, fixture('events.txt').split('\n').slice(14).join('\n'));

suite('open connections', () => {
  test('a memory that is large enough knows each, one that is full knows the later ones', () => {
    for (const [most, least] of [
      [16_384, 10_000],
      [1024, 900],
    ] as const) {
      const memory = createOpenConnections(most);
      for (let n = 1; n <= 10_000; n++) {
        const place = memory.remember(n * 7919 + 2 ** 40, n);
        memory.packets[place] = n;
      }
      let known = 0;
      for (let n = 1; n <= 10_000; n++) {
        const place = memory.find(n * 7919 + 2 ** 40);
        if (place < 0) continue;
        assert.deepEqual([memory.start[place], memory.packets[place]], [n, n]);
        known++;
        memory.forget(place);
        assert.equal(memory.find(n * 7919 + 2 ** 40), -1);
      }
      assert.ok(known >= least && known <= most, `${known} of ${most}`);
    }
  });
});
