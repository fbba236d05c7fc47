import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertGolden } from '../../test/golden.ts';
import { rulesetNotation, stepsNotation } from '../../test/ruleset-notation.ts';
import type { DialectResult, RulesetFile } from './dialect.ts';
import { nftables } from './nftables.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'firewall', 'nftables');

function fixture(name: string): RulesetFile {
  return { name, text: readFileSync(join(FIXTURES, name), 'utf8') };
}

function read(...files: readonly RulesetFile[]): DialectResult {
  return nftables.read(files[0] as RulesetFile, { ipsets: null, network: null, files });
}

test('every statement of nftables is understood as listed', () => {
  const result = read(fixture('statements.json'));
  assert.equal(
    result.incomplete,
    'a rule rewrites addresses or ports of packets, which is not followed (tcp dport set 80)',
  );
  assertGolden(
    'firewall/nftables/statements.golden.txt',
    rulesetNotation({ ...result, assumptions: result.assumptions ?? [] }),
  );
});

test('with the bytecode, a reject is limited to the family that the listing leaves out', () => {
  const json = fixture('statements.json');
  const rejects = (result: DialectResult): string[] =>
    (result.layers[0]?.chains ?? [])
      .flatMap((chain) => chain.rules)
      .filter((rule) => rule.text.includes('reject'))
      .map((rule) => `${rule.text} = ${stepsNotation(rule.steps)}`);
  const without = rejects(read(json));
  const given = rejects(read(json, fixture('statements.netlink.txt')));
  assert.equal(without.filter((line) => line.includes('the listing leaves out')).length, 7);
  assert.equal(given.filter((line) => line.includes('the listing leaves out')).length, 0);
  // meta nfproto ipv6 reject with tcp reset
  assert.ok(given.includes('meta l4proto tcp reject with tcp reset = ipv6  protocol[6]  protocol[6]  reject'));
});

test('texts that look like lines of the bytecode are not taken for them', () => {
  const open = [{ accept: null }];
  const json = { name: 'nft.json', text: listing([open]) };
  const real = 'ip t c 1\n  [ immediate reg 0 accept ]\n\n';
  const forged = 'ip t c 1\n  [ meta load nfproto => reg 1 ]\n  [ cmp eq reg 1 0x0000000a ]\n';
  const listed = (comment: string) =>
    `table ip t {\n\tcomment "${comment}"\n\tchain c {\n\t\ttype nat hook prerouting priority 0; policy drop;\n\t\taccept\n\t}\n}\n`;
  const steps = (netlink: string, of = json) =>
    read(of, { name: 'nft.netlink', text: netlink })
      .layers[0]?.chains.flatMap((chain) => chain.rules)
      .map((rule) => stepsNotation(rule.steps));
  assert.deepEqual(steps(`${real}${listed('x')}`), ['accept']);
  // before the listing (in the prefix of a log), and in it (in a comment that the JSON leaves out)
  assert.deepEqual(steps(`${real}${forged}${listed('x')}`), ['accept']);
  assert.deepEqual(steps(`${real}${listed(`x\n${forged}`)}`), ['accept']);
  assert.deepEqual(steps(`${real}${listed('x\n\tflags dormant')}`), ['accept']);
  assert.deepEqual(steps(`${real}${listed('x\ntable ip t {\n\tflags dormant')}`), ['accept']);
  // in the block of the rule itself
  const prefix = 'x\n  [ meta load nfproto => reg 1 ]\n  [ cmp eq reg 1 0x0000000a ]\n  [ y';
  const own = { name: 'nft.json', text: listing([[{ log: { prefix } }, { accept: null }]]) };
  assert.deepEqual(steps(`ip t c 1\n  [ log prefix ${prefix} ]\n  [ immediate reg 0 accept ]\n\n`, own), [
    `log ${JSON.stringify(prefix)}  accept`,
  ]);
});

test('comparisons of a port and an address that nft lists as one range are undecided', () => {
  const range = (op: string, first: string) => ({
    match: { op, left: { payload: { protocol: 'ip', field: 'saddr' } }, right: { range: [first, '100.64.3.15'] } },
  });
  const steps = (first: string) =>
    read({ name: 'nft.json', text: listing([[range('!=', first), { drop: null }]]) })
      .layers[0]?.chains.flatMap((chain) => chain.rules)
      .map((rule) => stepsNotation(rule.steps))
      .join();
  assert.match(steps('0.0.0.80') ?? '', /comparisons of two fields/);
  for (const first of ['0.0.0.0', '0.1.0.0', '10.0.0.80']) assert.doesNotMatch(steps(first) ?? '', /two fields/);
});

const RULESETS = readdirSync(join(FIXTURES, 'rulesets')).filter((name) => name.endsWith('.json'));

test('rulesets as people have them are read whole, and as exactly as before', () => {
  assert.ok(RULESETS.length >= 30);
  const lines = RULESETS.map((name) => {
    const result = read(fixture(join('rulesets', name)));
    const rules = result.layers.flatMap((layer) => layer.chains).flatMap((chain) => chain.rules);
    const doubtful = new Set(result.notes.map((note) => note.rule));
    const exact = rules.filter((rule) => !doubtful.has(rule.id)).length;
    assert.equal(result.statements.unrecognised, 0, `${name}: ${JSON.stringify(result.notes)}`);
    assert.equal(total(result), countStatements(name), name);
    return `${name} ${exact} of ${rules.length}${result.incomplete === null ? '' : ` ${result.incomplete}`}\n`;
  });
  assertGolden('firewall/nftables/exact-rules.golden.txt', lines.join(''));
});

function total({ statements }: DialectResult): number {
  return statements.modelled + statements.irrelevant + statements.unsupported + statements.unrecognised;
}

/** Statements of a listing, counted without our reader: every object but rules, every statement of every rule. */
function countStatements(name: string): number {
  const { nftables: objects } = JSON.parse(fixture(join('rulesets', name)).text);
  let count = 0;
  for (const object of objects) count += object.rule === undefined ? 1 : Math.max(1, object.rule.expr?.length ?? 0);
  return count;
}

test('the shapes of other versions of nft', () => {
  const result = read(fixture('other-versions.json'));
  assertGolden(
    'firewall/nftables/other-versions.golden.txt',
    rulesetNotation({ ...result, assumptions: result.assumptions ?? [] }),
  );
});

test('anonymous chains, also with their bytecode', () => {
  const json = fixture('rulesets/anonymous-chains.json');
  const chains = read(json, fixture('anonymous-chains.netlink.txt')).layers[0]?.chains ?? [];
  assert.deepEqual(
    chains.map((chain) => [chain.id, ...chain.rules.map((rule) => stepsNotation(rule.steps))]),
    [
      [
        'nft inet a input',
        'state[established, related]  accept',
        'jump nft inet a input handle 7 block',
        'goto nft inet a input handle 11 block',
      ],
      [
        'nft inet a input handle 7 block',
        '(ipv4 & source[10.0.0.0/8])  (protocol[6] & destination-port[22])  accept',
        '(ipv4 & !source[10.0.0.0/8])  (protocol[6] & destination-port[80, 443])  accept',
      ],
      [
        'nft inet a input handle 11 block',
        '(protocol[6] & destination-port[25])  protocol[6]  reject',
        'in-interface[lo]  accept',
      ],
    ],
  );
});

test('interfaces of chains and dormant tables come from the bytecode where the JSON lacks them', () => {
  const json = fixture('devices.json');
  const bases = (result: DialectResult): unknown[] =>
    (result.layers[0]?.chains ?? []).map(({ id, base, rules }) => [id, base?.hook, base?.devices, rules.length]);
  assert.deepEqual(bases(read(json)), [
    ['nft netdev n i', 'ingress', null, 3],
    ['nft netdev n i2', 'ingress', null, 0],
    ['nft netdev n e egress', 'postrouting', undefined, 2],
    ['nft netdev n e', undefined, undefined, 1],
    ['nft inet f ing', 'ingress', null, 1],
    ['nft inet off dead', 'input', undefined, 2],
    ['nft inet on in', 'input', undefined, 1],
  ]);
  assert.deepEqual(bases(read(json, fixture('devices.netlink.txt'))), [
    ['nft netdev n i', 'ingress', ['d0'], 3],
    ['nft netdev n i2', 'ingress', ['d0', 'lo'], 0],
    ['nft netdev n e egress', 'postrouting', undefined, 2],
    ['nft netdev n e', undefined, undefined, 1],
    ['nft inet f ing', 'ingress', ['lo'], 1],
    ['nft inet on in', 'input', undefined, 1],
  ]);
});

test('a listing that ends too early is said to, and what came before is kept', () => {
  const { text } = fixture('rulesets/server-web.json');
  const whole = read({ name: 'x', text });
  for (let length = 20; length < text.trimEnd().length; length += 37) {
    const cut = read({ name: 'x', text: text.slice(0, length) });
    assert.match(cut.incomplete ?? '', /the text ends|is missing/, `at ${length}`);
    const rules = (result: DialectResult): number => result.layers[0]?.chains.flatMap((c) => c.rules).length ?? 0;
    assert.ok(rules(cut) <= rules(whole));
  }
  const last = read({ name: 'x', text: text.slice(0, text.lastIndexOf('{"rule"')) });
  assert.equal(last.layers[0]?.chains.flatMap((c) => c.rules).length, 7);
});

test('warnings of nft around the document are told, and the document is read', () => {
  const { text } = fixture('rulesets/accept-all.json');
  const result = read({ name: 'x', text: `warning: stmt ops chain have no json callback\n${text}\nmore` });
  assert.equal(result.incomplete, null);
  assert.deepEqual(
    result.notes.map((note) => [note.status, note.text, note.at.line]),
    [
      ['unrecognised', 'warning: stmt ops chain have no json callback', 1],
      ['unrecognised', 'more', 2],
    ],
  );
});

test('a listing of several lines tells where a rule stands', () => {
  const rule = read(fixture('statements.json')).layers[0]?.chains[0]?.rules[0];
  assert.deepEqual(rule?.at, { file: 'statements.json', line: 364 });
});

test('other texts are not taken for nftables', () => {
  for (const text of ['', '{}', '[]', '# Generated by iptables-save', '{"nft": []}', '{"Resources": {"nftables": []}}'])
    assert.equal(nftables.detect(text), false, text);
  assert.equal(nftables.detect('{ "nftables" : [] }'), true);
});

const words = fc.constantFrom(
  ...['rule', 'chain', 'set', 'map', 'table', 'expr', 'match', 'op', 'left', 'right', 'payload', 'protocol', 'field'],
  ...['ip', 'tcp', 'saddr', 'dport', '==', '!=', 'in', '<', '&', '|', '^', 'concat', 'range', 'prefix', 'addr', 'len'],
  ...['elem', 'val', 'vmap', 'key', 'data', 'accept', 'drop', 'jump', 'target', 'meta', 'mark', 'ct', 'state', 'fib'],
  ...['flags', 'result', 'mangle', 'value', 'dnat', 'redirect', 'port', 'family', 'inet', 'name', 'reject', 'type'],
  ...['log', 'limit', 'numgen', 'mod', 'flow', 'xt', 'queue', 'notrack', '@s', '*', '10.0.0.1', 'syn', 'handle', 's'],
);
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.integer({ min: -2, max: 70_000 }),
    fc.boolean(),
    words,
    fc.string({ maxLength: 8 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(words, tie('value'), { maxKeys: 4 }),
  ),
})).value;
const object = fc.oneof(
  fc.record({
    rule: fc.record({
      family: fc.constantFrom('inet', 'ip', 'bridge'),
      table: fc.constant('t'),
      chain: fc.constantFrom('c', 'd'),
      handle: fc.integer({ min: 1, max: 9 }),
      expr: fc.array(json, { maxLength: 4 }),
    }),
  }),
  fc.record({
    set: fc.record({
      family: fc.constant('inet'),
      table: fc.constant('t'),
      name: fc.constant('s'),
      elem: json,
      stmt: json,
    }),
  }),
  fc.record({
    map: fc.record({
      family: fc.constant('inet'),
      table: fc.constant('t'),
      name: fc.constant('s'),
      elem: fc.array(json, { maxLength: 3 }),
    }),
  }),
  fc.record({
    chain: fc.record({
      family: fc.constant('inet'),
      table: fc.constant('t'),
      name: fc.constant('c'),
      hook: fc.constantFrom('input', 'ingress', 'egress', 'x'),
      prio: json,
      type: fc.constantFrom('filter', 'nat'),
      dev: json,
    }),
  }),
  fc.record({ table: fc.record({ family: fc.constant('inet'), name: fc.constant('t'), flags: json }) }),
  json,
);

test('any JSON is read without a crash, every statement is counted once, and texts are short and printable', () => {
  fc.assert(
    fc.property(fc.array(object, { maxLength: 12 }), (objects) => {
      const result = read({ name: 'x', text: JSON.stringify({ nftables: objects }) });
      const ids = new Set<string>();
      for (const chain of result.layers[0]?.chains ?? [])
        for (const rule of chain.rules) {
          assert.ok(rule.text.length <= 500);
          assert.doesNotMatch(rule.text, /[\p{Cc}\p{Cf}]/u);
          assert.ok(!ids.has(rule.id), rule.id);
          ids.add(rule.id);
        }
      let expected = 0;
      for (const one of objects) {
        const keys = one !== null && typeof one === 'object' && !Array.isArray(one) ? Object.keys(one) : [];
        const rule = keys.length === 1 && keys[0] === 'rule' ? (one as { rule: unknown }).rule : null;
        const expr = rule !== null && typeof rule === 'object' ? (rule as { expr?: unknown }).expr : null;
        expected += Array.isArray(expr) ? Math.max(1, expr.length) : 1;
      }
      assert.equal(total(result), expected);
    }),
    { numRuns: 2000 },
  );
});

test('deep nesting is refused, not followed', () => {
  const deep = `${'{"&": ['.repeat(5000)}1${']}'.repeat(5000)}`;
  const text = `{"nftables": [{"rule": {"family": "inet", "table": "t", "chain": "c", "expr": [{"match": {"op": "==", "left": ${deep}, "right": 1}}]}}]}`;
  const result = read({ name: 'x', text });
  assert.equal(result.statements.unrecognised, 1);
  assert.notEqual(result.incomplete, null);
});

test('10,000 rules are read', () => {
  const rules = Array.from({ length: 10_000 }, (_, i) => ({
    rule: {
      ...{ family: 'inet', table: 't', chain: 'c', handle: i + 2 },
      expr: [
        {
          match: {
            op: '==',
            left: { payload: { protocol: 'ip', field: 'saddr' } },
            right: { prefix: { addr: `10.${i >> 8}.${i & 255}.0`, len: 24 } },
          },
        },
        {
          match: {
            op: '==',
            left: { payload: { protocol: 'tcp', field: 'dport' } },
            right: { set: [22, { range: [i, i + 10] }] },
          },
        },
        { match: { op: '==', left: { payload: { protocol: 'ip', field: 'daddr' } }, right: '@s' } },
        { counter: { packets: 1, bytes: 2 } },
        { accept: null },
      ],
    },
  }));
  const elem = Array.from({ length: 10_000 }, (_, i) => `192.168.${i >> 8}.${i & 255}`);
  const chain = { family: 'inet', table: 't', name: 'c', type: 'filter', hook: 'input', prio: 0, policy: 'drop' };
  const set = { family: 'inet', table: 't', name: 's', type: 'ipv4_addr', elem };
  const text = JSON.stringify({ nftables: [{ metainfo: { version: '1.0.6' } }, { set }, { chain }, ...rules] });
  assert.equal(read({ name: 'x', text }).layers[0]?.chains[0]?.rules.length, 10_000);
});

/** Text of a listing of one chain with the rules given as lists of statements. */
function listing(rules: readonly (readonly unknown[])[], more: readonly object[] = [], handle?: number): string {
  const chain = { family: 'ip', table: 't', name: 'c', type: 'nat', hook: 'prerouting', prio: -100, policy: 'accept' };
  const listed = rules.map((expr, i) => ({
    rule: { family: 'ip', table: 't', chain: 'c', handle: handle ?? i + 1, expr },
  }));
  return JSON.stringify({ nftables: [{ metainfo: { version: '1.0.6' } }, ...more, { chain }, ...listed] });
}

test('a listing that says two things of one name, or goes on behind its end, is not whole', () => {
  const of = { family: 'ip', table: 't', type: 'ipv4_addr', name: 's' };
  const incomplete = (text: string) => read({ name: 'x', text }).incomplete;
  const chain = { family: 'ip', table: 't', name: 'c', type: 'nat', hook: 'prerouting', prio: -100, policy: 'accept' };
  const set = { set: { ...of, elem: ['10.0.0.1'] } };
  assert.equal(incomplete(listing([], [set, set, { chain }])), null);
  assert.match(
    String(incomplete(listing([], [set, { set: { ...of, elem: ['10.0.0.2'] } }]))),
    /^the set s is in the listing twice, in different ways$/,
  );
  assert.match(String(incomplete(listing([], [set, { map: { ...of, map: 'verdict' } }]))), /^the map s is in/);
  assert.match(String(incomplete(listing([], [{ chain: { ...chain, policy: 'drop' } }]))), /^the chain c is in/);
  const tables = [{ table: { family: 'ip', name: 't' } }, { table: { family: 'ip', name: 't', flags: ['dormant'] } }];
  assert.match(String(incomplete(listing([], tables))), /^the table t is in/);
  assert.equal(
    incomplete(`${listing([])}\n# Warning: table ip filter is managed by iptables-nft, do not touch!\n`),
    null,
  );
  assert.match(String(incomplete(`${listing([])}\n${listing([])}`)), /^more follows behind the document/);
});

test('what repeats itself is not read again and again', () => {
  const elem = Array.from({ length: 4000 }, (_, i) => [i + 1, { [i % 2 === 0 ? 'accept' : 'drop']: null }]);
  const targets = Array.from({ length: 4000 }, (_, i) => [i + 1, `10.0.${i >> 8}.${i & 255}`]);
  const of = { family: 'ip', table: 't', type: 'inet_service' };
  const maps = [
    { map: { ...of, name: 'v', map: 'verdict', elem } },
    { map: { ...of, name: 'd', map: 'ipv4_addr', elem: targets } },
  ];
  const key = { payload: { protocol: 'tcp', field: 'dport' } };
  const rules = [
    ...Array.from({ length: 2000 }, () => [{ vmap: { key, data: '@v' } }]),
    ...Array.from({ length: 200 }, () => [{ dnat: { addr: { map: { key, data: '@d' } } } }]),
  ];
  const result = read({ name: 'x', text: listing(rules, maps, 7) });
  const read10 = result.layers[0]?.chains[0]?.rules ?? [];
  assert.equal(new Set(read10.map((rule) => rule.id)).size, read10.length);
  assert.ok(read10.length < 60_000, `${read10.length} rules`);
});

test('a translation by a map that cannot be split may lead anywhere', () => {
  const key = { payload: { protocol: 'tcp', field: 'dport' } };
  const data = {
    set: [
      [80, '10.0.0.1'],
      [81, '10.0.0.2'],
    ],
  };
  const mark = { mangle: { key: { meta: { key: 'mark' } }, value: 1 } };
  const rules = read({ name: 'x', text: listing([[mark, { dnat: { addr: { map: { key, data } } } }]]) }).layers[0]
    ?.chains[0]?.rules;
  assert.deepEqual(
    rules?.map((rule) => stepsNotation(rule.steps)),
    [
      'packet mark = (mark & 0x0) ^ 0x1  ?(its ways are too many, or come after what it changes)  dnat [0.0.0.0/0, ::/0] port 0-65535',
    ],
  );
});
