import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createNetflowReader } from './netflow.ts';
import { datagram, type KeptFlows, keepFlows, packed } from './netflow-sample.ts';

/** 2023-11-14T22:13:20Z. */
const NOW = 1_700_000_000;

function read(datagrams: readonly (Uint8Array | number[])[], options: { every?: number } = {}): KeptFlows {
  const kept = keepFlows();
  const reader = createNetflowReader(kept.sink);
  datagrams.forEach((bytes, i) => {
    reader.datagram(Uint8Array.from(bytes), bytes.length, '10.0.0.1', NOW + i * (options.every ?? 0));
  });
  reader.report(NOW + 1, true);
  return kept;
}

const V5 = `
0005 0002       ; version, records
00989680        ; uptime: 10,000 s
6553f100 1dcd6500 ; 1700000000.5
00000064        ; sequence: 100
01 02           ; engine
0000            ; not sampled
; 10.0.0.5:40000 > 10.0.1.2:5432, SYN ACK PSH FIN, through interface 2
0a000005 0a000102 00000000 0001 0002 0000000a 000003e8 00982150 0098929c 9c40 1538 00 1b 06 00 0000 0000 18 18 0000
; the same host, ICMP, to the router itself
0a000005 0a000001 00000000 0001 0000 00000001 00000054 0098929c 0098929c 0000 0800 00 00 01 00 0000 0000 18 00 0000
`;

describe('NetFlow v5', () => {
  test('reads a datagram', () => {
    const kept = read([datagram(V5)]);
    assert.deepEqual(kept.problems, []);
    assert.deepEqual(kept.lines, [
      'netflow:10.0.0.1 10.0.0.5:40000 > 10.0.1.2:5432/6 accepted unknown 1 10 1000',
      'netflow:10.0.0.1 10.0.0.5:-1 > 10.0.0.1:-1/1 unknown unknown 1 1 84',
    ]);
    const [tcp] = kept.records;
    // Uptime 9,970,000 and 9,999,004 ms, at 10,000,000 ms.
    assert.equal(tcp?.start, NOW + 0.5 - 30);
    assert.equal(tcp?.end, NOW + 0.5 - 0.996);
  });

  test('takes times across the wrap of the uptime', () => {
    const bytes = datagram(V5);
    bytes.set(packed([1_000, 4]), 4); // the uptime wrapped a second ago
    bytes.set(packed([2 ** 32 - 4_000, 4]), 24 + 24);
    bytes.set(packed([500, 4]), 24 + 28);
    const [flow] = read([bytes]).records;
    assert.equal(flow?.start, NOW + 0.5 - 5);
    assert.equal(flow?.end, NOW + 0.5 - 0.5);
  });

  const flags: readonly { name: string; flags: number; want: string }[] = [
    { name: 'a SYN that nobody answered is of who opens', flags: 0x02, want: 'unknown forward 1' },
    { name: 'a whole connection is of either side', flags: 0x1b, want: 'accepted unknown 1' },
    { name: 'no SYN: it goes on from an earlier record', flags: 0x10, want: 'accepted unknown 0' },
    { name: 'a refusal is no acceptance, and no connection', flags: 0x14, want: 'unknown unknown 0' },
    { name: 'no flags: nothing is known', flags: 0, want: 'unknown unknown 1' },
  ];
  for (const { name, flags: value, want } of flags)
    test(name, () => {
      const bytes = datagram(V5);
      bytes.set([0, 0], 24 + 14);
      bytes[24 + 37] = value;
      assert.ok(read([bytes]).lines[0]?.includes(` ${want} `), read([bytes]).lines[0]);
    });

  test('counts lost records, late ones and datagrams that come twice', () => {
    const numbered = (sequence: number, port: number) => {
      const bytes = datagram(V5);
      bytes.set(packed([sequence, 4]), 16);
      bytes.set(packed([port, 2]), 24 + 32);
      return bytes;
    };
    const kept = keepFlows();
    const reader = createNetflowReader(kept.sink);
    const send = (sequence: number, port: number, at: number) =>
      reader.datagram(numbered(sequence, port), 120, '10.0.0.1', at);
    send(100, 1, NOW);
    send(106, 2, NOW + 1); // 102 to 105 are missing
    send(102, 3, NOW + 2); // two of them came late
    send(106, 2, NOW + 3); // once more
    reader.report(NOW + 3);
    assert.deepEqual(reader.health(), [
      {
        ...{ exporter: '10.0.0.1', feed: 'netflow:10.0.0.1', versions: [5], datagrams: 4, records: 6 },
        ...{ lostRecords: 2, lostDatagrams: 0, restarts: 0, duplicates: 1, undecoded: 0, waiting: 0, templates: 0 },
        ...{ sampling: null, clockAhead: 0, lastSeen: NOW + 3 },
      },
    ]);
    assert.deepEqual(kept.coverage, [`netflow:10.0.0.1 ${NOW}-${NOW + 3} gap 2`]);
  });

  test('an exporter without sequence numbers is said to have none, and is read', () => {
    const sent = Array.from({ length: 20 }, (_, i) => {
      const bytes = datagram(V5);
      bytes.set(packed([7, 4]), 16);
      bytes.set(packed([i, 2]), 24 + 32);
      return bytes;
    });
    const kept = read(sent);
    assert.equal(kept.records.length, 40);
    assert.deepEqual(kept.problems, [
      'exporter 10.0.0.1: its sequence numbers follow no order; what is lost cannot be told',
    ]);
  });

  test('a wrong clock is put right and told once', () => {
    const bytes = datagram(V5);
    bytes.set(packed([1_000, 4]), 8);
    const kept = read([bytes, datagram(V5)]);
    assert.equal(kept.records[0]?.start, NOW - 30);
    assert.match(kept.problems.join('\n'), /its clock is 1699998999 s behind/);
  });

  test('sampling is told, and does not make a record without SYN a continuation', () => {
    const bytes = datagram(V5);
    bytes.set([0x40, 0x64], 22);
    bytes[24 + 37] = 0x10;
    const kept = keepFlows();
    const reader = createNetflowReader(kept.sink);
    reader.datagram(bytes, bytes.length, '10.0.0.1', NOW);
    assert.equal(reader.health()[0]?.sampling, 100);
    assert.equal(kept.records[0]?.connections, 1);
    assert.equal(kept.records[0]?.packets, 10);
  });

  const cut: readonly { name: string; bytes: Uint8Array; problem: RegExp }[] = [
    { name: 'cut off in the header', bytes: datagram(V5).subarray(0, 20), problem: /24 bytes was expected, not 20/ },
    {
      name: 'cut off in a record',
      bytes: datagram(V5).subarray(0, 100),
      problem: /2 records of 48 bytes were expected/,
    },
    { name: 'another version', bytes: Uint8Array.of(0, 8, 1, 2), problem: /not version 8/ },
    { name: 'nothing', bytes: new Uint8Array(0), problem: /not 0 bytes/ },
  ];
  for (const { name, bytes, problem } of cut)
    test(name, () => {
      assert.match(read([bytes]).problems.join('\n'), problem);
    });
});

/** A message with its length and count filled in. */
function v9(sequence: number, ...sets: readonly number[][]): number[] {
  const header = packed([9, 2], [sets.length, 2], [10_000_000, 4], [NOW, 4], [sequence, 4], [7, 4]);
  return [...header, ...sets.flat()];
}

function ipfix(sequence: number, ...sets: readonly number[][]): number[] {
  const body = sets.flat();
  return [...packed([10, 2], [16 + body.length, 2], [NOW, 4], [sequence, 4], [7, 4]), ...body];
}

function set(id: number, ...body: readonly number[][]): number[] {
  const bytes = body.flat();
  return [...packed([id, 2], [4 + bytes.length, 2]), ...bytes];
}

function template(id: number, ...fields: readonly (readonly [element: number, length: number])[]): number[] {
  return packed([id, 2], [fields.length, 2], ...fields.flatMap(([e, l]) => [[e, 2] as const, [l, 2] as const]));
}

const BASIC = [
  [8, 4],
  [12, 4],
  [7, 2],
  [11, 2],
  [4, 1],
  [2, 4],
  [1, 4],
] as const;

function basic(port: number, ...more: readonly (readonly [number, number])[]): number[] {
  const fields = [
    [0x0a000005, 4],
    [0x0a000102, 4],
    [port, 2],
    [5432, 2],
    [6, 1],
    [10, 4],
    [1000, 4],
  ] as const;
  return packed(...fields, ...more);
}

describe('NetFlow v9', () => {
  test('reads data by its template, and times by the uptime', () => {
    const fields = [...BASIC, [22, 4], [21, 4], [6, 1], [14, 4]] as const;
    const record = basic(40_000, [9_970_000, 4], [9_999_000, 4], [0x1b, 1], [3, 4]);
    const kept = read([v9(1, set(0, template(256, ...fields)), set(256, record, [0, 0]))]);
    assert.deepEqual(kept.problems, []);
    assert.deepEqual(kept.lines, ['netflow:10.0.0.1 10.0.0.5:40000 > 10.0.1.2:5432/6 accepted unknown 1 10 1000']);
    assert.equal(kept.records[0]?.start, NOW - 30);
    assert.equal(kept.records[0]?.end, NOW - 1);
  });

  test('data before its template waits for it', () => {
    const kept = read([v9(1, set(300, basic(1))), v9(2, set(0, template(300, ...BASIC))), v9(3, set(300, basic(2)))]);
    assert.deepEqual(
      kept.records.map(({ srcPort }) => srcPort),
      [1, 2],
    );
    assert.deepEqual(kept.problems, []);
  });

  test('data whose template never comes is told, and is a gap', () => {
    const kept = read([v9(1, set(300, basic(1))), v9(2, set(301, basic(1)))], { every: 1 });
    assert.deepEqual(kept.problems, ['exporter 10.0.0.1: the template of 2 data sets never came; they are not read']);
    assert.deepEqual(kept.coverage, [`netflow:10.0.0.1 ${NOW}-${NOW + 1} gap null`]);
  });

  test('a template that changes is read anew', () => {
    const swapped = [[12, 4], [8, 4], ...BASIC.slice(2)] as const;
    const kept = read([
      v9(1, set(0, template(256, ...BASIC)), set(256, basic(1))),
      v9(2, set(0, template(256, ...swapped)), set(256, basic(1))),
    ]);
    assert.match(kept.lines[0] ?? '', /10\.0\.0\.5:1 > 10\.0\.1\.2/);
    assert.match(kept.lines[1] ?? '', /10\.0\.1\.2:1 > 10\.0\.0\.5/);
  });

  test('options tell the sampling; scopes are passed over', () => {
    const options = [...packed([257, 2], [4, 2], [8, 2], [1, 2], [4, 2], [34, 2], [4, 2], [35, 2], [1, 2])];
    const kept = keepFlows();
    const reader = createNetflowReader(kept.sink);
    const bytes = v9(1, set(1, options), set(257, packed([0, 4], [128, 4], [2, 1])));
    reader.datagram(Uint8Array.from(bytes), bytes.length, '10.0.0.1', NOW);
    assert.equal(reader.health()[0]?.sampling, 128);
    assert.equal(kept.records.length, 0);
  });

  test('lost datagrams are counted; how many records they had is not known', () => {
    const kept = keepFlows();
    const reader = createNetflowReader(kept.sink);
    const send = (sequence: number, at: number) => {
      const bytes = v9(sequence, set(0, template(256, ...BASIC)), set(256, basic(sequence)));
      reader.datagram(Uint8Array.from(bytes), bytes.length, '10.0.0.1', at);
    };
    send(1, NOW);
    send(5, NOW + 1);
    reader.report(NOW + 1);
    assert.equal(reader.health()[0]?.lostDatagrams, 3);
    assert.deepEqual(kept.coverage, [`netflow:10.0.0.1 ${NOW}-${NOW + 1} gap null`]);
  });

  test('templates are those of one source id of one exporter', () => {
    const kept = keepFlows();
    const reader = createNetflowReader(kept.sink);
    const announced = v9(1, set(0, template(256, ...BASIC)));
    const data = v9(2, set(256, basic(1)));
    reader.datagram(Uint8Array.from(announced), announced.length, '10.0.0.1', NOW);
    reader.datagram(Uint8Array.from(data), data.length, '10.0.0.2', NOW);
    data.splice(16, 4, 0, 0, 0, 9);
    reader.datagram(Uint8Array.from(data), data.length, '10.0.0.1', NOW);
    assert.equal(kept.records.length, 0);
    assert.deepEqual(
      reader.health().map(({ waiting }) => waiting),
      [1, 1],
    );
  });

  test('what a firewall says counts: denied, began, ended', () => {
    const fields = [...BASIC, [233, 1]] as const;
    const events = [3, 1, 2].map((event) => basic(1, [event, 1]));
    const kept = read([v9(1, set(0, template(256, ...fields)), set(256, ...events))]);
    assert.deepEqual(
      kept.lines.map((line) => line.split(' ').slice(4).join(' ')),
      ['denied forward 1 10 1000', 'accepted forward 1 10 1000', 'accepted forward 0 10 1000'],
    );
  });

  const statuses: readonly { status: number; action: string }[] = [
    { status: 0x40, action: 'accepted' },
    { status: 0x82, action: 'denied' },
    { status: 0xc0, action: 'accepted' },
    { status: 0x00, action: 'unknown' },
  ];
  for (const { status, action } of statuses)
    test(`forwarding status 0x${status.toString(16)} is ${action}`, () => {
      const fields = [...BASIC, [89, 1]] as const;
      const kept = read([v9(1, set(0, template(256, ...fields)), set(256, basic(1, [status, 1])))]);
      assert.equal(kept.lines[0]?.split(' ')[4], action);
    });
});

/** RFC 7011, appendix A.2.1, A.3 and A.4 in one message. */
const RFC7011 = `
000a 0068 6553f100 00000000 00000007
0002 001c 0100 0005 0008 0004 000c 0004 000f 0004 0002 0004 0001 0004 ; template 256
0100 0040
c000020c c00002fe c0000201 00001391 00518c81
c000021b c0000217 c0000202 000002ec 0005ef46
c0000238 c0000241 c0000203 00000005 00001986
`;

describe('IPFIX', () => {
  test('reads the example of RFC 7011, whose records have no protocol', () => {
    const bytes = datagram(RFC7011);
    bytes.set(packed([bytes.length, 2]), 2);
    const kept = read([bytes]);
    assert.deepEqual(kept.problems, []);
    assert.deepEqual(kept.skipped, Array(3).fill('record without a protocol'));
  });

  test('reads it with a protocol before each record', () => {
    const fields = [
      [4, 1],
      [8, 4],
      [12, 4],
      [15, 4],
      [2, 4],
      [1, 4],
    ] as const;
    const records = [
      [0xc000020c, 0xc00002fe, 0xc0000201, 5009, 5344385],
      [0xc000021b, 0xc0000217, 0xc0000202, 748, 388934],
    ].map((values) => packed([47, 1], ...values.map((value) => [value, 4] as const)));
    const kept = read([ipfix(0, set(2, template(256, ...fields)), set(256, ...records))]);
    assert.deepEqual(kept.lines, [
      'netflow:10.0.0.1 192.0.2.12:-1 > 192.0.2.254:-1/47 unknown unknown 1 5009 5344385',
      'netflow:10.0.0.1 192.0.2.27:-1 > 192.0.2.23:-1/47 unknown unknown 1 748 388934',
    ]);
  });

  test('passes over fields of enterprises and of variable length, short and long', () => {
    const fields = packed(
      ...([
        [256, 2],
        [10, 2],
      ] as const),
      ...([
        [0x8000 + 15, 2],
        [65_535, 2],
        [32_473, 4],
      ] as const),
      ...([
        [82, 2],
        [65_535, 2],
      ] as const),
      ...BASIC.flatMap(([element, length]) => [[element, 2] as const, [length, 2] as const]),
      ...([
        [0x8000 + 1, 2],
        [4, 2],
        [32_473, 4],
      ] as const),
    );
    const long = [255, ...packed([300, 2]), ...Array(300).fill(65)];
    const one = [5, 65, 66, 67, 68, 69, 0, ...basic(1), ...packed([9, 4])];
    const two = [...long, 2, 101, 48, ...basic(2), ...packed([9, 4])];
    const kept = read([ipfix(0, set(2, fields), set(256, one, two, [0, 0, 0]))]);
    assert.deepEqual(kept.problems, []);
    assert.deepEqual(
      kept.records.map(({ srcPort, bytes }) => [srcPort, bytes]),
      [
        [1, 1000],
        [2, 1000],
      ],
    );
  });

  test('adds both directions of RFC 5103, and takes the side that opened', () => {
    const reverse = packed([0x8000 + 2, 2], [4, 2], [29_305, 4], [0x8000 + 1, 2], [8, 2], [29_305, 4]);
    const fields = [...template(256, ...BASIC, [239, 1]), ...reverse];
    fields.splice(0, 4, ...packed([256, 2], [BASIC.length + 3, 2]));
    const record = basic(1, [1, 1], [7, 4], [5_000_000_000, 8]);
    const kept = read([ipfix(0, set(2, fields), set(256, record))]);
    assert.deepEqual(kept.lines, ['netflow:10.0.0.1 10.0.0.5:1 > 10.0.1.2:5432/6 unknown forward 1 17 5000001000']);
  });

  test('reads IPv6, and the endpoint behind a translation', () => {
    const v6 = [
      [27, 16],
      [28, 16],
      [7, 2],
      [11, 2],
      [4, 1],
      [2, 4],
      [1, 4],
    ] as const;
    const address = (last: number) => [0x20, 1, 0xd, 0xb8, ...Array(11).fill(0), last];
    const six = [...address(1), ...address(2), ...packed([1, 2], [53, 2], [17, 1], [1, 4], [60, 4])];
    const nat = [...BASIC, [226, 4], [228, 2]] as const;
    const four = basic(1, [0x0a000901, 4], [15_432, 2]);
    const kept = read([ipfix(0, set(2, template(256, ...v6), template(257, ...nat)), set(256, six), set(257, four))]);
    assert.deepEqual(kept.lines, [
      'netflow:10.0.0.1 2001:db8:0:0:0:0:0:1:1 > 2001:db8:0:0:0:0:0:2:53/17 unknown unknown 1 1 60',
      'netflow:10.0.0.1 10.0.0.5:1 > 10.0.9.1:15432/6 unknown unknown 1 10 1000',
    ]);
  });

  const times: readonly {
    name: string;
    fields: readonly (readonly [number, number])[];
    values: number[];
    want: number[];
  }[] = [
    {
      name: 'seconds',
      fields: [
        [150, 4],
        [151, 4],
      ],
      values: [NOW - 9, NOW - 3],
      want: [-9, -3],
    },
    {
      name: 'milliseconds',
      fields: [
        [152, 8],
        [153, 8],
      ],
      values: [NOW * 1000 - 1500, NOW * 1000 - 500],
      want: [-1.5, -0.5],
    },
    {
      name: 'microseconds before the export',
      fields: [
        [158, 4],
        [159, 4],
      ],
      values: [2_000_000, 250_000],
      want: [-2, -0.25],
    },
    {
      name: 'a beginning and a duration',
      fields: [
        [152, 8],
        [161, 4],
      ],
      values: [NOW * 1000 - 5000, 4000],
      want: [-5, -1],
    },
    {
      name: 'uptime and the start of the system',
      fields: [
        [22, 4],
        [21, 4],
        [160, 8],
      ],
      values: [1000, 2000, NOW * 1000 - 9000],
      want: [-8, -7],
    },
    { name: 'none: the export', fields: [], values: [], want: [0, 0] },
  ];
  for (const { name, fields, values, want } of times)
    test(`takes times as ${name}`, () => {
      const more = values.map((value, i) => [value, fields[i]?.[1] ?? 0] as const);
      const kept = read([ipfix(0, set(2, template(256, ...BASIC, ...fields)), set(256, basic(1, ...more)))]);
      const [flow] = kept.records;
      assert.deepEqual([(flow?.start ?? 0) - NOW, (flow?.end ?? 0) - NOW], want);
    });

  test('takes times of NTP', () => {
    const ntp = packed([NOW - 2 + 2_208_988_800, 4], [2 ** 31, 4]);
    const record = [...basic(1), ...ntp];
    const kept = read([ipfix(0, set(2, template(256, ...BASIC, [154, 8])), set(256, record))]);
    assert.equal(kept.records[0]?.start, NOW - 1.5);
  });

  test('a withdrawn template is gone, and what comes then waits', () => {
    const kept = read([
      ipfix(0, set(2, template(256, ...BASIC), template(257, ...BASIC)), set(256, basic(1))),
      ipfix(1, set(2, packed([256, 2], [0, 2])), set(256, basic(2)), set(257, basic(3))),
      ipfix(3, set(2, packed([2, 2], [0, 2])), set(257, basic(4))),
    ]);
    assert.deepEqual(
      kept.records.map(({ srcPort }) => srcPort),
      [1, 3],
    );
    assert.match(kept.problems.join('\n'), /the template of 2 data sets never came/);
  });

  test('counts lost records by the sequence number', () => {
    const data = (sequence: number, port: number) =>
      ipfix(sequence, set(2, template(256, ...BASIC)), set(256, basic(port), basic(port + 1)));
    const kept = read([data(0, 1), data(2, 3), data(10, 5)], { every: 1 });
    assert.equal(kept.records.length, 6);
    assert.deepEqual(kept.coverage, [`netflow:10.0.0.1 ${NOW}-${NOW + 2} gap 6`]);
  });
});

describe('hostile datagrams', () => {
  const lies: readonly { name: string; bytes: number[]; problem: RegExp }[] = [
    { name: 'a set of length 0', bytes: v9(1, packed([256, 2], [0, 2])), problem: /a length from 4 to 4 was expected/ },
    { name: 'a set beyond the end', bytes: ipfix(0, packed([256, 2], [400, 2])), problem: /a length from 4 to 4/ },
    { name: 'a template without lengths', bytes: v9(1, set(0, template(256, [8, 0], [12, 0]))), problem: /no length/ },
    { name: 'more fields than bytes', bytes: v9(1, set(0, packed([256, 2], [60_000, 2]))), problem: /do not fit/ },
    {
      name: 'a template of NetFlow v9 of variable length',
      bytes: v9(1, set(0, template(256, [8, 4], [82, 65_535]))),
      problem: /longer than a datagram/,
    },
    {
      name: 'more scopes than fields',
      bytes: ipfix(0, set(3, packed([256, 2], [1, 2], [9, 2], [8, 2], [4, 2]))),
      problem: /1 to 1 scope fields/,
    },
    {
      name: 'a record beyond its set',
      bytes: ipfix(0, set(2, template(256, [82, 65_535], [4, 1])), set(256, [9, 65])),
      problem: /beyond the end of its set/,
    },
    {
      name: 'an address of three bytes',
      bytes: ipfix(0, set(2, template(256, [8, 3])), set(256, [1, 2, 3])),
      problem: /a length that its element cannot have/,
    },
    {
      name: 'a counter beyond 2^53',
      bytes: ipfix(0, set(2, template(256, [1, 8])), set(256, Array(8).fill(255))),
      problem: /cannot have/,
    },
    {
      name: 'a time far away',
      bytes: ipfix(0, set(2, template(256, ...BASIC, [150, 4])), set(256, basic(1, [7, 4]))),
      problem: /between 7 days before/,
    },
  ];
  for (const { name, bytes, problem } of lies)
    test(name, () => {
      const kept = read([bytes]);
      assert.match(kept.problems.join('\n'), problem);
      assert.equal(kept.records.length, 0);
    });

  test('floods of templates, domains and exporters are bounded', () => {
    const kept = keepFlows();
    const reader = createNetflowReader(kept.sink);
    const send = (bytes: number[], from: string) => reader.datagram(Uint8Array.from(bytes), bytes.length, from, NOW);
    for (let id = 256; id < 3_000; id++) send(ipfix(0, set(2, template(id, ...BASIC))), '10.0.0.1');
    for (let domain = 0; domain < 200; domain++) {
      const bytes = ipfix(0, set(2, template(256, ...BASIC)));
      bytes.splice(12, 4, ...packed([domain, 4]));
      send(bytes, '10.0.0.2');
    }
    for (let n = 0; n < 5_000; n++) send(ipfix(0, set(256, basic(1))), `192.0.2.${n}`);
    for (let n = 0; n < 3_000; n++) send(ipfix(0, set(999, Array(900).fill(1))), '10.0.0.3');
    const health = new Map(reader.health().map((one) => [one.exporter, one]));
    assert.equal(health.get('10.0.0.1')?.templates, 1_024);
    assert.equal(health.get('10.0.0.2')?.templates, 64);
    assert.equal(health.size, 4_096);
    assert.ok(reader.refused > 0);
    assert.ok(kept.problems.length < 10, 'a flood is told once');
    const told = () => kept.problems.filter((text) => text.includes('of further senders were not read')).length;
    assert.equal(told(), 0);
    for (let n = 0; n < 3; n++) reader.report(NOW);
    assert.equal(told(), 1, 'what is refused is told, once');
    send(ipfix(0, set(256, basic(1))), '198.51.100.1');
    reader.report(NOW);
    assert.equal(told(), 2);
  });

  test('any bytes: never an exception, never a record out of range', () => {
    const header = fc.constantFrom(packed([5, 2]), packed([9, 2]), packed([10, 2]), []);
    const valid = fc.constantFrom(
      datagram(V5),
      Uint8Array.from(v9(1, set(0, template(256, ...BASIC, [22, 4], [21, 4])), set(256, basic(1, [1, 4], [2, 4])))),
      Uint8Array.from(ipfix(0, set(2, template(256, ...BASIC, [82, 65_535])), set(256, [...basic(1), 3, 1, 2, 3]))),
    );
    const mutated = fc
      .tuple(valid, fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 12 }), fc.nat(200))
      .map(([bytes, changes, length]) => {
        const copy = bytes.slice(0, length > 150 ? bytes.length : Math.min(bytes.length, length));
        for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
        return copy;
      });
    const random = fc
      .tuple(header, fc.uint8Array({ maxLength: 300 }))
      .map(([first, rest]) => Uint8Array.from([...first, ...rest]));
    fc.assert(
      fc.property(fc.array(fc.oneof(mutated, random), { minLength: 1, maxLength: 8 }), (datagrams) => {
        const { records } = read(datagrams);
        for (const flow of records) {
          assert.ok(flow.start >= NOW - 8 * 86_400 && flow.start <= NOW + 600 && flow.end >= flow.start);
          assert.ok(flow.srcPort >= -1 && flow.srcPort <= 65_535 && flow.dstPort >= -1 && flow.dstPort <= 65_535);
          assert.ok(flow.protocol >= 0 && flow.protocol <= 255 && Number.isSafeInteger(flow.bytes) && flow.bytes >= 0);
          assert.ok(flow.src >= 0 && flow.dst >= 0 && Number.isSafeInteger(flow.packets));
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
