import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { examplesOf, factsOfExample, type NamedExample } from '../../test/check-example.ts';
import type { Check } from './check.ts';
import { checks } from './index.ts';
import { runChecks } from './run.ts';

const history = { firstSeen: () => undefined };
const noControls = () => [];

function example(rule: string, name: string): NamedExample {
  const found = examplesOf(rule).find((e) => e.name === name);
  assert.ok(found, `${rule}/${name}`);
  return found;
}

const broken: Check = {
  ...{ id: 'broken-check', title: 'Broken', severity: 'low', rationale: 'It throws.', remediation: 'None.' },
  endpoint() {
    throw new TypeError('no such property');
  },
};

suite('a check that throws', () => {
  test('becomes a finding, leaves its endpoints undetermined, and the others go on', async () => {
    const facts = await factsOfExample(example('unapproved-entry', 'new-host'));
    const run = runChecks(facts, noControls, history, [broken, ...checks]);
    const failed = run.findings.filter((f) => f.rule === 'broken-check');
    assert.deepEqual(
      failed.map(({ severity, message, evidence }) => ({ severity, message, evidence })),
      [
        {
          severity: 'high',
          message: 'The check broken-check failed on 2 endpoints, so what it would have said is not known.',
          evidence: [{ label: 'error', value: 'TypeError: no such property' }],
        },
      ],
    );
    assert.equal(run.findings.filter((f) => f.rule === 'unapproved-entry').length, 1);
    assert.deepEqual(
      run.results.map((r) => r.verdict.word),
      ['UNDETERMINED', 'DEVIATES'],
    );
  });

  test('in its estate part leaves every endpoint undetermined', async () => {
    const facts = await factsOfExample(example('wider-bind', 'conforms'));
    const estate: Check = { ...broken, endpoint: () => [], estate: broken.endpoint as () => never };
    const run = runChecks(facts, noControls, history, [estate, ...checks]);
    assert.equal(run.findings.length, 1);
    assert.deepEqual(
      run.results.map((r) => r.verdict.word),
      ['UNDETERMINED'],
    );
  });
});

test('what a check of the estate finds about an endpoint is a finding of that endpoint', async () => {
  const facts = await factsOfExample(example('wider-bind', 'conforms'));
  const [port] = facts.endpoints;
  assert.ok(port);
  const estate: Check = {
    ...{ id: 'closed', title: 'Closed', severity: 'low', rationale: 'It closed.', remediation: 'Ask.' },
    estate: () => [
      { subject: { kind: 'endpoint', endpoint: port.endpoint }, message: 'it closed in between', evidence: [] },
      { subject: { kind: 'endpoint', endpoint: { ...port.endpoint, port: 1 } }, message: 'of another', evidence: [] },
    ],
  };
  const { results } = runChecks(facts, noControls, history, [estate]);
  assert.deepEqual(
    results.map((r) => [r.verdict.word, r.findings.map((f) => f.message)]),
    [['DEVIATES', ['it closed in between']]],
  );
});

test('age comes from the history, controls from the frameworks', async () => {
  const facts = await factsOfExample(example('wider-bind', 'violates'));
  const controls = [{ framework: 'f', id: '1' }];
  const run = runChecks(facts, (rule) => (rule === 'wider-bind' ? controls : []), { firstSeen: () => 1234 });
  assert.deepEqual(
    run.findings.map((f) => [f.rule, f.firstSeen, f.lastSeen, f.controls]),
    [['wider-bind', 1234, facts.estate.now, controls]],
  );
});

test('fingerprints differ within a run, and the order is worst first', async () => {
  for (const check of checks)
    for (const one of examplesOf(check.id)) {
      const { findings } = runChecks(await factsOfExample(one), noControls, history);
      assert.equal(new Set(findings.map((f) => f.fingerprint)).size, findings.length, `${check.id}/${one.name}`);
      const ranks = findings.map((f) => ['critical', 'high', 'medium', 'low', 'info'].indexOf(f.severity));
      assert.deepEqual(ranks, ranks.toSorted());
    }
});
