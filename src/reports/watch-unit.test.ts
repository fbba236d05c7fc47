import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { assertGolden } from '../../test/golden.ts';
import { type WatchUnitInput, watchUnit } from './watch-unit.ts';

const paths: WatchUnitInput = {
  node: '/usr/lib/quietdoor/node',
  main: '/usr/lib/quietdoor/bin/quietdoor.js',
  workspace: '/etc/quietdoor',
  state: '/var/lib/quietdoor',
};
const odd = { ...paths, workspace: '/srv/a "b" 100%', state: '/srv/$HOME\\x', args: ['--format', 'jsonl'] };

const lineOf = (unit: string, name: string) => unit.split('\n').find((line) => line.startsWith(`${name}=`));

test('the unit of the watch', () => assertGolden('reports/watch-unit.service', watchUnit(paths)));

test('words that systemd would read as something else', () => {
  const unit = watchUnit(odd);
  assert.equal(
    lineOf(unit, 'ExecStart'),
    `ExecStart=/usr/lib/quietdoor/node /usr/lib/quietdoor/bin/quietdoor.js watch --workspace "/srv/a \\"b\\" 100%%" --state "/srv/$$HOME\\\\x" --format jsonl`,
  );
  assert.equal(lineOf(unit, 'ReadWritePaths'), `ReadWritePaths="/srv/$HOME\\\\x"`);
});

test('what cannot be written in a unit is refused', () => {
  assert.throws(() => watchUnit({ ...paths, state: '/srv/a\nUser=root' }), /control characters/);
  assert.throws(() => watchUnit({ ...paths, user: 'a b' }), /is no name of a user/);
});

test('a state below /tmp is not hidden', () => {
  assert.equal(lineOf(watchUnit({ ...paths, state: '/tmp/state' }), 'PrivateTmp'), 'PrivateTmp=no');
  assert.equal(lineOf(watchUnit({ ...paths, state: '/tmpfs' }), 'PrivateTmp'), 'PrivateTmp=yes');
});

const skip = spawnSync('systemd-analyze', ['--version']).error ? 'needs systemd-analyze' : false;

describe('systemd reads the unit', { skip }, () => {
  const analyze = (input: WatchUnitInput, ...command: string[]) => {
    const directory = mkdtempSync(join(tmpdir(), 'quietdoor-unit-'));
    const file = join(directory, 'quietdoor-watch.service');
    const program = join(directory, 'node');
    try {
      writeFileSync(program, '');
      chmodSync(program, 0o755);
      writeFileSync(file, watchUnit({ ...input, node: program }));
      const { status, stdout, stderr } = spawnSync('systemd-analyze', [...command, file], { encoding: 'utf8' });
      // what other units of this machine say is none of ours
      const said = stderr.split('\n').filter((line) => line.includes(file) || line.includes('quietdoor-watch'));
      return { status, stdout, said };
    } finally {
      rmSync(directory, { recursive: true });
    }
  };

  for (const [name, input] of Object.entries({ paths, odd, user: { ...paths, user: 'daemon' } }))
    test(`without a word of complaint: ${name}`, () => {
      const { status, said } = analyze(input, 'verify', '--man=no');
      assert.deepEqual(said, []);
      assert.equal(status, 0);
    });

  test('and rates it', () => {
    const { stdout } = analyze(paths, 'security', '--offline=true', '--no-pager');
    const exposure = /exposure level for quietdoor-watch\.service: ([\d.]+)/.exec(stdout)?.[1];
    assert.ok(Number(exposure) < 4, `exposure ${exposure}:\n${stdout}`);
  });
});
