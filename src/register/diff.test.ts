import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diffRegisters } from './diff.ts';
import { memorySource } from './memory-source.ts';
import { loadWorkspace } from './workspace.ts';

const NOW = Date.UTC(2026, 10, 1);
const CONFIG = 'name: x\nowners: { team: t@example.org }\nzones: { app: [10.20.0.0/16], db: [10.30.0.0/16] }\n';
const ENTRY =
  'id: x\nowner: team\nhosts: [db-1]\nport: [5432]\nbind: private\nsources: [10.20.0.0/16]\nprocess: { exe: /x }\n';

async function register(entries: readonly string[], config = CONFIG) {
  const yaml = `ports:\n${entries.map((entry) => `- ${entry.trimEnd().replaceAll('\n', '\n  ')}\n`).join('')}`;
  const loaded = await loadWorkspace(memorySource({ 'quietdoor.yaml': config, 'register/a.yaml': yaml }), { now: NOW });
  assert.deepEqual(loaded.register.problems, []);
  return loaded.register;
}

const CHANGES: { name: string; to: string; access: string | null; fields?: string[] }[] = [
  { name: 'another spelling', to: 'sources: [10.20.0.0/17, 10.20.128.0/17]\n', access: 'neither' },
  { name: 'more sources', to: 'sources: [10.0.0.0/8]\n', access: 'widened', fields: ['sources'] },
  { name: 'fewer sources', to: 'sources: [10.20.1.0/24]\n', access: 'narrowed' },
  { name: 'other sources', to: 'sources: [10.21.0.0/16]\n', access: 'both' },
  { name: 'the same by a zone', to: 'sources: [zone:app]\n', access: 'neither', fields: ['sources'] },
  { name: 'sources no longer said', to: 'sources:\n', access: 'unknown' },
  { name: 'a port more', to: 'port: [5432, 5433]\n', access: 'widened' },
  { name: 'a wider bind', to: 'bind: any\n', access: 'widened' },
  { name: 'a narrower bind', to: 'bind: loopback\n', access: 'narrowed' },
  { name: 'more ports and fewer sources', to: 'port: [5432, 5433]\nsources: []\n', access: 'both' },
  { name: 'any process', to: 'process: {}\n', access: 'widened' },
  { name: 'an expiry', to: 'expires: 2027-01-01T00:00:00Z\n', access: 'narrowed' },
  { name: 'another purpose', to: 'purpose: other\n', access: 'neither', fields: ['purpose'] },
  { name: 'a host more', to: 'hosts: [db-1, db-2]\n', access: 'widened' },
  { name: 'another transport', to: 'transport: udp\n', access: 'both' },
];
for (const { name, to, access, fields } of CHANGES)
  test(`an entry changed: ${name}`, async () => {
    const keys = [...to.matchAll(/^(\w+):/gm)].map((m) => `${m[1]}:`);
    const lines = ENTRY.split('\n').filter((line) => line && !keys.some((key) => line.startsWith(key)));
    const changed = `${lines.join('\n')}\n${to}`;
    const [difference, ...more] = diffRegisters(await register([ENTRY]), await register([changed]));
    assert.deepEqual(more, []);
    assert.deepEqual([difference?.what, difference?.change, difference?.access], ['entry', 'changed', access]);
    if (fields)
      assert.deepEqual(
        difference?.fields.map((f) => f.field),
        fields,
      );
  });

test('order, spelling and comments are no difference', async () => {
  const other = 'port: 5432 # c\nid: "x"\nhosts: db-1\nowner: team\nprocess: { exe: /x }\nsources: 10.20.0.0/16\n';
  assert.deepEqual(diffRegisters(await register([ENTRY]), await register([other])), []);
});

test('added and removed entries; a zone with the entries and the approvals that it touches', async () => {
  const zoned = ENTRY.replace('[10.20.0.0/16]', '[zone:app]');
  const { entries } = await register([zoned]);
  const approved = `${zoned}approval: { by: a@example.org, at: 2026-10-01T00:00:00Z, digest: "${entries[0]?.digest}" }\n`;
  const before = await register([approved, ENTRY.replace('id: x', 'id: gone')]);
  const after = await register(
    [approved, ENTRY.replace('id: x', 'id: new')],
    CONFIG.replace('10.20.0.0/16', '10.0.0.0/8'),
  );
  assert.deepEqual(
    diffRegisters(before, after).map((d) => [d.what, d.name, d.change, d.access, d.affects, d.voided]),
    [
      ['entry', 'gone', 'removed', 'narrowed', [], []],
      ['entry', 'new', 'added', 'widened', [], []],
      ['zone', 'app', 'changed', 'widened', ['x'], ['x']],
    ],
  );
});

test('owners, hosts, policy and exceptions', async () => {
  const config = `${CONFIG.replace('t@', 'u@')}hosts: { h: { addresses: [10.0.0.1] } }\npolicy: { review: 90d }\n`;
  assert.deepEqual(
    diffRegisters(await register([ENTRY]), await register([ENTRY], config)).map((d) => [
      d.what,
      d.name,
      d.change,
      d.fields,
    ]),
    [
      ['owner', 'team', 'changed', [{ field: 'email', before: 't@example.org', after: 'u@example.org' }]],
      ['host', 'h', 'added', [{ field: 'addresses', before: null, after: '10.0.0.1' }]],
      ['policy', 'reviewEveryDays', 'changed', [{ field: 'value', before: '365', after: '90' }]],
    ],
  );
});
