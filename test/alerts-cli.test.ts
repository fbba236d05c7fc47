import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { sampleListener, sampleObservation } from '../src/store/sample.ts';
import { openStore } from '../src/store/store.ts';
import { executable, quietdoor, temporaryFolder } from './run-quietdoor.ts';

/** A look at db-1 that finds these ports open to everybody. */
async function look(cwd: string, ports: readonly number[]): Promise<void> {
  await using store = await openStore({ dir: join(cwd, '.quietdoor'), mode: 'write' });
  const listeners = ports.map((port) => sampleListener('db-1', port, { address: '0.0.0.0', bind: 'any' }));
  await store.recordObservation(sampleObservation('db-1', Date.now(), listeners), Date.now());
}

async function workspace(t: TestContext, channel: string): Promise<string> {
  const cwd = temporaryFolder(t);
  await quietdoor(['init'], { cwd });
  appendFileSync(join(cwd, 'quietdoor.yaml'), `alerts:\n  channels:\n    - ${channel}\n`);
  await look(cwd, [22]);
  return cwd;
}

const FILE = '{ name: file, kind: jsonl, path: alerts.jsonl }';

interface Sent {
  readonly id: string;
  readonly kind: string;
  readonly incidents: readonly { readonly endpoint: { readonly port: number } | null }[];
}

function sentTo(cwd: string): readonly Sent[] {
  const file = join(cwd, 'alerts.jsonl');
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Sent);
}

test('from the first summary to a resolved alert, on the command line', async (t) => {
  const cwd = await workspace(t, FILE);
  const run = async (...args: string[]) => {
    const done = await quietdoor(['alerts', ...args], { cwd });
    assert.equal(done.code, 0, `${args.join(' ')}: ${done.stderr}`);
    return done.stdout || done.stderr;
  };
  assert.match(await run(), /^0 alerts, none open\nNobody looked yet: quietdoor alerts run/);
  assert.match(await run('run'), /The first run: what was there already is told in one summary\.\nmessages: 1 sent/);
  await look(cwd, [22, 5432]);
  const second = JSON.parse(await run('run', '-f', 'json'));
  assert.deepEqual([second.raised.length, second.sent, second.firstRun], [1, 1, false]);
  const [id] = second.raised as string[];
  assert.ok(id);
  assert.deepEqual(
    sentTo(cwd).map(({ kind, incidents }) => [kind, kind === 'raised' ? incidents[0]?.endpoint?.port : null]),
    [
      ['summary', null],
      ['raised', 5432],
    ],
  );
  assert.match(await run('show', id), new RegExp(`^${id}  \\w+  db-1:5432/tcp[\\s\\S]*raised by file, made .*, sent `));
  assert.match(await run('ack', id.slice(2).toLowerCase(), '--note', 'on it'), /acknowledged by/);
  assert.match(await run('list', '--only', 'acknowledged'), new RegExp(`1 alert, none open[\\s\\S]*${id}`));
  // A list that is cut says how many there are.
  const all = JSON.parse(await run('list', '-f', 'json')).total;
  assert.ok(all > 1);
  assert.match(await run('list', '--limit', '1'), new RegExp(`^${all} alerts, .*, the newest 1 shown\\n`));
  assert.match(await run('snooze', id, '--until', '4h'), /snoozed until/);
  assert.match(await run('resolve', id, '--note', 'gone'), /resolved by/);
  const listed = JSON.parse(await run('list', '--only', 'all', '-f', 'json'));
  const alert = listed.alerts.find((one: { id: string }) => one.id === id);
  assert.deepEqual(
    [listed.schemaVersion, alert.state, alert.note, alert.told],
    [1, 'resolved', 'gone', alert.severity],
  );
  const lines = (await run('list', '-f', 'jsonl')).trimEnd().split('\n');
  const rows = (await run('list', '-f', 'csv')).trimEnd().split('\n');
  assert.equal(rows.length, lines.length + 1);
  assert.match(
    await run('maintenance', 'add', '--host', 'db-*', '--until', '2h', '--reason', 'upgrade'),
    /^M-\w+: host:db-\*/,
  );
  assert.match(await run('maintenance'), /M-\w+ +runs .*host:db-\* +upgrade/);
  const { windows } = JSON.parse(await run('maintenance', 'list', '-f', 'json'));
  assert.match(await run('maintenance', 'end', windows[0].id), /ended: upgrade/);
  assert.match(await run('test', 'file'), /^file \(jsonl\) took the test message/);
  assert.equal(sentTo(cwd).at(-1)?.kind, 'test');
  assert.match(await run('dead'), /No message was given up/);
  const { stdout } = await quietdoor(['events', '--type', 'alert.resolved,maintenance.announced'], { cwd });
  assert.match(stdout, /maintenance ended: upgrade/);
  assert.match(stdout, /maintenance announced from/);
  assert.match(stdout, /alert resolved: gone; /);
});

test('what is wrong is said, with what to do', async (t) => {
  const cwd = await workspace(t, '{ name: file, kind: jsonll, path: alerts.jsonl }');
  const fails = async (want: RegExp, ...args: string[]) => {
    const { code, stderr } = await quietdoor(args, { cwd });
    assert.equal(code, 2, stderr);
    assert.match(stderr, want);
  };
  await fails(/quietdoor\.yaml:\d+:\d+: .*no kind of channel "jsonll" .*did you mean "jsonl"/, 'alerts', 'run');
  await fails(/no kind of channel "jsonll"/, 'alerts', 'test', 'file');
  await fails(/there is no channel fil\b[\s\S]*did you mean "file"/, 'alerts', 'test', 'fil');
  await fails(/there is no alert Q-1/, 'alerts', 'show', 'Q-1');
  await fails(/required option '--note/, 'alerts', 'ack', 'Q-1');
  await fails(/--limit is "none"/, 'alerts', 'list', '--limit', 'none');
  const lint = await quietdoor(['register', 'lint'], { cwd });
  assert.match(lint.stdout + lint.stderr, /no kind of channel "jsonll"/);
});

test('two runs at once tell it once', async (t) => {
  const cwd = await workspace(t, FILE);
  await quietdoor(['alerts', 'run'], { cwd });
  await look(cwd, [22, 80]);
  const runs = await Promise.all(Array.from({ length: 4 }, () => quietdoor(['alerts', 'run'], { cwd })));
  assert.deepEqual(
    runs.map((run) => run.code),
    [0, 0, 0, 0],
    runs.map((run) => run.stderr).join(''),
  );
  assert.deepEqual(
    sentTo(cwd).map(({ kind }) => kind),
    ['summary', 'raised'],
  );
});

test('killed after the receiver took it and before it is marked: sent again, with the same id', async (t) => {
  const received: { readonly id: string; readonly kind: string }[] = [];
  let onMessage: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => void response.end();
  const server = createServer((request, response) => {
    received.push({
      id: String(request.headers['quietdoor-message']),
      kind: String(request.headers['quietdoor-kind']),
    });
    request.resume().on('end', () => onMessage(request, response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const cwd = await workspace(t, `{ name: hook, kind: webhook, url: "http://127.0.0.1:${port}/" }`);
  const first = await quietdoor(['alerts', 'run'], { cwd });
  assert.equal(first.code, 0, first.stderr);
  await look(cwd, [22, 80]);

  const child = spawn(process.execPath, [executable, 'alerts', 'run'], { cwd, stdio: 'ignore' });
  onMessage = () => child.kill('SIGKILL');
  const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  assert.equal(signal, 'SIGKILL');
  onMessage = (_, response) => void response.end();
  const again = JSON.parse((await quietdoor(['alerts', 'run', '-f', 'json'], { cwd })).stdout);
  assert.deepEqual([again.raised, again.made, again.sent], [[], [], 1]);
  const [, before, after, ...more] = received;
  assert.deepEqual([before?.kind, before?.id, more], ['raised', after?.id, []]);
  assert.equal(JSON.parse((await quietdoor(['alerts', 'run', '-f', 'json'], { cwd })).stdout).sent, 0);
});
