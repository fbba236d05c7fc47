import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore } from '../src/store/store.ts';
import { executable, quietdoor, temporaryFolder } from './run-quietdoor.ts';

const HOUR_MS = 3_600_000;

/** Makes a workspace whose schedule was written down, and lets each item have run as long ago as is said. */
async function workspace(t: TestContext, schedule: string, ranHoursAgo: Readonly<Record<string, number>>) {
  const cwd = temporaryFolder(t);
  await quietdoor(['init'], { cwd });
  writeFileSync(join(cwd, 'quietdoor.yaml'), `name: test\nschedule:\n${schedule}`);
  const first = await quietdoor(['scan', '--due'], { cwd });
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /none due/);
  await using store = await openStore({ dir: join(cwd, '.quietdoor'), mode: 'write' });
  for (const [subject, hours] of Object.entries(ranHoursAgo)) {
    const started = Date.now() - hours * HOUR_MS;
    const body = { started, finished: started, exit: 0, cron: '* * * * *', timeZone: 'UTC' };
    await store.appendEvents(
      [{ type: 'schedule.ran', observedAt: started, actor: 'user:test', subject, body }],
      Date.now(),
    );
  }
  return cwd;
}

/** Exit codes of the runs of the last hour by name, as the ledger has them. */
async function runsOf(cwd: string): Promise<readonly string[]> {
  await using store = await openStore({ dir: join(cwd, '.quietdoor'), mode: 'read' });
  const events = await store.events({ types: ['schedule.ran'], since: Date.now() - HOUR_MS / 2, limit: 100 });
  return events.map(({ subject, body }) => `${subject} ${body.exit}`).reverse();
}

const item = (name: string, run: string, cron = '* * * * *') =>
  `  - { name: ${name}, cron: '${cron}', run: '${run}' }\n`;

test('what is due runs in the order of the file, in the workspace, and the worst exit code is the answer', async (t) => {
  const schedule =
    item('take-over', 'assets import cmdb.csv') +
    item('fails', 'assets import missing.csv') +
    item('judge', 'check --fail-on critical -o result.txt') +
    item('later', 'check', '0 0 1 1 *');
  const cwd = await workspace(t, schedule, { 'take-over': 2, fails: 2, judge: 2 });
  writeFileSync(join(cwd, 'cmdb.csv'), 'name,ip\ndb-1,10.20.0.5\n');
  const listed = await quietdoor(['scan', '--due', '--dry-run', '-f', 'json'], { cwd });
  const items = JSON.parse(listed.stdout).items as { name: string; isDue: boolean; missed: number }[];
  assert.deepEqual(
    items.map(({ name, isDue, missed }) => [name, isDue, missed > 0]),
    [
      ['take-over', true, true],
      ['fails', true, true],
      ['judge', true, true],
      ['later', false, false],
    ],
  );
  assert.deepEqual(await runsOf(cwd), [], 'a dry run runs nothing');

  const due = await quietdoor(['scan', '--due'], { cwd: join(cwd, 'register') });
  assert.equal(due.code, 2, due.stderr);
  const [took, failed, judged, ...more] = await runsOf(cwd);
  assert.equal(took, 'take-over 0');
  assert.equal(failed, 'fails 2');
  assert.match(judged ?? '', /^judge [013]$/);
  assert.deepEqual(more, []);
  assert.match(due.stderr, /missing\.csv cannot be read/, 'what a run prints goes to standard error');
  assert.match(readFileSync(join(cwd, 'result.txt'), 'utf8'), /db-1 was never observed/);

  const check = await quietdoor(['check', '-f', 'json'], { cwd });
  const found = (JSON.parse(check.stdout).findings as { rule: string; message: string }[]).filter(
    ({ rule }) => rule === 'missed-run',
  );
  assert.match(
    found.map(({ message }) => message).join('\n'),
    /^The scheduled run fails failed with exit code 2 at [^\n]*$/,
  );
});

test('an item that never ran was missed, also where something else in quietdoor.yaml changes every day', async (t) => {
  const cwd = temporaryFolder(t);
  await quietdoor(['init'], { cwd });
  const checkInDays = async (days: number, comment: string, cron = '0 * * * *') => {
    const schedule = `schedule:\n${item('lan', 'scan', cron)}`;
    writeFileSync(join(cwd, 'quietdoor.yaml'), `name: test # ${comment}\n${schedule}\n# ${comment}\nowners: {}\n`);
    const at = String(Math.floor((Date.now() + days * 24 * HOUR_MS) / 1000));
    const { stdout } = await quietdoor(['check', '-f', 'json'], { cwd, env: { SOURCE_DATE_EPOCH: at } });
    return (JSON.parse(stdout).findings as { rule: string }[]).some(({ rule }) => rule === 'missed-run');
  };
  assert.equal(await checkInDays(0, 'monday'), false, 'only now written down');
  assert.equal(await checkInDays(1, 'tuesday'), true);
  assert.equal(await checkInDays(2, 'wednesday', '1 * * * *'), false, 'another schedule');
});

test('two that come at the same time run each item once', async (t) => {
  const schedule = ['a', 'b', 'c'].map((name) => item(name, 'check --fail-on critical')).join('');
  const cwd = await workspace(t, schedule, { a: 2, b: 2, c: 2 });
  const runs = await Promise.all([1, 2, 3].map(() => quietdoor(['scan', '--due'], { cwd })));
  for (const { code, stderr } of runs) assert.notEqual(code, 2, stderr);
  const names = (await runsOf(cwd)).map((run) => run.split(' ')[0]);
  // A new minute may begin on the way; then an item is due again.
  const minutes = new Set(runs.flatMap(({ stdout }) => [...stdout.matchAll(/T\d\d:\d\dZ, exit/g)].map(([m]) => m)));
  if (minutes.size === 1) assert.deepEqual(names.toSorted(), ['a', 'b', 'c']);
  else for (const name of ['a', 'b', 'c']) assert.ok(names.includes(name));
});

test('a run that is killed takes its process with it, leaves no lock, is not written down and stays due', async (t) => {
  if (!existsSync('/proc/self/task')) return t.skip('needs /proc to find the process that was started');
  const cwd = await workspace(t, item('slow', 'assets import cmdb.csv'), { slow: 2 });
  writeFileSync(join(cwd, 'cmdb.csv'), 'name,ip\ndb-1,10.20.0.5\n');
  // While somebody else writes to the store, the run waits for it.
  const blocker = new DatabaseSync(join(cwd, '.quietdoor/quietdoor.db'), { timeout: 5_000 });
  blocker.exec('BEGIN IMMEDIATE');
  const due = spawn(process.execPath, [executable, 'scan', '--due'], { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  const begun = new Promise<void>((resolve) =>
    due.stderr.on('data', (data: Buffer) => {
      stderr += data.toString();
      if (stderr.includes('slow: quietdoor assets import')) resolve();
    }),
  );
  await begun;
  const children = () => readFileSync(`/proc/${due.pid}/task/${due.pid}/children`, 'utf8').trim().split(' ');
  while (children()[0] === '') await sleep(5);
  const [child] = children();
  const ended = new Promise((resolve) => due.once('exit', resolve));
  due.kill('SIGKILL');
  await ended;
  for (let i = 0; existsSync(`/proc/${child}`) && i < 2_000; i++) await sleep(5);
  assert.ok(!existsSync(`/proc/${child}`), 'the process that it started ended too');
  blocker.exec('ROLLBACK');
  blocker.close();
  assert.deepEqual(await runsOf(cwd), []);

  const again = await quietdoor(['scan', '--due'], { cwd });
  assert.equal(again.code, 0, again.stderr);
  assert.deepEqual(await runsOf(cwd), ['slow 0']);
});

test('a workspace without a schedule says so, and a command that may not be scheduled never runs', async (t) => {
  const cwd = temporaryFolder(t);
  await quietdoor(['init'], { cwd });
  const none = await quietdoor(['scan', '--due'], { cwd });
  assert.equal(none.code, 2);
  assert.match(none.stderr, /has no schedule/);
  writeFileSync(join(cwd, 'quietdoor.yaml'), `schedule:\n${item('x', 'register approve all')}`);
  const refused = await quietdoor(['scan', '--due'], { cwd });
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /^quietdoor\.yaml:2:\d+: run: "register" cannot be scheduled/m);
  writeFileSync(join(cwd, 'quietdoor.yaml'), `schedule:\n${item('x', 'nonsense')}${item('y', 'check')}`);
  const listed = await quietdoor(['scan', '--due', '--dry-run'], { cwd });
  assert.equal(listed.code, 2, 'an item that cannot be read is no item that is fine');
  assert.match(listed.stdout, /^1 scheduled item/);
});
