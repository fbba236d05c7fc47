import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SAMPLE_OBSERVATION, sampleExplain, sampleFinding, sampleResult } from '../../test/sample-result.ts';
import type { Finding } from '../model/finding.ts';
import { renderEvents } from './events.ts';
import { explainJson, renderExplain } from './explain.ts';
import { reportFormats } from './index.ts';
import { renderInventory } from './inventory.ts';
import { printable, printableJson } from './printable.ts';
import type { ReportInput } from './report-format.ts';
import { wrap } from './text-table.ts';

/** Line feeds lay out every format, and RFC 4180 ends records with CR LF; nothing else may be there. */
const RAW = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const plain = { width: 100, color: false };

function assertClean(name: string, text: string): void {
  const at = text.replaceAll('\r\n', '\n').search(RAW);
  assert.equal(at, -1, `${name} has ${printable(text[at] ?? '')} at ${at}`);
}

/** Texts that a process can choose: any unit of UTF-16, controls and format characters often. */
const hostileText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\u001b[2J',
        '\u0007',
        '\r\n',
        '\u202e',
        '\u200b',
        '\u009b',
        '\ud800',
        '\u2028',
        '\u{e0041}',
        '"',
        '|',
        '::error::',
        '=1',
        '<b>',
        '](x)',
        '`',
        ' ',
      ),
      fc.string({ unit: 'binary' }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

function inputWith(text: string): ReportInput {
  const small = sampleResult('small');
  const f: Finding = sampleFinding(
    'unregistered-listener',
    { kind: 'endpoint', endpoint: { host: text, scope: text, transport: 'tcp', port: 1 } },
    text,
    {
      remediation: text,
      evidence: [{ label: text, value: text }],
      entry: text,
      at: { file: text, line: 1, column: 1 },
    },
  );
  const accepted: Finding = { ...f, status: 'accepted', exception: text };
  return {
    ...small,
    result: { ...small.result, findings: [f, accepted, { ...f, inBaseline: true }, ...small.result.findings] },
  };
}

test('no output has a raw invisible character', () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      for (const format of reportFormats) assertClean(format.name, format.render(inputWith(text), plain));
    }),
    { numRuns: 40 },
  );
  for (const format of ['table', 'json', 'jsonl', 'csv']) {
    assertClean(`inventory ${format}`, renderInventory(SAMPLE_OBSERVATION, format, plain));
    assertClean(`events ${format}`, renderEvents(sampleResult('small').result.events, format, plain));
  }
  assertClean('explain', renderExplain(sampleExplain('hostile'), plain));
  assertClean('explain json', printableJson(explainJson(sampleExplain('hostile'))));
});

test('no line of text begins with what a CI log obeys', () => {
  fc.assert(
    fc.property(hostileText, fc.integer({ min: 1, max: 40 }), (text, width) => {
      for (const line of wrap(`${text} ::error::x ##[group]y`, width))
        assert.doesNotMatch(line, /^\s*(::[a-z-]+[^:]*::|##\[)/i);
    }),
  );
  assert.deepEqual(wrap('on ::1 and ::', 80), ['on ::1 and ::']);
  assert.deepEqual(wrap('::1 and ::', 80), ['::1 and ::']);
});

test('JSON loses nothing', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => assert.equal(JSON.parse(printableJson([text]))[0], text)),
  );
  assert.equal(printableJson(['\u202e\u{e0041}']), '["\\u202e\\udb40\\udc41"]');
});

test('printable spells out what acts or hides', () => {
  const cases: [string, string][] = [
    ['plain ünïcode 漢字 🙂', 'plain ünïcode 漢字 🙂'],
    ['\u001b[31mred', '\\x1b[31mred'],
    ['a\tb\r\nc', 'a\\tb\\r\\nc'],
    ['\u0000\u007f\u009b', '\\x00\\x7f\\x9b'],
    ['\u202eexe.gpj\ufeff', '\\u202eexe.gpj\\ufeff'],
    ['\u{e0041}', '\\u{e0041}'],
    ['\ud800x', '\\ud800x'],
  ];
  for (const [text, want] of cases) assert.equal(printable(text), want);
});
