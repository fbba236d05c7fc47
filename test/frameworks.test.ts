import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checks } from '../src/checks/index.ts';
import { controlsOfRule, FRAMEWORK_IDS, loadFrameworks } from '../src/frameworks/load.ts';
import { UserError } from '../src/model/errors.ts';
import type { Control } from '../src/model/framework.ts';

const all = loadFrameworks(FRAMEWORK_IDS);
const nist = new Map(all.find((f) => f.id === 'nist-800-53-r5')?.controls.map((c) => [c.id, c]));

function control(id: string): Control {
  const found = nist.get(id);
  assert.ok(found, `${id} is in the file`);
  return found;
}

function holders(...baselines: readonly string[]): string[] {
  return [...nist.values()].filter((c) => baselines.every((b) => c.baselines.includes(b))).map((c) => c.id);
}

const ids = new Set(checks.map((c) => c.id));

for (const framework of all) {
  test(`${framework.id}: every check it names exists, every id is there once, baselines are known`, () => {
    assert.equal(new Set(framework.controls.map((c) => c.id)).size, framework.controls.length);
    for (const c of framework.controls) {
      for (const rule of c.checks) assert.ok(ids.has(rule), `${c.id} names ${rule}`);
      for (const baseline of c.baselines) assert.ok(framework.baselines.includes(baseline), `${c.id}: ${baseline}`);
      assert.ok(
        c.checks.length > 0 || c.manual || c.strength.includes('tool') || c.strength.includes('supporting'),
        c.id,
      );
    }
    assert.ok(framework.defaultBaseline === undefined || framework.baselines.includes(framework.defaultBaseline));
  });

  if (!framework.legacy)
    test(`${framework.id}: every rule speaks to a control`, () => {
      const controlsOf = controlsOfRule([framework]);
      assert.deepEqual(
        checks.map((c) => c.id).filter((rule) => controlsOf(rule).length === 0),
        [],
      );
    });
}

test('the 2013 edition is a legacy view and is left out unless it is asked for', () => {
  assert.deepEqual(
    loadFrameworks().map((f) => f.id),
    ['nist-800-53-r5', 'iso-27001-2022', 'hitrust-csf'],
  );
  assert.deepEqual(
    all.filter((f) => f.legacy).map((f) => f.id),
    ['iso-27001-2013'],
  );
});

test('an unknown framework is an error that names the known ones', () => {
  assert.throws(
    () => loadFrameworks(['nist-800-53-r4']),
    (e) => e instanceof UserError && e.hint?.includes('hitrust-csf'),
  );
});

test('NIST: all 87 controls of the selection are there, one of them as not applicable', () => {
  const framework = all.find((f) => f.id === 'nist-800-53-r5');
  assert.equal(nist.size, 86);
  assert.deepEqual(
    framework?.notApplicable?.map((c) => c.id),
    ['SC-41'],
  );
});

test('NIST: SI-4(22), AU-10 and SC-7(21) are in High only', () => {
  for (const id of ['SI-4(22)', 'AU-10', 'SC-7(21)']) assert.deepEqual(control(id).baselines, ['high', 'fedramp-high']);
});

test('NIST: controls in no NIST baseline, and what FedRAMP adds', () => {
  const none = ['CM-7(3)', 'SC-7(11)', 'SC-7(9)', 'SC-7(29)', 'SI-4(13)', 'IA-9', 'CM-8(6)', 'CM-8(7)', 'PM-5'];
  for (const id of none) assert.deepEqual(control(id).baselines, [], id);
  for (const id of ['SC-7(12)', 'SI-4(23)', 'AC-4(21)'])
    assert.deepEqual(control(id).baselines, ['fedramp-moderate', 'fedramp-high'], id);
  assert.deepEqual(control('SI-4(11)').baselines, ['fedramp-high']);
  for (const id of ['CM-5(1)', 'CM-6(1)'])
    assert.deepEqual(control(id).baselines, ['high', 'fedramp-moderate', 'fedramp-high'], id);
  for (const id of ['SC-8', 'PL-8']) {
    assert.ok(!control(id).baselines.includes('low'), id);
    assert.ok(control(id).baselines.includes('fedramp-low') && control(id).baselines.includes('fedramp-li-saas'), id);
  }
});

test('NIST: CM-3 and AC-4 start at Moderate; the core of the product is in Low', () => {
  for (const id of ['CM-3', 'AC-4']) {
    assert.ok(!control(id).baselines.includes('low'), id);
    assert.ok(control(id).baselines.includes('moderate'), id);
  }
  const low = holders('low', 'moderate', 'high');
  for (const id of ['CM-7', 'CM-8', 'CA-9', 'SC-7', 'SI-4', 'RA-5', 'CM-2', 'CM-5', 'CM-6'])
    assert.ok(low.includes(id), id);
});

test('NIST: ids in OSCAL form are lower case with a dot', () => {
  for (const c of nist.values()) assert.equal(c.oscalId, c.id.toLowerCase().replace(/\((\d+)\)/, '.$1'), c.id);
});

test('weak links are listed and never advertised', () => {
  const weak = all.flatMap((f) => f.controls.filter((c) => c.strength.includes('weak')).map((c) => `${f.id} ${c.id}`));
  for (const id of ['CM-7(2)', 'CM-7(5)', 'PM-5']) assert.ok(weak.includes(`nist-800-53-r5 ${id}`), id);
  const controlsOf = controlsOfRule(all);
  for (const { id } of checks)
    for (const ref of controlsOf(id)) assert.ok(!weak.includes(`${ref.framework} ${ref.id}`), `${id} → ${ref.id}`);
});

test('ISO and HITRUST controls say whose mapping it is; web filtering is not mapped', () => {
  for (const f of all)
    if (f.id !== 'nist-800-53-r5')
      for (const c of f.controls) assert.match(c.note ?? '', /product mapping/, `${f.id} ${c.id}`);
  const iso = all.find((f) => f.id === 'iso-27001-2022');
  assert.ok(!iso?.controls.some((c) => c.id === '8.23'));
});
