import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { renderTable, textWidth, truncate, wrap, wrapItems } from './text-table.ts';
import { daysBetween, formatDate, formatTime, isoTime } from './time.ts';

test('textWidth counts as a terminal does', () => {
  const cases: [string, number][] = [
    ['', 0],
    ['abc', 3],
    ['漢字', 4],
    ['e\u0301', 1],
    ['🙂', 2],
    ['ünï', 3],
  ];
  for (const [text, want] of cases) assert.equal(textWidth(text), want, text);
});

test('truncate never exceeds the width and says that it cut', () => {
  assert.equal(truncate('abcdef', 4), 'abc…');
  assert.equal(truncate('漢字漢字', 5), '漢字…');
  assert.equal(truncate('abc', 3), 'abc');
  assert.equal(truncate('abc', 0), '');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 0, max: 20 }), (text, width) => {
      assert.ok(textWidth(truncate(text, width)) <= width);
      assert.ok(truncate(text, width).isWellFormed());
    }),
  );
});

test('wrap keeps words whole and loses none', () => {
  const address = 'fd12:3456:789a:1:2ab3:45ff:fe67:89ab';
  assert.deepEqual(wrap(`listens on ${address} now`, 20), ['listens on', address, 'now']);
  const word = fc.stringMatching(/^[a-z0-9.]{1,30}$/);
  fc.assert(
    fc.property(fc.array(word, { minLength: 1 }), fc.integer({ min: 1, max: 60 }), (words, width) => {
      const lines = wrap(words.join(' '), width);
      assert.deepEqual(
        lines.flatMap((line) => line.split(' ')),
        words,
      );
      for (const line of lines) assert.ok(textWidth(line) <= width || !line.includes(' '));
    }),
  );
});

test('wrapItems breaks between facts first', () => {
  assert.deepEqual(wrapItems(['unit a.service', 'on 10.0.0.1', '1 restart'], 30), [
    'unit a.service · on 10.0.0.1 ·',
    '1 restart',
  ]);
});

test('renderTable shrinks what may shrink, takes shorter wordings, leaves out what is optional', () => {
  const columns = [{ title: 'id' }, { title: 'may', min: 3 }, { title: 'extra', min: 5, optional: true as const }];
  const rows = [['a-1', ['10.0.0.0/8, 10.1.0.0/16', '10.0.0.0/8 +1', '2 sources'], 'something']];
  const at = (width: number) => renderTable(columns, rows, { width, color: false });
  assert.deepEqual(at(80), ['id   may                      extra', 'a-1  10.0.0.0/8, 10.1.0.0/16  something']);
  assert.deepEqual(at(29), ['id   may            extra', 'a-1  10.0.0.0/8 +1  something']);
  assert.deepEqual(at(16), ['id   may  extra', 'a-1  2 …  somet…']);
  assert.deepEqual(at(12), ['id   may', 'a-1  2 sour…']);
});

test('times are UTC, and no time is no crash', () => {
  const ms = Date.UTC(2026, 10, 21, 22, 14, 3);
  assert.equal(isoTime(ms), '2026-11-21T22:14:03.000Z');
  assert.equal(formatTime(ms), '2026-11-21 22:14:03 UTC');
  assert.equal(formatDate(ms), '2026-11-21');
  for (const bad of [Number.NaN, 8.7e15, null, undefined]) {
    assert.equal(isoTime(bad), null);
    assert.equal(formatTime(bad), 'an unknown time');
  }
  assert.equal(daysBetween(0, 86_400_000 * 3 + 5), 3);
});
