import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { assertGolden } from '../../test/golden.ts';
import { SAMPLE_OBSERVATION, sampleExplain, sampleResult } from '../../test/sample-result.ts';
import type { Observation } from '../model/observation.ts';
import { renderEvents } from './events.ts';
import { explainJson, renderExplain } from './explain.ts';
import { reportFormats } from './index.ts';
import { renderInventory } from './inventory.ts';
import { renderObservations } from './observations.ts';
import { printableJson } from './printable.ts';
import { renderProblems, renderRegister } from './register-list.ts';
import { renderRule } from './rule.ts';
import { textWidth } from './text-table.ts';

const plain = { width: 100, color: false };
const small = sampleResult('small');
const { estate } = small.result.facts;
const SIZES = ['empty', 'small', 'huge'] as const;

for (const format of reportFormats)
  test(`${format.name} of the small and the empty sample`, () => {
    assertGolden(`reports/golden/check-small.${format.name}.golden.txt`, format.render(small, plain));
    assertGolden(`reports/golden/check-empty.${format.name}.golden.txt`, format.render(sampleResult('empty'), plain));
  });

test('table at three widths, in colour, and bounded', () => {
  const table = reportFormats[0] as (typeof reportFormats)[number];
  for (const width of [80, 120])
    assertGolden(`reports/golden/check-small-${width}.table.golden.txt`, table.render(small, { width, color: false }));
  assertGolden('reports/golden/check-small-color.table.golden.txt', table.render(small, { width: 100, color: true }));
  assertGolden('reports/golden/check-huge.table.golden.txt', table.render(sampleResult('huge'), plain));
});

test('table lines fit the width', () => {
  const table = reportFormats[0] as (typeof reportFormats)[number];
  for (const size of SIZES)
    for (const width of [80, 100, 120])
      for (const line of table.render(sampleResult(size), { width, color: false }).split('\n'))
        assert.ok(textWidth(line) <= width, `${size} at ${width}: ${line}`);
});

test('explain of every kind of endpoint', () => {
  const names = [
    'conforms',
    'deviates',
    'draft',
    'hidden',
    'hostile',
    'looked',
    'nobody-looked',
    'not-covered',
    'shared',
  ] as const;
  for (const name of names)
    assertGolden(`reports/golden/explain-${name}.golden.txt`, `${renderExplain(sampleExplain(name), plain)}\n`);
  assertGolden(
    'reports/golden/explain-deviates-80.golden.txt',
    renderExplain(sampleExplain('deviates'), { width: 80, color: false }),
  );
  assertGolden(
    'reports/golden/explain-deviates.golden.json',
    `${printableJson(explainJson(sampleExplain('deviates')), 2)}\n`,
  );
});

test('what was seen of many hosts', async () => {
  const answer = {
    service: 'https',
    product: 'nginx',
    version: '1.22.1',
    encryption: 'tls',
    tls: { protocol: 'TLSv1.3', subject: 'CN=db-1', notAfter: Date.UTC(2027, 0, 1), selfSigned: true },
  } as const;
  const outside: Observation = {
    ...SAMPLE_OBSERVATION,
    id: '0192d0a0-0000-7000-8000-000000000002',
    collector: 'network',
    vantage: 'network:scanner-1',
    host: { name: '10.20.3.9', addresses: ['10.20.3.9'], tags: [] },
    coverage: [
      {
        host: '10.20.3.9',
        scope: 'unknown',
        transports: ['tcp'],
        ports: [{ from: 1, to: 1024 }],
        addresses: ['10.20.3.9'],
      },
    ],
    outcomes: [{ outcome: 'closed', transport: 'tcp', address: '10.20.3.9', ports: [{ from: 1, to: 442 }] }],
    gaps: [{ code: 'port-filtered', subject: 'tcp', message: 'Port 444 gave no answer.' }],
    listeners: [
      {
        ...{ host: '10.20.3.9', scope: 'unknown', transport: 'tcp', port: 443, address: '10.20.3.9', bind: 'private' },
        ...{ families: ['ipv4'], role: 'service', process: null, sharedWith: [], answer },
      },
    ],
  };
  async function* seen() {
    yield SAMPLE_OBSERVATION;
    yield outside;
  }
  for (const format of ['table', 'json', 'jsonl', 'csv']) {
    let text = '';
    for await (const piece of renderObservations(seen(), format, plain)) text += piece;
    if (format === 'json') assert.equal(JSON.parse(text).observations.length, 2);
    assertGolden(`reports/golden/observations.${format}.golden.txt`, text);
  }
});

test('inventory, events, register, problems and a rule', () => {
  for (const format of ['table', 'json', 'jsonl', 'csv'])
    assertGolden(`reports/golden/inventory.${format}.golden.txt`, renderInventory(SAMPLE_OBSERVATION, format, plain));
  assertGolden(
    'reports/golden/inventory-80.table.golden.txt',
    renderInventory(SAMPLE_OBSERVATION, 'table', { width: 80, color: false }),
  );
  for (const format of ['table', 'json', 'jsonl', 'csv'])
    assertGolden(`reports/golden/events.${format}.golden.txt`, renderEvents(small.result.events, format, plain));
  for (const format of ['table', 'json', 'csv'])
    assertGolden(
      `reports/golden/register.${format}.golden.txt`,
      renderRegister(estate.register, estate.approvals, estate.now, format, plain),
    );
  for (const format of ['table', 'json', 'github'])
    assertGolden(
      `reports/golden/problems.${format}.golden.txt`,
      renderProblems(estate.register.problems, format, plain),
    );
  const rule = small.rules.find((r) => r.id === 'unregistered-listener');
  assert.ok(rule);
  const controls = small.frameworks.flatMap((f) =>
    f.controls.filter((c) => c.checks.includes(rule.id)).map((c) => ({ framework: f.id, id: c.id, title: c.title })),
  );
  assertGolden('reports/golden/rule.golden.txt', renderRule(rule, controls, plain));
});

test('the same input gives the same bytes', () => {
  for (const format of reportFormats)
    assert.equal(format.render(sampleResult('small'), plain), format.render(small, plain));
});

test('an unknown format is refused', () => {
  assert.throws(() => renderInventory(SAMPLE_OBSERVATION, 'xml', plain), /no format xml/);
  assert.throws(() => renderEvents([], 'xml', plain), /no format xml/);
  assert.throws(() => renderRegister(estate.register, estate.approvals, estate.now, 'xml', plain), /no format xml/);
  assert.throws(() => renderProblems([], 'xml', plain), /no format xml/);
});

test('every format lies in a file of its name and is listed', async () => {
  const listed = new Map(reportFormats.map((f) => [f.name, f]));
  assert.equal(listed.size, reportFormats.length);
  for (const file of readdirSync(import.meta.dirname)) {
    // The HTML report is large and `check` does not write it: `report` loads it alone.
    if (!/^[a-z]+\.ts$/.test(file) || file === 'html.ts') continue;
    const name = file.replace(/\.ts$/, '');
    const exported = ((await import(`./${file}`)) as Record<string, unknown>)[name];
    if (typeof exported === 'object') assert.equal(listed.get(name), exported, `${file} is in index.ts`);
  }
  for (const name of listed.keys())
    assert.ok(readdirSync(import.meta.dirname).includes(`${name}.ts`), `${name}.ts is there`);
});
