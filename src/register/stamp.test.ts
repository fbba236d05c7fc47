import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { load } from 'js-yaml';
import { UserError } from '../model/errors.ts';
import { type CompleteApproval, stampApproval, stampReview } from './stamp.ts';

const DIGEST = `sha256:${'0f'.repeat(32)}`;
const stamp: CompleteApproval = {
  by: 'alice@example.org',
  at: Date.UTC(2026, 8, 30, 14, 2),
  hosts: ['db-1', 'db-2'],
  digest: DIGEST,
};
const PROOF = '-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\nAAAA==\n-----END SSH SIGNATURE-----\n';

const BLOCK = `# yaml-language-server: $schema=../register.schema.json
ports:
  # the orders database
  - id: pg    # id comment
    purpose: Orders   # why
    owner: team-orders
    sources: [zone:app]
    bind:   private   # aligned
    expires: 2027-09-30T00:00:00Z
  - id: other
    port: 22
`;

function parsed(text: string, id = 'pg'): Record<string, unknown> {
  const root = load(text) as { ports: Record<string, unknown>[] };
  return root.ports.find((p) => p.id === id) as Record<string, unknown>;
}

test('an approval is written behind the meaning of the entry, before review and expiry', () => {
  assert.equal(
    stampApproval(BLOCK, 'pg', { ...stamp, proof: PROOF }, 'register/db.yaml'),
    BLOCK.replace(
      '    bind:   private   # aligned\n',
      `    bind:   private   # aligned
    approval:
      by: alice@example.org
      at: 2026-09-30T14:02:00Z
      hosts: [db-1, db-2]
      proof: |
        -----BEGIN SSH SIGNATURE-----
        U1NIU0lH
        AAAA==
        -----END SSH SIGNATURE-----
      digest: "${DIGEST}"
`,
    ),
  );
});

const NEW_BLOCK = `approval:
      by: alice@example.org
      at: 2026-09-30T14:02:00Z
      hosts: [db-1, db-2]
      digest: "${DIGEST}"`;
const FLOW = `approval: { by: alice@example.org, at: 2026-09-30T14:02:00Z, hosts: [db-1, db-2], digest: "${DIGEST}" }`;

const cases: { name: string; input: string; want: string }[] = [
  {
    name: 'replaces a flow stamp and keeps the comment behind it',
    input: BLOCK.replace('    expires', '    approval: { by: bob, at: x } # old\n    expires'),
    want: BLOCK.replace('    expires', `    ${NEW_BLOCK} # old\n    expires`),
  },
  {
    name: 'replaces a block stamp that ends in a signature',
    input: BLOCK.replace('    expires', '    approval:\n      by: bob\n      proof: |\n        abc\n\n    expires'),
    want: BLOCK.replace('    expires', `    ${NEW_BLOCK}\n\n    expires`),
  },
  {
    name: 'replaces an empty stamp',
    input: BLOCK.replace('    expires', '    approval:\n    expires'),
    want: BLOCK.replace('    expires', `    ${NEW_BLOCK}\n    expires`),
  },
  {
    name: 'the evidence of a draft goes',
    input: BLOCK.replace('    expires', '    evidence:\n      - seen on db-1\n      - by nobody\n    expires'),
    want: BLOCK.replace('    expires', `    ${NEW_BLOCK}\n    expires`),
  },
  {
    name: 'evidence as the first field',
    input: 'ports:\n  - evidence: [x]\n    id: pg\n    purpose: p\n    owner: o\n    sources: []\n',
    want: `ports:\n  - id: pg\n    purpose: p\n    owner: o\n    sources: []\n    ${NEW_BLOCK}\n`,
  },
  {
    name: 'no newline at the end',
    input: 'ports:\n- id: pg\n  purpose: p\n  owner: o\n  sources: []\n  evidence: [x]',
    want: `ports:\n- id: pg\n  purpose: p\n  owner: o\n  sources: []\n  ${NEW_BLOCK.replaceAll('\n  ', '\n')}`,
  },
  {
    name: 'behind a field before one that ends in a block scalar',
    input: 'ports:\n  - id: pg\n    owner: o\n    sources: []\n    purpose: |+\n      long\n\n\n',
    want: `ports:\n  - id: pg\n    owner: o\n    sources: []\n    ${NEW_BLOCK}\n    purpose: |+\n      long\n\n\n`,
  },
  {
    name: 'lists and quoted texts over several lines',
    input: "ports:\n  - id: pg\n    owner: o\n    purpose: 'a\n\n      b'\n    sources: [a,\n      b] # c\n",
    want: `ports:\n  - id: pg\n    owner: o\n    purpose: 'a\n\n      b'\n    sources: [a,\n      b] # c\n    ${NEW_BLOCK}\n`,
  },
  {
    name: 'a flow entry',
    input: 'ports:\n  - { id: pg, purpose: p, owner: o, sources: [] } # c\n  - { id: x }\n',
    want: `ports:\n  - { id: pg, purpose: p, owner: o, sources: [], ${FLOW} } # c\n  - { id: x }\n`,
  },
  {
    name: 'a flow entry with a stamp, evidence and an empty value at its end',
    input: 'ports: [{ id: pg, purpose: p, owner: o, approval: { by: q }, evidence: [x, y], sources: [], risk: }]\n',
    want: `ports: [{ id: pg, purpose: p, owner: o, ${FLOW}, sources: [], risk: }]\n`,
  },
  {
    name: 'a flow entry whose last value is empty',
    input: 'ports: [{ id: pg, purpose: p, owner: o, sources: [], risk: }]\n',
    want: `ports: [{ id: pg, purpose: p, owner: o, sources: [], risk: , ${FLOW} }]\n`,
  },
  {
    name: 'a flow entry with a trailing comma over lines',
    input: 'ports:\n  - {\n      id: pg, purpose: p, owner: o,\n      sources: [],\n    }\n',
    want: `ports:\n  - {\n      id: pg, purpose: p, owner: o,\n      sources: [], ${FLOW},\n    }\n`,
  },
];

for (const c of cases) {
  test(`approval: ${c.name}`, () => assert.equal(stampApproval(c.input, 'pg', stamp, 'f.yaml'), c.want));
}

test('a file with CRLF keeps them, and the signature reads back as it was', () => {
  const input = BLOCK.replaceAll('\n', '\r\n');
  const out = stampApproval(input, 'pg', { ...stamp, proof: PROOF }, 'f.yaml');
  assert.doesNotMatch(out, /[^\r]\n/);
  assert.equal((parsed(out).approval as { proof: string }).proof, PROOF);
  const evidence = input.replace('    expires', '    evidence: [x]\r\n    expires');
  assert.equal(stampApproval(evidence, 'pg', { ...stamp, proof: PROOF }, 'f.yaml'), out);
});

test('a flow entry carries a signature too', () => {
  const out = stampApproval(
    'ports: [{ id: pg, purpose: p, owner: o, sources: [] }]',
    'pg',
    { ...stamp, proof: PROOF },
    'f.yaml',
  );
  assert.equal((parsed(out).approval as { proof: string }).proof, PROOF);
});

test('stamping again with the same stamp changes nothing', () => {
  const once = stampApproval(BLOCK, 'pg', { ...stamp, proof: PROOF }, 'f.yaml');
  assert.equal(stampApproval(once, 'pg', { ...stamp, proof: PROOF }, 'f.yaml'), once);
});

test('what lacks a justification is refused, with each place named', () => {
  const input = 'ports:\n  - id: pg\n    port: 5432\n    purpose:\n    owner: ""\n';
  assert.throws(
    () => stampApproval(input, 'pg', stamp, 'register/drafts.yaml'),
    (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /register\/drafts\.yaml:4:5 {2}purpose:/);
      assert.match(error.message, /register\/drafts\.yaml:5:5 {2}owner:/);
      assert.match(error.message, /register\/drafts\.yaml:2:5 {2}sources:/);
      return true;
    },
  );
});

test('what only the host itself can reach needs no sources', () => {
  const input = 'ports:\n  - id: pg\n    bind: loopback\n    purpose: p\n    owner: o\n';
  assert.match(stampApproval(input, 'pg', stamp, 'f.yaml'), /approval:/);
});

test('a file that cannot be stamped is refused, never damaged', () => {
  const bad: [string, RegExp][] = [
    ['ports: [', /not valid YAML/],
    ['ports:\n  - id: x\n', /no entry with the id pg/],
    ['ports:\n  - id: pg\n  - id: pg\n', /2 entries/],
    ['just text', /no entry/],
    ['', /no entry/],
    ['ports: []\n---\nports: []\n', /not valid YAML/],
    ['ports:\n  - id: pg\n    purpose: p\n    owner: o\n    sources: []\n    ? [a]\n    : b\n', /keys/],
  ];
  for (const [input, want] of bad) {
    assert.throws(
      () => stampApproval(input, 'pg', stamp, 'f.yaml'),
      (error: unknown) => error instanceof UserError && want.test(error.message),
      input,
    );
  }
});

test('an anchor that another entry uses is not cut away', () => {
  const input =
    'ports:\n  - id: pg\n    purpose: p\n    owner: o\n    sources: []\n    approval: &a { by: x }\n  - id: y\n    approval: *a\n';
  assert.throws(() => stampApproval(input, 'pg', stamp, 'f.yaml'), UserError);
});

test('a review keeps the interval as it is written', () => {
  const review = { last: Date.UTC(2026, 8, 30), by: 'bob@example.org', digest: DIGEST };
  const input = BLOCK.replace('    expires', '    review: { every: 12w }\n    expires');
  assert.equal(
    stampReview(input, 'pg', review, 'f.yaml'),
    BLOCK.replace(
      '    expires',
      `    review:\n      every: 12w\n      last: 2026-09-30T00:00:00Z\n      by: bob@example.org\n      digest: "${DIGEST}"\n    expires`,
    ),
  );
  assert.match(
    stampReview(BLOCK, 'pg', { ...review, everyDays: 30 }, 'f.yaml'),
    /\n {4}review:\n {6}every: 30d\n {6}last/,
  );
});

/** Registers as people write them: styles, comments, blank lines, line endings, last newline or none. */
const value = fc.oneof(
  fc.constantFrom('plain', '"quoted # not a comment"', "'it''s'", '[a, b]', '[a,\n      b]', '{ k: v }', '12', ''),
  fc.constantFrom('|\n      block\n      text', '>-\n      folded\n\n      text', '\n      k: v\n      l: [x]'),
);
const comment = fc.constantFrom('', '', ' # note');
const field = fc.tuple(fc.constantFrom('risk', 'change', 'data', 'zz', 'service', 'workload'), value, comment);
const entry = fc.record({
  before: fc.uniqueArray(field, { selector: ([key]) => key, maxLength: 3 }),
  old: fc.constantFrom(
    null,
    '{ by: x }',
    '\n      by: x # c\n      at: y',
    '\n      by: x\n      proof: |\n        abc\n        def',
    '',
  ),
  flow: fc.boolean(),
  gap: fc.constantFrom('', '\n', '\n\n', '    # between\n', '  # outer\n'),
});

test('property: all bytes outside the stamp stay, and the result says what was stamped', () => {
  const file = fc.record({
    entries: fc.array(entry, { minLength: 1, maxLength: 4 }),
    target: fc.nat(3),
    crlf: fc.boolean(),
    lastNewline: fc.boolean(),
    proof: fc.boolean(),
  });
  fc.assert(
    fc.property(file, (f) => {
      const target = f.target % f.entries.length;
      const fields = (e: (typeof f.entries)[number], n: number) =>
        e.flow
          ? `  - { id: e${n}, purpose: p, owner: o, sources: [] }\n`
          : `  - id: e${n}\n    purpose: p\n    owner: o\n${e.before
              .map(([k, v, c]) => `    ${k}: ${v}${/^[|>]|\n {6}k/.test(v) ? '' : c}\n`)
              .join('')}${e.old === null ? '' : `    approval: ${e.old}\n`}    sources: []\n`;
      let text = `ports:\n${f.entries.map((e, n) => fields(e, n) + e.gap).join('')}`;
      if (!f.lastNewline) text = text.trimEnd();
      if (f.crlf) text = text.replaceAll('\n', '\r\n');
      const wanted = f.proof ? { ...stamp, proof: PROOF } : stamp;
      const out = stampApproval(text, `e${target}`, wanted, 'f.yaml');

      const approval = parsed(out, `e${target}`).approval as Record<string, unknown>;
      assert.deepEqual(approval, {
        by: stamp.by,
        at: '2026-09-30T14:02:00Z',
        hosts: stamp.hosts,
        ...(f.proof ? { proof: PROOF } : {}),
        digest: DIGEST,
      });
      let head = 0;
      while (head < text.length && text[head] === out[head]) head++;
      let tail = 0;
      while (tail < text.length - head && text.at(-1 - tail) === out.at(-1 - tail)) tail++;
      const cut = text.slice(head, text.length - tail);
      const old = f.entries[target]?.old;
      const flow = f.entries[target]?.flow;
      if (old === null || flow) assert.equal(cut, '', 'nothing is taken away where there was no stamp');
      else assert.ok(`approval: ${old}\n`.replaceAll('\n', f.crlf ? '\r\n' : '\n').includes(cut), cut);
    }),
    { numRuns: 400 },
  );
});
