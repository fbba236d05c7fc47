import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { SAMPLE_RULES, sampleFinding, sampleResult } from '../../test/sample-result.ts';
import { type Finding, SEVERITIES } from '../model/finding.ts';
import { csvFile, csvText } from './csv-text.ts';
import { github } from './github.ts';
import { json } from './json.ts';
import { jsonl } from './jsonl.ts';
import { junit } from './junit.ts';
import { markdown } from './markdown.ts';
import { printable } from './printable.ts';
import type { ReportInput } from './report-format.ts';
import { sarif } from './sarif.ts';

const plain = { width: 100, color: false };
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '=1+1', '%0A', 'a\r\nb', '::error::', '<&">', '../x y', '/etc/ü'),
);
const port = fc.integer({ min: 0, max: 65535 });
const subject = fc.oneof(
  fc.record({
    kind: fc.constant('endpoint' as const),
    endpoint: fc.record({ host: text, scope: text, transport: fc.constantFrom('tcp', 'udp'), port }),
  }),
  fc.record({ kind: fc.constant('entry' as const), entry: text }),
  fc.record({ kind: fc.constant('host' as const), host: text }),
  fc.constant({ kind: 'estate' as const }),
);
const finding: fc.Arbitrary<Finding> = fc
  .record({
    subject,
    rule: fc.constantFrom(...SAMPLE_RULES.map((r) => r.id)),
    message: text,
    severity: fc.constantFrom(...SEVERITIES),
    status: fc.constantFrom('open' as const, 'accepted' as const),
    inBaseline: fc.boolean(),
    at: fc.option(fc.record({ file: text, line: fc.integer(), column: fc.integer() }), { nil: undefined }),
  })
  .map(({ subject: s, rule, message, severity, status, inBaseline, at }) =>
    sampleFinding(rule, s, message, { severity, status, inBaseline, remediation: message, ...(at && { at }) }),
  );
const input: fc.Arbitrary<ReportInput> = fc.array(finding, { maxLength: 6 }).map((findings) => {
  const small = sampleResult('small');
  return { ...small, result: { ...small.result, findings } };
});

interface SarifRun {
  readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
  readonly results: ReadonlyArray<{
    readonly ruleId: string;
    readonly ruleIndex: number;
    readonly suppressions: readonly unknown[];
    readonly locations: readonly [
      { readonly physicalLocation: { readonly artifactLocation: { readonly uri: string } } },
    ];
  }>;
}

test('csv: a strict parser reads back what was written', () => {
  const cell = fc.oneof(text, fc.integer(), fc.constant(null), fc.string());
  fc.assert(
    fc.property(fc.array(fc.array(cell, { minLength: 3, maxLength: 3 }), { maxLength: 8 }), (rows) => {
      const head = ['a', 'b', 'c'];
      assert.deepEqual(parseCsv(csvFile(head, rows)), [head, ...rows.map((row) => row.map(csvText))]);
    }),
  );
});

test('csv: no cell is a formula, plain text stays as it is', () => {
  const cases: [string, string][] = [
    ['plain', 'plain'],
    ['a=b', 'a=b'],
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\\t=1"],
    ['\r=1', "'\\r=1"],
    [' =1', "' =1"],
    ['\uff1d1', "'\uff1d1"],
  ];
  for (const [value, want] of cases) assert.equal(csvText(value), want);
  assert.equal(csvText(-5), '-5');
  fc.assert(fc.property(text, (value) => assert.doesNotMatch(csvText(value), /^\s*[=+\-@]/)));
});

test('sarif: valid against the schema of OASIS', () => {
  const schema = JSON.parse(
    readFileSync(join(import.meta.dirname, '../../fixtures/reports/sarif-schema-2.1.0.json'), 'utf8'),
  );
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  const validate = ajv.compile(schema);
  const check = (report: ReportInput) => {
    const log: { runs: [SarifRun] } = JSON.parse(sarif.render(report, plain));
    assert.ok(validate(log), JSON.stringify(validate.errors?.slice(0, 3)));
    return log.runs[0];
  };
  check(sampleResult('empty'));
  fc.assert(
    fc.property(input, (report) => void check(report)),
    { numRuns: 50 },
  );
  const run = check(sampleResult('small'));
  assert.equal(run.results.length, 11);
  const suppressed = run.results.filter((r) => r.suppressions.length > 0);
  assert.deepEqual(
    suppressed.map((r) => r.ruleId),
    ['prohibited-service', 'unregistered-listener'],
  );
  for (const result of run.results) {
    assert.equal(run.tool.driver.rules[result.ruleIndex]?.id, result.ruleId);
    assert.ok(result.locations[0].physicalLocation.artifactLocation.uri);
  }
});

test('sarif: the schema is not vacuous', () => {
  const schema = JSON.parse(
    readFileSync(join(import.meta.dirname, '../../fixtures/reports/sarif-schema-2.1.0.json'), 'utf8'),
  );
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  const validate = ajv.compile(schema);
  const log = JSON.parse(sarif.render(sampleResult('small'), plain));
  log.runs[0].results[0].level = 'fatal';
  assert.equal(validate(log), false);
});

test('sarif: fingerprints do not depend on wording or time', () => {
  const small = sampleResult('small');
  const findings = small.result.findings.map((f) => ({ ...f, message: 'other', firstSeen: 0, lastSeen: 1 }));
  const prints = (report: ReportInput) =>
    JSON.parse(sarif.render(report, plain)).runs[0].results.map(
      (r: { partialFingerprints: object }) => r.partialFingerprints,
    );
  assert.deepEqual(prints({ ...small, result: { ...small.result, findings } }), prints(small));
});

test('junit: well-formed, and the counts add up', () => {
  fc.assert(
    fc.property(input, (report) => {
      const xml = parseXml(junit.render(report, plain));
      const cases = xml.filter((e) => e.name === 'testcase');
      assert.equal(Number(xml[0]?.attributes.tests), cases.length);
      assert.equal(Number(xml[0]?.attributes.failures), xml.filter((e) => e.name === 'failure').length);
      assert.equal(Number(xml[0]?.attributes.skipped), xml.filter((e) => e.name === 'skipped').length);
    }),
    { numRuns: 50 },
  );
});

test('junit: only CONFORMS passes', () => {
  const xml = parseXml(junit.render(sampleResult('small'), plain));
  const passed = xml.filter(
    (e, i) => e.name === 'testcase' && !['failure', 'skipped'].includes(xml[i + 1]?.name ?? ''),
  );
  assert.deepEqual(
    passed.map((e) => e.attributes.classname),
    ['vm:53/udp'],
  );
});

test('github: one command per finding, escaped', () => {
  fc.assert(
    fc.property(input, (report) => {
      const lines = github.render(report, plain).trimEnd().split('\n');
      assert.equal(lines.length, report.result.findings.length + 1);
      for (const line of lines.slice(0, -1)) {
        const [, level, properties, message] = line.match(/^::(error|warning|notice) ([^:]*)::(.*)$/s) ?? [];
        assert.ok(level && message !== undefined, line);
        for (const property of (properties ?? '').split(',')) assert.match(property, /^(file|line|col|title)=/);
      }
    }),
    { numRuns: 50 },
  );
});

test('markdown: rows stay rows, nothing becomes HTML, a mention or a link', () => {
  const f = sampleFinding(
    'wider-bind',
    { kind: 'host', host: 'a|b' },
    '<img src=x> @org/team http://evil.example [x](y) | `code`',
  );
  const small = sampleResult('small');
  const out = markdown.render({ ...small, result: { ...small.result, findings: [f] } }, plain);
  const row = out.split('\n').find((line) => line.startsWith('| high'));
  assert.equal(row?.match(/(?<!\\)\|/g)?.length, 5);
  for (const raw of ['<img', ' @org', 'http://', '[x](y)', ' `code`']) assert.ok(!out.includes(raw), raw);
  assert.ok(markdown.render(sampleResult('huge'), plain).length < 65_536);
});

test('json and jsonl: what other programs rely on', () => {
  const small = sampleResult('small');
  const document = JSON.parse(json.render(small, plain));
  assert.deepEqual(Object.keys(document), [
    'schemaVersion',
    'version',
    'asOf',
    'register',
    'failOn',
    'summary',
    'findings',
    'resolved',
    'endpoints',
    'coverage',
    'gaps',
    'problems',
  ]);
  assert.equal(document.asOf, '2026-11-21T22:14:03.000Z');
  assert.match(document.findings[0].firstSeen, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const lines = jsonl
    .render(small, plain)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.filter((l) => l.type === 'finding' && l.status !== 'resolved').map(({ type, ...f }) => f),
    document.findings,
  );
});

/** RFC 4180, strictly: throws on a stray quote, a bare CR or LF, a record without its CR LF. */
function parseCsv(file: string): string[][] {
  const rows: string[][] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  let row: string[] = [];
  while (field.lastIndex < file.length) {
    const at = field.lastIndex;
    const match = field.exec(file);
    if (!match) throw new Error(`not CSV at ${at}: ${printable(file.slice(at, at + 40))}`);
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '\r\n') {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Elements of an XML 1.0 document in order; throws where it is not well-formed (no CDATA, comments, own entities). */
function parseXml(xml: string): Element[] {
  assert.doesNotMatch(
    xml,
    /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u,
    'only characters that XML allows',
  );
  const elements: Element[] = [];
  const open: string[] = [];
  const body = xml.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, '');
  const token = /<\/([a-z]+)>|<([a-z]+)((?: [a-z]+="[^"<]*")*)(\/?)>|([^<]+)/y;
  while (token.lastIndex < body.length) {
    const at = token.lastIndex;
    const [, closing, name, attributes = '', empty, characters] =
      token.exec(body) ?? assert.fail(`not XML at ${at}: ${body.slice(at, at + 60)}`);
    for (const reference of `${attributes}${characters ?? ''}`.match(/&[^;]*;?/g) ?? [])
      assert.match(reference, /^&(amp|lt|gt|quot);$/);
    if (closing !== undefined) assert.equal(open.pop(), closing);
    else if (name !== undefined) {
      elements.push({
        name,
        attributes: Object.fromEntries([...attributes.matchAll(/ ([a-z]+)="([^"]*)"/g)].map(([, k, v]) => [k, v])),
      });
      if (empty === '') open.push(name);
    } else if (open.length === 0) assert.match(characters ?? '', /^\s*$/);
  }
  assert.deepEqual(open, []);
  return elements;
}
