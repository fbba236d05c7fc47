import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openStore } from '../src/store/store.ts';
import { makeKey } from './git-fixture.ts';
import { executable, quietdoor } from './run-quietdoor.ts';

const BY = ['--by', 'lead@example.org'];

/** A workspace with a few records. */
async function workspaceFor(t: TestContext): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'quietdoor-review-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'quietdoor.yaml'), 'name: example\nowners: {}\npolicy: { reviewLog: 7d }\n');
  await append(folder, ['exception.added', 'firewall.changed', 'observation.recorded', 'exception.added']);
  return folder;
}

async function append(
  folder: string,
  types: readonly ('exception.added' | 'firewall.changed' | 'observation.recorded')[],
) {
  await using store = await openStore({ dir: join(folder, '.quietdoor'), mode: 'write' });
  const at = Date.now() - 60_000;
  await store.appendEvents(
    types.map((type) => ({ type, observedAt: at, actor: 'user:a', subject: `of-${type}`, body: {} })),
    at,
  );
}

function decideAllAs(file: string, decision: string, note = ''): void {
  const text = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    text.replaceAll(/decision:.*$/gm, `decision: ${decision}`).replaceAll(/note:.*$/gm, `note: ${note}`),
  );
}

test('a sitting from the worksheet to the ledger', async (t) => {
  const cwd = await workspaceFor(t);
  const sheet = join(cwd, 'sitting.yaml');
  const drafted = await quietdoor(['review', 'log', '-o', sheet], { cwd });
  assert.equal(drafted.code, 0, drafted.stderr);
  assert.match(drafted.stderr, /^2 items to decide/);
  const text = readFileSync(sheet, 'utf8');
  assert.match(text, /Not to be decided one by one: observation\.recorded 1×/);
  assert.match(text, /id: event:exception\.added of-exception\.added/);

  const early = await quietdoor(['review', 'log', '--sign', sheet, ...BY], { cwd });
  assert.equal(early.code, 2);
  assert.match(early.stderr, /2 items of 2 not decided yet/);
  decideAllAs(sheet, 'follow-up');
  const silent = await quietdoor(['review', 'log', '--sign', sheet, ...BY], { cwd });
  assert.match(silent.stderr, /decided as follow-up and has no note/);
  decideAllAs(sheet, 'follow-up', 'Kim looks into it');
  const signed = await quietdoor(['review', 'log', '--sign', sheet, ...BY, '--format', 'json'], { cwd });
  assert.equal(signed.code, 0, signed.stderr);
  const sitting = JSON.parse(signed.stdout);
  assert.deepEqual(sitting.decisions, { normal: 0, 'follow-up': 2, incident: 0 });
  assert.equal(sitting.underCheckpoint, true);
  assert.equal((await quietdoor(['ledger', 'verify'], { cwd })).code, 0);

  const again = await quietdoor(['review', 'log', '--sign', sheet, ...BY], { cwd });
  assert.equal(again.code, 2);
  assert.match(again.stderr, /are reviewed already/);

  // What was left comes back, first, until it is decided otherwise.
  await append(cwd, ['firewall.changed']);
  const next = JSON.parse((await quietdoor(['review', 'log', '--format', 'json'], { cwd })).stdout);
  assert.deepEqual(
    next.items.map((item: { kind: string; what: string }) => `${item.kind} ${item.what}`),
    ['follow-up exception.added', 'follow-up firewall.changed', 'event firewall.changed', 'event ledger.key-made'],
  );
  assert.match(next.items[0].message, /\[to follow up: Kim looks into it\]$/);
  const status = await quietdoor(['review', 'log', '--status'], { cwd });
  assert.match(status.stdout, /^The next sitting is due /);
  assert.match(status.stdout, /lead@example\.org.*2 items, 2 to follow up/);
});

test('every record is reviewed once, also one that is written while people decide', async (t) => {
  const cwd = await workspaceFor(t);
  const sheet = join(cwd, 'sitting.yaml');
  await quietdoor(['review', 'log', '-o', sheet], { cwd });
  await append(cwd, ['firewall.changed', 'firewall.changed']);
  decideAllAs(sheet, 'normal');
  assert.equal((await quietdoor(['review', 'log', '--sign', sheet, ...BY], { cwd })).code, 0);
  const { items } = JSON.parse((await quietdoor(['review', 'log', '--format', 'json'], { cwd })).stdout);
  const found = items.find((item: { what: string }) => item.what === 'firewall.changed');
  assert.deepEqual([found.count, found.records], [2, [5, 6]]);
});

for (const [what, spoil, says] of [
  [
    'an unknown decision',
    (s: string) => s.replace('decision:', 'decision: fine'),
    /sitting\.yaml:\d+:\d+: items\.0\.decision: expected one of/,
  ],
  ['no YAML', () => '{', /sitting\.yaml:1:\d+: /],
  [
    'an item that is gone',
    (s: string) => s.replace(/ {2}- id: event:exc[\s\S]*? {2}- /, '  - '),
    /not decided yet, first event:exception/,
  ],
  [
    'an item that was added',
    (s: string) => `${s}  - id: event:x\n    decision: normal\n`,
    /event:x is not in the queue/,
  ],
  ['another queue', (s: string) => s.replace(/sha256:[0-9a-f]{64}/, `sha256:${'0'.repeat(64)}`), /was not made here/],
  ['another text of an item', (s: string) => s.replace('says: "', 'says: "nothing '), /was changed \(says\)/],
  ['aliases', (s: string) => `a: &x [1]\nb: *x\n${s}`, /aliases are not expected/],
] as const)
  test(`a worksheet with ${what} is refused`, async (t) => {
    const cwd = await workspaceFor(t);
    const sheet = join(cwd, 'sitting.yaml');
    await quietdoor(['review', 'log', '-o', sheet], { cwd });
    decideAllAs(sheet, '');
    const text = readFileSync(sheet, 'utf8');
    const spoiled = spoil(text);
    const rest = what === 'an unknown decision' ? spoiled : spoiled.replaceAll(/decision:\s*$/gm, 'decision: normal');
    writeFileSync(sheet, rest);
    const signed = await quietdoor(['review', 'log', '--sign', sheet, ...BY], { cwd });
    assert.equal(signed.code, 2, signed.stdout);
    assert.match(signed.stderr, says);
    assert.doesNotMatch(signed.stderr, /\bat .*\.ts:\d+/);
  });

test('an end in the future, and one before the last sitting, are refused', async (t) => {
  const cwd = await workspaceFor(t);
  assert.match((await quietdoor(['review', 'log', '--until', '2990-01-01'], { cwd })).stderr, /lies in the future/);
  assert.match((await quietdoor(['review', 'log', '--until', '2001-01-01'], { cwd })).stderr, /is not after that/);
});

/** Signs a sitting up to a time in which all is normal; what `review log` printed as JSON of its queue. */
async function sit(cwd: string, until?: number) {
  const sheet = join(cwd, 'sit.yaml');
  const end = until === undefined ? [] : ['--until', new Date(until).toISOString()];
  assert.equal((await quietdoor(['review', 'log', '-o', sheet, ...end], { cwd })).code, 0);
  decideAllAs(sheet, 'normal');
  const signed = await quietdoor(['review', 'log', '--sign', sheet, ...BY, '--format', 'json'], { cwd });
  assert.equal(signed.code, 0, signed.stderr);
  return JSON.parse(signed.stdout);
}

test('a sitting of a time without records does not bring the reviewed ones back', async (t) => {
  const cwd = await workspaceFor(t);
  const first = await sit(cwd);
  const until = Date.parse(new Date(first.until).toISOString()) + 1;
  const empty = await sit(cwd, until);
  assert.equal(empty.items, 0);
  const next = JSON.parse((await quietdoor(['review', 'log', '--format', 'json'], { cwd })).stdout);
  assert.equal(next.records.first, first.record);
});

test('a record between others is in their sitting, also where the clock was set back', async (t) => {
  const cwd = await workspaceFor(t);
  const now = Date.now();
  await using store = await openStore({ dir: join(cwd, '.quietdoor'), mode: 'write' });
  const write = (subject: string, at: number) =>
    store.appendEvents([{ type: 'exception.added', observedAt: at, actor: 'user:a', subject, body: {} }], at);
  await write('too-early-a-clock', now - 1_000);
  await write('right-clock', now - 50_000);
  await store.close();
  const args = ['review', 'log', '--format', 'json', '--until', new Date(now - 30_000).toISOString()];
  const queue = JSON.parse((await quietdoor(args, { cwd })).stdout);
  assert.deepEqual(queue.records, { first: 1, last: 6 });
  assert.ok(queue.items.some((item: { subject: string }) => item.subject === 'too-early-a-clock'));
});

test('what nobody reviewed is not archived', async (t) => {
  const cwd = await workspaceFor(t);
  const later = new Date(Date.now() + 86_400_000).toISOString();
  const archive = (folder: string) =>
    quietdoor(['ledger', 'archive', join(cwd, folder), '--older-than', later], { cwd });
  const early = await archive('a');
  assert.equal(early.code, 3);
  assert.match(early.stderr, /^\d+ old records stayed, as nobody reviewed them yet: quietdoor review log\n$/);
  const sitting = await sit(cwd);
  const second = await archive('b');
  assert.match(second.stderr, new RegExp(`^records 1 to ${sitting.record - 1} are in .*\n\\d+ old records? stayed`));
  assert.equal(second.code, 3);
  // The sitting is still known, and what came after it is in the next one.
  const next = JSON.parse((await quietdoor(['review', 'log', '--format', 'json'], { cwd })).stdout);
  assert.equal(next.records.first, sitting.record);
  assert.ok(next.items.some((item: { what: string }) => item.what === 'ledger.archived'));
});

test('a sitting can be shown again, with every decision, and its SSH signature is checked', async (t) => {
  const cwd = await workspaceFor(t);
  const sheet = join(cwd, 'sitting.yaml');
  const key = await makeKey(cwd, 'lead');
  const signers = join(cwd, 'signers');
  const show = async (allowed: string) => {
    writeFileSync(signers, allowed);
    const env = { ...process.env, QUIETDOOR_ALLOWED_SIGNERS: signers };
    return quietdoor(['review', 'log', '--show', String(sitting.record)], { cwd, env });
  };
  assert.equal((await quietdoor(['review', 'log', '-o', sheet], { cwd })).code, 0);
  decideAllAs(sheet, 'follow-up', 'Kim looks into it');
  const args = ['review', 'log', '--sign', sheet, ...BY, '--key', key.file, '--format', 'json'];
  const sitting = JSON.parse((await quietdoor(args, { cwd })).stdout);
  assert.equal(sitting.isSigned, true);

  const good = await show(`lead@example.org ${key.publicKey}\n`);
  assert.equal(good.code, 0, good.stderr);
  assert.match(good.stdout, new RegExp(`^Sitting of record ${sitting.record}, .* 2 items$`, 'm'));
  assert.ok(good.stdout.includes(`In the name of lead@example.org, written by user:`), good.stdout);
  assert.ok(good.stdout.includes(`signed with the SSH key ${key.fingerprint}`), good.stdout);
  assert.match(good.stdout, /^follow-up {2}of-exception\.added: .*\n {11}Kim looks into it$/m);
  // A key of somebody else, or for approvals alone, proves nothing.
  assert.match((await show(`else@example.org ${key.publicKey}\n`)).stdout, /the SSH signature is not proven/);
  const forApprovals = `lead@example.org namespaces="quietdoor-approval" ${key.publicKey}\n`;
  assert.match((await show(forApprovals)).stdout, /the SSH signature is not proven/);

  const none = await quietdoor(['review', 'log', '--show', '1'], { cwd });
  assert.equal(none.code, 2);
  assert.match(none.stderr, /record 1 is no sitting/);
  const status = await quietdoor(['review', 'log', '--status'], { cwd });
  assert.match(status.stdout, new RegExp(`^record ${sitting.record}  `, 'm'));
});

const hasScript = spawnSync('script', ['--version']).status === 0;
test('items are decided on a terminal; a note that is needed is asked for again, Ctrl-D keeps what was decided', {
  skip: hasScript ? false : 'script(1) is not installed',
}, async (t) => {
  const cwd = await workspaceFor(t);
  const sheet = join(cwd, 'sitting.yaml');
  await quietdoor(['review', 'log', '-o', sheet], { cwd });
  const command = `${process.execPath} ${executable} review log --decide ${sheet}`;
  const terminal = spawn('script', ['-qec', command, '/dev/null'], { cwd });
  let shown = '';
  // Each answer when it is asked for: what is typed ahead may be read together.
  const answers = [
    /1 of 2[\s\S]*uit: /,
    /note \(who, where\): /,
    /note \(who[\s\S]*note \(who, where\): /,
    /2 of 2[\s\S]*uit: /,
  ];
  const typed = ['f\r', '\r', 'Kim\r', '\u0004'];
  terminal.stdout.on('data', (chunk) => {
    shown += String(chunk);
    while (answers[0]?.test(shown)) {
      answers.shift();
      terminal.stdin.write(typed.shift() ?? '');
    }
  });
  const [code] = await once(terminal, 'close');
  assert.match(shown, /Stopped; what was decided is in .*sitting\.yaml/);
  assert.equal(code, 130, shown);
  assert.match(readFileSync(sheet, 'utf8'), /decision: follow-up\n {4}note: Kim\n[\s\S]*decision: ?\n/);
});
