import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testHostileLines } from '../../test/hostile-flows.ts';
import { readFlows } from '../../test/read-flows.ts';
import { csv } from './csv.ts';

const HEADER = 'start,end,src,dst,src_port,dst_port,protocol,action,packets,bytes';
const START = Date.UTC(2026, 2, 2, 10) / 1000;
const LINE = `${START},${START + 5},10.0.0.1,10.0.0.2,40000,443,6,accept,10,840`;
const WANT = '10:00:00 tcp 10.0.0.1:40000 ? 10.0.0.2:443 accepted 1c 10p 840b';

const good: readonly (readonly [name: string, text: string, want: string])[] = [
  ['the plain header', `${HEADER}\n${LINE}\n`, WANT],
  ['a byte order mark, line ends of Windows, no line end at the end', `\ufeff${HEADER}\r\n${LINE}`, WANT],
  ['names of columns in another case, semicolons', `${HEADER.toUpperCase()}\n${LINE}\n`.replaceAll(',', ';'), WANT],
  ['quotes', `"${HEADER.replaceAll(',', '","')}"\n"${LINE.replaceAll(',', '","')}"\n`, WANT],
  ['quotes and separators within a field that is passed over', `note,${HEADER}\n"a ""b"", c",${LINE}\n`, WANT],
  ['a repeated header', `${HEADER}\n${HEADER}\n${LINE}\n`, WANT],
  [
    'names of protocols, times of RFC 3339, nothing where nothing is known',
    `${HEADER}\n2026-03-02T11:00:00.5+01:00,,2001:db8::1,10.0.0.2,,53,UDP,,,\n`,
    '10:00:00 udp [2001:db8::1] ? 10.0.0.2:53 unknown 1c 0p 0b',
  ],
  [
    'a count of connections',
    `start,src,dst,dst_port,protocol,connections,action\n${START}.25,10.0.0.1,10.0.0.2,22,tcp,17,Deny\n`,
    '10:00:00 tcp 10.0.0.1 ? 10.0.0.2:22 denied 17c 0p 0b',
  ],
];
for (const [name, text, want] of good)
  test(name, () => {
    const found = readFlows(csv, text);
    assert.deepEqual([found.problems, found.records], [[], [want]]);
    assert.ok(csv.detect(new TextEncoder().encode(text)));
  });

test('columns of other names are mapped', () => {
  const mapping = new Map([
    ['src', 'Source address'],
    ['dst_port', 'Port'],
  ]);
  const text = `start,"Source address",dst,Port,protocol\n${START},10.0.0.1,10.0.0.2,22,tcp\n`;
  assert.deepEqual(readFlows(csv, text, { mapping }).records, ['10:00:00 tcp 10.0.0.1 ? 10.0.0.2:22 unknown 1c 0p 0b']);
  assert.match(readFlows(csv, text).problems[0]?.message ?? '', /has no src, dst_port; expected/);
  const strange = readFlows(csv, `${HEADER}\n`, { mapping: new Map([['source', 'x']]) });
  assert.match(strange.problems[0]?.message ?? '', /there is no such field; fields are start, end/);
});

const bad: readonly (readonly [name: string, line: string, column: number, message: RegExp])[] = [
  ['a time', LINE.replace(String(START), 'yesterday'), 1, /start is "yesterday"; expected UTC seconds/],
  ['an end before the start', LINE.replace(String(START + 5), String(START - 5)), 12, /not before the start/],
  ['an address', LINE.replace('10.0.0.1', 'db-1'), 23, /src is "db-1"; expected an IP address/],
  ['a port', LINE.replace('40000', '70000'), 41, /src_port is "70000"; expected a port/],
  ['a protocol', LINE.replace(',6,', ',quic,'), 51, /protocol is "quic"; expected an IANA/],
  ['an action', LINE.replace('accept', 'perhaps'), 53, /action is "perhaps"; expected accept or deny/],
  ['a count', LINE.replace('840', '-840'), 63, /bytes is "-840"; expected a whole number/],
  ['too few fields', LINE.replace(',840', ''), 1, /9 fields; expected 10/],
  ['a quote without an end', `"${LINE}`, 1, /does not end on this line/],
];
for (const [name, line, column, message] of bad)
  test(`problem: ${name}`, () => {
    const found = readFlows(csv, `${HEADER}\n${line}\n${LINE}\n`);
    assert.deepEqual(found.records, [WANT]);
    assert.match(found.problems[0]?.message ?? '', message);
    assert.deepEqual([found.problems.length, found.problems[0]?.line, found.problems[0]?.column], [1, 2, column]);
  });

testHostileLines(csv, `${HEADER}\n${LINE}\n"${LINE.replaceAll(',', '","')}"\n`);
