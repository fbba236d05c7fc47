import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { assertGolden } from '../../test/golden.ts';
import { readText } from '../../test/read-import.ts';
import { UserError } from '../model/errors.ts';
import { isCovered, type UnnamedObservation } from '../model/observation.ts';
import { importFormats } from './index.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures/imports');
const FORMATS = ['ss', 'netstat', 'lsof', 'osquery', 'wazuh', 'ansible-facts', 'powershell'] as const;

for (const name of FORMATS)
  suite(name, () => {
    const files = readdirSync(join(FIXTURES, name)).filter((file) => !file.endsWith('.golden.json'));
    for (const file of files) {
      const bytes = readFileSync(join(FIXTURES, name, file));

      test(`${file}: what it says`, async () => {
        const source = name === 'ansible-facts' && file.startsWith('db-2') ? file : `/exports/${file}`;
        const host = name === 'ansible-facts' ? null : 'host-1';
        const { observations, problems } = await readText(name, bytes, { source, host });
        assertGolden(`imports/${name}/${file}.golden.json`, `${JSON.stringify({ problems, observations }, null, 2)}\n`);
        for (const observation of observations) assertHonest(observation);
      });

      test(`${file}: is recognised as this and nothing else`, () => {
        const text = new TextDecoder(bytes[0] === 0xff ? 'utf-16le' : 'utf-8').decode(bytes);
        const head = { name: file, text: text.slice(0, 65_536), isWhole: text.length <= 65_536 };
        assert.deepEqual(
          importFormats
            .filter((format) => format.detect(head))
            .map((format) => format.name)
            .slice(0, 1),
          [name],
        );
      });

      test(`${file}: cut anywhere, it closes nothing that the whole file has open`, async () => {
        const host = name === 'ansible-facts' ? null : 'host-1';
        const whole = await readText(name, bytes, { source: file, host });
        const openAt = (o: UnnamedObservation) =>
          whole.observations.flatMap((w) =>
            w.host.name === o.host.name && w.observedAt === o.observedAt ? w.listeners : [],
          );
        const step = Math.max(1, Math.floor(bytes.length / 120));
        for (let end = 1; end < bytes.length - 1; end += step) {
          const cut = await readText(name, bytes.subarray(0, end), { source: file, host }).catch(onlyUserErrors);
          if (!cut || cut.problems.length === 0) continue; // cut between two lines, records or documents
          for (const o of cut.observations)
            for (const l of openAt(o)) {
              const isThere = o.listeners.some(
                (x) => x.port === l.port && x.transport === l.transport && x.address === l.address,
              );
              assert.ok(
                isThere || !isCovered(o.coverage, l),
                `cut at ${end}: ${l.transport} ${l.address} ${l.port} would be closed`,
              );
            }
        }
      });
    }

    test('random damage never makes it throw, and what is covered is honest', async () => {
      const samples = files.map((file) => readFileSync(join(FIXTURES, name, file)));
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...samples),
          fc.array(fc.tuple(fc.nat(1_000_000), fc.nat(255)), { minLength: 1, maxLength: 6 }),
          async (sample, damage) => {
            const bytes = Uint8Array.from(sample);
            for (const [at, value] of damage) bytes[at % bytes.length] = value;
            const read = await readText(name, bytes, { source: 'x.json', host: 'host-1' }).catch(onlyUserErrors);
            for (const observation of read?.observations ?? []) assertHonest(observation);
          },
        ),
        { numRuns: 60 },
      );
    });
  });

/** Nothing of the listeners is uncovered, no listener is there twice, no scope is claimed that was not enumerated. */
function assertHonest(o: UnnamedObservation): void {
  for (const l of o.listeners) {
    assert.equal(l.host, o.host.name);
    assert.ok(isCovered(o.coverage, l), `${l.transport} ${l.address} ${l.port} is covered`);
    assert.ok(l.port >= 1 && l.port <= 65535);
  }
  assert.equal(
    new Set(o.listeners.map((l) => `${l.scope} ${l.transport} ${l.address} ${l.port}`)).size,
    o.listeners.length,
  );
  assert.ok(o.coverage.every((c) => c.scope !== '*'));
  assert.ok(o.listeners.every((l) => l.process !== null) || o.gaps.some((g) => g.code === 'process-owner-hidden'));
}

function onlyUserErrors(error: unknown): null {
  if (error instanceof UserError) return null;
  throw error;
}
