import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDocument } from 'yaml';
import { examplesOf, factsOfExample, type NamedExample } from '../../test/check-example.ts';
import { shellWord, yamlValue } from './remedy.ts';
import { runChecks } from './run.ts';

async function remedies(
  rule: string,
  name: string,
  change: (e: NamedExample) => NamedExample = (e) => e,
): Promise<string> {
  const example = examplesOf(rule).find((e) => e.name === name);
  assert.ok(example, `${rule}/${name}`);
  const facts = await factsOfExample(change(example));
  const { findings } = runChecks(facts, () => [], { firstSeen: () => undefined });
  return findings
    .filter((f) => f.rule === rule)
    .map((f) => f.remediation)
    .join('\n');
}

function withProcess(process: { exe: string; user?: string; unit?: string }): (e: NamedExample) => NamedExample {
  return (e) => ({ ...e, listeners: e.listeners.map((l) => ({ ...l, process: { pid: 812, uid: 0, ...process } })) });
}

test('a value is YAML for what it is, and a word is one word of a shell', () => {
  for (const text of [
    '/opt/shop/server',
    '/opt/a b',
    'null',
    '/opt/x: y',
    '#1',
    '*',
    '/tmp/\u001b[2J',
    "it's",
    '\\x2d',
    'web-1:23/tcp',
  ])
    assert.equal(parseDocument(`a: ${yamlValue(text)}`).toJS().a, text);
  assert.equal(yamlValue('/opt/shop/server'), '/opt/shop/server');
  assert.deepEqual(['ssh.service', 'a\\x2db.service', "it's", '$(id)'].map(shellWord), [
    'ssh.service',
    "'a\\x2db.service'",
    "'it'\\''s'",
    "'$(id)'",
  ]);
});

test('the remedy of a void approval leads to what changed, committed or not', async () => {
  const text = await remedies('unapproved-entry', 'void');
  assert.match(text, /git log -1 --format=%h -S sha256:0{64} -- register\/ports\.yaml\. /);
  assert.match(text, /quietdoor register diff COMMIT/);
  const digest = "'; touch /tmp/x; '";
  const forged = await remedies('unapproved-entry', 'void', (e) => ({
    ...e,
    approvals: { 'web-admin': { kind: 'void', approved: digest } },
  }));
  assert.doesNotMatch(forged, /touch/);
});

test('every step that asks for an approval says who may and how it is proven', async () => {
  for (const [rule, name] of [
    ['unapproved-entry', 'violates'],
    ['unapproved-entry', 'claimed'],
    ['unapproved-entry', 'self-approved'],
    ['unapproved-entry', 'new-host'],
    ['approval-expired', 'violates'],
    ['missing-justification', 'violates'],
    ['wider-bind', 'violates'],
    ['wrong-process', 'violates'],
    ['privileged-listener', 'violates'],
  ] as const) {
    const text = await remedies(rule, name);
    assert.match(text, /an approver other than its last author sign it: quietdoor register approve \S+ --sign/, rule);
    assert.doesNotMatch(text, / {2}/, rule);
  }
  const named = await remedies('unapproved-entry', 'claimed', (e) => ({
    ...e,
    config: `${e.config}  approvers: [lead@example.org]\n`.replace('  approvers', 'policy:\n  approvers'),
  }));
  assert.match(named, /one of policy\.approvers \(lead@example\.org\) other than its last author/);
});

test('the remedy of a prohibited service begins with the best, and the port alone comes before every host', async () => {
  const text = await remedies('prohibited-service', 'unauthenticated');
  const order = [
    'Set a password',
    'auth: password',
    'bind it to loopback',
    'subject: "web-1:6379/tcp"',
    'policy.allow',
  ];
  assert.deepEqual(
    order.map((words) => text.indexOf(words)).toSorted((a, b) => a - b),
    order.map((words) => text.indexOf(words)),
  );
  assert.ok(
    order.every((words) => text.includes(words)),
    text,
  );
  assert.match(await remedies('prohibited-service', 'violates'), /^Replace it by SSH\. /);
});

test('an interpreter is never to be allowed to be root, and names that need it are quoted', async () => {
  const python = await remedies(
    'privileged-listener',
    'violates',
    withProcess({ exe: '/usr/bin/python3.11', user: 'root' }),
  );
  assert.doesNotMatch(python, /policy\.privileged/);
  assert.match(python, /write process: \{ user: root \} into web-admin/);
  const odd = await remedies(
    'privileged-listener',
    'violates',
    withProcess({ exe: '/opt/a: b', unit: 'a\\x2db.service' }),
  );
  assert.match(odd, /add "\/opt\/a: b" to policy\.privileged/);
  assert.ok(odd.includes("sudo systemctl edit 'a\\x2db.service'. If"), odd);
});
