import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import manifest from '../package.json' with { type: 'json' };
import { commands } from '../src/cli/commands/index.ts';
import { asNobody, executable, quietdoor, temporaryFolder } from './run-quietdoor.ts';

const skip = process.getuid?.() === 0 ? false : 'needs root';

test('--version prints the version, and nothing else', async () => {
  assert.deepEqual(await quietdoor(['--version']), { code: 0, stdout: `${manifest.version}\n`, stderr: '' });
});

test('no command prints the help', async () => {
  const { code, stdout } = await quietdoor([]);
  assert.equal(code, 0);
  for (const name of Object.keys(commands)) assert.match(stdout, new RegExp(`^  ${name}\\b`, 'm'));
});

test('every help has examples and the exit codes', async () => {
  for (const name of Object.keys(commands)) {
    const { code, stdout } = await quietdoor([...(name === 'config' ? ['config', 'show'] : [name]), '--help']);
    assert.equal(code, 0, name);
    assert.match(stdout, /^Exit codes:$/m, name);
    assert.match(stdout, /^Examples:$/m, name);
  }
});

const misuse: readonly { name: string; args: readonly string[]; says: RegExp }[] = [
  { name: 'unknown command', args: ['chek'], says: /unknown command 'chek'[\s\S]*Did you mean check/ },
  { name: 'unknown option', args: ['check', '--fail-onn', 'high'], says: /unknown option[\s\S]*--fail-on/ },
  { name: 'unknown format', args: ['check', '--format', 'pdf'], says: /Allowed choices are table, json/ },
  { name: 'unknown severity', args: ['check', '--fail-on', 'severe'], says: /Allowed choices are info/ },
  { name: 'no workspace', args: ['check'], says: /no workspace here[\s\S]*quietdoor init/ },
  { name: 'workspace that is none', args: ['check', '-w', '/'], says: /is no workspace[\s\S]*quietdoor init/ },
  { name: 'workspace that is not there', args: ['check', '-w', '/no/such/folder'], says: /there is no folder/ },
  {
    name: 'unknown rule',
    args: ['explain', 'wrong-proces'],
    says: /neither HOST:PORT nor the id of a rule[\s\S]*wrong-process/,
  },
  { name: 'port out of range', args: ['explain', 'db-1:70000'], says: /names no port: 70000[\s\S]*1 to 65535/ },
  { name: 'unknown event type', args: ['events', '--type', 'opened'], says: /no event type "opened"/ },
  { name: 'missing argument', args: ['explain'], says: /missing required argument/ },
  {
    name: 'targets, or a misspelt verb, after scan',
    args: ['scan', 'db-1'],
    says: /"db-1" is not understood[\s\S]*quietdoor scan network db-1\n[\s\S]*quietdoor scan ssh db-1\n/,
  },
  {
    name: 'an option of nmap without nmap',
    args: ['scan', 'network', '127.0.0.1', '-p', '1', '--no-record', '--nmap-option=-O'],
    says: /--nmap-option is for nmap[\s\S]*--engine nmap/,
  },
  { name: 'unknown shell', args: ['completion', 'tcsh'], says: /no completion for the shell "tcsh"/ },
];

for (const { name, args, says } of misuse)
  test(`${name}: exit 2, one clear message, nothing on stdout`, async () => {
    const { code, stdout, stderr } = await quietdoor(args);
    assert.equal(stdout, '');
    assert.match(stderr, says);
    assert.doesNotMatch(stderr, /\n\s+at /, 'no stack');
    assert.equal(code, 2);
  });

test('scan --no-record gives the JSON that other tools rely on', async () => {
  const { code, stdout } = await quietdoor(['scan', '--no-record', '--no-hashes', '--format', 'json']);
  assert.ok(code === 0 || code === 3, `exit ${code}`);
  const json = JSON.parse(stdout);
  assert.deepEqual(Object.keys(json), ['schemaVersion', 'observation', 'listeners', 'gaps']);
  assert.equal(json.observation.collector, 'local');
  for (const l of json.listeners) {
    for (const key of ['host', 'scope', 'transport', 'address', 'bind']) assert.equal(typeof l[key], 'string', key);
    assert.equal(typeof l.port, 'number');
    assert.ok(l.process === null || typeof l.process.pid === 'number');
  }
});

test('from nothing to a report: init, scan, draft, lint, fill in, approve, check, explain, events, report', async (t) => {
  const folder = temporaryFolder(t);
  const ports = join(folder, 'ports');
  const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    quietdoor(args, { cwd: ports, env: { QUIETDOOR_HOST: 'vm-1', ...env } });

  assert.equal((await quietdoor(['init', 'ports', '--name', 'Example'], { cwd: folder })).code, 0);
  assert.ok(existsSync(join(ports, 'quietdoor.yaml')));
  assert.equal((await quietdoor(['init', 'ports'], { cwd: folder })).code, 0, 'init again changes nothing');

  const early = await run(['register', 'draft']);
  assert.equal(early.code, 2);
  assert.match(early.stderr, /nothing was observed yet/);

  // A listener of our own, so that there is one on every machine.
  const { createServer } = await import('node:net');
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };

  const scan = await run(['scan', '--format', 'json']);
  assert.ok(scan.code === 0 || scan.code === 3, scan.stderr);
  assert.ok(JSON.parse(scan.stdout).listeners.some((l: { port: number }) => l.port === port));

  const unregistered = await run(['check', '--format', 'json']);
  assert.equal(unregistered.code, 1, unregistered.stderr);
  assert.ok(JSON.parse(unregistered.stdout).findings.some((f: { rule: string }) => f.rule === 'unregistered-listener'));

  const draft = await run(['register', 'draft']);
  assert.equal(draft.code, 0, draft.stderr);
  const drafts = join(ports, 'register/drafts.yaml');
  const drafted = readFileSync(drafts, 'utf8');
  assert.equal((await run(['register', 'draft'])).code, 0);
  assert.equal(readFileSync(drafts, 'utf8'), drafted, 'a second draft adds nothing twice');

  const list = await run(['register', 'list', '--format', 'json']);
  assert.equal(list.code, 0, list.stderr);
  const explain = await run(['explain', `:${port}`]);
  assert.equal(explain.code, 1, explain.stderr);
  assert.match(explain.stdout, /DEVIATES/);

  const events = await run(['events', `vm-1:${port}/tcp`, '--type', 'listener.opened', '--format', 'jsonl']);
  assert.ok(events.stdout.includes(`vm-1:${port}/tcp`), events.stderr);

  const epoch = { SOURCE_DATE_EPOCH: '1795219200' };
  const first = await run(['report', '-o', 'a.html'], epoch);
  assert.equal(first.code, 0, first.stderr);
  assert.match(readFileSync(join(ports, 'a.html'), 'utf8'), /^<!doctype html>/i);

  writeFileSync(join(ports, 'register/broken.yaml'), 'ports:\n  - id: x\n    port: 70000\n    hosts: [vm-1]\n');
  const broken = await run(['check', '--format', 'json']);
  assert.equal(broken.code, 2);
  assert.ok(JSON.parse(broken.stdout).findings.length > 0, 'the valid rest is still checked');
  const lint = await run(['register', 'lint']);
  assert.equal(lint.code, 1);
  assert.match(lint.stdout, /register\/broken\.yaml:3:\d+/);
});

test('the same facts give the same bytes of a report', async (t) => {
  const folder = temporaryFolder(t);
  const run = (args: readonly string[]) => quietdoor(args, { cwd: folder, env: { SOURCE_DATE_EPOCH: '1795219200' } });
  assert.equal((await run(['init', '.'])).code, 0);
  await run(['scan', '--quiet']);
  // Findings are dated by the first check; events that a report itself makes are no part of the facts it shows.
  await run(['check', '--quiet']);
  await run(['report', '-o', 'a.html']);
  await run(['report', '-o', 'b.html']);
  assert.equal(readFileSync(join(folder, 'a.html'), 'utf8'), readFileSync(join(folder, 'b.html'), 'utf8'));
});

test('quickstart twice: exit 0, and what a person edited stays', async (t) => {
  const folder = temporaryFolder(t);
  const first = await quietdoor(['quickstart', '-w', 'here'], { cwd: folder });
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /here\/report\.html/);
  assert.equal(first.stdout.match(/^ {2}\S*quietdoor\S* /gm)?.length, 3, 'three commands to try');
  const config = join(folder, 'here/quietdoor.yaml');
  writeFileSync(config, `${readFileSync(config, 'utf8')}# a note of mine\n`);
  const drafts = join(folder, 'here/register/drafts.yaml');
  if (existsSync(drafts)) writeFileSync(drafts, `# my comment\n${readFileSync(drafts, 'utf8')}`);
  const second = await quietdoor(['quickstart', '-w', 'here'], { cwd: folder });
  assert.equal(second.code, 0, second.stderr);
  assert.match(readFileSync(config, 'utf8'), /# a note of mine\n$/);
  if (existsSync(drafts)) assert.match(readFileSync(drafts, 'utf8'), /^# my comment\n/);
});

test('--output writes into devices and pipes, follows links, and replaces no such thing', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const [device, target, link] = ['device', 'target', 'link'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  execFileSync('mknod', [device, 'c', '1', '3']);
  writeFileSync(target, 'before');
  symlinkSync(target, link);
  for (const output of [device, link]) {
    const { code, stderr } = await quietdoor(['scan', '--no-record', '--no-hashes', '--output', output], {
      cwd: folder,
    });
    assert.ok(code === 0 || code === 3, stderr);
  }
  assert.ok(lstatSync(device).isCharacterDevice());
  assert.ok(lstatSync(link).isSymbolicLink());
  assert.notEqual(readFileSync(target, 'utf8'), 'before');
});

test('a reader that closes the pipe early is no failure', async () => {
  const { stderr } = await new Promise<{ stderr: string }>((done) => {
    const child = spawn('sh', [
      '-c',
      `"$0" "$1" scan --no-record --no-hashes --format json | head -c 10`,
      process.execPath,
      executable,
    ]);
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdout.resume();
    child.on('close', () => done({ stderr }));
  });
  assert.equal(stderr, '');
});

test('a check without any observation is a gap, not clean', async (t) => {
  const folder = temporaryFolder(t);
  await quietdoor(['init', '.', '--quiet'], { cwd: folder });
  const { code, stdout } = await quietdoor(['check'], { cwd: folder });
  assert.equal(code, 3);
  assert.match(stdout, /No host was observed/);
});

test('a store that may not be read is said, never taken for an empty one', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  await quietdoor(['init', '.', '--quiet'], { cwd: folder });
  await quietdoor(['scan', '--quiet', '--no-hashes'], { cwd: folder });
  for (const name of ['.', 'quietdoor.yaml', 'exceptions.yaml', 'register']) chmodSync(join(folder, name), 0o755);
  for (const args of [['check'], ['events'], ['explain', ':22']]) {
    const { code, stderr } = await asNobody(args, folder);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, /cannot be read/);
  }
});

test('a part of the register that breaks resolves nothing', async (t) => {
  const folder = temporaryFolder(t);
  await quietdoor(['init', '.', '--quiet'], { cwd: folder });
  await quietdoor(['scan', '--quiet', '--no-hashes'], { cwd: folder });
  writeFileSync(join(folder, 'register/a.yaml'), 'ports:\n  - id: a\n    hosts: ["*"]\n    port: 7\n');
  await quietdoor(['check'], { cwd: folder });
  writeFileSync(join(folder, 'register/a.yaml'), 'ports:\n  - id: a\n    hosts: ["*\n    port: 7\n');
  const { stdout } = await quietdoor(['check'], { cwd: folder });
  assert.doesNotMatch(stdout, /resolved/);
});

test('completion scripts name every command', async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await quietdoor(['completion', shell]);
    assert.equal(code, 0);
    for (const name of Object.keys(commands)) assert.ok(stdout.includes(name), `${shell}: ${name}`);
  }
});

const noTmpfs = spawnSync('unshare', ['-m', 'true']).status === 0 ? false : 'needs root and unshare';

test('doctor on a full disk says so and leaves nothing there', { skip: noTmpfs }, async (t) => {
  const folder = temporaryFolder(t);
  const workspace = temporaryFolder(t);
  await quietdoor(['init', workspace]);
  const script = `mount -t tmpfs -o size=64k t "$0" && dd if=/dev/zero of="$0/fill" bs=4k 2>/dev/null
    "$1" "$2" doctor --state "$0"; ls -A "$0"`;
  const { stdout } = spawnSync('unshare', ['-m', 'sh', '-c', script, folder, process.execPath, executable], {
    encoding: 'utf8',
    cwd: workspace,
  });
  assert.match(stdout, /state +ENOSPC/);
  assert.match(stdout, /\nfill\n$/);
  assert.doesNotMatch(stdout, /\.probe/);
});
