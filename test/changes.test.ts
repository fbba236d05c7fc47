import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { quietdoor, temporaryFolder } from './run-quietdoor.ts';

/** Tickets from the import to the finding, through the program, the store and the history of the register. */

const HEADER = '# ss -tulpn\nNetid State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\n';
const listen = (port: number) => `tcp   LISTEN 0 5 127.0.0.1:${port} 0.0.0.0:* users:(("x",pid=${port},fd=3))\n`;
const entry = (change: string, purpose: string) => `ports:
  - id: pg
    service: postgresql
    purpose: ${purpose}
    owner: team
    hosts: [db-1]
    port: 5432
    bind: loopback
    sources: []
    change: ${change}
`;

test('a change is put beside its ticket, from the import to the finding', async (t) => {
  const cwd = temporaryFolder(t);
  const run = async (...args: string[]) => {
    const done = await quietdoor(args, { cwd });
    assert.notEqual(done.code, 2, done.stderr);
    return done;
  };
  const findings = async () => {
    const { stdout } = await run('check', '--format', 'json');
    const all = (JSON.parse(stdout) as { findings: { rule: string; severity: string; message: string }[] }).findings;
    return all.filter((f) => f.rule.includes('ticket')).map((f) => `${f.severity} ${f.message.split(' at 20')[0]}`);
  };
  const hour = (n: number) => new Date(Date.now() - n * 3_600_000).toISOString();
  const tickets = (items: object[]) => {
    writeFileSync(join(cwd, 'tickets.json'), JSON.stringify(items));
    return run('changes', 'import', 'tickets.json', '--covers', `${hour(200).slice(0, 10)}..`);
  };

  writeFileSync(
    join(cwd, 'quietdoor.yaml'),
    'name: test\nowners: { team: team@example.org }\npolicy: { ticketWindow: 1h }\n',
  );
  mkdirSync(join(cwd, 'register'));
  writeFileSync(join(cwd, 'register', 'ports.yaml'), entry('OPS-7', 'Orders database'));
  const looks = [
    [100, [22]],
    [50, [22, 5432, 8443]],
    [10, [5432, 8443]],
  ] as const;
  for (const [ago, ports] of looks) {
    writeFileSync(join(cwd, 'ss.txt'), HEADER + ports.map(listen).join(''));
    await run('import', 'ss.txt', '--host', 'db-1', '--at', hour(ago));
  }
  await run('check');
  assert.deepEqual(await findings(), [], 'without tickets nothing is said of them');

  // 5432 is named by the entry, 8443 by host and port in a window between the looks; nobody named the close of 22.
  await tickets([
    { id: 'OPS-7', status: 'done', from: hour(70), to: hour(60) },
    { id: 'OPS-8', status: 'done', host: 'db-1', port: '8443/tcp', from: hour(80), to: hour(79) },
    { id: 'OPS-9', status: 'done', host: 'db-1', port: '9999/tcp', from: hour(80), to: hour(79) },
  ]);
  const expected = [
    'low OPS-9 allowed a change of db-1, port 9999/tcp, and nothing changed there in its window (',
    'low db-1:22/tcp was seen to have closed',
  ];
  const starts = (found: readonly string[]) =>
    found.map((text) => expected.find((one) => text.startsWith(one)) ?? text).sort();
  assert.deepEqual(starts(await findings()), expected);

  // What a ticket allowed is said where the change is, and a close that none allowed is a finding of that port.
  const explained = async (port: string) => (await run('explain', port)).stdout;
  assert.match(await explained('db-1:8443'), /opened on 127\.0\.0\.1.*, as OPS-8 allowed/);
  assert.match(await explained('db-1:22'), /change-without-ticket\s+db-1:22\/tcp was seen to have closed/);

  // The meaning of the entry changes; the first check writes it down, the next one puts it beside the tickets.
  writeFileSync(join(cwd, 'register', 'ports.yaml'), entry('OPS-7', 'Something else'));
  await run('check');
  assert.deepEqual(starts(await findings()), expected, 'the export ends before the change, so it says nothing of it');
  await tickets([{ id: 'OPS-7', status: 'done', from: hour(70), to: hour(60) }]);
  const after = await findings();
  assert.ok(after.includes('medium The register entry pg was changed, as seen'), after.join('\n'));
  await tickets([{ id: 'OPS-7', status: 'done', from: hour(1), to: hour(0) }]);
  assert.ok(!(await findings()).some((text) => text.includes('entry pg')));

  const listed = JSON.parse((await run('changes', '--format', 'json')).stdout);
  assert.deepEqual(
    listed.lists.map((l: { source: string; tickets: { id: string }[] }) => [l.source, l.tickets.map((x) => x.id)]),
    [['tickets.json', ['OPS-7']]],
  );
  await run('changes', 'drop', 'tickets.json');
  assert.deepEqual(await findings(), []);
});

test('a file of no known format, a wrong zone or mapping records nothing and says what to do', async (t) => {
  const cwd = temporaryFolder(t);
  writeFileSync(join(cwd, 'quietdoor.yaml'), 'name: test\n');
  writeFileSync(join(cwd, 'x.bin'), 'nothing of the kind');
  writeFileSync(join(cwd, 'x.csv'), 'id,status\n1,done\n');
  const cases: [args: string[], message: RegExp][] = [
    [['x.bin'], /no format that is known/],
    [['x.csv', '--time-zone', 'Mars/Base'], /no time zone/],
    [['x.csv', '--map', 'nope=x'], /expected FIELD=COLUMN/],
    [['x.csv', '--map', 'id=Nope'], /no column "Nope"/],
    [['x.csv', '--covers', '2026-09-30..2026-09-01'], /ends before it begins/],
    [['missing.csv'], /cannot be read/],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await quietdoor(['changes', 'import', ...args], { cwd });
    assert.deepEqual([code, message.test(stderr)], [2, true], stderr);
  }
});
