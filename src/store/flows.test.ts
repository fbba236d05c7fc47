import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { UserError } from '../model/errors.ts';
import type { FeedCoverage, FlowBatch } from '../model/flow.ts';
import { ALL, batchOf, DAY, partOf, rowsOf, type SampleRow, START } from './flow-sample.ts';
import { filesIn, flowFolder } from './flows/folder.ts';
import { type FlowStoreOptions, type KeptFlows, openFlowStore } from './flows.ts';
import { shareRunLock, takeRunLock } from './run-lock.ts';
import { openStore, type Store } from './store.ts';

interface Place {
  readonly dir: string;
  readonly store: Store;
  readonly flows: KeptFlows;
}

async function inState(use: (place: Place) => Promise<void>, options: FlowStoreOptions = {}): Promise<void> {
  const dir = fs.mkdtempSync(join(tmpdir(), "quietdoor-o'[flows]*-"));
  try {
    await using store = await openStore({ dir, mode: 'write' });
    await using flows = await openFlowStore(dir, store, 'write', options);
    await use({ dir, store, flows });
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

const web: SampleRow = { bucket: START, src: '10.0.0.9', dst: '10.0.0.1', port: 443 };

/** Path of the only part, or of the one that begins at a time. */
async function partFile({ dir, flows }: Place, from?: number): Promise<string> {
  const part = (await flows.parts()).find((one) => from === undefined || one.from === from);
  assert.ok(part);
  return join(flowFolder(dir), part.file);
}

test('made-up sources take no room of destinations, and what is noted of them is bounded', () =>
  inState(async ({ dir, store, flows }) => {
    const made = (from: number): FlowBatch => {
      const batch = batchOf(Array.from({ length: 100_000 }, () => web));
      for (let i = 0; i < batch.length; i++) batch.src[i * 4] = from + i;
      return batch;
    };
    const late = batchOf([{ ...web, src: '10.0.0.1', dst: '10.0.0.77' }]);
    const batches = [made(0), made(100_000), made(200_000), made(300_000), late];
    let noted = 0;
    const addInput: typeof store.flows.addInput = (input) => {
      noted = input.addresses.length;
      return store.flows.addInput(input);
    };
    await using writer = await openFlowStore(dir, { ...store, flows: { ...store.flows, addInput } } as Store, 'write');
    await writer.append(partOf([], { batches }));
    assert.equal((await flows.totals(ALL)).rows, 400_001);
    assert.deepEqual([...((await store.flows.addresses()).get('import:a') ?? [])].sort(), ['10.0.0.1', '10.0.0.77']);
    assert.equal(noted, 262_144 + 2);
  }));

test('feeds that are too many are told as one, and keep no other from being recorded', () =>
  inState(async ({ dir, flows }) => {
    await flows.append(partOf([web]));
    const database = new DatabaseSync(join(dir, 'quietdoor.db'));
    database.exec(`insert into flow_feeds with recursive n(i) as (select 2 union all select i + 1 from n where i < 65533)
      select i, 'netflow:' || i, 'netflow' from n`);
    database.close();
    const span = { from: START, until: START + 300 };
    const delivered = (feed: string): FeedCoverage => ({ feed, ...span, kind: 'delivered', lost: 0 });
    const gap = (feed: string): FeedCoverage => ({ feed, ...span, kind: 'gap', lost: 5 });
    const feeds = ['netflow:a', 'netflow:b', 'netflow:c', 'import:a'].map((name) => ({ name, format: 'netflow' }));
    await flows.append(
      partOf(
        feeds.map((_, feed) => ({ ...web, feed, port: 8000 + feed })),
        {
          feeds,
          coverage: [delivered('netflow:a'), delivered('netflow:b'), gap('netflow:c'), delivered('import:a')],
        },
      ),
    );
    assert.deepEqual((await rowsOf(flows)).map((row) => row.replace(/.*:(\d+) .* f/, '$1 f')).sort(), [
      '443 f1',
      '8000 f65534',
      '8001 f65535',
      '8002 f65535',
      '8003 f1',
    ]);
    assert.deepEqual(
      (await flows.feeds()).slice(-2).map(({ name }) => name),
      ['netflow:a', 'other'],
    );
    assert.deepEqual((await flows.coverage(0, 2 ** 32)).map(({ feed, kind }) => `${feed} ${kind}`).sort(), [
      'import:a delivered',
      'netflow:a delivered',
      'other gap',
    ]);
  }));

test('gives back what was appended, sorted, rows of several parts added up', () =>
  inState(async ({ dir, store, flows }) => {
    const ipv6 = { bucket: START + 300, src: 'fd00::1', dst: '2001:db8::ffff:1', port: 22 };
    const late = { bucket: START - 300, src: '10.0.0.8', dst: '10.0.0.1', port: 443 };
    assert.deepEqual(await flows.append(partOf([ipv6, { ...web, port: 80 }, web])), { isNew: true, rows: 3 });
    const more = partOf([late, { ...web, connections: 4, bytes: 2 ** 52 }]);
    assert.deepEqual(await flows.append(more), { isNew: true, rows: 2 });
    const want = [
      `${START} 10.0.0.9 > 10.0.0.1:80 1 10 1000 f1`,
      `${START - 300} 10.0.0.8 > 10.0.0.1:443 1 10 1000 f1`,
      `${START} 10.0.0.9 > 10.0.0.1:443 5 20 ${2 ** 52 + 1000} f1`,
      `${START + 300} fd00::1 > 2001:db8::ffff:1:22 1 10 1000 f1`,
    ];
    assert.deepEqual(await rowsOf(flows), want);
    await using other = await openFlowStore(dir, store, 'read');
    assert.deepEqual(await rowsOf(other), want);
    assert.deepEqual(await flows.totals(ALL), { rows: 5, connections: 8, packets: 50, bytes: 2 ** 52 + 4000 });
    assert.deepEqual(await flows.span(), { from: START - 300, until: START + 600 });
    assert.deepEqual(await rowsOf(flows, { ...ALL, destinations: ['2001:db8::ffff:1'] }), [want[3]]);
    assert.deepEqual(await rowsOf(flows, { ...ALL, sources: ['10.0.0.8', 'fd00::1'], port: 443 }), [want[1]]);
    assert.deepEqual(await rowsOf(flows, { ...ALL, destinations: [] }), []);
    assert.deepEqual(await rowsOf(flows, { from: START - 1, until: START + 300, protocol: 6, port: 80 }), [want[0]]);
    assert.deepEqual(await rowsOf(flows, { ...ALL, protocol: 17 }), []);
    const seen = await flows.feedAddresses();
    assert.deepEqual(
      [...seen].map(([feed, some]) => [feed, [...some].sort()]),
      [['import:a', ['10.0.0.1', '2001:db8::ffff:1']]],
    );
  }));

test('takes an input once, by its digest', () =>
  inState(async ({ dir, store, flows }) => {
    const part = partOf([web]);
    assert.deepEqual(await flows.append(part), { isNew: true, rows: 1 });
    assert.deepEqual(await flows.append({ ...part, source: 'copy' }), { isNew: false, rows: 0 });
    // The digest may only be known when the stream has been read.
    let digest = 'not yet';
    const stream = {
      ...partOf([web]),
      batches: (async function* () {
        yield batchOf([web]);
        ({ digest } = part);
      })(),
      get digest() {
        return digest;
      },
    };
    assert.deepEqual(await flows.append(stream), { isNew: false, rows: 0 });
    assert.equal((await flows.totals(ALL)).rows, 1);
    assert.equal(filesIn(flowFolder(dir)).parts.length, 1, 'what was written of it is gone');
    assert.deepEqual((await store.flows.parts()).length, 1);
  }));

test('keeps feeds and what they covered; what is missing is missing, whatever else was delivered', () =>
  inState(async ({ flows }) => {
    const cover = (from: number, until: number, kind: 'delivered' | 'gap' = 'delivered', lost: number | null = 0) =>
      ({ feed: 'b', from, until, kind, lost }) satisfies FeedCoverage;
    await flows.append(partOf([], { coverage: [cover(0, 300), cover(300, 600), cover(900, 1200)] }));
    await flows.append(partOf([], { coverage: [cover(600, 900), cover(450, 500, 'gap', 7), cover(480, 520, 'gap')] }));
    const want = [cover(0, 450), cover(450, 520, 'gap', 7), cover(520, 1200)];
    assert.deepEqual(await flows.coverage(0, 5000), want);
    assert.deepEqual(await flows.coverage(500, 600), [cover(500, 520, 'gap'), cover(520, 600)]);
    await flows.append(partOf([], { coverage: [cover(500, 510, 'gap', null)] }));
    assert.deepEqual((await flows.coverage(0, 5000))[1], cover(450, 520, 'gap', null));
    assert.deepEqual(
      (await flows.feeds()).map(({ id, name }) => [id, name]),
      [
        [1, 'import:a'],
        [2, 'b'],
      ],
    );
    assert.equal(await flows.span(), null);
    assert.deepEqual(await rowsOf(flows), []);
  }));

describe('sums are those of an independent SQL query', () => {
  const row = fc.record({
    day: fc.nat(3),
    slot: fc.nat(5),
    src: fc.constantFrom('10.0.0.1', '10.0.0.2', 'fd00::1', '255.255.255.255'),
    dst: fc.constantFrom('10.1.0.1', '2001:db8:ffff:ffff:8000::1', '::', '0.0.0.0'),
    port: fc.constantFrom(0, 80, 65_535),
    action: fc.nat(2),
    directed: fc.nat(1),
    feed: fc.nat(1),
    connections: fc.nat(9),
    bytes: fc.maxSafeNat().map((n) => Math.floor(n / 64)),
  });
  const feeds = ['a', 'b'].map((name) => ({ name, format: 'csv' }));

  test('of parts that overlap, come late and are compacted, by every tier', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(row, { maxLength: 12 }), { minLength: 1, maxLength: 4 }), async (parts) => {
        await inState(
          async ({ flows }) => {
            using db = new DatabaseSync(':memory:');
            db.exec(
              'create table f (bucket int, src, dst, port int, action int, directed int, c int, b int, feed int)',
            );
            const insert = db.prepare('insert into f values (?, ?, ?, ?, ?, ?, ?, ?, ?)');
            const check = async (tierOf: string): Promise<void> => {
              const want = db
                .prepare(
                  `select (bucket / ${tierOf}) * ${tierOf} as t, src, dst, port, action, directed, feed, sum(c) as c, sum(b) as b
                   from f group by 1, 2, 3, 4, 5, 6, 7`,
                )
                .all()
                .map((r) => `${r.t} ${r.src} ${r.dst} ${r.port} ${r.action} ${r.directed} ${r.feed} ${r.c} ${r.b}`);
              const got: string[] = [];
              const { textOfWords } = await import('../model/flow-address.ts');
              const names = new Map((await flows.feeds()).map(({ id, name }) => [id, name === 'a' ? 0 : 1]));
              for await (const f of flows.rows(ALL))
                for (let i = 0; i < f.length; i++)
                  got.push(
                    `${f.bucket[i]} ${textOfWords(f.src, i)} ${textOfWords(f.dst, i)} ${f.port[i]} ${f.action[i]} ${f.directed[i]} ${names.get(f.feed[i] as number)} ${f.connections[i]} ${f.bytes[i]}`,
                  );
              assert.deepEqual([...got].sort(), want.sort());
              const total = db.prepare('select coalesce(sum(c), 0) as c, coalesce(sum(b), 0) as b from f').get();
              const { connections, bytes } = await flows.totals(ALL);
              assert.deepEqual([connections, bytes], [total?.c, total?.b]);
            };
            for (const rows of parts) {
              const samples = rows.map((r) => ({ ...r, bucket: START + r.day * DAY + r.slot * 300 }));
              for (const r of samples)
                insert.run(r.bucket, r.src, r.dst, r.port, r.action, r.directed, r.connections, r.bytes, r.feed);
              await flows.append(partOf(samples, { feeds }));
            }
            await check('300');
            await flows.compact((START + 4 * DAY) * 1000);
            await check('300');
            assert.equal(
              (await flows.parts()).every(({ tier }) => tier === 300),
              true,
            );
            // The first two days are past the time of five minutes.
            await flows.compact((START + 12 * DAY) * 1000);
            await check(`(case when bucket < ${START + 2 * DAY} then 3600 else 300 end)`);
            await flows.compact((START + 35 * DAY) * 1000);
            await check('86400');
          },
          { retention: { fiveMinuteDays: 10, hourDays: 30, dayDays: 1000 } },
        );
      }),
      { numRuns: 4 },
    );
  });
});

test('rows that do not fit into one part or one sort come back the same', () =>
  inState(
    async ({ flows }) => {
      const rows = 2_000;
      let n = 0;
      function* batches() {
        for (let k = 0; k < 15; k++) {
          const some = Array.from({ length: rows }, (_, i) => ({
            bucket: START + ((n + i) % 400) * 300,
            src: `10.${(n + i) % 7}.0.1`,
            dst: `10.1.${(i >> 8) % 250}.${i % 256}`,
            port: k,
            connections: 1 + (i % 3),
          }));
          n += rows;
          yield batchOf(some);
        }
      }
      assert.deepEqual(await flows.append(partOf([], { batches: batches() })), { isNew: true, rows: n });
      assert.ok((await flows.parts()).length > 2);
      let [found, connections, last] = [0, 0, ''];
      for await (const b of flows.rows(ALL))
        for (let i = 0; i < b.length; i++) {
          const key = [b.dst[i * 4], b.port[i], b.bucket[i], b.src[i * 4]]
            .map((x) => String(x).padStart(12, '0'))
            .join();
          assert.ok(key > last, 'sorted, and no key twice');
          last = key;
          found++;
          connections += b.connections[i] as number;
        }
      assert.equal(connections, (await flows.totals(ALL)).connections);
      assert.ok(found > 0 && found <= n);
      await flows.compact((START + 3 * DAY) * 1000);
      assert.equal((await flows.totals(ALL)).connections, connections);
    },
    { partRows: 7_000, windowRows: 3_000 },
  ));

describe('a part that is not as it was written', () => {
  const cases: { name: string; damage: (file: string) => void; reason: RegExp }[] = [
    { name: 'is missing', damage: (file) => fs.rmSync(file), reason: /^it is missing$/ },
    {
      name: 'was cut off',
      damage: (file) => fs.truncateSync(file, 100),
      reason: /^it has 100 bytes and was written with/,
    },
    {
      name: 'has a flipped bit',
      damage(file) {
        const bytes = fs.readFileSync(file);
        bytes[60] = (bytes[60] ?? 0) ^ 4;
        fs.writeFileSync(file, bytes);
      },
      reason: /^its bytes are not those that were written$/,
    },
  ];
  for (const { name, damage, reason } of cases)
    test(`${name}: the rest is used, and its time is a gap`, () =>
      inState(async (place) => {
        const { dir, store, flows } = place;
        const [a, b] = [START, START + 2 * DAY];
        const coverage = [{ feed: 'import:a', from: a, until: b + DAY, kind: 'delivered', lost: 0 } as const];
        await flows.append(partOf([web, { ...web, bucket: b }], { coverage }));
        damage(await partFile(place, a));
        await using other = await openFlowStore(dir, store, 'read');
        assert.deepEqual(await rowsOf(other), [`${b} 10.0.0.9 > 10.0.0.1:443 1 10 1000 f1`]);
        assert.equal((await other.totals(ALL)).rows, 1);
        assert.deepEqual(
          (await other.coverage(a, b + DAY)).map((one) => [one.from, one.until, one.kind, one.lost]),
          [
            [a, a + 300, 'gap', null],
            [a + 300, b + DAY, 'delivered', 0],
          ],
        );
        const damaged = await other.damaged();
        assert.equal(damaged.length, 1);
        assert.match(damaged[0]?.reason ?? '', reason);
        // A compaction does not make rows of it, nor does it drop them before their time.
        await using writer = await openFlowStore(dir, store, 'write');
        await writer.compact((START + 100 * DAY) * 1000);
        assert.equal((await writer.damaged()).length, 1);
        assert.equal((await writer.totals(ALL)).rows, 1);
      }));
});

test('what is past its time goes, with an event that says what and who', () =>
  inState(
    async ({ dir, store, flows }) => {
      await flows.append(partOf([web, { ...web, bucket: START + 40 * DAY }]));
      const now = (START + 91 * DAY) * 1000;
      const { expired } = await flows.compact(now);
      assert.equal(expired?.rows, 1);
      assert.deepEqual((await flows.totals(ALL)).rows, 1);
      const [event] = await store.events({ types: ['flows.expired'], limit: 9 });
      assert.deepEqual(
        [event?.actor, event?.body],
        ['user:test', { rows: 1, from: START, until: START + 300, parts: 1 }],
      );
      // Who reads it may finish; after that the file goes.
      assert.equal(filesIn(flowFolder(dir)).parts.length, 3);
      await flows.compact(now + 16 * 60_000);
      assert.equal(filesIn(flowFolder(dir)).parts.length, 1);
      assert.equal((await store.events({ types: ['flows.expired'], limit: 9 })).length, 1);
    },
    { retention: { fiveMinuteDays: 10, hourDays: 20, dayDays: 60 }, actor: 'user:test' },
  ));

test('what a broken off writer left is removed, foreign files are left alone', () =>
  inState(async ({ dir, store, flows }) => {
    await flows.append(partOf([web]));
    const folder = flowFolder(dir);
    const id = '00000000-0000-4000-8000-000000000000';
    const orphans = [`.staged-${id}.parquet`, `2024-10-04/300s-${id}.parquet`];
    const foreign = ['notes.txt', '2024-10-04/photo.parquet', 'other/x.parquet'];
    for (const file of [...orphans, ...foreign]) {
      fs.mkdirSync(join(folder, file, '..'), { recursive: true });
      fs.writeFileSync(join(folder, file), 'x');
    }
    // Not while somebody writes: it may be theirs.
    const share = await shareRunLock(dir, 'flows', 100);
    assert.equal(takeRunLock(dir, 'flows'), null);
    await (await openFlowStore(dir, store, 'write')).close();
    for (const file of orphans) assert.ok(fs.existsSync(join(folder, file)), file);
    share.release();
    await using again = await openFlowStore(dir, store, 'write');
    for (const file of orphans) assert.ok(!fs.existsSync(join(folder, file)), file);
    for (const file of foreign) assert.ok(fs.existsSync(join(folder, file)), file);
    assert.deepEqual([...again.foreign()].sort(), ['2024-10-04/photo.parquet', 'notes.txt', 'other']);
    assert.equal((await again.totals(ALL)).rows, 1);
  }));

test('a stream that breaks leaves nothing behind', () =>
  inState(async ({ dir, flows }) => {
    async function* broken() {
      yield batchOf([web]);
      throw new UserError('the input broke off');
    }
    await assert.rejects(flows.append(partOf([], { batches: broken(), digest: 'broken' })), /broke off/);
    await assert.rejects(flows.append(partOf([{ ...web, feed: 3 }], { digest: 'broken' })), /names the feed 3/);
    assert.deepEqual(await rowsOf(flows), []);
    assert.deepEqual(filesIn(flowFolder(dir)), { staged: [], parts: [], spills: [], foreign: [] });
    assert.deepEqual(await flows.append(partOf([web], { digest: 'broken' })), { isNew: true, rows: 1 });
  }));

test('a writer and a reader at once: the reader sees whole inputs', () =>
  inState(async ({ dir, store, flows }) => {
    await using reader = await openFlowStore(dir, store, 'read');
    let isDone = false;
    const writing = (async () => {
      for (let i = 0; i < 12; i++) {
        await flows.append(partOf([web, { ...web, port: 80 }]));
        if (i % 4 === 3) await flows.compact((START + 2 * DAY) * 1000);
      }
      isDone = true;
    })();
    while (!isDone) {
      await turn();
      const { connections } = await reader.totals(ALL);
      assert.equal(connections % 2, 0);
      const rows = await rowsOf(reader);
      assert.ok(rows.length === 0 || rows.length === 2, rows.join());
    }
    await writing;
    assert.equal((await reader.totals(ALL)).connections, 24);
  }));

test('counts that no record can have are kept as the largest there is', () =>
  inState(async ({ flows }) => {
    const odd = [Number.NaN, Number.POSITIVE_INFINITY, -5, 1e300];
    await flows.append(partOf(odd.map((bytes, i) => ({ ...web, port: i, bytes }))));
    await flows.append(partOf([{ ...web, port: 3, bytes: 10 }]));
    await flows.compact((START + 2 * DAY) * 1000);
    const most = Number.MAX_SAFE_INTEGER;
    const bytes: number[] = [];
    for await (const batch of flows.rows(ALL)) bytes.push(...batch.bytes.subarray(0, batch.length));
    assert.deepEqual(bytes, [most, most, 0, most]);
  }));

test('a store that is only read needs no folder and makes none', () =>
  inState(async ({ store }) => {
    const dir = fs.mkdtempSync(join(tmpdir(), 'quietdoor-none-'));
    try {
      await using flows = await openFlowStore(dir, store, 'read');
      assert.equal(await flows.span(), null);
      assert.deepEqual(await flows.totals(ALL), { rows: 0, connections: 0, packets: 0, bytes: 0 });
      await assert.rejects(flows.append(partOf([web])), /opened for reading/);
      assert.deepEqual(fs.readdirSync(dir), []);
    } finally {
      fs.rmSync(dir, { recursive: true });
    }
  }));
