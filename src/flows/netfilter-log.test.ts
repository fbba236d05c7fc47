import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { testHostileLines } from '../../test/hostile-flows.ts';
import { REFERENCE, readFlows } from '../../test/read-flows.ts';
import { actionOfPrefix } from './log-prefix.ts';
import { netfilterLog } from './netfilter-log.ts';
import { createRollup } from './rollup.ts';

const SYSLOG = readFileSync(join(import.meta.dirname, '../../fixtures/flows/netfilter-log/syslog.txt'), 'utf8');

test('log lines of ufw, nftables, firewalld and a bridge; IPv6, ICMP with the packet it quotes, fragments', () => {
  const found = readFlows(netfilterLog, SYSLOG);
  assert.deepEqual(found.problems, []);
  assert.deepEqual(found.records, [
    '09:50:25 tcp 198.51.100.7:55000 > 10.0.0.2:3389 denied 1c 1p 60b',
    '09:50:26 tcp 198.51.100.7:55001 > 10.0.0.2:22 accepted 1c 1p 60b',
    '09:50:26 tcp 198.51.100.7:55000 > 10.0.0.2:22 denied 1c 1p 60b',
    '09:50:26 2 10.0.0.9 ? 224.0.0.251 unknown 1c 1p 32b',
    '09:50:27 udp [fd99::1]:5353 ? [fd99::2]:161 denied 1c 1p 80b',
    '09:50:28 tcp 10.0.0.7:40000 > 10.1.0.2:443 accepted 1c 1p 60b',
    '09:50:28 tcp 10.0.0.2:22 < 10.0.0.7:50200 unknown 0c 1p 52b',
    '09:50:29 icmp 10.0.0.1 ? 10.0.0.2 denied 0c 1p 576b',
    '09:50:33 udp 10.0.0.1 ? 10.0.0.2 denied 0c 1p 1500b',
    '09:50:34 sctp 10.0.0.1 ? 10.0.0.2 denied 1c 1p 68b',
    '09:50:35 tcp 198.51.100.7:55000 > 10.0.0.2:3389 denied 3c 3p 180b',
  ]);
  assert.deepEqual(found.skipped, {
    'packets of other protocols than IP': 1,
    'messages of other programs': 1,
    'messages that are no packet of a rule that logs': 1,
  });
  assert.deepEqual(found.feeds, [
    'netfilter-log',
    'netfilter-log:gw-1',
    'netfilter-log:gw-1/forward',
    'netfilter-log:gw-1',
  ]);
});

const PACKET =
  'DROP IN=eth0 OUT= MAC= SRC=10.0.0.1 DST=10.0.0.2 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=4000 DPT=80 WINDOW=64240 RES=0x00 SYN URGP=0';

suite('log lines: times', () => {
  /** UTC seconds of a time of 2026-11-22. */
  const at = (time: string) => Date.parse(`2026-11-22T${time.slice(0, 8)}Z`) / 1000 + Number(`0${time.slice(8)}`);
  const cases: { head: string; want: number; offset?: number; feed?: string; reference?: number }[] = [
    { head: 'Nov 22 09:50:25 gw-1 kernel: ', want: at('09:50:25'), feed: 'netfilter-log:gw-1' },
    { head: 'Nov 22 09:50:25 gw-1 kernel: [12345.678901] ', want: at('09:50:25.678901') },
    { head: 'Nov 22 09:50:25 gw-1 kernel: [   45.678901] ', want: at('09:50:25.678901') },
    { head: 'Nov 22 09:50:25.123 gw-1 kernel: [12345.678901] ', want: at('09:50:25.123') },
    { head: 'Nov 22 09:50:25 gw-1 kernel: ', want: at('08:50:25'), offset: 60 },
    { head: 'Nov 22 09:50:25 UTC gw-1 kernel: ', want: at('09:50:25'), offset: 60 },
    { head: 'Nov 22 09:50:25 +01:00 gw-1 kernel: ', want: at('08:50:25') },
    { head: 'Nov 22 2026 09:50:25 gw-1 kernel: ', want: at('09:50:25') },
    { head: 'Nov 22 2025 09:50:25 gw-1 kernel: ', want: at('09:50:25') - 365 * 86_400 },
    { head: 'Nov  2 09:50:25 gw-1 kernel: ', want: at('09:50:25') - 20 * 86_400 },
    { head: '<4>Nov 22 09:50:25 gw-1 kernel: ', want: at('09:50:25') },
    { head: 'Nov 22 09:50:25 kernel: ', want: at('09:50:25'), feed: 'netfilter-log' },
    // Not after the reference, but for a day: clocks are ahead, and times may be local.
    { head: 'Dec 31 23:59:59 gw-1 kernel: ', want: Date.UTC(2025, 11, 31, 23, 59, 59) / 1000 },
    { head: 'Nov 23 09:50:25 gw-1 kernel: ', want: at('09:50:25') + 86_400 },
    { head: 'Nov 23 12:50:25 gw-1 kernel: ', want: at('12:50:25') + 86_400 - 365 * 86_400 },
    {
      head: 'Jan  1 00:10:00 gw-1 kernel: ',
      want: Date.UTC(2027, 0, 1, 0, 10) / 1000,
      reference: Date.UTC(2026, 11, 31, 23),
    },
    { head: 'Feb 29 10:00:00 gw-1 kernel: ', want: Date.UTC(2024, 1, 29, 10) / 1000 },
    { head: '2026-11-22T09:50:25.576799+00:00 gw-1 kernel: ', want: at('09:50:25.576799') },
    { head: '2026-11-22T10:50:25+0100 gw-1 kernel: ', want: at('09:50:25') },
    { head: '2026-11-22T09:50:25Z gw-1 kernel: ', want: at('09:50:25') },
    { head: '2026-11-22T10:50:25 gw-1 kernel: ', want: at('09:50:25'), offset: 60 },
    { head: '2026-11-22 10:50:25 gw-1 kernel: ', want: at('09:50:25'), offset: 60 },
    { head: '2026-11-22 09:50:25 UTC gw-1 kernel: ', want: at('09:50:25'), offset: 60 },
    { head: 'Sun 2026-11-22 09:50:25 UTC gw-1 kernel: ', want: at('09:50:25'), offset: 60, feed: 'netfilter-log:gw-1' },
    { head: '1795341025.576799 gw-1 kernel: ', want: at('09:50:25.576799') },
    { head: '<4>1 2026-11-22T09:50:25.5Z gw-1 kernel - - - ', want: at('09:50:25.5'), feed: 'netfilter-log:gw-1' },
    {
      head: '<4>1 2026-11-22T09:50:25Z - kernel - - [x@1 a="]"][y b="\\"]"] \uFEFF[1.25] ',
      want: at('09:50:25.25'),
      feed: 'netfilter-log',
    },
    { head: '[Sun Nov 22 09:50:25 2026] ', want: at('08:50:25'), offset: 60, feed: 'netfilter-log' },
    { head: '2026-11-22T10:50:25,576799+01:00 ', want: at('09:50:25.576799'), feed: 'netfilter-log' },
    {
      head: 'Sun Nov 22 09:50:25 2026 kern.warn kernel: [12345.678901] ',
      want: at('09:50:25.678901'),
      feed: 'netfilter-log',
    },
    { head: 'Nov 22 09:50:25 kern.warn kernel: ', want: at('09:50:25'), feed: 'netfilter-log' },
    { head: 'Nov 22 09:50:25 gw-1 ', want: at('09:50:25'), feed: 'netfilter-log:gw-1' },
  ];
  for (const { head, want, offset = 0, feed, reference = REFERENCE } of cases)
    test(`${head}${offset ? `, ${offset} minutes east` : ''}`, () => {
      const found = readFlows(netfilterLog, head + PACKET, { utcOffsetMinutes: offset, reference });
      assert.deepEqual([found.problems, found.skipped], [[], {}]);
      assert.match(found.records[0] ?? '', / tcp 10.0.0.1:4000 > 10.0.0.2:80 denied 1c 1p 60b$/);
      assert.ok(Math.abs((found.starts[0] as number) - want) < 1e-5, `${found.starts[0]} instead of ${want}`);
      if (feed) assert.equal(found.feeds.at(-1), feed);
    });

  const unknown = [
    { head: '[12345.678901] ', message: /seconds since the boot are no time/, column: 1 },
    { head: '<4>[12345.678901] ', message: /seconds since the boot are no time/, column: 4 },
    { head: 'Sun 2026-11-22 09:50:25 CET gw-1 kernel: ', message: /a zone that is one time .* found "CET/, column: 25 },
    { head: '<4>1 - gw-1 kernel - - - ', message: /a time as in RFC 5424/, column: 6 },
    { head: 'Feb 30 09:50:25 gw-1 kernel: ', message: /a time, found "Feb 30/, column: 1 },
    { head: '2026-13-22T09:50:25Z gw-1 kernel: ', message: /a time, found "2026-13/, column: 1 },
  ];
  for (const { head, message, column } of unknown)
    test(head, () => {
      const { problems, records } = readFlows(netfilterLog, head + PACKET);
      assert.deepEqual([records, problems.length], [[], 1]);
      assert.match(problems[0]?.message ?? '', message);
      assert.deepEqual([problems[0]?.line, problems[0]?.column], [1, column]);
    });
});

suite('log lines are known by their content, also where the only head is a date without a year', () => {
  for (const head of [
    'Nov 22 09:50:25 gw-1 kernel: [1.5] ',
    'Feb 29 09:50:25 gw-1 kernel: ',
    'Jan  1 00:00:00 gw-1 kernel: ',
  ])
    test(head, () => assert.equal(netfilterLog.detect(new TextEncoder().encode(head + PACKET)), true));
});

suite('log lines: what other programs write is not believed', () => {
  const forged = [
    'Nov 22 09:50:25 gw-1 sshd[1]: Invalid user ',
    'Nov 22 09:50:25 gw-1 sshd: x kernel: ',
    'Nov 22 09:50:25 gw-1 sshd[1]: ',
    '2026-11-22T09:50:25Z gw-1 nginx: kernel: ',
    '<4>1 2026-11-22T09:50:25Z gw-1 nginx - - - kernel: ',
    '1795341025.576799 gw-1 postfix/smtpd[1]: kernel: ',
  ];
  for (const head of forged)
    test(head, () => {
      const found = readFlows(netfilterLog, head + PACKET);
      assert.deepEqual([found.records, found.skipped], [[], { 'messages of other programs': 1 }]);
      assert.equal(netfilterLog.detect(new TextEncoder().encode(head + PACKET)), false);
    });

  test('ulogd names no program: a prefix with a colon before the packet is one', () => {
    const found = readFlows(netfilterLog, `Nov 22 09:50:25 gw-1 FW-DROP: ${PACKET.slice(5)}`);
    assert.match(found.records[0] ?? '', / denied /);
  });
});

suite('log lines: what a packet counts as, and who opened the connection', () => {
  const tcp = (flags: string) => PACKET.replace(' SYN ', flags ? ` ${flags} ` : ' ');
  const icmp = (type: number, protocol = 'ICMP') =>
    PACKET.replace(/PROTO=.*/, `PROTO=${protocol} TYPE=${type} CODE=0 ID=7 SEQ=1`);
  const cases: [string, string][] = [
    [tcp('SYN'), '> 1c'],
    [tcp('CWR ECE SYN'), '> 1c'],
    [tcp('ACK SYN'), '< 0c'],
    [tcp('ACK'), '? 0c'],
    [tcp('ACK FIN'), '? 0c'],
    [tcp('RST'), '? 0c'],
    [tcp('ACK RST'), '? 0c'],
    [tcp(''), '? 1c'],
    [tcp('FIN'), '? 1c'],
    [tcp('URG PSH FIN'), '? 1c'],
    [PACKET.replace('WINDOW', 'SEQ=5 ACK=6 WINDOW'), '> 1c'],
    [icmp(8), '> 1c'],
    [icmp(0), '< 0c'],
    [icmp(3), '? 0c'],
    [icmp(11), '? 0c'],
    [icmp(9), '? 1c'],
    [icmp(128, 'ICMPv6'), '> 1c'],
    [icmp(129, 'ICMPv6'), '< 0c'],
    [icmp(1, 'ICMPv6'), '? 0c'],
    [icmp(135, 'ICMPv6'), '? 1c'],
    [PACKET.replace(/PROTO=.*/, 'PROTO=TCP INCOMPLETE [8 bytes]'), '? 0c'],
  ];
  for (const [packet, want] of cases)
    test(packet.slice(packet.indexOf('PROTO')), () => {
      const { records, problems } = readFlows(netfilterLog, `Nov 22 09:50:25 gw-1 kernel: ${packet}`);
      assert.deepEqual(problems, []);
      const [arrow, connections] = want.split(' ');
      assert.match(records[0] ?? '', new RegExp(` \\${arrow} 10.* ${connections} 1p 60b$`));
    });
});

suite('log lines: what a prefix says', () => {
  const cases: Record<string, string[]> = {
    denied: [
      '[UFW BLOCK] ',
      '[UFW LIMIT BLOCK] ',
      'DROP',
      'web-drop: ',
      'Shorewall:net-fw:DROP:',
      'INPUT_DENIED ',
      'filter_IN_public_REJECT: ',
      'filter_FWD_block_DROP: ',
      '[WAN_LOCAL-default-D]',
      '[WAN_IN-20-R]',
      'IPTables-Dropped: ',
    ],
    accepted: ['[UFW ALLOW] ', 'ACCEPT ', 'ssh accepted: ', 'filter_IN_drop_ACCEPT: ', '[WAN_IN-10-A]'],
    unknown: [
      '',
      '[UFW AUDIT] ',
      'ssh: ',
      'not-dropped ',
      'would DROP ',
      'ACCEPT or DROP ',
      'dropbox ',
      'allowance',
      'backdrop ',
      'new conn ',
    ],
  };
  const words = ['unknown', 'accepted', 'denied'];
  for (const [want, prefixes] of Object.entries(cases))
    for (const prefix of prefixes)
      test(`${JSON.stringify(prefix)}: ${want}`, () => assert.equal(words[actionOfPrefix(prefix)], want));

  test('a prefix that is named counts before its words, with or without the space behind it', () => {
    const prefixes = new Map([
      ['web: ', 'denied'],
      ['allow-list hit:', 'denied'],
    ] as const);
    const line = (prefix: string) => `Nov 22 09:50:25 gw-1 kernel: ${prefix}${PACKET.slice(5)}`;
    const text = [line('web:'), line('web: '), line('allow-list hit: '), line('web2: '), line('ALLOW ')].join('\n');
    const { records } = readFlows(netfilterLog, text, { prefixes });
    assert.deepEqual(
      records.map((record) => record.split(' ')[5]),
      ['denied', 'denied', 'denied', 'unknown', 'accepted'],
    );
  });
});

suite('log lines: what cannot be read', () => {
  const cases = [
    { text: PACKET.replace('10.0.0.1', '10.0.0.1000'), message: /an address after SRC=/, at: '10.0.0.1000' },
    { text: PACKET.replace('DPT=80', 'DPT=70000'), message: /a port from 0 to 65535 after DPT=/, at: '70000' },
    { text: PACKET.replace('PROTO=TCP', 'PROTO=XYZ'), message: /a protocol after PROTO=/, at: 'XYZ' },
    { text: PACKET.slice(0, PACKET.indexOf(' WINDOW')), message: /URGP= at the end, found the end/, at: '' },
    { text: PACKET.slice(0, PACKET.indexOf(' SPT')), message: /SPT= and DPT=, found "TCP"/, at: 'TCP' },
    { text: PACKET.slice(0, PACKET.indexOf(' DST')), message: /DST=, found the end/, at: '' },
  ];
  for (const { text, message, at } of cases)
    test(text.slice(40), () => {
      const line = `Nov 22 09:50:25 gw-1 kernel: ${text}`;
      const { problems, records } = readFlows(netfilterLog, `\n${line}\n`);
      assert.deepEqual([records, problems.length], [[], 1]);
      assert.match(problems[0]?.message ?? '', message);
      assert.deepEqual([problems[0]?.line, problems[0]?.column], [2, 1 + (at ? line.indexOf(at) : line.length)]);
    });
});

test('log lines: a log that is followed goes with the clock, over the end of a year', () => {
  let now = Date.UTC(2026, 11, 30);
  const starts: number[] = [];
  const rollup = createRollup({
    services: null,
    feed: 'x',
    format: netfilterLog.name,
    ...(netfilterLog.coverage && { coverage: netfilterLog.coverage }),
    now: () => now,
    onFlush: (batch) => void starts.push(...batch.bucket.subarray(0, batch.length)),
    onProblem: (message) => assert.fail(message),
  });
  const parser = netfilterLog.open(rollup, {
    get reference() {
      return now;
    },
    utcOffsetMinutes: 0,
    mapping: new Map(),
    prefixes: new Map(),
  });
  const days = [Date.UTC(2026, 11, 30, 10), Date.UTC(2027, 0, 15, 10), Date.UTC(2027, 5, 1, 10)];
  const heads = ['Dec 30 10:00:00', 'Jan 15 10:00:00', 'Jun  1 10:00:00'];
  heads.forEach((head, n) => {
    now = days[n] as number;
    const bytes = new TextEncoder().encode(`${head} gw-1 kernel: ${PACKET}\n`);
    parser.lines(bytes, 0, bytes.length, n + 1);
  });
  rollup.flush();
  assert.deepEqual(
    starts,
    days.map((day) => day / 1000),
  );
  // Rules choose what they log: that nothing is there says nothing.
  assert.deepEqual(rollup.coverageSoFar(), []);
});

testHostileLines(netfilterLog, SYSLOG.split('\n').slice(4, 8).join('\n'));
