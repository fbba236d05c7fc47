import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DB } from '../../test/incident-sample.ts';
import { type MaintainedPlace, type MaintenanceWindow, maintenanceOf, readWhere } from './maintenance.ts';

const window = (where: string, w: Partial<MaintenanceWindow> = {}): MaintenanceWindow => {
  return { id: 'M-1', where: [where], from: 100, until: 200, reason: 'upgrade', by: 'alice', endedAt: null, ...w };
};
const place: MaintainedPlace = { key: 'endpoint:db-1:5432/tcp', endpoint: DB, zones: ['app'] };
const host: MaintainedPlace = { key: 'host:db-1 firewall.changed', endpoint: null, zones: [] };

const TABLE: ReadonlyArray<readonly [where: string, place: MaintainedPlace, want: boolean]> = [
  ['host:db-1', place, true],
  ['host:DB-*', place, true],
  ['host:db', place, false],
  ['host:db-1', host, true],
  ['host:web-1', host, false],
  ['host:*', { key: 'estate estate-quiet', endpoint: null, zones: [] }, false],
  ['endpoint:db-1:5432', place, true],
  ['endpoint:db-1:5432/tcp', place, true],
  ['endpoint:db-1:5432/udp', place, false],
  ['endpoint:db-1:543', place, false],
  ['endpoint:*:5432', place, true],
  ['endpoint:db-1:5432', host, false],
  ['zone:app', place, true],
  ['zone:dmz', place, false],
];
for (const [where, given, want] of TABLE)
  test(`${where} ${want ? 'covers' : 'does not cover'} ${given.key}`, () => {
    assert.equal(maintenanceOf([window(where)], given, 150) !== undefined, want);
    assert.deepEqual(readWhere(where), { where });
  });

test('a window holds from its begin until its end, or until it is ended', () => {
  const open = (w: Partial<MaintenanceWindow>) =>
    [99, 100, 150, 199, 200].filter((now) => maintenanceOf([window('host:db-1', w)], place, now));
  assert.deepEqual(open({}), [100, 150, 199]);
  assert.deepEqual(open({ endedAt: 150 }), [100]);
});

for (const text of [
  'db-1',
  'host:',
  'host:a b',
  'port:22',
  'endpoint:db-1',
  `host:${'x'.repeat(300)}`,
  'endpoint:db-1:ssh',
])
  test(`no place: ${text.slice(0, 20)}`, () => assert.ok('problem' in readWhere(text)));
