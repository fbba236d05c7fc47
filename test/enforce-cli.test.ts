import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { quietdoor, temporaryFolder } from './run-quietdoor.ts';

const ENTRIES = `ports:
  - { id: draft, purpose: p, owner: team, hosts: [db-1], port: 8080, sources: [10.9.0.0/24] }
  - { id: pg, purpose: p, owner: team, hosts: [db-1], port: 5432, sources: ["zone:app"], bind: any }
  - { id: ssh, purpose: p, owner: team, hosts: [db-1, db-2], port: 22, sources: [10.9.0.0/24, "fd00:9::/64"] }
`;

async function workspace(t: TestContext, entries: string, approve: readonly string[]): Promise<string> {
  const cwd = temporaryFolder(t);
  await quietdoor(['init'], { cwd });
  const config = readFileSync(join(cwd, 'quietdoor.yaml'), 'utf8');
  writeFileSync(
    join(cwd, 'quietdoor.yaml'),
    config.replace('zones: {}', 'zones: { app: [10.20.0.0/16] }').replace('owners: {}', 'owners: { team: {} }'),
  );
  mkdirSync(join(cwd, 'register'), { recursive: true });
  writeFileSync(join(cwd, 'register/a.yaml'), entries);
  if (approve.length > 0) {
    const { code, stderr } = await quietdoor(['register', 'approve', ...approve, '--by', 'a@example.org', '-q'], {
      cwd,
    });
    assert.equal(code, 0, stderr);
  }
  return cwd;
}

const generate = (cwd: string, ...args: string[]) => quietdoor(['firewall', 'generate', ...args], { cwd });

test('firewall generate: files of every host that an entry names, and what was left out', async (t) => {
  const cwd = await workspace(t, ENTRIES, ['pg', 'ssh']);
  const { code, stdout, stderr } = await generate(cwd, '-t', 'iptables', '--include', 'claimed', '-o', 'out');
  assert.equal(code, 0, stderr);
  const files = ['apply.sh', 'rules.v4', 'rules.v6', 'undo.sh'];
  assert.deepEqual(
    stdout.trim().split('\n'),
    ['db-1', 'db-2'].flatMap((host) => files.map((file) => `out/${host}/${file}`)),
  );
  assert.deepEqual(readdirSync(join(cwd, 'out/db-1')).sort(), files);
  assert.equal(statSync(join(cwd, 'out/db-1/apply.sh')).mode & 0o111, 0o111);
  assert.match(readFileSync(join(cwd, 'out/db-1/rules.v4'), 'utf8'), /-s 10\.20\.0\.0\/16 -p tcp -m tcp --dport 5432 /);
  assert.doesNotMatch(readFileSync(join(cwd, 'out/db-2/rules.v4'), 'utf8'), /5432/);
  assert.match(stderr, /^db-1: 2 entries, read back and verified\.$/m);
  assert.match(stderr, /^ {2}closed: entry draft, since it is a draft\.$/m);
  assert.match(stderr, /^ {2}counts although only claimed: entry pg\.$/m);
});

test('firewall generate: an entry of another host changes no file, and a file that is no more of the register is told', async (t) => {
  const cwd = await workspace(t, ENTRIES, ['pg', 'ssh']);
  for (const target of ['nftables', 'iptables', 'ansible', 'terraform']) {
    const args = ['-t', target, '--include', 'claimed'];
    writeFileSync(join(cwd, 'register/b.yaml'), 'ports: []\n');
    const before = await generate(cwd, ...args, '--host', 'db-2');
    writeFileSync(join(cwd, 'register/b.yaml'), 'ports: [{ id: other, hosts: [db-3], port: 1, sources: [] }]\n');
    const after = await generate(cwd, ...args, '--host', 'db-2');
    assert.equal(after.stdout, before.stdout, target);
    assert.notEqual(after.stderr, before.stderr, 'the register is another one');
  }
  const args = ['-t', 'nftables', '--include', 'claimed', '-o', 'out'];
  const first = await generate(cwd, ...args);
  assert.match(first.stdout, /out\/db-3\.nft/);
  assert.doesNotMatch(first.stderr, /Warning/);
  writeFileSync(join(cwd, 'out/mine.nft'), '# by hand\n');
  writeFileSync(join(cwd, 'register/b.yaml'), 'ports: []\n');
  assert.match((await generate(cwd, ...args)).stderr, /^Warning: out\/db-3\.nft was written before[^\n]*\n$/m);
  assert.doesNotMatch((await generate(cwd, ...args, '--host', 'db-1')).stderr, /Warning/);
});

test('firewall generate: closed is said of no port that the rules do not reach', async (t) => {
  const entries = `ports:
  - { id: api, purpose: p, owner: team, hosts: [db-1], scope: "pod:orders/api-*", port: 8080, sources: [10.9.0.0/24] }
  - { id: shop, purpose: p, owner: team, hosts: [db-1], scope: "container:shop", port: 8081, sources: [10.9.0.0/24] }
  - { id: web, purpose: p, owner: team, hosts: [db-1], port: 80, sources: [10.9.0.0/24] }
`;
  const cwd = await workspace(t, entries, []);
  const host = (await generate(cwd, '-t', 'nftables')).stderr;
  assert.match(host, /not covered: entry shop is about container:shop/);
  assert.match(host, /closed: entry web/);
  assert.doesNotMatch(host, /closed: entry (api|shop)/);
  const pods = (await generate(cwd, '-t', 'networkpolicy')).stderr;
  assert.match(pods, /^db-1: 0 entries/m);
  assert.match(pods, /no policy: entry api, since it is a draft; its port stays open unless/);
  assert.doesNotMatch(pods, /closed|close every port/);
});

test('firewall generate: a name that nobody knows is a mistake, and no reason to close every port', async (t) => {
  const cwd = await workspace(t, ENTRIES, []);
  const { code, stdout, stderr } = await generate(cwd, '-t', 'nftables', '--host', 'db-7');
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /no host db-7 is known, and no entry of the register is for it/);
});

test('firewall generate: without a proof nothing is approved, and that is said', async (t) => {
  const cwd = await workspace(t, ENTRIES, ['pg', 'ssh']);
  const { code, stdout, stderr } = await generate(cwd, '-t', 'iptables', '--host', 'db-2');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^==> db-2\/rules\.v6 <==$/m);
  assert.doesNotMatch(stdout, /--dport/);
  assert.match(stderr, /closed: entry ssh, since its approval is only claimed/);
  assert.match(stderr, /nothing is approved here: these rules close every port, that of SSH too/);
});

test('firewall generate: a host that a target cannot serve gets nothing, the others do', async (t) => {
  const cwd = await workspace(t, ENTRIES.replace('port: 5432,', 'port: 112, transport: raw,'), ['pg', 'ssh']);
  const { code, stderr } = await generate(cwd, '-t', 'iptables', '--include', 'claimed', '-o', 'out');
  assert.equal(code, 2);
  assert.match(stderr, /^db-1: 2 entries, refused, nothing is written\.$/m);
  assert.match(stderr, /^ {2}refused: Entry pg is about raw: rules are made and verified for tcp, udp, sctp only\.$/m);
  assert.deepEqual(readdirSync(join(cwd, 'out')), ['db-2']);
});

test('firewall generate: a register that cannot be read whole makes no rules', async (t) => {
  const cwd = await workspace(t, `${ENTRIES}  - { id: broken, port: 70000 }\n`, []);
  const { code, stderr } = await generate(cwd, '-t', 'iptables', '--host', 'db-1', '-o', 'out');
  assert.equal(code, 2);
  assert.match(stderr, /a part of the register cannot be used: register\/a\.yaml:5: /);
  assert.equal(existsSync(join(cwd, 'out')), false);
});

test('firewall generate: wrong words are refused with what is right', async (t) => {
  const cwd = await workspace(t, ENTRIES, []);
  for (const [args, message] of [
    [['-t', 'pf'], /Allowed choices are nftables, iptables, ansible, terraform, networkpolicy/],
    [['-t', 'nftables', '--mode', 'deny'], /Allowed choices are observe, log, enforce/],
    [[], /required option '-t, --target <name>' not specified/],
  ] as const) {
    const { code, stderr } = await generate(cwd, ...args);
    assert.equal(code, 2);
    assert.match(stderr, message);
  }
});
