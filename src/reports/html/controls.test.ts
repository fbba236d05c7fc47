import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleResult } from '../../../test/sample-result.ts';
import type { Framework } from '../../model/framework.ts';
import { DAY_MS, type FrameworkChoice } from '../../model/register.ts';
import type { ReportInput } from '../report-format.ts';
import { frameworkViews } from './control-result.ts';
import { frameworks } from './controls.ts';
import { hashListeners } from './evidence.ts';

const FRAMEWORK: Framework = {
  id: 'f',
  title: 'F',
  version: '1',
  source: 's',
  baselines: ['low', 'high'],
  defaultBaseline: 'low',
  controls: [
    control('A-1', ['low', 'high'], ['unregistered-listener']),
    control('A-2', ['low', 'high'], ['review-overdue']),
    control('A-3', ['low', 'high'], []),
    control('A-4', ['high'], ['review-overdue']),
    control('A-5', ['low'], ['prohibited-service']),
    control('A-6', ['low'], ['coverage-gap']),
  ],
};

function control(id: string, baselines: readonly string[], checks: readonly string[]) {
  return { id, title: id, baselines, strength: ['primary' as const], evidence: 'e', checks };
}

/** The small sample judged by one framework; its findings speak to the controls whose checks raised them. */
function input(choice: FrameworkChoice, ageDays = 0): ReportInput {
  const { result, ...rest } = sampleResult('small');
  const { estate } = result.facts;
  const speak = (rule: string) =>
    FRAMEWORK.controls.filter((c) => c.checks.includes(rule)).map(({ id }) => ({ framework: 'f', id }));
  return {
    ...rest,
    frameworks: [FRAMEWORK],
    result: {
      ...result,
      findings: ageDays > 0 ? [] : result.findings.map((f) => ({ ...f, controls: speak(f.rule) })),
      facts: {
        ...result.facts,
        estate: {
          ...estate,
          register: { ...estate.register, frameworks: [choice] },
          hosts: estate.hosts.map((h) => ({ ...h, lastObservedAt: h.lastObservedAt - ageDays * DAY_MS })),
        },
      },
    },
  };
}

const resultsOf = (input: ReportInput) =>
  frameworkViews(input)[0]?.controls.map((c) => `${c.control.id} ${c.result}${c.inBaseline ? '' : ' outside'}`);

test('a control is judged by its checks, never as satisfied', () => {
  // The one finding of A-5 is accepted by an exception: not open, but a deviation.
  assert.deepEqual(resultsOf(input({ id: 'f' })), [
    'A-1 findings',
    'A-2 evidence',
    'A-3 manual',
    'A-4 evidence outside',
    'A-5 findings',
    // A gap is announced, no deviation.
    'A-6 evidence',
  ]);
  assert.deepEqual(resultsOf(input({ id: 'f', baseline: 'high' }))?.slice(3, 5), [
    'A-4 evidence',
    'A-5 findings outside',
  ]);
});

test('what is accepted as a false positive leaves a control without findings, and visible', () => {
  const given = input({ id: 'f' });
  const { estate } = given.result.facts;
  const exceptions = estate.register.exceptions.map((x) => ({ ...x, kind: 'false-positive' as const }));
  const facts = { ...given.result.facts, estate: { ...estate, register: { ...estate.register, exceptions } } };
  const dismissed = { ...given, result: { ...given.result, facts } };
  assert.equal(resultsOf(dismissed)?.[4], 'A-5 evidence');
  assert.match(frameworks(dismissed, new Map()).markup, /1 accepted as false positive/);
});

test('a check that had nothing to judge by is no evidence', () => {
  const given = input({ id: 'f' });
  const rules = given.rules.map((r) => (r.id === 'review-overdue' ? { ...r, lacks: 'nothing was reviewed' } : r));
  assert.equal(resultsOf({ ...given, rules })?.[1], 'A-2 manual');
  const text = frameworks({ ...given, rules }, new Map()).markup.replace(/<[^>]*>/g, ' ');
  assert.match(text, /○ manual\s+No check that speaks to it had anything to judge by; the evidence comes from people/);
  assert.match(text, /\? judged nothing\s*, nothing was reviewed: /);
});

test('without a recent observation no control has evidence', () => {
  assert.deepEqual(resultsOf(input({ id: 'f' }, 30)), [
    'A-1 stale',
    'A-2 stale',
    'A-3 manual',
    'A-4 stale outside',
    'A-5 stale',
    'A-6 stale',
  ]);
});

test('a framework that this version does not know is said, not skipped', () => {
  const { markup } = frameworks(input({ id: 'nobody-knows' }), new Map());
  assert.match(markup, /<code>nobody-knows<\/code> is chosen in quietdoor\.yaml, but this version does not know it/);
});

test('a control is judged by all its checks, also where a finding names only other controls', () => {
  const given = input({ id: 'f' });
  const findings = given.result.findings.map((f) => ({ ...f, controls: [] }));
  assert.equal(resultsOf({ ...given, result: { ...given.result, findings } })?.[0], 'A-1 findings');
});

test('what is accepted, announced, undetermined or not seen stands beside a control without findings', () => {
  const given = input({ id: 'f' });
  const { markup } = frameworks(given, hashListeners(given.result));
  const article = (id: string) =>
    new RegExp(`id="c-f/${id}".*?</article>`, 's').exec(markup)?.[0].replace(/<[^>]*>/g, ' ') ?? '';
  assert.match(article('A-2'), /● evidence\s+Its check ran and found no deviation\. Whether that satisfies/);
  assert.match(
    article('A-5'),
    /✗ findings\s+Nothing is open\. 1 deviation accepted.*✗\s+1 accepted deviation\s+: Prohibited/s,
  );
  assert.match(article('A-6'), /1 announced/);
  assert.match(
    article('A-5'),
    /of 10 endpoints\s+are UNDETERMINED\..*2 gaps\s+in what was looked at\..*1 part\s+of the register could not be read/s,
  );
  assert.match(article('A-4'), /outside the low baseline/);
  assert.doesNotMatch(
    markup.replace(/whether that satisfies|that the control is satisfied/gi, ''),
    /satisf|compliant|passed/i,
  );
});
