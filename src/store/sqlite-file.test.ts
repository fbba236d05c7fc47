import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { UserError } from '../model/errors.ts';
import { sha256 } from '../util/sha256.ts';
import { sampleListener, sampleObservation } from './sample.ts';
import { openStore, type Store, type StoreOptions } from './store.ts';

const isRoot = process.getuid?.() === 0;
const needsRoot = isRoot ? false : 'needs root: mounts a file system or changes owners';

async function inDirectory(use: (dir: string, file: string) => Promise<void> | void): Promise<void> {
  const dir = fs.mkdtempSync(join(tmpdir(), 'quietdoor-file-'));
  try {
    await use(dir, join(dir, 'quietdoor.db'));
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

/** Mounts a small file system in memory, and takes it away again. Returns false where this machine does not allow it. */
async function inMount(size: string, use: (dir: string) => Promise<void>): Promise<boolean> {
  const dir = fs.mkdtempSync(join(tmpdir(), 'quietdoor-mount-'));
  try {
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', dir]).status !== 0) return false;
    try {
      await use(dir);
    } finally {
      assert.equal(spawnSync('umount', [dir]).status, 0);
    }
    return true;
  } finally {
    fs.rmdirSync(dir);
  }
}

async function fill(dir: string, looks: number, listeners = 30): Promise<void> {
  await using store = await openStore({ dir, mode: 'write' });
  const seen = Array.from({ length: listeners }, (_, i) => sampleListener('db-1', i + 1));
  for (let n = 0; n < looks; n++) await store.recordObservation(sampleObservation('db-1', 1000 + n, seen), 1000 + n);
}

function refused(options: StoreOptions, message: RegExp): Promise<void> {
  return assert.rejects(openStore(options), (error) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, message);
    assert.ok(error.hint, 'says what to do next');
    return true;
  });
}

test('directory and files are for their owner alone', () =>
  inDirectory(async (parent) => {
    const dir = join(parent, 'a', 'b');
    await using _store = await openStore({ dir, mode: 'write' });
    assert.equal(fs.statSync(dir).mode & 0o777, 0o700);
    for (const name of fs.readdirSync(dir)) assert.equal(fs.statSync(join(dir, name)).mode & 0o777, 0o600, name);
  }));

test('reading makes nothing', () =>
  inDirectory(async (parent) => {
    await refused({ dir: join(parent, 'none'), mode: 'read' }, /there is no store in/);
    assert.deepEqual(fs.readdirSync(parent), []);
  }));

const NOT_OURS: { name: string; make: (file: string) => void; message: RegExp }[] = [
  {
    name: 'random bytes',
    make: (file) => fs.writeFileSync(file, randomBytes(20_000)),
    message: /is not a store.*no SQLite/,
  },
  { name: 'a short text', make: (file) => fs.writeFileSync(file, 'hello'), message: /is not a store.*no SQLite/ },
  { name: 'zeroes', make: (file) => fs.writeFileSync(file, Buffer.alloc(8192)), message: /is not a store.*no SQLite/ },
  {
    name: 'a header and then random bytes',
    make: (file) => fs.writeFileSync(file, Buffer.concat([Buffer.from('SQLite format 3\0'), randomBytes(8176)])),
    message: /is not a store|is damaged/,
  },
  {
    name: 'the first half of a header',
    make: (file) => fs.writeFileSync(file, 'SQLite format 3\0\x10\0'),
    message: /ends after 18 bytes/,
  },
  {
    name: 'a database without an application id',
    make: (file) => withDatabase(file, 'create table notes (text)'),
    message: /database of another program/,
  },
  {
    name: 'a database of another application',
    make: (file) => withDatabase(file, 'pragma application_id = 1234; create table notes (text)'),
    message: /application id 1234/,
  },
  { name: 'a directory', make: (file) => fs.mkdirSync(file), message: /no regular file/ },
  {
    name: 'a dangling link',
    make: (file) => fs.symlinkSync('/nonexistent/target', file),
    message: /symbolic link|cannot be opened/,
  },
];
for (const { name, make, message } of NOT_OURS) {
  test(`${name} in its place is refused and left as it is`, () =>
    inDirectory(async (dir, file) => {
      make(file);
      const before = snapshot(file);
      for (const mode of ['write', 'read'] as const) await refused({ dir, mode }, message);
      assert.deepEqual(snapshot(file), before);
    }));
}

test('a link to a store elsewhere is refused', () =>
  inDirectory(async (dir, file) => {
    await fill(join(dir, 'real'), 1);
    fs.symlinkSync(join(dir, 'real', 'quietdoor.db'), file);
    await refused({ dir, mode: 'write' }, /symbolic link/);
  }));

test('a store of a newer program is refused and left as it is', () =>
  inDirectory(async (dir, file) => {
    await fill(dir, 1);
    withDatabase(file, 'pragma user_version = 7');
    const before = snapshot(file);
    for (const mode of ['write', 'read'] as const) {
      await refused({ dir, mode }, /written by a newer quietdoor \(schema 7, this one knows \d+\)/);
    }
    assert.deepEqual(snapshot(file), before);
  }));

test('a store whose end was cut off is refused, wherever it was cut', () =>
  inDirectory(async (dir, file) => {
    await fill(dir, 3);
    const whole = fs.readFileSync(file);
    for (const size of [1, 99, 100, 4096, whole.length / 2, whole.length - 1]) {
      fs.writeFileSync(file, whole.subarray(0, size));
      for (const mode of ['write', 'read'] as const) {
        await refused({ dir, mode }, /damaged: it (ends after|has) \d+ bytes/);
      }
    }
    fs.writeFileSync(file, whole);
    await using store = await openStore({ dir, mode: 'read' });
    assert.equal((await store.stats()).observations, 3);
  }));

test('a store with broken pages gives an error that names it, and never a wrong answer silently', () =>
  inDirectory(async (dir, file) => {
    await fill(dir, 3);
    const whole = fs.readFileSync(file);
    let told = 0;
    for (let page = 1; page < whole.length / 4096; page++) {
      const broken = Buffer.from(whole);
      randomBytes(4096).copy(broken, page * 4096);
      fs.writeFileSync(file, broken);
      try {
        await using store = await openStore({ dir, mode: 'write' });
        await readAll(store);
      } catch (error) {
        assert.ok(error instanceof UserError, String(error));
        assert.match(error.message, /damaged/);
        told++;
      }
    }
    assert.ok(told > 0);
  }));

test('a write-ahead log that was left behind is used', () =>
  inDirectory(async (dir) => {
    const [from, to] = [join(dir, 'from'), join(dir, 'to')];
    await using store = await openStore({ dir: from, mode: 'write' });
    await store.recordObservation(sampleObservation('db-1', 1000, [sampleListener('db-1', 22)]), 1000);
    assert.ok(fs.statSync(join(from, 'quietdoor.db-wal')).size > 0);
    fs.mkdirSync(to);
    for (const end of ['', '-wal']) fs.copyFileSync(join(from, `quietdoor.db${end}`), join(to, `quietdoor.db${end}`));
    await using copy = await openStore({ dir: to, mode: 'write' });
    assert.equal((await copy.listenerStates()).length, 1);
  }));

test('an empty file is a store that was about to be made', () =>
  inDirectory(async (dir, file) => {
    fs.writeFileSync(file, '');
    await refused({ dir, mode: 'read' }, /is empty/);
    await fill(dir, 1);
  }));

test('a file where the directory should be is an error', () =>
  inDirectory(async (dir) => {
    fs.writeFileSync(join(dir, 'state'), '');
    await refused({ dir: join(dir, 'state'), mode: 'write' }, /cannot be opened/);
    await refused({ dir: join(dir, 'state', 'deeper'), mode: 'write' }, /cannot be opened/);
  }));

test('a full disk is said, and loses nothing that was acknowledged', { skip: needsRoot }, async (t) => {
  const mounted = await inMount('1m', async (mount) => {
    const dir = join(mount, 'state');
    let acknowledged = 0;
    {
      await using store = await openStore({ dir, mode: 'write' });
      await assert.rejects(
        async () => {
          for (let n = 0; n < 1000; n++) {
            const seen = Array.from({ length: 50 }, (_, i) => sampleListener('db-1', 1 + i + n));
            await store.recordObservation(sampleObservation('db-1', 1000 + n, seen), 1000 + n);
            acknowledged++;
          }
        },
        (error) => {
          assert.ok(error instanceof UserError, String(error));
          assert.match(error.message, /disk is full/);
          return true;
        },
      );
      assert.equal((await store.stats()).observations, acknowledged, 'the open store goes on');
    }
    assert.ok(acknowledged > 0);
    for (const mode of ['read', 'write'] as const) {
      await using store = await openStore({ dir, mode });
      assert.equal((await store.stats()).observations, acknowledged);
    }
  });
  if (!mounted) t.skip('this machine does not let root mount a file system');
});

test('a full disk is said where the store is only to be made', { skip: needsRoot }, async (t) => {
  const mounted = await inMount('64k', async (mount) => {
    fs.writeFileSync(join(mount, 'full'), Buffer.alloc(48 * 1024));
    await refused({ dir: join(mount, 'state'), mode: 'write' }, /disk is full/);
  });
  if (!mounted) t.skip('this machine does not let root mount a file system');
});

test('a store on a read-only mount can be read', { skip: needsRoot }, async (t) => {
  const mounted = await inMount('4m', async (dir) => {
    await fill(dir, 2);
    assert.equal(spawnSync('mount', ['-o', 'remount,ro', dir]).status, 0);
    await refused({ dir, mode: 'write' }, /cannot be written: .*read-only/);
    await using store = await openStore({ dir, mode: 'read' });
    assert.equal((await store.stats()).observations, 2);
    assert.equal((await store.listenerStates()).length, 30);
    await assert.rejects(store.cachePut('a', 'b'), /cannot be written/);
  });
  if (!mounted) t.skip('this machine does not let root mount a file system');
});

test('who may not write is told so, and can still read', { skip: needsRoot }, () =>
  inDirectory(async (dir) => {
    await fill(join(dir, 'state'), 1);
    fs.chmodSync(dir, 0o755);
    fs.chmodSync(join(dir, 'state'), 0o755);
    fs.chmodSync(join(dir, 'state', 'quietdoor.db'), 0o644);
    const told = asNobody(async () => {
      await refused({ dir: join(dir, 'state'), mode: 'write' }, /cannot be (written|opened)/);
      await using store = await openStore({ dir: join(dir, 'state'), mode: 'read' });
      assert.equal((await store.stats()).observations, 1);
      await refused({ dir: join(dir, 'new'), mode: 'write' }, /cannot be opened/);
    });
    await told;
  }),
);

test('under sudo the files belong to who called it, if the place is theirs', { skip: needsRoot }, () =>
  inDirectory(async (parent) => {
    const [theirs, others] = [join(parent, 'theirs'), join(parent, 'others')];
    fs.mkdirSync(theirs);
    fs.chownSync(theirs, 12_345, 12_346);
    fs.mkdirSync(others);
    const before = { ...process.env };
    Object.assign(process.env, { SUDO_UID: '12345', SUDO_GID: '12346' });
    try {
      for (const [dir, uid, gid] of [
        [theirs, 12_345, 12_346],
        [others, 0, 0],
      ] as const) {
        const state = join(dir, 'a', 'state');
        await using store = await openStore({ dir: state, mode: 'write' });
        await store.cachePut('a', 'b');
        const made = [join(dir, 'a'), state, ...fs.readdirSync(state).map((name) => join(state, name))];
        assert.equal(made.length, 5);
        for (const path of made) assert.deepEqual([fs.statSync(path).uid, fs.statSync(path).gid], [uid, gid], path);
      }
    } finally {
      process.env = before;
    }
  }),
);

async function readAll(store: Store): Promise<void> {
  await store.listenerStates();
  await store.hostStates();
  await store.events({ limit: 1000 });
  await store.stats();
}

/** Runs a step with the rights of an ordinary user. */
async function asNobody(step: () => Promise<void>): Promise<void> {
  process.setegid?.(65_534);
  process.seteuid?.(65_534);
  try {
    await step();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

function withDatabase(file: string, sql: string): void {
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
}

/** What lies in place of the store: the hash of a file, the target of a link. */
function snapshot(file: string): string {
  const status = fs.lstatSync(file);
  if (status.isSymbolicLink()) return fs.readlinkSync(file);
  return status.isFile() ? sha256(fs.readFileSync(file)) : 'directory';
}
