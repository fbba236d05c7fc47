import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore } from '../src/store/store.ts';
import { createTestbed, finished, type NetworkTestbed, whyNoTestbed } from './network-testbed.ts';
import { temporaryFolder } from './run-quietdoor.ts';

const skip = whyNoTestbed();
const driver = join(import.meta.dirname, 'firewall-driver.ts');

/** Rules that let in one port only. */
const allow = (ports: string) => `table inet quietdoor {
  chain input {
    type filter hook input priority filter; policy drop;
    iif lo accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    tcp dport { ${ports} } counter accept
  }
}
`;

/** Tables of other tools, which nothing may touch. */
const OTHERS = `table inet filter {
  set blocked { type ipv4_addr; flags interval; elements = { 192.0.2.0/24 } }
  chain input {
    type filter hook input priority 10; policy accept;
    ip saddr @blocked drop
  }
}
table ip nat {
  chain post {
    type nat hook postrouting priority srcnat;
  }
}
`;

interface Bed extends Omit<NetworkTestbed, 'start'> {
  readonly state: string;
  start(verb: string, ...args: string[]): ChildProcess;
  drive(verb: string, ...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }>;
  rules(text: string): string;
  /** Which of the ports 1001, 1002 and 1003 a real connect reaches. */
  open(): Promise<string>;
  others(): string;
  own(): string;
  /** Folder of the only run. */
  folder(): string;
  /** Folders of every run. */
  runs(): string[];
  events(): Promise<readonly string[]>;
}

/** A target that listens on three ports, with tables of other tools. */
async function bedFor(t: TestContext): Promise<Bed> {
  const bed = await createTestbed();
  const folder = temporaryFolder(t);
  const state = join(folder, 'state');
  const runs = join(folder, 'run');
  mkdirSync(state);
  const nft = (...args: string[]) =>
    execFileSync('ip', ['netns', 'exec', bed.target, 'nft', ...args], { encoding: 'utf8' });
  bed.filter(OTHERS);
  await bed.listen([1001, 1002, 1003]);
  const node = (args: readonly string[]) => [
    'netns',
    'exec',
    bed.target,
    'env',
    `QUIETDOOR_RUN=${runs}`,
    process.execPath,
    ...args,
  ];
  const { spawn } = await import('node:child_process');
  const start = (verb: string, ...args: string[]) =>
    spawn('ip', node([driver, verb, state, ...args]), { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(async () => {
    // Guards outlive their makers, as they should: those of this test are ended by their own pid.
    if (existsSync(join(runs, 'firewall')))
      for (const namespace of readdirSync(join(runs, 'firewall')))
        for (const run of readdirSync(join(runs, 'firewall', namespace)))
          try {
            const pid = Number(readFileSync(join(runs, 'firewall', namespace, run, 'guard.pid'), 'utf8'));
            if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(runs)) process.kill(pid, 'SIGKILL');
          } catch {
            // no guard any more
          }
    await bed.close();
  });
  const runFolders = () => {
    if (!existsSync(join(runs, 'firewall'))) return [];
    // The folder comes to be a moment before what is in it.
    const name = readdirSync(join(runs, 'firewall'))[0];
    if (name === undefined) return [];
    const namespace = join(runs, 'firewall', name);
    return readdirSync(namespace)
      .filter((name) => name.length === 36)
      .map((name) => join(namespace, name));
  };
  return {
    ...bed,
    state,
    start,
    drive: (verb, ...args) => finished(start(verb, ...args)),
    rules: (text) => {
      const file = join(folder, `${randomBytes(4).toString('hex')}.nft`);
      writeFileSync(file, text);
      return file;
    },
    open: async () => {
      const answers = await Promise.all(
        [1001, 1002, 1003].map((port) =>
          bed.run('python3', ['-c', `import socket; socket.create_connection(("10.77.0.1", ${port}), 0.4)`]),
        ),
      );
      return ['1', '2', '3'].filter((_, i) => answers[i]?.code === 0).join('');
    },
    others: () => nft('list', 'table', 'inet', 'filter') + nft('list', 'table', 'ip', 'nat'),
    // One listing: between two the table may go.
    own: () => /^table inet quietdoor \{[\s\S]*?^\}/m.exec(nft('-s', 'list', 'ruleset'))?.[0] ?? '',
    folder: () => {
      const all = runFolders();
      assert.equal(all.length, 1);
      return all[0] as string;
    },
    runs: runFolders,
    events: async () => {
      await using store = await openStore({ dir: state, mode: 'read' });
      const events = await store.events({ limit: 100 });
      return events
        .map(
          (e) => `${e.type.replace('firewall.', '')}${typeof e.body.because === 'string' ? `: ${e.body.because}` : ''}`,
        )
        .reverse();
    },
  };
}

/** Waits without a pause: what is waited for may be there for a millisecond only. Gives up in silence. */
async function untilSoon(is: () => boolean): Promise<void> {
  for (const end = Date.now() + 15_000; Date.now() < end && !is(); ) await new Promise(setImmediate);
}

async function until(what: string, is: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(50)) if (await is()) return;
  assert.fail(`it never came to this: ${what}`);
}

test('rules that nobody confirms are taken back by themselves', { skip }, async (t) => {
  const bed = await bedFor(t);
  const others = bed.others();
  assert.equal(await bed.open(), '123');
  const applied = await bed.drive('apply', bed.rules(allow('1002')), '8');
  assert.equal(applied.code, 0, applied.stderr);
  assert.equal(await bed.open(), '2');
  assert.equal(bed.others(), others);
  const second = await bed.drive('apply', bed.rules(allow('1003')), '8');
  assert.equal(second.code, 2);
  assert.match(second.stderr, /not confirmed yet/);
  await until('rolled back', () => existsSync(join(bed.folder(), 'rolled-back')));
  assert.equal(await bed.open(), '123');
  assert.equal(bed.own(), '');
  assert.equal(bed.others(), others);
  assert.deepEqual(await bed.events(), ['applied']);
  const late = await bed.drive('confirm');
  assert.match(late.stderr, /taken back: they were not confirmed in time/);
  assert.deepEqual(await bed.events(), ['applied', 'rolled-back: they were not confirmed in time']);
  await bed.drive('settle');
  assert.equal((await bed.events()).length, 2);
});

test('confirmed rules stay, and the next ones go back to them', { skip }, async (t) => {
  const bed = await bedFor(t);
  assert.equal((await bed.drive('apply', bed.rules(allow('1002')), '6')).code, 0);
  const confirmed = await bed.drive('confirm');
  assert.equal(confirmed.code, 0, confirmed.stderr);
  const kept = bed.own();
  await sleep(6_500);
  assert.equal(await bed.open(), '2');
  assert.equal(bed.own(), kept);
  assert.equal((await bed.drive('apply', bed.rules(allow('1003, 1001')), '60')).code, 0);
  assert.equal(await bed.open(), '13');
  const back = await bed.drive('rollback');
  assert.equal(back.code, 0, back.stderr);
  assert.equal(await bed.open(), '2');
  assert.equal(bed.own(), kept);
  assert.equal((await bed.drive('rollback')).code, 2, 'nothing before the newest is taken back twice');
  assert.deepEqual(await bed.events(), ['applied', 'confirmed', 'applied', 'rolled-back: user:test asked for it']);
});

test('confirmed rules can be taken back too', { skip }, async (t) => {
  const bed = await bedFor(t);
  assert.equal((await bed.drive('apply', bed.rules(allow('1002')), '60')).code, 0);
  assert.equal((await bed.drive('confirm')).code, 0);
  assert.equal((await bed.drive('rollback')).code, 0);
  assert.equal(await bed.open(), '123');
  assert.deepEqual(await bed.events(), ['applied', 'confirmed', 'rolled-back: user:test asked for it']);
});

test('whenever apply is killed, the machine ends with the old rules', { skip }, async (t) => {
  const bed = await bedFor(t);
  const others = bed.others();
  const rules = bed.rules(allow('1002'));
  let loaded = 0;
  // The moment at which something comes to be, and a few moments between.
  for (const moment of ['run.json', 'ready', 'armed', 'loaded', 150, 250, 350]) {
    const known = bed.runs();
    const child = bed.start('apply', rules, '1');
    const ended = finished(child);
    if (typeof moment === 'number') await sleep(moment);
    else await untilSoon(() => bed.runs().some((run) => !known.includes(run) && existsSync(join(run, moment))));
    child.kill('SIGKILL');
    await ended;
    await sleep(30);
    if (bed.own() !== '') loaded++;
    await until(`old rules after a kill at ${moment}`, () => bed.own() === '', 10_000);
    // A moment later too: no guard comes late.
    await sleep(200);
    assert.equal(bed.own(), '');
    const settled = await bed.drive('settle');
    assert.equal(settled.code, 0, settled.stderr);
  }
  assert.ok(loaded > 0, 'at least once it was killed after it had loaded');
  assert.equal(bed.others(), others);
  assert.equal(await bed.open(), '123');
  const events = await bed.events();
  assert.equal(events.filter((e) => e === 'applied').length, events.filter((e) => e.startsWith('rolled-back')).length);
});

test('where the guard is killed too, the next command takes the rules back', { skip }, async (t) => {
  const bed = await bedFor(t);
  assert.equal((await bed.drive('apply', bed.rules(allow('1002')), '600')).code, 0);
  process.kill(Number(readFileSync(join(bed.folder(), 'guard.pid'), 'utf8')), 'SIGKILL');
  await sleep(100);
  assert.equal(await bed.open(), '2');
  const settled = await bed.drive('settle');
  assert.equal(settled.code, 0, settled.stderr);
  assert.equal(await bed.open(), '123');
  assert.deepEqual(await bed.events(), ['applied', 'rolled-back: their guard had ended']);
});

test('a guard whose folder is gone takes the rules back all the same', { skip }, async (t) => {
  const bed = await bedFor(t);
  assert.equal((await bed.drive('apply', bed.rules(allow('1002')), '3')).code, 0);
  rmSync(bed.folder(), { recursive: true });
  await until('old rules', () => bed.own() === '');
});

test('rules that nft refuses change nothing', { skip }, async (t) => {
  const bed = await bedFor(t);
  for (const [text, why] of [
    ['table inet quietdoor { chain input { nonsense } }', /would not load the rules/],
    ['flush ruleset\n', /something else than table/],
    ['table inet quietdoor { }\ntable inet filter { chain input { accept; } }', /something else than table/],
  ] as const) {
    const { code, stderr } = await bed.drive('apply', bed.rules(text), '60');
    assert.equal(code, 2);
    assert.match(stderr, why);
  }
  assert.equal(await bed.open(), '123');
  assert.equal(bed.own(), '');
});

test('two that apply at once: one of them wins', { skip }, async (t) => {
  const bed = await bedFor(t);
  const results = await Promise.all([1, 2, 3].map(() => bed.drive('apply', bed.rules(allow('1002')), '60')));
  assert.deepEqual(results.map((r) => r.code).sort(), [0, 2, 2]);
  assert.equal((await bed.drive('rollback')).code, 0);
});

test('replacing leaves no gap: a port of both is never refused, one of neither never let in', { skip }, async (t) => {
  const bed = await bedFor(t);
  assert.equal((await bed.drive('apply', bed.rules(allow('1002')), '60')).code, 0);
  assert.equal((await bed.drive('confirm')).code, 0);
  const probe = bed.run('python3', ['-c', PROBE]);
  await sleep(500);
  for (const ports of ['1002, 1003', '1002']) {
    assert.equal((await bed.drive('apply', bed.rules(allow(ports)), '60')).code, 0);
    assert.equal((await bed.drive('confirm')).code, 0);
  }
  assert.equal((await bed.drive('apply', bed.rules(allow('1002, 1003')), '60')).code, 0);
  assert.equal((await bed.drive('rollback')).code, 0);
  const { stdout, stderr } = await probe;
  const [good, bad, leaked] = stdout.trim().split(' ').map(Number);
  assert.ok((good ?? 0) > 200, `${stdout}${stderr}`);
  assert.deepEqual([bad, leaked], [0, 0]);
});

/** Connects to 1002 and 1001 without a pause for a while: how often 1002 answered, did not, and how often 1001 did. */
const PROBE = `
import socket, time
good = bad = leaked = 0
end = time.time() + 5
while time.time() < end:
    try: socket.create_connection(("10.77.0.1", 1002), 0.5).close(); good += 1
    except OSError: bad += 1
    s = socket.socket(); s.settimeout(0.005)
    try: s.connect(("10.77.0.1", 1001)); leaked += 1
    except OSError: pass
    s.close()
print(good, bad, leaked)
`;
