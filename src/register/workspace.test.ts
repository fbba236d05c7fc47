import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../model/errors.ts';
import { memorySource } from './memory-source.ts';
import { loadWorkspace } from './workspace.ts';

const NOW = Date.UTC(2026, 10, 1);
const CONFIG = `name: orders
owners: { team-orders: orders@example.org }
zones: { app: [10.20.0.0/16] }
`;
const FINE = `  - id: fine
    hosts: [db-1]
    port: 5432
    owner: team-orders
`;

async function load(files: Record<string, string | Uint8Array>) {
  return loadWorkspace(memorySource({ 'quietdoor.yaml': CONFIG, ...files }), { now: NOW });
}

/** `line:column code mightCover`, the way the tables below write a problem. */
async function problemsOf(files: Record<string, string | Uint8Array>): Promise<string[]> {
  const { register } = await load(files);
  return register.problems.map((p) => `${p.at.file}:${p.at.line}:${p.at.column} ${p.code}`);
}

const cover = (text: string) => `ports:\n${FINE}${text}${FINE.replace('fine', 'fine-too')}`;

const REGISTER_CASES: {
  name: string;
  yaml: string;
  want: string[];
  kept?: string[];
  mightCover?: unknown;
  says?: RegExp;
}[] = [
  { name: 'nothing wrong', yaml: cover(''), want: [] },
  { name: 'an empty file', yaml: '', want: [], kept: [] },
  { name: 'only comments', yaml: '# nothing yet\nports:\n  # nothing\n', want: [], kept: [] },
  {
    name: 'half of a character',
    yaml: cover('  - id: bad\n    hosts: [a]\n    port: 443\n    purpose: "\\ud800"\n'),
    want: ['9:14 wrong-type'],
    mightCover: { transport: 'tcp', ports: [{ from: 443, to: 443 }] },
  },
  {
    name: 'a flow sequence left open',
    yaml: cover('  - id: bad\n    port: 443\n    hosts: [a\n'),
    want: ['8:14 yaml-syntax'],
    mightCover: { transport: null, ports: [{ from: 443, to: 443 }] },
  },
  {
    name: 'a quote left open',
    yaml: cover('  - id: bad\n    purpose: "oops\n    port: 443\n    hosts: [a]\n'),
    want: ['8:5 yaml-syntax'],
    mightCover: { transport: null, ports: [{ from: 443, to: 443 }] },
  },
  {
    name: 'broken, with a port that cannot be read',
    yaml: cover('  - id: bad\n    port: [443,\n    hosts: [a]\n'),
    want: ['8:5 yaml-syntax'],
    mightCover: 'anything',
  },
  {
    name: 'two entries run into one another',
    yaml: cover('  - id: bad\n    port: 443\n    - id: worse\n    port: 80\n'),
    want: ['8:5 yaml-syntax'],
    mightCover: {
      transport: null,
      ports: [
        { from: 80, to: 80 },
        { from: 443, to: 443 },
      ],
    },
  },
  { name: 'a tab', yaml: cover('  - id: bad\n\t  port: 443\n'), want: ['7:4 yaml-tab'] },
  {
    name: 'an alias',
    yaml: cover('  - id: bad\n    port: &p 443\n    hosts: *p\n'),
    want: ['8:13 yaml-alias'],
    says: /aliases/,
  },
  {
    name: 'a key twice',
    yaml: cover('  - id: bad\n    port: 443\n    port: 444\n    hosts: [a]\n'),
    want: ['8:5 duplicate-key'],
  },
  {
    name: 'an unknown key',
    yaml: cover('  - id: bad\n    hosts: [a]\n    port: 443\n    sorces: [10.0.0.1]\n'),
    want: ['9:5 unknown-key'],
    mightCover: { transport: 'tcp', ports: [{ from: 443, to: 443 }] },
    says: /did you mean "sources"\?/,
  },
  {
    name: '__proto__ as a key',
    yaml: cover('  - id: bad\n    hosts: [a]\n    port: 443\n    __proto__: { x: 1 }\n'),
    want: ['9:5 unknown-key'],
  },
  {
    name: 'an unknown key inside',
    yaml: cover('  - id: bad\n    hosts: [a]\n    port: 443\n    process: { exe: /x, usr: y }\n'),
    want: ['9:25 unknown-key'],
    says: /"user"/,
  },
  {
    name: 'port 70000',
    yaml: cover('  - id: bad\n    hosts: [a]\n    port: 70000\n'),
    want: ['8:11 bad-port'],
    mightCover: 'anything',
    says: /1 to 65535/,
  },
  { name: 'port 0', yaml: cover('  - id: bad\n    hosts: [a]\n    port: 0\n'), want: ['8:11 bad-port'] },
  { name: 'a hexadecimal port', yaml: cover('  - id: bad\n    hosts: [a]\n    port: 0x50\n'), want: ['8:11 bad-port'] },
  {
    name: 'protocol 256 of raw',
    yaml: cover('  - id: bad\n    hosts: [a]\n    port: 256\n    transport: raw\n'),
    want: ['8:11 bad-port'],
    says: /0 to 255/,
  },
  {
    name: 'a reversed range',
    yaml: cover('  - id: bad\n    hosts: [a]\n    port: [80, "6010-6000"]\n'),
    want: ['8:16 reversed-range'],
    says: /6000-6010/,
  },
  {
    name: 'a prefix too long',
    yaml: cover('  - id: bad\n    hosts: [a]\n    port: 1\n    sources: [10.0.0.0/33]\n'),
    want: ['9:15 bad-prefix'],
    says: /\/0 to \/32/,
  },
  {
    name: 'host bits',
    yaml: cover('  - id: bad\n    hosts: [a]\n    port: 1\n    sources: [10.0.0.5/24]\n'),
    want: ['9:15 host-bits'],
    says: /10\.0\.0\.0\/24/,
  },
  {
    name: 'an address that is none',
    yaml: cover('  - id: bad\n    hosts: [10.0.0.300]\n    port: 1\n'),
    want: ['7:13 bad-address'],
  },
  {
    name: 'an unknown zone',
    yaml: cover('  - id: bad\n    hosts: [a]\n    port: 1\n    sources: [zone:ap]\n'),
    want: ['9:15 unknown-zone'],
    says: /"app"/,
  },
  {
    name: 'a zone without its prefix',
    yaml: cover('  - id: bad\n    hosts: [a]\n    port: 1\n    sources: app\n'),
    want: ['9:14 bad-source'],
    says: /zone:app/,
  },
  {
    name: 'everybody by a word',
    yaml: cover('  - id: bad\n    hosts: [a]\n    port: 1\n    sources: [any]\n'),
    want: ['9:15 bad-source'],
    says: /0\.0\.0\.0\/0/,
  },
  {
    name: 'a time without zone',
    yaml: cover('  - id: bad\n    hosts: [a]\n    port: 1\n    expires: 2027-09-30T00:00:00\n'),
    want: ['9:14 no-timezone'],
    says: /Z for UTC/,
  },
  {
    name: 'a day for a time',
    yaml: cover('  - id: bad\n    hosts: [a]\n    port: 1\n    expires: 2027-09-30\n'),
    want: ['9:14 no-timezone'],
  },
  {
    name: 'a day that is none',
    yaml: cover('  - id: bad\n    hosts: [a]\n    port: 1\n    review: { last: 2026-02-30 }\n'),
    want: ['9:21 bad-time'],
  },
  {
    name: 'a word that is none',
    yaml: cover('  - id: bad\n    hosts: [a]\n    port: 1\n    transport: tpc\n'),
    want: ['9:16 bad-value'],
    mightCover: { transport: null, ports: [{ from: 1, to: 1 }] },
    says: /"tcp"/,
  },
  {
    name: 'a bind that is none',
    yaml: cover('  - id: bad\n    hosts: [a]\n    port: 1\n    bind: privat\n'),
    want: ['9:11 bad-bind'],
    says: /"private"/,
  },
  {
    name: 'a missing port',
    yaml: cover('  - id: bad\n    hosts: [a]\n'),
    want: ['6:5 missing-key'],
    mightCover: 'anything',
  },
  {
    name: 'a list for a text',
    yaml: cover('  - id: bad\n    hosts: [a]\n    port: 1\n    owner: [x]\n'),
    want: ['9:12 wrong-type'],
  },
  { name: 'an item that is no map', yaml: cover('  - bad\n'), want: ['6:5 wrong-type'], mightCover: 'anything' },
  {
    name: 'an undeclared owner',
    yaml: cover('  - id: odd\n    hosts: [a]\n    port: 1\n    owner: team-order\n'),
    want: ['6:5 unknown-owner'],
    kept: ['fine', 'fine-too', 'odd'],
    says: /"team-orders"/,
  },
  {
    name: 'an id twice',
    yaml: cover('  - id: fine\n    hosts: [a]\n    port: 1\n'),
    want: ['6:5 duplicate-id'],
    mightCover: { transport: 'tcp', ports: [{ from: 1, to: 1 }] },
    says: /register\/a\.yaml:2:5/,
  },
  {
    name: 'a list without its key',
    yaml: '- id: bad\n  port: 1\n',
    want: ['1:1 no-ports'],
    kept: [],
    mightCover: 'anything',
    says: /under the key ports/,
  },
  {
    name: 'another key',
    yaml: `prots:\n${FINE}`,
    want: ['1:1 unknown-key'],
    kept: [],
    mightCover: 'anything',
    says: /"ports"/,
  },
  {
    name: 'two documents',
    yaml: `ports:\n${FINE}---\nports: []\n`,
    want: ['6:1 yaml-documents'],
    kept: ['fine'],
    mightCover: 'anything',
  },
];

for (const { name, yaml, want, kept = ['fine', 'fine-too'], mightCover, says } of REGISTER_CASES)
  test(`register file: ${name}`, async () => {
    const { register } = await load({ 'register/a.yaml': yaml });
    assert.deepEqual(
      register.problems.map((p) => `${p.at.line}:${p.at.column} ${p.code}`),
      want,
    );
    assert.deepEqual(
      register.entries.map((entry) => entry.id),
      kept,
    );
    const problem = register.problems[0];
    if (mightCover !== undefined) assert.deepEqual(problem?.mightCover, mightCover);
    if (says) assert.match(`${problem?.message} ${problem?.hint ?? ''}`, says);
  });

test('an entry is normalised: defaults, order, spelling; a blank key is a missing one', async () => {
  const { register } = await load({
    'register/a.yaml': `ports:
  - id: x
    purpose:
    owner: ""
    hosts: [tag:b, 10.0.0.0/8, FE80::0:1]
    port: [444, 443, "440-442"]
    bind: 0.0.0.0
    sources: [zone:app, 10.20.9.17/32]
    data: PHI
    change: 007
    expires: 2027-09-30T02:00:00+02:00
    review: { every: 12w, last: 2026-09-30 }
`,
  });
  const { digest, ...entry } = register.entries[0] ?? assert.fail('one entry');
  assert.match(digest, /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual(entry, {
    ...{ id: 'x', service: null, purpose: null, workflow: null, owner: null },
    hosts: ['10.0.0.0/8', 'fe80::1', 'tag:b'],
    ...{ scope: 'host', workload: {}, ports: [{ from: 440, to: 444 }], transport: 'tcp', bind: 'any', process: {} },
    sources: ['10.20.9.17', 'zone:app'],
    ...{ data: ['phi'], encryption: null, auth: null, change: '007', risk: null, approval: null },
    review: { everyDays: 84, last: Date.UTC(2026, 8, 30) },
    expires: Date.UTC(2027, 8, 30),
    ...{ evidence: [], at: { file: 'register/a.yaml', line: 2, column: 5 }, inheritedFrom: null },
  });
});

test('a workspace without quietdoor.yaml is the one thing that cannot be loaded', async () => {
  await assert.rejects(loadWorkspace(memorySource({ 'register/a.yaml': '' })), UserError);
});

const CONFIG_CASES: { name: string; yaml: string; want: string[] }[] = [
  { name: 'an unknown key', yaml: 'name: x\npolcy: {}\n', want: ['2:1 unknown-key'] },
  { name: 'entries in the wrong file', yaml: 'name: x\nports:\n  - id: a\n', want: ['2:1 unknown-key'] },
  { name: 'a broken section', yaml: 'name: x\nzones:\n  app: [10.0.0.0/8\nsite: y\n', want: ['3:19 yaml-syntax'] },
  {
    name: 'a zone of no address',
    yaml: 'zones:\n  app: [10.0.0.0/8, nowhere]\n  other: [10.0.0.0/8]\n',
    want: ['2:21 bad-address'],
  },
  { name: 'a duration that is none', yaml: 'policy:\n  review: often\n  dueSoon: 7d\n', want: ['2:11 bad-duration'] },
  { name: 'an unknown framework', yaml: 'frameworks: [soc-2]\n', want: ['1:14 bad-value'] },
  { name: 'an alias', yaml: 'zones:\n  a: &x [10.0.0.0/8]\n  b: *x\n', want: ['3:7 yaml-alias'] },
];
for (const { name, yaml, want } of CONFIG_CASES)
  test(`quietdoor.yaml: ${name}`, async () => {
    const { register } = await load({ 'quietdoor.yaml': yaml });
    assert.deepEqual(
      register.problems.map((p) => `${p.at.line}:${p.at.column} ${p.code}`),
      want,
    );
  });

test('what is right in a broken config counts', async () => {
  const yaml = 'site: berlin\npolicy:\n  review: often\n  dueSoon: 7d\nzones:\n  bad: [x]\n  good: [10.0.0.0/8]\n';
  const { register } = await load({ 'quietdoor.yaml': yaml });
  assert.equal(register.site, 'berlin');
  assert.equal(register.policy.dueSoonDays, 7);
  assert.equal(register.policy.reviewEveryDays, 365);
  assert.deepEqual(register.zones, [{ name: 'good', cidrs: ['10.0.0.0/8'] }]);
});

const EXCEPTION = `  - id: e
    kind: risk-adjustment
    rule: wider-bind
    subject: db-1:5432/tcp
    reason: moves next month
    approver: a@example.org
`;
const EXCEPTION_CASES: { name: string; yaml: string; want: string[]; kept: number }[] = [
  { name: 'in order', yaml: `${EXCEPTION}    expires: 2026-12-01T00:00:00Z\n`, want: [], kept: 1 },
  { name: 'without zone', yaml: `${EXCEPTION}    expires: 2026-12-01T00:00:00\n`, want: ['8:14 no-timezone'], kept: 0 },
  {
    name: 'too long',
    yaml: `${EXCEPTION}    from: 2026-01-01T00:00:00Z\n    expires: 2026-12-01T00:00:00Z\n`,
    want: ['9:14 exception-too-long'],
    kept: 0,
  },
  {
    name: 'too long from now on',
    yaml: `${EXCEPTION}    expires: 2036-12-01T00:00:00Z\n`,
    want: ['8:14 exception-too-long'],
    kept: 0,
  },
  {
    name: 'another subject',
    yaml: `${EXCEPTION.replace('db-1:5432/tcp', 'everything')}    expires: 2026-12-01T00:00:00Z\n`,
    want: ['5:14 bad-subject'],
    kept: 0,
  },
];
test('exception: one by somebody who may not approve is not used', async () => {
  const yaml = `${EXCEPTION}    expires: 2026-12-01T00:00:00Z\n`;
  const approved = async (approvers: string) => {
    const config = `policy: { approvers: [${approvers}] }\n`;
    const { register } = await load({ 'quietdoor.yaml': config, 'exceptions.yaml': `exceptions:\n${yaml}` });
    return [register.exceptions.length, ...register.problems.map((p) => `${p.at.line}:${p.at.column} ${p.code}`)];
  };
  assert.deepEqual(await approved('ciso@example.org'), [0, '7:15 approver-not-allowed']);
  assert.deepEqual(await approved('ciso@example.org, A@Example.org'), [1]);
});

for (const { name, yaml, want, kept } of EXCEPTION_CASES)
  test(`exception: ${name}`, async () => {
    const { register } = await load({ 'exceptions.yaml': `exceptions:\n${yaml}` });
    assert.deepEqual(
      register.problems.map((p) => `${p.at.line}:${p.at.column} ${p.code}`),
      want,
    );
    assert.equal(register.exceptions.length, kept);
  });

test('ids are unique over all files; both places are named', async () => {
  const { register } = await load({ 'register/a.yaml': `ports:\n${FINE}`, 'register/b.yaml': `ports:\n${FINE}` });
  assert.equal(register.problems[0]?.at.file, 'register/b.yaml');
  assert.match(register.problems[0]?.message ?? '', /register\/a\.yaml:2:5/);
});

test('bytes that are no text are a problem of that file only', async () => {
  const files = {
    'register/a.yaml': `ports:\n${FINE}`,
    'register/b.yaml': Uint8Array.of(0xff, 0xfe, 0x20, 1),
    'register/c.yaml': 'ports:\n  - \0\n',
    'register/d.yaml': 'ports:\n  - id: \u0007\n',
  };
  assert.deepEqual(await problemsOf(files), [
    'register/b.yaml:1:1 not-text',
    'register/c.yaml:1:1 not-text',
    'register/d.yaml:2:9 yaml-syntax',
  ]);
});

test('of a hundred thousand aliases a thousand are told of, and the rest is not taken for fine', async () => {
  const bomb = `ports:\n  - &a { id: x, hosts: [h], port: 1 }\n${'  - *a\n'.repeat(100_000)}`;
  const { register } = await load({ 'register/a.yaml': bomb });
  assert.equal(register.problems.filter((p) => p.code === 'yaml-alias').length, 1000);
  assert.deepEqual(
    register.problems.filter((p) => p.code !== 'yaml-alias').map((p) => [p.code, p.at.line, p.mightCover]),
    [['too-many-errors', 1003, 'anything']],
  );
});

test('the cache gives the same answer, problems included, and a damaged one is passed over', async () => {
  const kept = new Map<string, string>();
  const cache = {
    get: async (key: string) => kept.get(key) ?? null,
    put: async (key: string, value: string) => void kept.set(key, value),
  };
  const files = { 'quietdoor.yaml': CONFIG, 'register/a.yaml': cover('  - id: bad\n    port: 0\n    hosts: [a]\n') };
  const fresh = await loadWorkspace(memorySource(files), { cache, now: NOW });
  assert.equal(kept.size, 1);
  assert.deepEqual(await loadWorkspace(memorySource(files), { cache, now: NOW }), fresh);
  for (const key of kept.keys()) kept.set(key, '{"entr');
  assert.deepEqual(await loadWorkspace(memorySource(files), { cache, now: NOW }), fresh);
  await loadWorkspace(memorySource({ ...files, 'quietdoor.yaml': CONFIG.replace('10.20', '10.21') }), {
    cache,
    now: NOW,
  });
  assert.equal(kept.size, 2, 'another zone, another digest: parsed anew');
});

test('random bytes and mangled registers never make it throw', async () => {
  const mangled = fc
    .tuple(fc.nat(400), fc.string({ unit: fc.constantFrom(...'\n\t -[]{}:,&*!|>"\'#%@`?a1\0\ud800'), maxLength: 12 }))
    .map(([at, text]) => {
      const yaml = cover('  - id: z\n    purpose: |\n      x\n    process: { exe: /x }\n    hosts: [a]\n    port: 1\n');
      return yaml.slice(0, at) + text + yaml.slice(at + text.length);
    });
  const content = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string({ unit: 'binary', maxLength: 200 }), mangled);
  await fc.assert(
    fc.asyncProperty(content, content, content, async (config, register, exceptions) => {
      const files = { 'quietdoor.yaml': config, 'register/a.yaml': register, 'exceptions.yaml': exceptions };
      const loaded = await loadWorkspace(memorySource(files), { now: NOW });
      for (const p of loaded.register.problems) assert.ok(p.at.line >= 1 && p.at.column >= 1, p.code);
    }),
    { numRuns: 200 },
  );
});
