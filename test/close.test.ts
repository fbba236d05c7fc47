import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { closePort, type Look, planClosing, reopenPort } from '../src/app/close.ts';
import type { Context } from '../src/app/context.ts';
import { observe } from '../src/app/scan.ts';
import { openStore } from '../src/store/store.ts';
import { temporaryFolder } from './run-quietdoor.ts';

const skip =
  process.platform !== 'linux' ? 'needs Linux' : process.geteuid?.() !== 0 ? 'needs root, as closing does' : false;

/**
 * Stands in for systemctl: writes down what it is asked, answers `show` from a file, and `stop` ends the process that it is
 * told of, and `start` nothing.
 */
const SYSTEMCTL = `#!/bin/sh
echo "$*" >>"$FAKE/calls"
case $1 in
  show) [ -e "$FAKE/dead" ] && exit 1; cat "$FAKE/units" ;;
  stop) [ -e "$FAKE/stubborn" ] || kill "$(cat "$FAKE/pid")" ;;
  mask) [ ! -e "$FAKE/unmaskable" ] || { echo "Failed to mask unit" >&2; exit 1; } ;;
esac
`;

const UNITS = `Id=web.service
LoadState=loaded
ActiveState=active
UnitFileState=enabled
FragmentPath=/usr/lib/systemd/system/web.service
TriggeredBy=web.socket
WantedBy=multi-user.target

Id=web.socket
LoadState=loaded
ActiveState=active
UnitFileState=enabled
FragmentPath=/usr/lib/systemd/system/web.socket
Triggers=web.service
Listen=0.0.0.0:1 (Stream)
`;

interface Bed {
  readonly context: Context;
  readonly port: number;
  readonly look: Look;
  readonly fake: string;
  /** Commands that were given but `show`. */
  calls(): string[];
  events(): Promise<readonly string[]>;
}

/** A process that listens, which is made out to be of web.service. */
async function bedFor(t: TestContext, unit = 'web.service'): Promise<Bed> {
  const folder = temporaryFolder(t);
  const fake = join(folder, 'fake');
  const state = join(folder, 'state');
  for (const dir of [fake, state]) mkdirSync(dir);
  writeFileSync(join(fake, 'systemctl'), SYSTEMCTL);
  chmodSync(join(fake, 'systemctl'), 0o755);
  writeFileSync(join(fake, 'units'), UNITS);
  const child: ChildProcess = spawn(
    process.execPath,
    ['-e', 'const s = require("net").createServer().listen(0, "127.0.0.1", () => console.log(s.address().port))'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  t.after(() => child.kill('SIGKILL'));
  const [data] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  writeFileSync(join(fake, 'pid'), String(child.pid));
  const env = { PATH: `${fake}:${process.env.PATH}`, FAKE: fake, QUIETDOOR_HOST: 'here' };
  const look: Look = async (context) => {
    const seen = await observe({ collector: 'local', hashes: false, root: '/' }, context.env, context.now);
    return seen.listeners.map((l) =>
      l.process !== null && l.process.pid === child.pid ? { ...l, process: { ...l.process, unit } } : l,
    );
  };
  return {
    context: { workspace: folder, state, now: () => Date.now(), actor: 'user:test', env, settings: [] },
    port: Number(data.toString()),
    look,
    fake,
    calls: () =>
      readFileSync(join(fake, 'calls'), 'utf8')
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('show')),
    events: async () => {
      await using store = await openStore({ dir: state, mode: 'read' });
      return (await store.events({ limit: 10 })).map((e) => `${e.type} ${e.subject} ${e.body.unit}`).reverse();
    },
  };
}

const asked = (port: number) => ({ host: undefined, port, transport: undefined, scope: undefined });

test('a port is closed with its unit and the socket that would start it, and put back', { skip }, async (t) => {
  const { context, port, look, calls, events } = await bedFor(t);
  const closing = await planClosing(context, asked(port), look);
  assert.deepEqual(closing.plan.refused, []);
  assert.deepEqual(calls(), [], 'a plan changes nothing');
  assert.match(closing.patches[0]?.text ?? '', /name: web\.socket\n {4}state: stopped/);
  const closed = await closePort(context, closing, look);
  assert.equal(closed.isClosed, true);
  assert.deepEqual(calls(), [
    'disable web.socket web.service',
    'mask web.socket web.service',
    'stop web.socket web.service',
  ]);
  await reopenPort(context, asked(port));
  assert.deepEqual(calls().slice(3), [
    'unmask web.socket web.service',
    'enable web.socket web.service',
    'start web.socket web.service',
  ]);
  const subject = `here:${port}/tcp`;
  assert.deepEqual(await events(), [
    `port.closed ${subject} web.socket, web.service`,
    `port.reopened ${subject} web.socket, web.service`,
  ]);
  await assert.rejects(reopenPort(context, asked(port)), /nothing to put back/);
});

test('what goes on listening is told', { skip, timeout: 30_000 }, async (t) => {
  const { context, port, look, fake } = await bedFor(t);
  writeFileSync(join(fake, 'stubborn'), '');
  const closed = await closePort(context, await planClosing(context, asked(port), look), look);
  assert.equal(closed.isClosed, false);
  assert.equal(closed.still[0]?.pid, Number(readFileSync(join(fake, 'pid'), 'utf8')));
});

test('a command that fails stops the rest, and undo goes back to before the first try', { skip }, async (t) => {
  const { context, port, look, fake, calls } = await bedFor(t);
  writeFileSync(join(fake, 'unmaskable'), '');
  const closing = await planClosing(context, asked(port), look);
  await assert.rejects(closePort(context, closing, look), /mask web\.socket web\.service" failed: Failed to mask unit/);
  assert.equal(calls().length, 2);
  // Disabled by now: asked again, the units look otherwise.
  writeFileSync(join(fake, 'units'), UNITS.replaceAll('UnitFileState=enabled', 'UnitFileState=disabled'));
  await assert.rejects(closePort(context, await planClosing(context, asked(port), look), look));
  await reopenPort(context, asked(port));
  assert.ok(calls().includes('enable web.socket web.service'));
});

test('what must not be closed here is refused, with the reason', { skip }, async (t) => {
  const { context, port, look, fake } = await bedFor(t, 'docker.service');
  const refused = await planClosing(context, asked(port), look);
  assert.match(refused.plan.refused.join(), /docker\.service, which more than this port depends on/);
  await assert.rejects(closePort(context, refused, look), /it is not closed/);
  const session = { ...context, env: { ...context.env, SSH_CONNECTION: `192.0.2.7 50000 192.0.2.1 ${port}` } };
  assert.match((await planClosing(session, asked(port), look)).plan.refused.join(), /would lock you out/);
  writeFileSync(join(fake, 'dead'), '');
  assert.match((await planClosing(context, asked(port), look)).plan.refused.join(), /systemd does not run/);
  await assert.rejects(planClosing(context, { ...asked(port), host: 'elsewhere' }, look), /another machine/);
  await assert.rejects(planClosing(context, { ...asked(1), transport: 'tcp' }, look), /nothing listens/);
});

test('drop-ins are units that systemd takes', { skip: whyNoAnalyze() }, async (t) => {
  const { verifyDropIn } = await import('../src/app/firewall-drop-in.ts');
  const folder = temporaryFolder(t);
  assert.equal(existsSync(folder), true);
  assert.deepEqual(
    await verifyDropIn('x.service', '[Service]\nSocketBindAllow=ipv4:tcp:5432\nSocketBindDeny=any\n', process.env),
    [],
  );
  assert.match(
    (await verifyDropIn('x.service', '[Service]\nSocketBindAllow=nonsense\n', process.env))?.join() ?? '',
    /SocketBindAllow/,
  );
});

function whyNoAnalyze(): string | false {
  return spawnSync('systemd-analyze', ['--version']).status === 0 ? false : 'needs systemd-analyze';
}
