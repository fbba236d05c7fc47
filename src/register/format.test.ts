import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatRegisterFile } from './format.ts';
import { parseRegisterFile } from './load-register.ts';

const CONTEXT = { zones: [{ name: 'app', cidrs: ['10.20.0.0/16'] }], brokenZones: [], inheritedFrom: null };

const CASES: { name: string; before: string; after: string }[] = [
  {
    name: 'keys in order; comments above, behind and below stay with them',
    before: `# yaml-language-server: $schema=x
ports:
  - port: 5432 # the usual one
    # who
    owner: team   # aligned

    # where
    # they are
    hosts: [db-1]
    id: pg
    # end of pg
  # before the next
  - id: b
    hosts: "*"
    port: 1
`,
    after: `# yaml-language-server: $schema=x
ports:
  - id: pg
    # who
    owner: team   # aligned

    # where
    # they are
    hosts: [db-1]
    port: 5432 # the usual one
    # end of pg
  # before the next
  - id: b
    hosts: "*"
    port: 1
`,
  },
  {
    name: 'one spelling of addresses, ports, times and durations',
    before: `ports:
- id: x
  hosts: [web-*, "10.0.0.0/8", 10.0.0.1/32]
  port: [444, "443", 440-442]
  bind: 0.0.0.0
  sources:
    - FE80::0:1 # kept in its place
    - 10.1.1.1
  data: [PII, phi]
  review: { last: 2026-09-30, every: 12 weeks }
  expires: 2027-09-30T02:00:00+02:00
`,
    after: `ports:
- id: x
  hosts: [10.0.0.0/8, 10.0.0.1, web-*]
  port: ["440-444"]
  bind: any
  sources:
    - fe80::1 # kept in its place
    - 10.1.1.1
  data: [phi, pii]
  review: { every: 84d, last: 2026-09-30 }
  expires: 2027-09-30T00:00:00Z
`,
  },
  {
    name: 'block texts, nested maps and blank keys move whole',
    before: `ports:
  - hosts: [a]
    purpose: |
      One line.
      # no comment

    process:
      user: x # why
      # which
      exe: /y
    port: 1
    owner:
    id: x
`,
    after: `ports:
  - id: x
    purpose: |
      One line.
      # no comment

    owner:
    hosts: [a]
    port: 1
    process:
      # which
      exe: /y
      user: x # why
`,
  },
  {
    name: 'an entry on one line',
    before: 'ports:\n  - { port: 1, id: x, hosts: [b, a] }',
    after: 'ports:\n  - { id: x, hosts: [a, b], port: 1 }\n',
  },
  {
    name: 'nothing to do',
    before: 'ports:\n  - id: x\n    hosts: [a]\n    port: 1   # b\n',
    after: 'ports:\n  - id: x\n    hosts: [a]\n    port: 1   # b\n',
  },
];

for (const { name, before, after } of CASES)
  test(`format: ${name}`, () => {
    assert.equal(formatRegisterFile(before, 'a.yaml').text, after);
    assert.equal(formatRegisterFile(after, 'a.yaml').text, after);
  });

test('an entry with an error keeps its bytes and is told of; the others are formatted', () => {
  const text = 'ports:\n  - port: 70000\n    id: bad\n    hosts: [a]\n  - port: 1\n    id: x\n    hosts: [a]\n';
  const { text: formatted, problems } = formatRegisterFile(text, 'a.yaml');
  assert.equal(
    formatted,
    'ports:\n  - port: 70000\n    id: bad\n    hosts: [a]\n  - id: x\n    hosts: [a]\n    port: 1\n',
  );
  assert.deepEqual(
    problems.map((p) => `${p.at.line}:${p.at.column} ${p.code}`),
    ['2:11 bad-port'],
  );
});

/** Keys with several ways to write the same value. */
const WAYS: Record<string, string[]> = {
  purpose: ['text', '"text"', '|\n      text\n      # more', '>-\n      folded\n      text', ''],
  owner: ['team', "'team' # why"],
  hosts: ['[b, a]', 'a', '\n      - b # c\n      - 10.0.0.1/32', '["*", tag:x]'],
  port: ['1', '[3, 2, "7-9"]', '\n      - 80\n      - 79', '"6000-6010"'],
  transport: ['udp'],
  bind: ['0.0.0.0', '"::"', 'loopback', '10.0.0.1'],
  process: [
    '{ user: x, exe: /y }',
    '\n      user: x\n      # c\n      exe: /y',
    `{ sha256: SHA256:${'A'.repeat(64)} }`,
  ],
  sources: ['[]', '[zone:app, 10.0.0.1/32, ::ffff:10.0.0.2]', '\n    - fe80:0::1\n    - zone:app'],
  data: ['PHI', '[b, A]'],
  approval: [`{ digest: "sha256:${'a'.repeat(64)}", at: 2026-01-01T01:00:00+01:00, by: a@b }`],
  review: ['{ by: x, every: 1y }', '{ last: 2026-01-01 10:00:00Z }'],
  expires: ['2027-01-01T00:00:00.000Z', '"2027-01-01t00:00:00z"'],
  evidence: ['[b, a]', '\n      - seen'],
};

test('formatting keeps the digest and every comment, and a second time changes nothing', () => {
  const pair = fc
    .constantFrom(...Object.keys(WAYS))
    .chain((key) => fc.constantFrom(...(WAYS[key] as string[])).map((value) => [key, value] as const));
  const gap = fc.constantFrom('', '', '\n', '    # gap\n', '\n    # after a blank\n');
  const entry = fc
    .tuple(
      fc.uniqueArray(pair, { selector: ([key]) => key, maxLength: 13 }),
      fc.array(gap, { minLength: 16, maxLength: 16 }),
      fc.nat(),
      fc.nat(),
    )
    .map(([pairs, gaps, a, b]) => {
      const all = [...pairs];
      for (const [key, value] of [
        ['hosts', '[h]'],
        ['port', '5'],
      ] as const)
        if (!all.some(([k]) => k === key)) all.splice(a % (all.length + 1), 0, [key, value]);
      all.splice(b % (all.length + 1), 0, ['id', 'x']);
      return all.map(([key, value], i) => `${i === 0 ? '  - ' : `${gaps[i]}    `}${key}: ${value}\n`).join('');
    });
  fc.assert(
    fc.property(entry, (item) => {
      const text = `# head\nports:\n${item}  # tail\n`;
      const before = parseRegisterFile(text, 'a.yaml', CONTEXT);
      const once = formatRegisterFile(text, 'a.yaml').text;
      const after = parseRegisterFile(once, 'a.yaml', CONTEXT);
      assert.deepEqual(before.problems, []);
      assert.deepEqual({ ...after.entries[0], at: null }, { ...before.entries[0], at: null });
      assert.equal(formatRegisterFile(once, 'a.yaml').text, once);
      assert.equal(once.match(/# /g)?.length, text.match(/# /g)?.length);
      const order = [...once.matchAll(/^ {2}(?:- | {2})(\w+):/gm)].map((m) => m[1] as string);
      assert.deepEqual(
        order,
        ['id', ...Object.keys(WAYS)].filter((key) => order.includes(key)),
      );
    }),
    { numRuns: 200 },
  );
});
