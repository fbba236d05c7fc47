import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FlowFormat } from '../src/flows/flow-format.ts';
import { accountedFor, lineCount, readFlows } from './read-flows.ts';

/**
 * What every format of lines must stand: the sample cut at each byte, bytes of it replaced, random bytes, lines of a
 * megabyte, NUL bytes. Each line must end as a record, passed over, or a problem with its line and column.
 * `isLineARecord`: false where a record may be several lines.
 */
export function testHostileLines(format: FlowFormat, sample: string, head = '', isLineARecord = true): void {
  const encoder = new TextEncoder();
  const bytes = encoder.encode(sample);
  const check = (input: Uint8Array) => {
    const found = readFlows(format, input);
    assert.equal(found.lines, lineCount(input), 'lines');
    if (isLineARecord) assert.equal(accountedFor(found), found.lines, 'every line is accounted for');
    for (const { message, line, column } of found.problems) {
      assert.match(message, /expected|longer|deeper/);
      assert.ok(line >= 1 && line <= found.lines, `line ${line}`);
      assert.ok(column >= 1, `column ${column}: ${message}`);
    }
    return found;
  };

  test(`${format.name}: cut at every byte`, () => {
    for (let length = 0; length <= bytes.length; length++) check(bytes.subarray(0, length));
  });

  test(`${format.name}: the same records, whatever the pieces`, () => {
    const whole = readFlows(format, bytes);
    for (const piece of [1, 7, 100, 1000])
      assert.deepEqual(readFlows(format, bytes, {}, piece), whole, `pieces of ${piece}`);
  });

  test(`${format.name}: line ends of Windows`, () => {
    assert.deepEqual(readFlows(format, sample.replaceAll('\n', '\r\n')), readFlows(format, sample));
  });

  test(`${format.name}: any byte replaced by any`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (changes) => {
          const changed = bytes.slice();
          for (const [at, byte] of changed.length > 0 ? changes : []) changed[at] = byte;
          check(changed);
        },
      ),
      { numRuns: 400 },
    );
  });

  test(`${format.name}: random bytes, and NUL bytes`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (random) => {
        check(Buffer.concat([encoder.encode(head), random]));
      }),
      { numRuns: 200 },
    );
    check(Buffer.concat([encoder.encode(head), new Uint8Array(1000)]));
  });

  test(`${format.name}: lines of a megabyte`, () => {
    const first = sample.split('\n').find((line) => readFlows(format, `${head}${line}\n`).records.length > 0) ?? '';
    for (const filler of ['a', ' ', '=', '"', '[', '{"', ',', '\t', '9', ':', '\\', '[1,'])
      for (const line of [filler.repeat(1_000_000 / filler.length), first + filler.repeat(1_000_000 / filler.length)])
        check(encoder.encode(`${head}${line}\n${first}\n`));
  });
}
