import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { assertGolden } from '../../test/golden.ts';
import { readText } from '../../test/read-import.ts';
import { listenerKey } from '../model/listener.ts';
import { inRanges, isCovered, type UnnamedObservation } from '../model/observation.ts';
import { importFormats } from './index.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures/imports');
/** What answered over the network, and CSV. */
const FORMATS = ['nmap', 'masscan', 'naabu', 'csv', 'csv-scan'];

/** Fixtures of nmap and masscan are their own output, but for the two that are called old; those of naabu follow its source. */
function fixtures(format: string): readonly { file: string; bytes: Buffer }[] {
  return readdirSync(join(FIXTURES, format))
    .filter((file) => !file.endsWith('.golden.json'))
    .map((file) => ({ file, bytes: readFileSync(join(FIXTURES, format, file)) }));
}

test('every format has fixtures', () => {
  assert.deepEqual(readdirSync(FIXTURES).sort(), importFormats.map((format) => format.name).sort());
});

/** An open port is a listener once, on the covered address; a port that is not is in one outcome; nobody guesses. */
function assertOutside(o: UnnamedObservation): void {
  assert.deepEqual(o.host.addresses, [o.host.name]);
  assert.equal(new Set(o.listeners.map(listenerKey)).size, o.listeners.length);
  for (const l of o.listeners) {
    assert.deepEqual([l.host, l.address, l.scope, l.process], [o.host.name, o.host.name, 'unknown', null]);
    if (o.gaps.length === 0) assert.ok(isCovered(o.coverage, l), listenerKey(l));
  }
  for (const { outcome, transport, address, ports } of o.outcomes ?? [])
    for (const { from: port } of ports) {
      const at = { host: o.host.name, scope: 'unknown', transport, port, address };
      assert.equal(isCovered(o.coverage, at), outcome !== 'open|filtered', `${outcome} ${port}`);
      assert.ok(!o.listeners.some((l) => l.transport === transport && inRanges(ports, l.port)));
    }
}

for (const format of FORMATS)
  suite(format, () => {
    for (const { file, bytes } of fixtures(format)) {
      test(`${file}: what it says`, async () => {
        const { observations, problems } = await readText(format, bytes, MAPPINGS[file] ?? {});
        assertGolden(
          `imports/${format}/${file}.golden.json`,
          `${JSON.stringify({ problems, observations }, null, 2)}\n`,
        );
        if (format !== 'csv') for (const observation of observations) assertOutside(observation);
      });

      test(`${file}: is recognised as this and nothing else`, () => {
        const text = bytes.toString();
        const head = { name: file, text: text.slice(0, 65_536), isWhole: text.length <= 65_536 };
        assert.equal(importFormats.find((f) => f.detect(head))?.name, format);
      });

      test(`${file}: cut anywhere, it never throws and says nothing that the whole does not`, async () => {
        const options = MAPPINGS[file] ?? {};
        const whole = await readText(format, bytes, options);
        const cuts = fc.integer({ min: 0, max: bytes.length - 1 });
        await fc.assert(
          fc.asyncProperty(cuts, async (cut) => {
            const { observations } = await readText(format, bytes.subarray(0, cut), options).catch(ifHeadIsCut);
            for (const o of observations) assertPart(o, whole.observations);
          }),
          { numRuns: 40 },
        );
      });

      test(`${file}: with bytes changed, it never throws`, async () => {
        const change = fc.tuple(fc.integer({ min: 0, max: bytes.length - 1 }), fc.constantFrom(...CHANGES));
        await fc.assert(
          fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
            const other = Buffer.from(bytes);
            for (const [at, byte] of changes) other[at] = byte;
            await readText(format, other, MAPPINGS[file] ?? {}).catch(ifHeadIsCut);
          }),
          { numRuns: 40 },
        );
      });
    }
  });

const CHANGES = [...'<>&"\'/={}[],\n0 \0\u00ff'].map((c) => c.charCodeAt(0));
const MAPPINGS: Readonly<Record<string, { mapping?: ReadonlyMap<string, string> }>> = {
  'powershell.csv': { mapping: new Map([['transport', '=tcp']]) },
};

/** A CSV without the columns that it needs is a matter for the person; anything else is not. */
function ifHeadIsCut(error: unknown): { observations: readonly UnnamedObservation[] } {
  assert.ok(error instanceof Error && error.name === 'UserError', String(error));
  return { observations: [] };
}

/** What is covered in a part of a file is covered in the whole, with the same answer. */
function assertPart(part: UnnamedObservation, whole: readonly UnnamedObservation[]): void {
  const same = whole.filter((w) => w.host.name === part.host.name);
  assert.ok(same.length > 0, part.host.name);
  const keys = new Set(same.flatMap((w) => w.listeners.map(listenerKey)));
  for (const l of part.listeners) assert.ok(keys.has(listenerKey(l)), listenerKey(l));
  for (const key of keys) {
    const l = same.flatMap((w) => w.listeners).find((listener) => listenerKey(listener) === key);
    if (l && isCovered(part.coverage, l))
      assert.ok(
        part.listeners.some((p) => listenerKey(p) === key),
        `${key} is closed`,
      );
  }
}
