import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { printable } from '../printable.ts';
import { escapeCss, escapeText, html, raw } from './escape.ts';

const UNESCAPED = /[<>"'`]|&(?!#\d+;)/;

test('a text in a template never becomes markup, and reads back as it was shown', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' })), (text) => {
      const escaped = escapeText(text);
      assert.doesNotMatch(escaped, UNESCAPED);
      assert.doesNotMatch(escaped, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      const decoded = escaped.replace(/&#(\d+);/g, (_, n) => String.fromCharCode(Number(n)));
      assert.equal(decoded, printable(text));
      assert.equal(html`<p title="${text}">${[text]}</p>`.markup, `<p title="${escaped}">${escaped}</p>`);
    }),
  );
});

test('a template takes markup as it is and leaves out what is absent', () => {
  const cases = [
    { name: 'nested', got: html`<b>${html`<i>${'<'}</i>`}</b>`, want: '<b><i>&#60;</i></b>' },
    { name: 'absent', got: html`a${null}${undefined}${false}b`, want: 'ab' },
    { name: 'list', got: html`${['<', 1, raw('<br>')]}`, want: '&#60;1<br>' },
    { name: 'zero', got: html`${0}`, want: '0' },
  ];
  for (const { name, got, want } of cases) assert.equal(got.markup, want, name);
});

test('a text in a CSS string cannot end it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.match(escapeCss(text), /^(?:[A-Za-z0-9 ]|\\[0-9a-f]+ )*$/);
    }),
  );
  assert.equal(escapeCss('a"}</style>'), 'a\\22 \\7d \\3c \\2f style\\3e ');
});
