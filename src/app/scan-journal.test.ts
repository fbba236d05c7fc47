import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { toCidrs } from '../model/address-set.ts';
import { createJournal, listJournals, openJournal, readJournal, type ScanOrder } from './scan-journal.ts';

const ORDER: ScanOrder = {
  addresses: ['10.0.0.0/30'],
  names: { '10.0.0.1': ['db-1'] },
  ports: [443, 22, 80],
  udp: [],
  rate: 1000,
  ratePerHost: null,
  retries: 3,
  skipSilent: false,
  identify: true,
  recog: null,
};

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'qd-journal-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const fileOf = (state: string, id: string) => join(state, 'scans', `${id}.jsonl`);
const one = (port: number) => [{ from: port, to: port }];
const NEWS = { open: one(443), closed: [], filtered: [], unreachable: [], silent: one(22) };

test('what was written down is read again', async (t) => {
  const state = folder(t);
  const journal = createJournal(state, ORDER, Date.UTC(2026, 10, 21));
  assert.match(journal.id, /^20261121-000000-[0-9a-f]{4}$/);
  journal.news([
    { address: '10.0.0.1', ports: NEWS },
    { address: '10.0.0.2', ports: NEWS },
  ]);
  journal.news([{ address: '10.0.0.1', ports: { ...NEWS, open: one(22), silent: [] } }]);
  journal.done('10.0.0.2');
  journal.close();
  const read = await readJournal(state, null);
  assert.deepEqual(read.order, ORDER);
  assert.deepEqual(toCidrs(read.done), ['10.0.0.2/32']);
  assert.deepEqual([...read.known.keys()], ['10.0.0.1'], 'a host that is done need not be remembered');
  assert.deepEqual([...(read.known.get('10.0.0.1') ?? [])].sort(), [
    [22, 'open'],
    [443, 'open'],
  ]);
});

test('a torn line costs what it said, and nothing more', async (t) => {
  const state = folder(t);
  const first = createJournal(state, ORDER, 0);
  first.done('10.0.0.1');
  first.close();
  appendFileSync(fileOf(state, first.id), '{"done":"10.0.');
  const second = openJournal(state, first.id);
  second.done('10.0.0.3');
  second.close();
  const read = await readJournal(state, first.id);
  assert.deepEqual(toCidrs(read.done), ['10.0.0.1/32', '10.0.0.3/32']);
});

test('a finished scan leaves nothing, and the newest is taken first', async (t) => {
  const state = folder(t);
  assert.deepEqual(listJournals(state), []);
  await assert.rejects(readJournal(state, null), /there is no scan to resume/);
  const [a, b, c] = [0, 86_400_000, 2 * 86_400_000].map((now) => createJournal(state, ORDER, now));
  c?.finish();
  for (const journal of [a, b, c]) journal?.close();
  assert.deepEqual(listJournals(state), [b?.id, a?.id]);
  assert.equal((await readJournal(state, null)).id, b?.id);
  await assert.rejects(readJournal(state, '../../etc/passwd'), /there is no unfinished scan/);
});

test('a scan that still runs is not begun a second time', async (t) => {
  const state = folder(t);
  const journal = createJournal(state, ORDER, 0);
  journal.close();
  const text = readFileSync(fileOf(state, journal.id), 'utf8');
  // process 1 runs for as long as the machine does
  const started = readFileSync('/proc/1/stat', 'latin1').split(') ').pop()?.split(' ')[19];
  writeFileSync(fileOf(state, journal.id), text.replace(/\{"pid".*\}/, `{"pid":1,"started":"${started}"}`));
  await assert.rejects(readJournal(state, journal.id), /is still running, as process 1/);
  writeFileSync(fileOf(state, journal.id), text.replace(/\{"pid".*\}/, '{"pid":1,"started":"7"}'));
  assert.equal((await readJournal(state, journal.id)).id, journal.id);
});

test('a process that was killed and not yet reaped does not run', async (t) => {
  const state = folder(t);
  const journal = createJournal(state, ORDER, 0);
  journal.close();
  const text = readFileSync(fileOf(state, journal.id), 'utf8');
  // its parent sleeps on without waiting for it
  const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => parent.kill());
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const fields = () =>
    readFileSync(`/proc/${Number(`${line}`)}/stat`, 'latin1')
      .split(') ')
      .pop()
      ?.split(' ') ?? [];
  while (fields()[0] !== 'Z') await setTimeout(10);
  const marked = `{"pid":${Number(`${line}`)},"started":"${fields()[19]}"}`;
  writeFileSync(fileOf(state, journal.id), text.replace(/\{"pid".*\}/, marked));
  assert.equal((await readJournal(state, journal.id)).id, journal.id);
});

test('only its owner reads where a scan looks', (t) => {
  const state = folder(t);
  const before = process.umask(0);
  t.after(() => process.umask(before));
  const journal = createJournal(state, ORDER, 0);
  journal.close();
  assert.equal(statSync(join(state, 'scans')).mode & 0o777, 0o700);
  assert.equal(statSync(fileOf(state, journal.id)).mode & 0o777, 0o600);
});

test('links in the place of a journal or its folder are not followed', async (t) => {
  const [state, elsewhere] = [folder(t), folder(t)];
  symlinkSync(elsewhere, join(state, 'scans'));
  assert.throws(() => createJournal(state, ORDER, 0), /scans.*symbolic link/);
  assert.deepEqual(readdirSync(elsewhere), []);
  rmSync(join(state, 'scans'));
  mkdirSync(join(state, 'scans'));
  writeFileSync(join(elsewhere, 'victim'), `${JSON.stringify({ order: ORDER })}\n`);
  symlinkSync(join(elsewhere, 'victim'), fileOf(state, 'a'));
  assert.throws(() => openJournal(state, 'a'), /symbolic link/);
  await assert.rejects(readJournal(state, 'a'), /symbolic link/);
  assert.equal(readFileSync(join(elsewhere, 'victim'), 'utf8').split('\n').length, 2);
});

const needsRoot = process.geteuid?.() === 0 ? false : 'needs root';
test('under sudo a journal belongs to who called it, and nothing that a link names does', { skip: needsRoot }, (t) => {
  const [state, elsewhere] = [folder(t), folder(t)];
  const { SUDO_UID, SUDO_GID } = process.env;
  t.after(() => {
    for (const [name, value] of Object.entries({ SUDO_UID, SUDO_GID }))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  });
  Object.assign(process.env, { SUDO_UID: '12345', SUDO_GID: '12346' });
  chownSync(state, 12345, 12346);
  const journal = createJournal(state, ORDER, 0);
  journal.close();
  for (const path of [join(state, 'scans'), fileOf(state, journal.id)]) {
    const { uid, gid } = lstatSync(path);
    assert.deepEqual([uid, gid], [12345, 12346], path);
  }
  rmSync(join(state, 'scans'), { recursive: true });
  symlinkSync(elsewhere, join(state, 'scans'));
  assert.throws(() => createJournal(state, ORDER, 0), /symbolic link/);
  assert.equal(statSync(elsewhere).uid, 0);
});

for (const [name, change] of [
  ['a port of 70022, which a Uint16Array takes for 4486', { ports: [70_022] }],
  ['no whole port', { ports: [22.5] }],
  ['port 0 of UDP', { udp: [0] }],
  ['a million retries', { retries: 1e6 }],
  ['negative retries', { retries: -1 }],
] as const)
  test(`a journal that was changed to ${name} is refused`, async (t) => {
    const state = folder(t);
    const journal = createJournal(state, { ...ORDER, ...change } as ScanOrder, 0);
    journal.close();
    await assert.rejects(readJournal(state, journal.id), /does not say what to scan/);
  });

for (const [name, line] of [
  ['nothing', ''],
  ['another order', '{"version":1,"order":{"addresses":"10.0.0.0/8"}}'],
  ['other JSON', '[1,2]'],
] as const)
  test(`a journal that holds ${name} is refused`, async (t) => {
    const state = folder(t);
    const journal = createJournal(state, ORDER, 0);
    journal.close();
    writeFileSync(fileOf(state, journal.id), `${line}\n`);
    await assert.rejects(readJournal(state, journal.id), /does not say what to scan/);
  });
