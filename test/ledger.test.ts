import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { makeCheckpoint, openSequencer } from '../src/app/ledger-checkpoint.ts';
import { keyFile, makeKey, nextKeyFile } from '../src/app/ledger-key.ts';
import { rotateKey } from '../src/app/ledger-rotate.ts';
import { type VerifyOptions, verifyLedger } from '../src/app/ledger-verify.ts';
import { checkpointText } from '../src/ledger/checkpoint.ts';
import { leafHash } from '../src/ledger/hash.ts';
import { signNote } from '../src/ledger/note.ts';
import { TileBuilder } from '../src/ledger/tiles.ts';
import { UserError } from '../src/model/errors.ts';
import { MIGRATIONS } from '../src/store/migrations/index.ts';
import { openSqliteStore } from '../src/store/sqlite.ts';
import { openStore } from '../src/store/store.ts';
import { readCheckpoint, type SampleLedger, sampleEvent, withLedger } from './ledger-sample.ts';

async function kinds(state: string, options: Partial<VerifyOptions> = {}): Promise<string[]> {
  const { problems } = await verifyLedger({ state, ...options });
  return [...new Set(problems.map((p) => (p.sequence === undefined ? p.kind : `${p.kind} ${p.sequence}`)))];
}

/** Rewrites every tile from the records, as somebody does who wants to hide a change. */
function rebuildTree(db: DatabaseSync): void {
  const builder = new TileBuilder(0, []);
  for (const row of db.prepare('select record from events order by sequence').all())
    builder.append(leafHash(String(row.record)));
  db.exec('delete from ledger_tiles');
  const insert = db.prepare('insert into ledger_tiles values (?, ?, ?)');
  for (const { level, number, hashes } of builder.take()) insert.run(level, number, Buffer.from(hashes, 'latin1'));
  db.prepare('update ledger_tree set size = ?').run(builder.size);
}

const RECORD = `update events set record = replace(record, '127.0.0.1', '10.0.0.1')`;
/** What is done to a ledger of 1,000 events, a key record and checkpoints of 301 and 1001, and what must be said of it. */
const TAMPERINGS: { name: string; change: (db: DatabaseSync) => void; want: string[]; witnessed?: string[] }[] = [
  { name: 'nothing', change: () => {}, want: [] },
  { name: 'a record altered', change: (db) => db.exec(`${RECORD} where sequence = 700`), want: ['altered 700'] },
  {
    name: 'a record and the tree altered',
    change: (db) => {
      db.exec(`${RECORD} where sequence = 700`);
      rebuildTree(db);
    },
    want: ['checkpoint'],
    witnessed: ['checkpoint', 'fork'],
  },
  {
    name: 'a record altered that no checkpoint had reached',
    change: (db) => db.exec(`${RECORD} where sequence = 1005`),
    want: [],
  },
  {
    name: 'a record removed',
    change: (db) => db.exec('delete from events where sequence = 400'),
    want: ['missing 400'],
  },
  {
    name: 'the first record removed',
    change: (db) => db.exec('delete from events where sequence = 1'),
    want: ['missing 1'],
  },
  {
    name: 'a record removed and the others moved up, tree rewritten',
    change: (db) => {
      db.exec('delete from events where sequence = 400');
      db.exec('update events set sequence = sequence - 1 where sequence > 400');
      db.exec(`update events set record = json_set(record, '$.sequence', sequence) where sequence >= 400`);
      rebuildTree(db);
    },
    want: ['checkpoint'],
    witnessed: ['checkpoint', 'fork'],
  },
  {
    name: 'a record put in, tree rewritten',
    change: (db) => {
      db.exec('update events set sequence = -sequence where sequence >= 400');
      db.exec('update events set sequence = 1 - sequence where sequence < 0');
      db.exec(`update events set record = json_set(record, '$.sequence', sequence) where sequence > 400`);
      db.exec(`insert into events select 400, observed_at, recorded_at, type, actor, subject,
        json_set(record, '$.sequence', 400) from events where sequence = 399`);
      rebuildTree(db);
    },
    want: ['checkpoint'],
    witnessed: ['checkpoint', 'fork'],
  },
  {
    name: 'a record put in before the first',
    change: (db) =>
      db.exec(`insert into events select 0, observed_at, recorded_at, type, actor, subject, record from events
        where sequence = 5`),
    want: ['inserted 0'],
  },
  {
    name: 'two records swapped',
    change: (db) => {
      db.exec('update events set sequence = -1 where sequence = 500');
      db.exec('update events set sequence = 500 where sequence = 501');
      db.exec('update events set sequence = 501 where sequence = -1');
    },
    want: ['reordered 500', 'reordered 501'],
  },
  {
    name: 'a column beside the record altered',
    change: (db) => db.exec(`update events set type = 'register.changed' where sequence = 8`),
    want: ['columns 8'],
  },
  {
    name: 'the time beside a record altered',
    change: (db) => db.exec('update events set observed_at = 5 where sequence = 1003'),
    want: ['columns 1003'],
  },
  {
    name: 'a hash of the tree altered',
    change: (db) => db.exec(`update ledger_tiles set hashes = zeroblob(length(hashes)) where level = 1`),
    want: ['tree'],
  },
  { name: 'the tree removed', change: (db) => db.exec('delete from ledger_tiles where level = 0'), want: ['tree'] },
  {
    name: 'the end cut off, not the tree',
    change: (db) => db.exec('delete from events where sequence > 999'),
    want: ['missing 1000', 'missing 1001'],
  },
  {
    name: 'the end cut off, with tree and checkpoints',
    change: (db) => {
      db.exec('delete from events where sequence > 600');
      db.exec('delete from ledger_checkpoints where size > 600');
      rebuildTree(db);
    },
    want: [],
    witnessed: ['cut'],
  },
  {
    name: 'the end cut off with the tree, the checkpoint left',
    change: (db) => {
      db.exec('delete from events where sequence > 600');
      rebuildTree(db);
    },
    want: ['cut'],
  },
  {
    name: 'the size of a checkpoint altered',
    change: (db) =>
      db.exec(
        `update ledger_checkpoints set note = replace(note, char(10) || '301' || char(10), char(10) || '302' || char(10)), size = 302 where size = 301`,
      ),
    want: ['key'],
  },
  {
    name: 'a checkpoint that is none',
    change: (db) => db.exec(`update ledger_checkpoints set note = 'x' where size = 301`),
    want: ['checkpoint'],
  },
  {
    name: 'the name of the ledger altered',
    change: (db) => db.exec(`update ledger_tree set origin = 'quietdoor/other'`),
    want: ['key'],
  },
];

describe('tampering is seen', () => {
  for (const { name, change, want, witnessed } of TAMPERINGS)
    test(name, () =>
      withLedger(async (ledger) => {
        await ledger.record(300);
        const first = await ledger.checkpoint();
        await ledger.record(700);
        const second = await ledger.checkpoint();
        assert.deepEqual([first.size, second.size], [301, 1001]);
        await ledger.record(5);
        const { keys } = await verifyLedger({ state: ledger.state });
        ledger.tamper(change);
        assert.deepEqual(await kinds(ledger.state), want);
        const outside = { key: keys[0] as string, witnessed: [first, second] };
        assert.deepEqual(await kinds(ledger.state, outside), witnessed ?? want);
      }),
    );
});

/** Makes another ledger in the place of one: same records, another key. */
async function replaceAll(ledger: SampleLedger): Promise<void> {
  ledger.tamper((db) => {
    db.exec(`delete from events where type like 'ledger.%'; delete from ledger_tiles; delete from ledger_tree;
      delete from ledger_checkpoints`);
    db.exec(`update events set sequence = sequence - 1 where sequence > 301`);
    db.exec(`update events set record = json_set(record, '$.sequence', sequence)`);
  });
  rmSync(keyFile(ledger.state));
  await ledger.checkpoint();
}

test('a ledger that was rewritten with another key is seen from outside only', () =>
  withLedger(async (ledger) => {
    await ledger.record(300);
    const checkpoint = await ledger.checkpoint();
    await ledger.record(10);
    const { keys } = await verifyLedger({ state: ledger.state });
    await replaceAll(ledger);
    const verdict = await verifyLedger({ state: ledger.state });
    assert.deepEqual([verdict.problems, verdict.trust], [[], 'none']);
    assert.deepEqual(await kinds(ledger.state, { key: keys[0] as string }), ['key']);
    assert.deepEqual(await kinds(ledger.state, { witnessed: [checkpoint] }), ['fork']);
  }));

test('two versions of a ledger from one key are a fork', () =>
  withLedger(async (ledger) => {
    await ledger.record(10);
    await ledger.checkpoint();
    const copy = join(ledger.dir, 'copy');
    cpSync(ledger.state, copy, { recursive: true });
    await ledger.record(5);
    const here = await ledger.checkpoint();
    await using store = await openStore({ dir: copy, mode: 'write' });
    await store.appendEvents(
      Array.from({ length: 5 }, (_, i) => sampleEvent(1000 + i)),
      1,
    );
    await using sequencer = await openSequencer({ ...ledger.context, state: copy });
    const there = await makeCheckpoint({ ...ledger.context, state: copy }, sequencer);
    assert.equal(here.size, there.size);
    assert.deepEqual(await kinds(ledger.state, { witnessed: [here] }), []);
    assert.deepEqual(await kinds(ledger.state, { witnessed: [there] }), ['fork']);
    assert.deepEqual(await kinds(copy, { from: here }), ['fork']);
  }));

test('a checkpoint that another key signed is refused', () =>
  withLedger(async (ledger) => {
    await ledger.record(10);
    const { origin, size, root } = await ledger.checkpoint();
    const other = makeKey(ledger.dir, join(ledger.dir, 'other.pem'), origin, 'ed25519');
    const forged = readCheckpoint(signNote(checkpointText(origin, size, root), [other]));
    assert.deepEqual(await kinds(ledger.state, { witnessed: [forged] }), ['key']);
    ledger.tamper((db) => db.prepare('update ledger_checkpoints set note = ?').run(forged.signed));
    assert.deepEqual(await kinds(ledger.state), ['key']);
  }));

describe('from a trusted checkpoint', () => {
  test('only what came later is looked at', () =>
    withLedger(async (ledger) => {
      await ledger.record(600);
      const from = await ledger.checkpoint();
      await ledger.record(600);
      await ledger.checkpoint();
      const verdict = await verifyLedger({ state: ledger.state, from });
      assert.deepEqual([verdict.first, verdict.last, verdict.problems, verdict.trust], [602, 1201, [], 'checkpoint']);
      ledger.tamper((db) => db.exec(`${RECORD} where sequence = 300`));
      assert.deepEqual(await kinds(ledger.state, { from }), []);
      ledger.tamper((db) => db.exec(`${RECORD} where sequence = 900`));
      assert.deepEqual(await kinds(ledger.state, { from }), ['altered 900']);
    }));
});

describe('the key', () => {
  test('is replaced by a signed event; either fingerprint vouches for the whole', () =>
    withLedger(async (ledger) => {
      await ledger.record(10);
      const before = await ledger.checkpoint();
      const { fingerprint } = await rotateKey(ledger.context, 'ecdsa-p256');
      await ledger.record(10);
      const after = await ledger.checkpoint();
      const { keys, problems } = await verifyLedger({ state: ledger.state });
      assert.deepEqual(problems, []);
      assert.equal(keys[1], fingerprint);
      for (const key of keys) assert.deepEqual(await kinds(ledger.state, { key, witnessed: [before, after] }), []);
      assert.equal(statSync(keyFile(ledger.state)).mode & 0o777, 0o600);
      assert.ok(!existsSync(nextKeyFile(ledger.state)));
      const record = `replace(record, '"signature":"', '"signature":"AAAA')`;
      ledger.tamper((db) => {
        db.exec(`update events set record = ${record} where type = 'ledger.key-rotated'`);
        rebuildTree(db);
      });
      assert.ok((await kinds(ledger.state)).includes('key 12'));
    }));

  test('is only used when it is the one that the records name', () =>
    withLedger(async (ledger) => {
      await ledger.record(3);
      await ledger.checkpoint();
      const kept = readFileSync(keyFile(ledger.state));
      rmSync(keyFile(ledger.state));
      await assert.rejects(ledger.checkpoint(), /is not there/);
      makeKey(ledger.state, keyFile(ledger.state), 'quietdoor/x', 'ed25519');
      await assert.rejects(ledger.checkpoint(), /holds another key/);
      writeFileSync(keyFile(ledger.state), kept, { mode: 0o644 });
      await assert.doesNotReject(ledger.checkpoint());
      rmSync(keyFile(ledger.state));
      writeFileSync(keyFile(ledger.state), kept, { mode: 0o644 });
      await assert.rejects(ledger.checkpoint(), /others than its owner may read/);
    }));

  test('is settled by the records where its replacement was broken off', () =>
    withLedger(async (ledger) => {
      await ledger.record(3);
      const { origin } = await ledger.checkpoint();
      makeKey(ledger.state, nextKeyFile(ledger.state), origin, 'ed25519');
      await ledger.record(1);
      await ledger.checkpoint();
      assert.ok(!existsSync(nextKeyFile(ledger.state)), 'no record names it: it goes');
      const old = readFileSync(keyFile(ledger.state));
      await rotateKey(ledger.context);
      cpSync(keyFile(ledger.state), nextKeyFile(ledger.state));
      writeFileSync(keyFile(ledger.state), old);
      await ledger.record(1);
      await ledger.checkpoint();
      assert.deepEqual(await kinds(ledger.state), []);
    }));
});

describe('signing refuses to hide what is wrong', () => {
  const cases: { name: string; change: (db: DatabaseSync) => void; want: RegExp }[] = [
    {
      name: 'records that were cut off',
      change: (db) => db.exec('delete from events where sequence > 10'),
      want: /no longer in the store/,
    },
    {
      name: 'a hole in what is new',
      change: (db) => db.exec('delete from events where sequence = 18'),
      want: /record 18 is missing/,
    },
    {
      name: 'a tree that was rewritten',
      change: (db) => {
        db.exec(RECORD);
        rebuildTree(db);
      },
      want: /does not continue the checkpoint/,
    },
  ];
  for (const { name, change, want } of cases)
    test(name, () =>
      withLedger(async (ledger) => {
        await ledger.record(5);
        await ledger.checkpoint();
        await ledger.record(10);
        await ledger.checkpoint();
        await ledger.record(5);
        ledger.tamper(change);
        await assert.rejects(ledger.checkpoint(), want);
      }),
    );
});

test('records from before the ledger had a tree are put into it', () =>
  withLedger(async (ledger) => {
    const old = await openSqliteStore({ dir: ledger.state, mode: 'write' }, MIGRATIONS.slice(0, 2));
    await old.appendEvents(
      Array.from({ length: 700 }, (_, i) => sampleEvent(i)),
      1,
    );
    await old.close();
    assert.equal((await ledger.checkpoint()).size, 701);
    assert.deepEqual(await kinds(ledger.state), []);
    await assert.rejects(
      openSqliteStore({ dir: ledger.state, mode: 'write' }, MIGRATIONS.slice(0, 2)),
      /newer quietdoor/,
    );
  }));

test('threads come to the same as one', () =>
  withLedger(async (ledger) => {
    await ledger.record(60_000);
    const checkpoint = await ledger.checkpoint();
    assert.deepEqual(await kinds(ledger.state, { workers: 2, witnessed: [checkpoint] }), []);
    ledger.tamper((db) => db.exec(`${RECORD} where sequence in (3, 40000)`));
    assert.deepEqual(await kinds(ledger.state, { workers: 2 }), ['altered 3', 'altered 40000']);
    assert.deepEqual(await kinds(ledger.state, { workers: 0 }), ['altered 3', 'altered 40000']);
  }));

test('many at once leave one tree', () =>
  withLedger(async (ledger) => {
    await ledger.record(1);
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        await ledger.record(50);
        await ledger.checkpoint();
      }),
    );
    const verdict = await verifyLedger({ state: ledger.state });
    assert.deepEqual([verdict.problems, verdict.last, verdict.signed], [[], 202, 202]);
  }));

test('a damaged store is told in words, also where a thread finds it', () =>
  withLedger(async (ledger) => {
    await ledger.record(60_000);
    const file = join(ledger.state, 'quietdoor.db');
    ledger.tamper((db) => db.exec('pragma wal_checkpoint(truncate)'));
    const bytes = readFileSync(file);
    for (let page = 400; page < 600; page++) bytes.fill(0xa5, page * 4_096, (page + 1) * 4_096);
    writeFileSync(file, bytes);
    await assert.rejects(verifyLedger({ state: ledger.state }), (error: Error) => {
      assert.ok(error instanceof UserError, String(error.stack));
      assert.match(error.message, /is damaged/);
      return true;
    });
  }));
