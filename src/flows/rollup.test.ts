import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { flowOptions } from '../../test/read-flows.ts';
import { fromCidrs } from '../model/address-set-text.ts';
import { ACTION, DIRECTION, type FlowBatch } from '../model/flow.ts';
import { putWords, textOfWords } from '../model/flow-address.ts';
import { awsVpc } from './aws-vpc.ts';
import { csv } from './csv.ts';
import { buildServiceIndex, type ServiceIndex } from './direction.ts';
import { createRollup, type Rollup, type RollupOptions } from './rollup.ts';

const START = Date.UTC(2026, 2, 2, 10) / 1000;
const NOW = START * 1000 + 86_400_000;

interface Made extends Rollup {
  /** What was written out, rows of one key added up: key to `connections packets bytes`. */
  readonly rows: Map<string, [number, number, number]>;
  readonly told: string[];
}

function make(options: Partial<RollupOptions> = {}): Made {
  const rows = new Map<string, [number, number, number]>();
  const told: string[] = [];
  const rollup: Rollup = createRollup({
    services: null,
    feed: 'test',
    format: 'test',
    now: () => NOW,
    onFlush: (batch) => {
      addRows(rows, batch, rollup);
      rollup.recycle(batch);
    },
    onProblem: (message) => void told.push(message),
    ...options,
  });
  return Object.assign(rollup, { rows, told });
}

function addRows(rows: Made['rows'], batch: FlowBatch, rollup: Rollup): void {
  for (let row = 0; row < batch.length; row++) {
    const key = [
      batch.bucket[row],
      textOfWords(batch.src, row),
      textOfWords(batch.dst, row),
      batch.port[row],
      batch.protocol[row],
      batch.action[row],
      batch.directed[row],
      rollup.feeds[batch.feed[row] as number]?.name,
    ].join(' ');
    const sums = rows.get(key) ?? [0, 0, 0];
    sums[0] += batch.connections[row] as number;
    sums[1] += batch.packets[row] as number;
    sums[2] += batch.bytes[row] as number;
    rows.set(key, sums);
  }
}

interface Listens {
  readonly address: string;
  readonly port: number;
}

function services(listeners: readonly Listens[], entries: readonly { cidr: string; from: number; to: number }[] = []) {
  const words = (address: string) => {
    const found = new Uint32Array(4);
    assert.ok(putWords(found, 0, address));
    return [...found] as unknown as readonly [number, number, number, number];
  };
  return buildServiceIndex(
    listeners.map(({ address, port }) => ({ words: words(address), port, protocol: 6 })),
    entries.map(({ cidr, from, to }) => ({ addresses: fromCidrs([cidr]), ports: [{ from, to }], protocol: 6 })),
  );
}

// Few values each, so that keys repeat, both sides may listen, and IPv6 comes in.
const addresses = ['10.0.0.1', '10.0.0.2', '10.0.1.3', '192.0.2.7', '2001:db8::1', '2001:db8::2:1'];
const ports = [22, 443, 8080, 40_000, 40_001, 65_535];
const record = fc.record({
  offset: fc.integer({ min: -90_000, max: 3_000 }),
  length: fc.integer({ min: 0, max: 600 }),
  src: fc.constantFrom(...addresses),
  dst: fc.constantFrom(...addresses),
  srcPort: fc.constantFrom(...ports),
  dstPort: fc.constantFrom(...ports),
  protocol: fc.constantFrom(6, 6, 6, 17, 1),
  isDenied: fc.boolean(),
  packets: fc.integer({ min: 0, max: 1000 }),
  bytes: fc.integer({ min: 0, max: 2 ** 40 }),
});
type Made1 = typeof record extends fc.Arbitrary<infer T> ? T : never;

const LISTENERS: readonly Listens[] = [
  { address: '10.0.0.1', port: 443 },
  { address: '10.0.0.2', port: 40_000 },
  { address: '2001:db8::1', port: 22 },
];
const ENTRY = { cidr: '10.0.0.0/16', from: 8000, to: 9000 };

/** What the roll-up of records is, in the plainest way. */
function naive(records: readonly Made1[], feed: string): Map<string, [number, number, number]> {
  const surely = (address: string, port: number, protocol: number): number => {
    if (protocol !== 6) return 0;
    if (LISTENERS.some((l) => l.address === address && l.port === port)) return 2;
    return address.startsWith('10.0.') && port >= ENTRY.from && port <= ENTRY.to ? 1 : 0;
  };
  const rows = new Map<string, [number, number, number]>();
  for (const r of records) {
    const start = START + r.offset;
    const forward = surely(r.dst, r.dstPort, r.protocol);
    const reply = surely(r.src, r.srcPort, r.protocol);
    const isReply = reply > 0 && forward === 0 && !r.isDenied;
    const port = r.protocol === 1 ? 0 : isReply ? r.srcPort : r.dstPort;
    const key = [
      start - (((start % 300) + 300) % 300),
      isReply ? r.dst : r.src,
      isReply ? r.src : r.dst,
      port,
      r.protocol,
      r.isDenied ? ACTION.denied : ACTION.accepted,
      Number((forward > 0 && reply === 0) || isReply),
      feed,
    ].join(' ');
    const sums = rows.get(key) ?? [0, 0, 0];
    sums[0] += isReply ? 0 : 1;
    sums[1] += r.packets;
    sums[2] += r.bytes;
    rows.set(key, sums);
  }
  return rows;
}

const texts = {
  csv: (records: readonly Made1[]) =>
    `start,end,src,dst,src_port,dst_port,protocol,action,packets,bytes\n${records
      .map((r) => {
        const start = START + r.offset;
        return `${start},${start + r.length},${r.src},${r.dst},${r.srcPort},${r.dstPort},${r.protocol},${r.isDenied ? 'deny' : 'accept'},${r.packets},${r.bytes}\n`;
      })
      .join('')}`,
  // Without the interface, equal records are records of two interfaces, and both count.
  'aws-vpc': (records: readonly Made1[]) =>
    `srcaddr dstaddr srcport dstport protocol packets bytes start end action\n${records
      .map((r) => {
        const start = START + r.offset;
        return `${r.src} ${r.dst} ${r.srcPort} ${r.dstPort} ${r.protocol} ${r.packets} ${r.bytes} ${start} ${start + r.length} ${r.isDenied ? 'REJECT' : 'ACCEPT'}\n`;
      })
      .join('')}`,
};

suite('a roll-up', () => {
  for (const format of [csv, awsVpc])
    for (const memory of [undefined, 20_000])
      test(`of ${format.name} is what plain adding up gives${memory ? ', in little memory' : ''}`, () => {
        const index = services(LISTENERS, [ENTRY]);
        fc.assert(
          fc.property(fc.array(record, { maxLength: 300 }), (records) => {
            const rollup = make({ services: index, ...(memory && { memory, batchRows: 3 }) });
            const bytes = new TextEncoder().encode(texts[format.name as 'csv' | 'aws-vpc'](records));
            format.open(rollup, flowOptions()).lines(bytes, 0, bytes.length, 1);
            rollup.flush();
            assert.deepEqual(rollup.told, []);
            assert.equal(rollup.counts.records, records.length);
            const sorted = (rows: Made['rows']) => [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
            assert.deepEqual(sorted(rollup.rows), sorted(naive(records, 'test')));
            const sum = (of: 'packets' | 'bytes') => records.reduce((all, r) => all + r[of], 0);
            assert.deepEqual([rollup.counts.packets, rollup.counts.bytes], [sum('packets'), sum('bytes')]);
          }),
          { numRuns: 150 },
        );
      });

  test('takes late records into their bucket, in rows of their own where it was written out', () => {
    const rollup = make();
    const put = (start: number) => {
      Object.assign(rollup.record, {
        start,
        end: start,
        src: 1,
        dst: 2,
        dstPort: 80,
        protocol: 6,
        packets: 1,
        bytes: 1,
      });
      rollup.add();
    };
    put(START);
    rollup.flushBefore(START + 300);
    assert.equal(rollup.counts.rows, 1);
    put(START + 10);
    put(START + 700);
    rollup.flushBefore(START + 600);
    assert.equal(rollup.counts.rows, 2);
    rollup.flush();
    assert.deepEqual(
      [...rollup.rows.values()],
      [
        [2, 2, 2],
        [1, 1, 1],
      ],
    );
  });

  test('does not take times that cannot be, and tells of those ahead of the clock', () => {
    const rollup = make();
    for (const start of [0, 946_684_799, NOW / 1000 + 86_401, 1e12, Number.NaN, Number.POSITIVE_INFINITY]) {
      Object.assign(rollup.record, { start, end: start, src: 1, dst: 2, dstPort: 80, protocol: 6 });
      rollup.add();
    }
    assert.deepEqual([rollup.counts.records, rollup.counts.absurd, rollup.told.length], [0, 6, 6]);
    Object.assign(rollup.record, { start: NOW / 1000 + 3600, end: NOW / 1000 + 3600 });
    rollup.add();
    assert.deepEqual([rollup.counts.records, rollup.counts.ahead], [1, 1]);
  });

  test('keeps its memory where every record is of another bucket, another address, another feed', () => {
    const rollup = make({ memory: 1_000_000, batchRows: 1000 });
    const bytes = new Uint8Array(16);
    for (let n = 0; n < 200_000; n++) {
      bytes.set([0x20, 1, n >> 16, (n >> 8) & 255, n & 255]);
      const start = 946_684_800 + ((n * 7919) % 2_000_000) * 300;
      const src = rollup.ids.ipv6(bytes, 0);
      rollup.feed(`feed ${n}`);
      Object.assign(rollup.record, { start, end: start, src, dst: n, dstPort: 80, protocol: 6, packets: 1, bytes: 1 });
      rollup.add();
    }
    rollup.flush();
    assert.equal(rollup.counts.records, 200_000);
    assert.equal(
      [...rollup.rows.values()].reduce((sum, [n]) => sum + n, 0),
      200_000,
    );
    assert.ok(rollup.feeds.length <= 60_001);
  });

  test('counts what was delivered twice once, where a record is one of its kind', () => {
    const line = (port: number, eni = 'eni-0a1') =>
      `2 1 ${eni} 10.0.0.1 10.0.0.2 ${port} 443 6 1 40 ${START} ${START + 9} ACCEPT OK\n`;
    const text = [1, 2, 3].map((n) => line(n)).join('');
    const bytes = new TextEncoder().encode(text + text + line(1, 'eni-0b2'));
    const rollup = make();
    awsVpc.open(rollup, flowOptions()).lines(bytes, 0, bytes.length, 1);
    rollup.flush();
    assert.deepEqual([rollup.counts.records, rollup.counts.repeated, rollup.counts.packets], [4, 3, 4]);
  });

  test('knows when its feeds delivered', () => {
    const log = make();
    const windows = make({ coverage: 'windows' });
    for (const rollup of [log, windows])
      for (const [start, end] of [
        [START + 10, START + 20],
        [START + 4000, START + 4030],
        [START + 500, START + 530],
      ] as const) {
        Object.assign(rollup.record, { start, end, src: 1, dst: 2, dstPort: 80, protocol: 6, packets: 1, bytes: 1 });
        rollup.add();
      }
    windows.coverage('test', START + 9000, START + 9060, 'gap', 12);
    const spans = (rollup: Rollup) =>
      rollup.coverageSoFar().map((c) => [c.from - START, c.until - START, c.kind, c.lost]);
    assert.deepEqual(spans(log), [[20, 4031, 'delivered', 0]]);
    assert.deepEqual(spans(windows), [
      [0, 600, 'delivered', 0],
      [3900, 4200, 'delivered', 0],
      [9000, 9060, 'gap', 12],
    ]);
  });
});

const directions: readonly {
  readonly name: string;
  readonly index: ServiceIndex | null;
  readonly srcPort: number;
  readonly dstPort: number;
  readonly action?: number;
  readonly direction?: number;
  readonly want: string;
}[] = [
  {
    name: 'nothing is known: the lower port decides nothing',
    index: null,
    srcPort: 443,
    dstPort: 50_000,
    want: '10.0.0.1 10.0.0.2 50000 0',
  },
  {
    name: 'a listener at the destination',
    index: services([{ address: '10.0.0.2', port: 50_000 }]),
    srcPort: 443,
    dstPort: 50_000,
    want: '10.0.0.1 10.0.0.2 50000 1',
  },
  {
    name: 'a listener at the source: an answer',
    index: services([{ address: '10.0.0.1', port: 50_000 }]),
    srcPort: 50_000,
    dstPort: 443,
    want: '10.0.0.2 10.0.0.1 50000 1',
  },
  {
    name: 'the same, denied',
    index: services([{ address: '10.0.0.1', port: 50_000 }]),
    srcPort: 50_000,
    dstPort: 443,
    action: ACTION.denied,
    want: '10.0.0.1 10.0.0.2 443 0',
  },
  {
    name: 'listeners on both sides',
    index: services([
      { address: '10.0.0.1', port: 53 },
      { address: '10.0.0.2', port: 53 },
    ]),
    srcPort: 53,
    dstPort: 53,
    want: '10.0.0.1 10.0.0.2 53 0',
  },
  {
    name: 'an entry of the register',
    index: services([], [{ cidr: '10.0.0.1', from: 8000, to: 8999 }]),
    srcPort: 8999,
    dstPort: 443,
    want: '10.0.0.2 10.0.0.1 8999 1',
  },
  {
    name: 'an entry for other addresses',
    index: services([], [{ cidr: '10.0.0.9', from: 8000, to: 8999 }]),
    srcPort: 8999,
    dstPort: 443,
    want: '10.0.0.1 10.0.0.2 443 0',
  },
  {
    // Whoever chooses the port to connect from could choose one that listens: an answer must not be made of it.
    name: 'a listener on one side and an entry on the other',
    index: services([{ address: '10.0.0.1', port: 40_000 }], [{ cidr: '10.0.0.2/32', from: 5432, to: 5432 }]),
    srcPort: 40_000,
    dstPort: 5432,
    want: '10.0.0.1 10.0.0.2 5432 0',
  },
  {
    name: 'no port of the source, a service at the destination',
    index: services([{ address: '10.0.0.2', port: 443 }]),
    srcPort: -1,
    dstPort: 443,
    want: '10.0.0.1 10.0.0.2 443 1',
  },
  {
    name: 'the record before all',
    index: services([{ address: '10.0.0.1', port: 443 }]),
    srcPort: 443,
    dstPort: 50_000,
    direction: DIRECTION.forward,
    want: '10.0.0.1 10.0.0.2 50000 1',
  },
  {
    name: 'the record says it is an answer',
    index: null,
    srcPort: 443,
    dstPort: 50_000,
    direction: DIRECTION.reply,
    want: '10.0.0.2 10.0.0.1 443 1',
  },
  {
    name: 'a denied answer stays as it is',
    index: null,
    srcPort: 443,
    dstPort: 50_000,
    direction: DIRECTION.reply,
    action: ACTION.denied,
    want: '10.0.0.1 10.0.0.2 50000 0',
  },
];
suite('the service side', () => {
  for (const {
    name,
    index,
    srcPort,
    dstPort,
    action = ACTION.accepted,
    direction = DIRECTION.unknown,
    want,
  } of directions)
    test(name, () => {
      const rollup = make({ services: index });
      const [src, dst] = [0x0a00_0001, 0x0a00_0002];
      Object.assign(rollup.record, {
        start: START,
        end: START,
        src,
        dst,
        srcPort,
        dstPort,
        protocol: 6,
        action,
        direction,
      });
      rollup.add();
      rollup.flush();
      const [key = ''] = rollup.rows.keys();
      const [, from, to, port, , , directed] = key.split(' ');
      assert.equal([from, to, port, directed].join(' '), want);
    });
});
