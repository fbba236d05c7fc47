import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { quietdoor, temporaryFolder } from './run-quietdoor.ts';

const FIXTURES = resolve(import.meta.dirname, '../fixtures/inventories');

async function workspace(t: TestContext): Promise<string> {
  const cwd = temporaryFolder(t);
  await quietdoor(['init'], { cwd });
  return cwd;
}

test('inventories are imported, listed beside what was observed, replaced and dropped', async (t) => {
  const cwd = await workspace(t);
  copyFileSync(join(FIXTURES, 'terraform/show.json'), join(cwd, 'show.json'));
  copyFileSync(join(FIXTURES, 'ansible/inventory.ini'), join(cwd, 'inventory.ini'));
  const first = await quietdoor(['assets', 'import', 'show.json', 'inventory.ini'], { cwd });
  assert.equal(first.code, 0, first.stderr);
  assert.equal(
    first.stdout,
    'show.json: 2 assets (terraform): 2 new, 0 changed, 0 gone\ninventory.ini: 4 assets (ansible): 4 new, 0 changed, 0 gone\n',
  );

  const me = `name,ip,owner\n${'this-host'},,team-here\n`;
  writeFileSync(join(cwd, 'cmdb.csv'), me);
  await quietdoor(['assets', 'import', 'cmdb.csv', '--source', 'CMDB'], { cwd });
  const scan = await quietdoor(['scan', '--no-hashes', '-q'], { cwd, env: { QUIETDOOR_HOST: 'THIS-HOST' } });
  assert.notEqual(scan.code, 2, scan.stderr);
  const listed = JSON.parse((await quietdoor(['assets', 'list', '-f', 'json'], { cwd })).stdout);
  const own = listed.assets.find(({ name }: { name: string }) => name === 'this-host');
  assert.deepEqual(own.hosts, ['THIS-HOST']);
  assert.match(own.lastObserved, /^\d{4}-/);
  assert.equal(listed.assets.length, 7);

  const { stdout } = await quietdoor(['check', '-f', 'json'], { cwd });
  const subjects = (rule: string) =>
    (JSON.parse(stdout).findings as { rule: string; subject: { host?: string } }[])
      .filter((finding) => finding.rule === rule)
      .map(({ subject }) => subject.host);
  assert.deepEqual(subjects('unknown-asset'), []);
  assert.ok(subjects('uncovered-asset').includes('pg'));
  assert.ok(!subjects('uncovered-asset').includes('THIS-HOST'));

  const drafted = await quietdoor(['register', 'draft', '--print'], { cwd });
  if (drafted.stdout !== '') assert.match(drafted.stdout, /owner: team-here/);

  const explained = await quietdoor(['explain', ':1'], { cwd, env: { QUIETDOOR_HOST: 'THIS-HOST' } });
  assert.match(explained.stdout, /INVENTORY this-host, by CMDB: owner team-here$/m);
  const json = await quietdoor(['explain', ':1', '-f', 'json'], { cwd, env: { QUIETDOOR_HOST: 'THIS-HOST' } });
  assert.deepEqual(
    JSON.parse(json.stdout).assets.map(({ name }: { name: string }) => name),
    ['this-host'],
  );

  writeFileSync(join(cwd, 'inventory.ini'), '[db]\npg ansible_host=10.6.0.6\n');
  const again = await quietdoor(['assets', 'import', 'inventory.ini'], { cwd });
  assert.equal(again.stdout, 'inventory.ini: 1 assets (ansible): 0 new, 1 changed, 3 gone\n');
  const dropped = await quietdoor(['assets', 'drop', 'inventory.ini'], { cwd });
  assert.equal(dropped.code, 0);
  assert.match((await quietdoor(['assets', 'drop', 'inventory.ini'], { cwd })).stderr, /Sources: CMDB, show\.json/);
});

test('what cannot be read is reported with its place, and the rest is used', async (t) => {
  const cwd = await workspace(t);
  const whole = readFileSync(join(FIXTURES, 'netbox/devices.json'), 'utf8');
  writeFileSync(join(cwd, 'devices.json'), whole.slice(0, whole.indexOf('"patch-7"')));
  const cut = await quietdoor(['assets', 'import', 'devices.json'], { cwd });
  assert.equal(cut.code, 3, cut.stderr);
  assert.match(cut.stdout, /^devices\.json: 1 assets \(netbox\)/);
  assert.match(cut.stderr, /^devices\.json:\d+:\d+: the JSON ends before it is complete$/m);

  writeFileSync(join(cwd, 'devices.json'), '{"results": [');
  const nothing = await quietdoor(['assets', 'import', 'devices.json', '--as', 'netbox'], { cwd });
  assert.equal(nothing.code, 2);
  assert.match(nothing.stderr, /What was imported before is kept/);
  assert.match((await quietdoor(['assets'], { cwd })).stdout, /^1 asset in 1 list/);
});

test('a file of no known format, a column that is missing and a wrong mapping are told', async (t) => {
  const cwd = await workspace(t);
  writeFileSync(join(cwd, 'x'), 'hello\n');
  writeFileSync(join(cwd, 'y.csv'), 'Name;IP\na;10.0.0.1\n');
  for (const [args, want] of [
    [['x'], /of no format that is known/],
    [['gone.csv'], /gone\.csv cannot be read/],
    [['y.csv', '--map', 'name=Namen'], /has no column "Namen"/],
    [['y.csv', '--map', 'nam=Name'], /expected FIELD=COLUMN/],
  ] as const) {
    const { code, stderr } = await quietdoor(['assets', 'import', ...args], { cwd });
    assert.equal(code, 2);
    assert.match(stderr, want);
  }
});
