import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { quietdoor } from './run-quietdoor.ts';

test('approving an entry that has expired says so, quiet or not', async (t) => {
  const cwd = mkdtempSync(join(tmpdir(), 'quietdoor-approve-'));
  t.after(() => rmSync(cwd, { recursive: true }));
  await quietdoor(['init'], { cwd });
  const entry = (id: string, expires: string) =>
    `  - { id: ${id}, purpose: p, owner: team, hosts: [h], port: 1, sources: [], expires: "${expires}" }\n`;
  const text = `ports:\n${entry('gone', '2020-01-01T00:00:00Z')}${entry('live', '2999-01-01T00:00:00Z')}`;
  writeFileSync(join(cwd, 'register/a.yaml'), text);
  const { code, stderr } = await quietdoor(
    ['register', 'approve', 'gone', 'live', '--by', 'a@example.org', '--quiet'],
    { cwd },
  );
  assert.equal(code, 0, stderr);
  assert.equal(
    stderr,
    'Warning: gone expired on 2020-01-01: this approval allows nothing. Set a later expires at register/a.yaml:2:5 and approve it again.\n',
  );
});
