import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suggest } from './suggest.ts';

const KNOWN = ['sources', 'service', 'scope', 'port', 'process', 'app', 'owner'];
const CASES: [string, string | undefined][] = [
  ['sorces', 'sources'],
  ['soucres', 'sources'],
  ['Sources', 'sources'],
  ['ports', 'port'],
  ['ap', 'app'],
  ['ownner', 'owner'],
  ['colour', undefined],
  ['x', undefined],
  ['', undefined],
  ['s'.repeat(10_000), undefined],
  ['__proto__', undefined],
];
for (const [written, want] of CASES)
  test(`${written.slice(0, 20)} means ${want}`, () => assert.equal(suggest(written, KNOWN), want));
