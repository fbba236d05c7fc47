import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FirewallPlan } from '../src/reports/firewall-plan.ts';
import { createTestbed, type NetworkTestbed, whyNoTestbed } from './network-testbed.ts';
import { executable, quietdoor, type Run, temporaryFolder } from './run-quietdoor.ts';

const skip = whyNoTestbed();

const SSH = `
  - id: ssh
    service: ssh
    purpose: administration
    owner: ops
    hosts: [box]
    port: 22
    sources: [10.77.1.0/24]
`;
const WEB = `
  - id: web
    service: http
    purpose: the web
    owner: ops
    hosts: [box]
    port: 1002
    sources: [10.0.0.0/8]
`;

/** Rules of another tool: they go on to apply, whatever is approved. */
const OTHERS = `table inet filter {
  chain input {
    type filter hook input priority 10; policy accept;
    tcp dport 1002 ip saddr 10.9.0.0/16 drop
  }
}
`;

interface Bed extends NetworkTestbed {
  readonly workspace: string;
  /** The product in the target, about the workspace. */
  here(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Run>;
  plan(...args: string[]): Promise<FirewallPlan>;
  nft(...args: string[]): string;
  /** Whether a real connect reaches a port of the target. */
  reaches(port: number): Promise<boolean>;
}

async function bedFor(t: TestContext, entries: string): Promise<Bed> {
  const bed = await createTestbed();
  const folder = temporaryFolder(t);
  const workspace = join(folder, 'ws');
  const runs = join(folder, 'run');
  assert.equal((await quietdoor(['init', workspace])).code, 0);
  writeFileSync(join(workspace, 'register/box.yaml'), `ports:${entries}`);
  const ids = [...entries.matchAll(/id: (\w+)/g)].map(([, id]) => id as string);
  const approved = await quietdoor(['register', 'approve', ...ids, '--by', 'a@example.org'], { cwd: workspace });
  assert.equal(approved.code, 0, approved.stderr);
  bed.filter(OTHERS);
  await bed.listen([22, 1001, 1002]);
  const here: Bed['here'] = (args, env = {}) =>
    bed.inTarget('env', [
      ...['-C', workspace, `QUIETDOOR_RUN=${runs}`, 'QUIETDOOR_HOST=box'],
      ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
      ...[process.execPath, executable, ...args],
    ]);
  t.after(async () => {
    const all = join(runs, 'firewall');
    if (existsSync(all))
      for (const file of readdirSync(all, { recursive: true, encoding: 'utf8' }))
        if (file.endsWith('guard.pid'))
          try {
            const pid = Number(readFileSync(join(all, file), 'utf8'));
            if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(runs)) process.kill(pid, 'SIGKILL');
          } catch {
            // no guard any more
          }
    await bed.close();
  });
  return {
    ...bed,
    ...{ workspace, here },
    plan: async (...args) => {
      const { stdout, stderr } = await here(['firewall', 'plan', '--include', 'claimed', '-f', 'json', ...args]);
      assert.match(stdout, /^\{/, stderr);
      return JSON.parse(stdout) as FirewallPlan;
    },
    nft: (...args) => execFileSync('ip', ['netns', 'exec', bed.target, 'nft', ...args], { encoding: 'utf8' }),
    reaches: async (port) =>
      (await bed.run('python3', ['-c', `import socket; socket.create_connection(("10.77.0.1", ${port}), 0.4)`]))
        .code === 0,
  };
}

const short = ({ digest }: FirewallPlan) => digest.slice('sha256:'.length, 'sha256:'.length + 12);
const APPLY = ['firewall', 'apply', '--yes', '--include', 'claimed'];

test('a plan says who gains and loses access, what is cut, and what others go on to block', { skip }, async (t) => {
  const bed = await bedFor(t, SSH + WEB);
  const server = spawn('ip', ['netns', 'exec', bed.target, 'python3', '-c', SERVE(1004)]);
  t.after(() => server.kill('SIGKILL'));
  await dial(bed, 1004);
  const plan = await bed.plan();
  assert.deepEqual(plan.lockouts, []);
  assert.equal(plan.replaces, false);
  const at = (ports: string) => plan.changes.find((c) => c.transport === 'tcp' && c.ports === ports);
  assert.deepEqual(
    at('23-1001')?.lost,
    ['0.0.0.0/2', '64.0.0.0/3', '96.0.0.0/4'].concat(at('23-1001')?.lost.slice(3) ?? []),
  );
  assert.deepEqual(at('23-1001')?.listening, [1001]);
  assert.ok(plan.changes.every((c) => c.gained.length === 0 && c.undecided.length === 0));
  assert.deepEqual(at('1002')?.lost.includes('10.0.0.0/8'), false);
  assert.deepEqual(plan.cuts, [{ peer: '10.77.1.1', local: '10.77.0.1', port: 1004, certainty: 'is' }]);
  assert.deepEqual(
    plan.blocked.map((b) => [b.entry, b.port, b.sources]),
    [['web', 1002, ['10.9.0.0/16']]],
  );
  assert.match(plan.warnings.join('\n'), /The approval of ssh is only claimed/);
  const observed = await bed.plan('--mode', 'observe');
  assert.deepEqual([observed.changes, observed.cuts], [[], []]);
  const table = await bed.here(['firewall', 'plan', '--include', 'claimed']);
  assert.match(table.stdout, /tcp\/22 +loses +all of IPv4 but 10\.77\.1\.0\/24; all of IPv6/);
});

test('a plan for iptables holds beside the rules that are there, and needs none once its files are applied', {
  skip,
}, async (t) => {
  const many = Array.from({ length: 10 }, (_, i) => `10.50.0.${2 * i}`).join(', ');
  const bed = await bedFor(t, SSH + WEB.replace('10.0.0.0/8', many));
  const changesOf = ({ changes }: FirewallPlan) => changes.map((c) => `${c.transport}/${c.ports}`);
  const [nft, plan] = [await bed.plan(), await bed.plan('-t', 'iptables')];
  assert.deepEqual([plan.replaces, plan.doubts, plan.lockouts], [false, [], []]);
  assert.deepEqual(changesOf(plan), changesOf(nft));
  assert.ok(changesOf(plan).includes('tcp/23-1001'));
  assert.match((await bed.here([...APPLY, short(plan)])).stderr, /not applied by this program/);

  const folder = join(bed.workspace, 'out');
  const args = ['--host', 'box', '--include', 'claimed', '-o', folder];
  const written = await bed.here(['firewall', 'generate', '-t', 'iptables', ...args]);
  assert.equal(written.code, 0, written.stderr);
  const apply = await bed.inTarget('sh', [join(folder, 'box/apply.sh')]);
  assert.equal(apply.code, 0, apply.stderr);
  const again = await bed.plan('-t', 'iptables');
  assert.deepEqual([again.replaces, again.changes, again.doubts], [true, [], []]);
  const observed = await bed.plan('-t', 'iptables', '--mode', 'observe');
  assert.deepEqual(
    observed.changes.find((c) => c.ports === '23-1001')?.gained.length,
    plan.changes.find((c) => c.ports === '23-1001')?.lost.length,
  );

  // A table of nftables comes beside the chain: whoever is refused there is refused all the same.
  const beside = await bed.plan('--mode', 'observe');
  assert.deepEqual([beside.replaces, beside.changes], [false, []]);
  assert.match(beside.warnings.join('\n'), /Rules of ours for iptables are in force too/);
});

test('a plan names what stays open by a way that its rules do not see', { skip }, async (t) => {
  const bed = await bedFor(t, SSH);
  assert.deepEqual((await bed.plan()).open, []);
  bed.filter(`table ip published {
  chain in { type nat hook prerouting priority -100; tcp dport 8080 dnat to 172.17.0.2:80; }
}
`);
  const plan = await bed.plan();
  assert.deepEqual(
    plan.open.map(({ transport, ports }) => `${transport}/${ports}`),
    ['tcp/8080'],
  );
  assert.ok(plan.open[0]?.sources.every((cidr) => !cidr.includes(':')));
  assert.deepEqual((await bed.plan('--mode', 'observe')).open, []);
  const { stdout } = await bed.here(['firewall', 'plan', '--include', 'claimed']);
  assert.match(stdout, /Stays open all the same[^\n]*\n[^\n]*\n {2}tcp\/8080 +all of IPv4\n/);
});

test('exactly the plan that was looked at is applied, or none', { skip }, async (t) => {
  const bed = await bedFor(t, SSH + WEB);
  const plan = await bed.plan();
  bed.nft('add', 'rule', 'inet', 'filter', 'input', 'tcp', 'dport', '9', 'drop');
  const changed = await bed.here([...APPLY, short(plan)]);
  assert.equal(changed.code, 2);
  assert.match(changed.stderr, /the rules in force changed since it was made/);
  const second = await bed.plan();
  const file = join(bed.workspace, 'register/box.yaml');
  const before = readFileSync(file, 'utf8');
  writeFileSync(file, before.replace('10.77.1.0/24', '10.77.0.0/16'));
  assert.match((await bed.here([...APPLY, short(second)])).stderr, /the register changed since/);
  writeFileSync(file, before);
  const kept = join(bed.workspace, '.quietdoor/firewall-plans', `${short(second)}.json`);
  const text = readFileSync(kept, 'utf8');
  writeFileSync(kept, text.replace('policy drop', 'policy accept'));
  assert.match((await bed.here([...APPLY, short(second)])).stderr, /was changed since it was made, or is damaged/);
  writeFileSync(kept, text);
  assert.match((await bed.here([...APPLY, 'abcdef123456'])).stderr, /there is no plan/);
  assert.ok(!bed.nft('list', 'tables').includes('quietdoor'));
  const unasked = await bed.here(['firewall', 'apply', short(second)]);
  assert.match(unasked.stderr, /nothing was applied/);
  const others = bed.nft('list', 'table', 'inet', 'filter');

  const applied = await bed.here([...APPLY, short(second)]);
  assert.equal(applied.code, 0, applied.stderr);
  assert.deepEqual([await bed.reaches(22), await bed.reaches(1001), await bed.reaches(1002)], [true, false, true]);
  assert.equal(bed.nft('list', 'table', 'inet', 'filter'), others);
  const verb = await bed.here(['firewall', 'plan', '--include', 'claimed']);
  assert.match(verb.stderr, /rules that user:\w+ applied wait to be confirmed until/);
  const confirmed = await bed.here(['firewall', 'confirm']);
  assert.equal(confirmed.code, 0, confirmed.stderr);
  const now = await bed.plan();
  assert.deepEqual([now.replaces, now.changes], [true, []], 'what is in force is what is planned');
  assert.equal((await bed.here(['firewall', 'rollback'])).code, 0);
  assert.deepEqual([await bed.reaches(1001), bed.nft('list', 'tables').includes('quietdoor')], [true, false]);
  const events = await bed.here(['events', '--format', 'csv']);
  for (const type of ['applied', 'confirmed', 'rolled-back'])
    assert.match(events.stdout, new RegExp(`firewall.${type}`));
});

test('a plan that would lock out who applies it is refused', { skip }, async (t) => {
  const bed = await bedFor(t, WEB);
  const none = await bed.here(APPLY);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /An SSH server listens on port 22, and no approved entry lets anybody in/);
  const session = { SSH_CONNECTION: '10.77.1.1 50000 10.77.0.1 22' };
  assert.match((await bed.here(APPLY, session)).stderr, /You are logged in from 10\.77\.1\.1 to port 22/);
  assert.ok(!bed.nft('list', 'tables').includes('quietdoor'));
  const observe = await bed.here([...APPLY, '--mode', 'observe'], session);
  assert.equal(observe.code, 0, 'rules that only count lock out nobody');
  assert.deepEqual([await bed.reaches(22), await bed.reaches(1001)], [true, true]);
  assert.match(bed.nft('list', 'table', 'inet', 'quietdoor'), /counter packets [1-9]\d* .*not approved/);
  assert.equal((await bed.here(['firewall', 'rollback'])).code, 0);
  const meant = await bed.here([...APPLY, '--allow-lockout'], session);
  assert.equal(meant.code, 0, meant.stderr);
  assert.equal(await bed.reaches(22), false);
  assert.equal((await bed.here(['firewall', 'rollback'])).code, 0);
  assert.equal(await bed.reaches(22), true);
});

test('a login is found by the connection that an ancestor holds, and by an SSH server', { skip }, async (t) => {
  const bed = await bedFor(t, SSH.replace('10.77.1.0/24', '10.88.0.0/16') + WEB);
  // A server whose connection is passed on to what it starts, as sshd does; nothing in the environment says so.
  const found = bed.inTarget('python3', ['-c', SERVE(1009), process.execPath, executable, bed.workspace]);
  const knock = await dial(bed, 1009);
  const run = await found;
  knock.kill('SIGKILL');
  assert.match(run.stdout, /You are logged in from 10\.77\.1\.1 to port 1009 \(held by python3/);

  // The same below a server called sshd, which the asking process does not descend from.
  const named = `open('/proc/self/comm', 'w').write('sshd')
${SERVE(1010)}`;
  const server = spawn('ip', ['netns', 'exec', bed.target, 'python3', '-c', named]);
  t.after(() => server.kill('SIGKILL'));
  const client = await dial(bed, 1010);
  await sleep(300);
  const { lockouts } = await bed.plan();
  client.kill('SIGKILL');
  assert.match(lockouts.join('\n'), /A login from 10\.77\.1\.1 to port 1010 stands \(held by sshd .* may be yours/);
  assert.match(lockouts.join('\n'), /An SSH server listens on port 1010/);
});

/** Listens, takes one connection, and runs a plan while it holds it (or waits, where there is nothing to run). */
const SERVE = (port: number) => `
import os, socket, subprocess, sys, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("0.0.0.0", ${port})); s.listen(5)
c, _ = s.accept()
if len(sys.argv) < 2: time.sleep(30); sys.exit()
env = {k: v for k, v in os.environ.items() if not k.startswith("SSH_")}
env.update(QUIETDOOR_HOST="box")
print(subprocess.run([sys.argv[1], sys.argv[2], "firewall", "plan", "--include", "claimed", "-f", "json"], cwd=sys.argv[3], env=env, capture_output=True, text=True).stdout)
`;

/** A connection that is kept, as soon as somebody listens. */
async function dial(bed: Bed, port: number): Promise<ChildProcess> {
  const text = `
import socket, time
while True:
    try: c = socket.create_connection(("10.77.0.1", ${port}), 0.5); break
    except OSError: time.sleep(0.1)
print("held", flush=True)
time.sleep(60)
`;
  const child = bed.start('python3', ['-c', text]);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
}

test('confirmed rules are written where the machine loads them from, and taken away again', { skip }, async (t) => {
  const bed = await bedFor(t, SSH + WEB);
  const etc = join(temporaryFolder(t), 'etc');
  mkdirSync(join(etc, 'nftables.d'), { recursive: true });
  const main = join(etc, 'nftables.conf');
  writeFileSync(main, 'flush ruleset\ninclude "/etc/nftables.d/*.nft"\n');
  // A mount of its own, so that the machine's /etc is not written.
  const inEtc = (args: readonly string[]) =>
    bed.inTarget('unshare', [
      ...['-m', 'sh', '-c', `mount --bind ${etc} /etc && cd ${bed.workspace} && exec "$@"`, 'sh'],
      ...[
        'env',
        `QUIETDOOR_RUN=${join(etc, '..', 'run')}`,
        'QUIETDOOR_HOST=box',
        process.execPath,
        executable,
        ...args,
      ],
    ]);
  assert.equal((await inEtc(APPLY)).code, 0);
  const confirmed = await inEtc(['firewall', 'confirm', '--persist']);
  assert.equal(confirmed.code, 0, confirmed.stderr);
  const file = join(etc, 'nftables.d/quietdoor.nft');
  assert.match(confirmed.stdout, /\/etc\/nftables\.d\/quietdoor\.nft/);
  assert.deepEqual(readdirSync(join(etc, 'nftables.d')), ['quietdoor.nft']);
  // What a start does: the file alone brings the rules.
  bed.nft('flush', 'ruleset');
  assert.equal(await bed.reaches(1001), true);
  bed.nft('-f', file);
  assert.deepEqual([await bed.reaches(1001), await bed.reaches(1002)], [false, true]);
  assert.equal((await inEtc(['firewall', 'rollback'])).code, 0);
  assert.deepEqual(readdirSync(join(etc, 'nftables.d')), []);
  assert.equal(await bed.reaches(1001), true);
  writeFileSync(main, 'flush ruleset\n');
  assert.equal((await inEtc(APPLY)).code, 0);
  const nowhere = await inEtc(['firewall', 'confirm', '--persist']);
  assert.equal(nowhere.code, 2);
  assert.match(nowhere.stderr, /in force, and this machine has no place to keep them/);
});

test('narrower entries are drafted from who is connected', { skip }, async (t) => {
  const bed = await bedFor(t, SSH + WEB.replace('1002', '1004'));
  const server = spawn('ip', ['netns', 'exec', bed.target, 'python3', '-c', SERVE(1004)]);
  t.after(() => server.kill('SIGKILL'));
  await dial(bed, 1004);
  const first = await bed.here(['firewall', 'tighten', '--include', 'claimed']);
  assert.match(first.stdout, /id: web-narrower\n[\s\S]*sources: \["10\.77\.1\.1\/32"\]/);
  assert.match(first.stderr, /ssh: nobody who is approved was seen connected/);
  server.kill('SIGKILL');
  await sleep(200);
  const second = await bed.here(['firewall', 'tighten', '--include', 'claimed']);
  assert.match(second.stdout, /1 peer seen in 2 looks/, 'who was seen before is remembered');
  assert.deepEqual(readdirSync(join(bed.workspace, 'register')), ['box.yaml'], 'the register is not written');
});
