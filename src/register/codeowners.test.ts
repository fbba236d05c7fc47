import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Register } from '../model/register.ts';
import { renderCodeowners, updateCodeowners } from './codeowners.ts';

const entry = (file: string, owner: string | null) => ({ owner, at: { file, line: 1, column: 1 } });
const register = {
  policy: { approvers: ['zoe@example.org', 'alice@example.org'] },
  owners: [
    { name: 'team-orders', codeowners: ['@org/orders', '@dba'] },
    { name: 'team-web', codeowners: ['@org/web'] },
    { name: 'nobody', codeowners: [] },
  ],
  entries: [
    entry('register/db.yaml', 'team-orders'),
    entry('register/db.yaml', 'team-web'),
    entry('register/web one.yaml', 'team-web'),
    entry('register/none.yaml', 'nobody'),
    entry('register/none.yaml', null),
    entry('../shared/register/x.yaml', 'team-web'),
  ],
} as unknown as Register;
const files = [
  'register/web one.yaml',
  'quietdoor.yaml',
  'register/db.yaml',
  'register/none.yaml',
  '../shared/register/x.yaml',
].map((path) => ({ path }));

const BLOCK = `# quietdoor: begin (written by quietdoor register codeowners; change the register instead)
/ops/ports/register/ alice@example.org zoe@example.org
/ops/ports/register/db.yaml @dba @org/orders @org/web
# /ops/ports/register/none.yaml has no owner with a CODEOWNERS handle
/ops/ports/register/web\\ one.yaml @org/web
/ops/ports/allowed_signers alice@example.org zoe@example.org
/ops/ports/exceptions.yaml alice@example.org zoe@example.org
/ops/ports/quietdoor.yaml alice@example.org zoe@example.org
# quietdoor: end
`;

test('each register file gets the handles of its owners, policy files the approvers', () => {
  assert.equal(renderCodeowners(register, files, 'ops/ports'), BLOCK);
  assert.equal(renderCodeowners(register, files.toReversed(), 'ops/ports'), BLOCK);
  assert.match(renderCodeowners(register, files, ''), /^\/register\/db\.yaml /m);
});

test('the block replaces itself and leaves the rest alone', () => {
  const cases: [name: string, existing: string, want: string][] = [
    ['empty', '', 'B'],
    ['behind what is there', '* @org/all\n', '* @org/all\n\nB'],
    ['no last newline', '* @org/all', '* @org/all\n\nB'],
    ['in the middle', '* @a\n# quietdoor: begin (old)\n/x @y\n# quietdoor: end\n/last @b\n', '* @a\nB/last @b\n'],
    ['at the end without newline', '# quietdoor: begin\n# quietdoor: end', 'B'],
  ];
  const block = '# quietdoor: begin (new)\n/n @n\n# quietdoor: end\n';
  for (const [name, existing, want] of cases) {
    const got = updateCodeowners(existing, block);
    assert.equal(got, want.replace('B', block), name);
    assert.equal(updateCodeowners(got, block), got, `${name}: twice`);
  }
  assert.equal(updateCodeowners('* @a\r\n', block), `* @a\r\n\r\n${block.replaceAll('\n', '\r\n')}`);
});

test('half a block is refused', () => {
  for (const broken of ['# quietdoor: begin\n/x @y\n', '/x @y\n# quietdoor: end\n'])
    assert.throws(() => updateCodeowners(broken, BLOCK), { name: 'UserError' });
});
