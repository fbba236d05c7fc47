import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lintWorkspace } from './lint.ts';
import { memorySource } from './memory-source.ts';
import { loadWorkspace } from './workspace.ts';

const NOW = Date.UTC(2026, 10, 1);
const FULL = '{ id: a, purpose: p, owner: team, hosts: [h], port: 1, sources: [] }';

async function lint(entries: string, config = '', exceptions = ''): Promise<string[]> {
  const files = {
    'quietdoor.yaml': `owners: { team: t@example.org }\n${config}`,
    'register/a.yaml': `ports:\n${entries}`,
    'exceptions.yaml': exceptions,
  };
  const loaded = await loadWorkspace(memorySource(files), { now: NOW });
  return lintWorkspace(loaded, [], NOW, ['wider-bind', 'wrong-process']).map(
    (p) => `${p.at.file}:${p.at.line}:${p.at.column} ${p.severity} ${p.code} ${p.message}`,
  );
}

const CASES: { name: string; entries: string; config?: string; exceptions?: string; want: string[] }[] = [
  { name: 'nothing', entries: `  - ${FULL}\n`, want: [] },
  {
    name: 'missing fields',
    entries: '  - { id: a, purpose: "", owner: , hosts: [h], port: 1 }\n',
    want: ['purpose', 'owner', 'sources']
      .sort()
      .map((field) => `register/a.yaml:2:5 warning missing-field a: ${field} is missing`),
  },
  {
    name: 'errors of loading come along, by position',
    entries: `  - ${FULL.replace('id: a', 'id: b').replace('port: 1', 'port: 0')}\n  - ${FULL.replace('team', 'taem')}\n`,
    want: [
      'register/a.yaml:2:57 error bad-port port: "0" is outside the ports there are; expected a number from 1 to 65535',
      'register/a.yaml:3:5 warning unknown-owner a: the owner "taem" is not declared',
    ],
  },
  {
    name: 'expired',
    entries: `  - ${FULL.replace(' }', ', expires: 2026-10-01T00:00:00Z }')}\n`,
    want: ['register/a.yaml:2:5 warning expired a: expired on 2026-10-01T00:00:00Z'],
  },
  {
    name: 'reviewed too rarely for its data',
    entries: `  - ${FULL.replace(' }', ', data: [PHI], review: { every: 180d } }')}\n`,
    config: 'policy: { reviewByData: { phi: 90d } }\n',
    want: ['register/a.yaml:2:5 warning review-too-rare a: is reviewed every 180 days, the policy asks for 90'],
  },
  {
    name: 'overlapping',
    entries: `  - ${FULL}\n  - ${FULL.replace('id: a', 'id: b').replace('[h]', '[h, i]')}\n`,
    want: [
      'register/a.yaml:3:5 warning overlap b: covers 1/tcp on h as well as a (register/a.yaml:2:5), which decides only by the order of the ids',
    ],
  },
  {
    name: 'a secret',
    entries: `  - ${FULL.replace('purpose: p', 'purpose: "db password=hunter22"')}\n`,
    want: ['register/a.yaml:2:27 warning looks-like-secret looks like a password or token'],
  },
  {
    name: 'exceptions',
    entries: `  - ${FULL}\n`,
    exceptions:
      'exceptions:\n  - { id: e, kind: false-positive, rule: r, subject: "entry:b", reason: x, approver: a, expires: 2026-10-01T00:00:00Z }\n',
    want: [
      'exceptions.yaml:2:5 warning exception-expired e: expired on 2026-10-01T00:00:00Z; its findings count again',
      'exceptions.yaml:2:5 warning exception-no-ticket e: has no ticket',
      'exceptions.yaml:2:5 warning exception-unknown-entry e: there is no entry "b"',
    ],
  },
  {
    name: 'exceptions that accept nothing; those in force alone',
    entries: `  - ${FULL}\n`,
    exceptions: `exceptions:\n${[
      { id: 'a', rule: 'wider-bnd', subject: 'h:1' },
      { id: 'b', rule: 'wider-bind', subject: 'web-*:1' },
      { id: 'c', rule: 'wider-bind', subject: 'host:web-1' },
      { id: 'd', rule: 'wider-bind', subject: 'H:1' },
      { id: 'e', rule: 'wider-bind', subject: 'web-1:1', from: '2026-11-20T00:00:00Z' },
    ]
      .map(
        (e) =>
          `  - ${JSON.stringify({ ...{ kind: 'false-positive', reason: 'x', approver: 'a', ticket: 't', expires: '2026-12-01T00:00:00Z' }, ...e })}\n`,
      )
      .join('')}`,
    want: [
      'exceptions.yaml:2:5 warning exception-accepts-nothing a: accepts nothing: there is no rule "wider-bnd"',
      'exceptions.yaml:3:5 warning exception-accepts-nothing b: accepts nothing: no known host is called web-*',
      'exceptions.yaml:4:5 warning exception-accepts-nothing c: accepts nothing: no known host is called web-1',
    ],
  },
];
for (const { name, entries, config, exceptions, want } of CASES)
  test(`lint: ${name}`, async () => assert.deepEqual(await lint(entries, config, exceptions), want));

test('words of the schema are no secrets', async () => {
  assert.deepEqual(await lint(`  - ${FULL.replace(' }', ', auth: password, encryption: tls }')}\n`), []);
});
