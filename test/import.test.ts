import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { executable, quietdoor } from './run-quietdoor.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures');
const nmap = join(FIXTURES, 'imports/nmap/connect.xml');

describe('import', () => {
  let dir = '';
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'quietdoor-import-'));
    assert.equal((await quietdoor(['init', dir])).code, 0);
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  const file = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(dir, name), content);
    return name;
  };
  const run = (...args: string[]) => quietdoor(['import', ...args], { cwd: dir });

  test('records what a scan found, and closes what the next one does not', async () => {
    const xml = readFileSync(nmap, 'utf8');
    const first = await run(file('scan.xml', xml), '--format', 'csv');
    assert.deepEqual([first.code, first.stdout.split('\n').length], [0, 12]);
    assert.match(
      first.stderr,
      /^2 hosts, 10 listeners: 10 found open at a first look, 0 opened, 0 closed, 0 changed$/m,
    );
    const later = xml
      .replaceAll(/13?795319(\d{3})/g, '1795319999')
      .replace('portid="25"><state state="open"', 'portid="25"><state state="closed"');
    const second = await run(file('later.xml.gz', gzipSync(later)));
    assert.deepEqual([second.code, second.stderr], [0, '2 hosts, 9 listeners: 0 opened, 1 closed, 0 changed\n']);
    const { stdout } = await quietdoor(['events', '--format', 'csv'], { cwd: dir });
    assert.match(stdout, /listener\.closed.*127\.0\.0\.1:25\/tcp@unknown/);
  });

  test('says where a file cannot be read, and takes the rest', async () => {
    const cut = file('cut.xml', readFileSync(nmap).subarray(0, 7000));
    const { code, stdout, stderr } = await run(cut, '--no-record', '--format', 'json');
    assert.equal(code, 3);
    assert.match(stderr, /^cut\.xml:46:50: the file ends inside this host/m);
    const { observations, problems } = JSON.parse(stdout);
    assert.deepEqual([observations.length, problems[0].line], [1, 46]);
  });

  test('reads several files, one of them of no known format', async () => {
    const { code, stdout, stderr } = await run(nmap, file('notes.txt', 'nothing'), 'gone.xml', '--no-record');
    assert.equal(code, 2);
    assert.match(stdout, /^10 open ports on 2 hosts/);
    assert.match(stderr, /notes\.txt is of no format that is known here\nTried: nmap XML .*Dockerfile/);
    assert.match(stderr, /cannot read gone\.xml: ENOENT/);
  });

  test('asks for the host where the format does not say it', async () => {
    const listing = readFileSync(join(FIXTURES, 'imports/lsof/columns.txt'));
    const asked = await run(file('lsof.txt', listing), '--no-record');
    assert.equal(asked.code, 2);
    assert.match(asked.stderr, /--host/);
    const { stdout, stderr } = await run('lsof.txt', '--host', 'db-9', '--no-record', '--format', 'csv');
    assert.match(stdout, /^db-9,host,tcp/m);
    assert.match(stderr, /does not say when it was taken: the date of the file, .* counts/);
  });

  test('reads standard input', () => {
    const { status, stdout } = spawnSync(
      process.execPath,
      [executable, 'import', '-', '--no-record', '--format', 'csv'],
      {
        input: readFileSync(nmap),
        encoding: 'utf8',
      },
    );
    assert.deepEqual([status, stdout.split('\n').length], [0, 12]);
  });

  test('maps the columns of a CSV, and says what it lacks', async () => {
    const csv = file('ports.csv', 'Machine;Listening on\ndb-1;5432\ndb-1;no\n');
    const lacking = await run(csv, '--as', 'csv', '--no-record');
    assert.equal(lacking.code, 2);
    assert.match(lacking.stderr, /no column that is known to hold the port\n.*Columns: Machine, Listening on/);
    const { code, stdout, stderr } = await run(
      ...[csv, '--as', 'csv', '--no-record', '--format', 'csv', '--at', '2026-01-02T03:04:05Z'],
      ...['--map', 'port=Listening on', '--map', 'transport==tcp', '--map', 'address==127.0.0.1'],
    );
    assert.equal(code, 3);
    assert.match(stdout, /^db-1,host,tcp,127\.0\.0\.1,5432/m);
    assert.match(stderr, /^ports\.csv:3:1: "no" is no port$/m);
  });

  test('hands a deployment file on as declared', async () => {
    const { code, stdout, stderr } = await run(
      file('compose.yaml', 'services:\n  db:\n    image: a/db:1\n    ports: ["5432:5432"]\n'),
    );
    assert.deepEqual([code, stdout], [0, ''], 'nothing was looked at, so nothing is said of open ports');
    assert.match(stderr, /compose\.yaml: declares \d+ ports \(declared, not observed\)/);
  });

  test('does not take a time to come', async () => {
    const future = readFileSync(nmap, 'utf8').replaceAll(/1795319\d{3}/g, '4000000000');
    const { code, stderr } = await run(file('future.xml', future), '--no-record');
    assert.equal(code, 3);
    assert.match(stderr, /future\.xml: says it was taken at 2096-.*the present time counts/);
  });

  test('lists the formats', async () => {
    const { code, stdout } = await run('--as', 'help');
    assert.deepEqual([code, /^nmap +nmap XML/m.test(stdout), /^compose +/m.test(stdout)], [0, true, true]);
  });
});
