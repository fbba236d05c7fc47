import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examplesOf, factsOfExample } from '../../test/check-example.ts';
import { checks } from './index.ts';
import { rulesFor } from './rules-for.ts';
import { runChecks } from './run.ts';

const history = { firstSeen: () => undefined };

test('what was never given, or never asked, is said of each rule that needs it', async () => {
  const example = examplesOf('unknown-asset').find((e) => e.findings.length === 0);
  assert.ok(example);
  const facts = await factsOfExample({ ...example, assets: undefined });
  const lacks = rulesFor(facts).flatMap(({ id, lacks }) => (lacks === undefined ? [] : [`${id}: ${lacks}`]));
  assert.deepEqual(lacks.sort(), [
    'approved-but-blocked: no ruleset was recorded',
    'certificate-expired: no service was seen to speak TLS',
    'change-without-ticket: no change tickets were imported',
    'cleartext-service: no service was asked how it talks',
    'denied-burst: no flows of a known port were imported or collected',
    'dormant-port-active: no flows of a known port were imported or collected',
    'exposed-undecidable: no ruleset was recorded',
    'firewall-absent: no ruleset was recorded',
    'first-seen-source: no flows of a known port were imported or collected',
    'log-review-overdue: nothing was recorded yet',
    'missed-run: nothing is scheduled in quietdoor.yaml',
    'no-default-deny: no ruleset was recorded',
    'off-hours: no flows of a known port were imported or collected',
    'open-wider-than-approved: no ruleset was recorded',
    'outdated-package: no package manager had a list of newer versions',
    'rule-without-entry: no ruleset was recorded',
    'rules-drifted: no ruleset was recorded',
    'shadowed-rule: no ruleset was recorded',
    'ticket-without-change: no change tickets were imported',
    'traffic-spike: no flows of a known port were imported or collected',
    'unapproved-source: no flows of a known port were imported or collected',
    'uncovered-asset: no inventory was imported',
    'unexpected-silence: no flows of a known port were imported or collected',
    'unknown-asset: no inventory was imported',
    'unlogged-port: no ruleset was recorded',
    'unused-port: no flows of a known port were imported or collected',
    'unused-source: no flows of a known port were imported or collected',
    'vantage-disagreement: no host was looked at both from itself and over the network',
    'vulnerable-service: no vulnerability data was given',
    'weak-tls: no service was seen to speak TLS',
  ]);
});

test('a ruleset that is old, or not known whole, leaves rules nothing to judge by', async () => {
  const example = examplesOf('open-wider-than-approved').find((e) => e.name === 'violates');
  assert.ok(example);
  const facts = await factsOfExample(example);
  const [firewall] = facts.estate.firewalls ?? [];
  assert.ok(firewall);
  const lacks = (id: string, change: Partial<typeof firewall>) => {
    const estate = { ...facts.estate, firewalls: [{ ...firewall, ...change }] };
    return rulesFor({ ...facts, estate }).find((rule) => rule.id === id)?.lacks;
  };
  const partly = { problems: ['rules.v4 was not read whole: cut'] };
  const old = 'no ruleset was taken lately enough to speak of now';
  for (const [id, change, expected] of [
    ['open-wider-than-approved', {}, undefined],
    ['open-wider-than-approved', partly, 'the packet filters of no host are all known'],
    ['exposed-undecidable', partly, undefined],
    ['no-default-deny', { takenAt: 0 }, old],
    ['exposed-undecidable', { takenAt: 0 }, old],
    ['rules-drifted', { takenAt: 0, drift: [] }, old],
  ] as const)
    assert.equal(lacks(id, change), expected, id);
});

test('a rule that raised something did not lack anything', async () => {
  for (const check of checks)
    for (const example of examplesOf(check.id)) {
      const facts = await factsOfExample(example);
      const raised = new Set(runChecks(facts, () => [], history).findings.map((f) => f.rule));
      for (const { id, lacks } of rulesFor(facts))
        if (raised.has(id)) assert.equal(lacks, undefined, `${check.id}/${example.name}: ${id}`);
    }
});
