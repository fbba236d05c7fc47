import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { suite, test } from 'node:test';
import { checkPages } from '../scripts/generate-check-docs.ts';
import { checks } from '../src/checks/index.ts';
import { runChecks, runEndpoint } from '../src/checks/run.ts';
import { controlsOfRule, loadFrameworks } from '../src/frameworks/load.ts';
import { endpointKey } from '../src/model/endpoint.ts';
import { EXAMPLES_DIR, examplesOf, factsOfExample } from './check-example.ts';

const controlsOf = controlsOfRule(loadFrameworks());
const history = { firstSeen: () => undefined };

for (const check of checks)
  suite(`check ${check.id}`, () => {
    const examples = examplesOf(check.id);
    for (const example of examples)
      test(`${example.name}: ${example.title}`, async () => {
        const facts = await factsOfExample(example);
        const { findings, results } = runChecks(facts, controlsOf, history);
        assert.deepEqual(
          findings.map(({ rule, severity, message }) => ({ rule, severity, message })),
          example.findings,
        );
        assert.deepEqual(
          Object.fromEntries(results.map((r) => [endpointKey(r.facts.endpoint), r.verdict.word])),
          example.verdicts,
        );
        for (const result of results)
          assert.deepEqual(runEndpoint(result.facts, facts.estate, controlsOf, history), result, 'one endpoint alone');
      });

    test('has a case that violates it and one that conforms', () => {
      const raising = examples.filter((e) => e.findings.some((f) => f.rule === check.id));
      assert.ok(raising.length > 0, 'no example raises it');
      assert.ok(raising.length < examples.length, 'every example raises it');
    });
  });

test('every folder of examples belongs to a check', () => {
  assert.deepEqual(readdirSync(EXAMPLES_DIR).sort(), checks.map((c) => c.id).sort());
});

test('the pages in docs/reference/checks are those that scripts/generate-check-docs.ts makes', () => {
  const dir = resolve(import.meta.dirname, '../docs/reference/checks');
  const pages = checkPages();
  assert.deepEqual(readdirSync(dir).sort(), [...pages.keys()].sort());
  for (const [file, text] of pages) assert.equal(readFileSync(join(dir, file), 'utf8'), text, file);
});
