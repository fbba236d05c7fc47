import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AssetStanding } from '../model/asset-match.ts';
import type { HostState } from '../model/state.ts';
import { renderAssets } from './assets.ts';
import { renderSchedule } from './schedule.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
const OPTIONS = { width: 120, color: false };

const STANDINGS: readonly AssetStanding[] = [
  {
    asset: {
      ...{ id: '1', source: 'netbox', name: 'db-1', names: ['db-1.example.org'], tags: ['pci', 'role:db'] },
      ...{ addresses: ['10.20.0.5', 'fd00::5'], owner: 'team-orders', environment: 'prod', criticality: 'high' },
    },
    hosts: [{ host: { name: 'db-1', addresses: [], tags: [] } } as unknown as HostState],
    lastObserved: NOW - 3 * 3_600_000,
  },
  {
    asset: { id: '2', source: 'netbox', name: '=cmd|x\u001b[2J', names: [], addresses: [], tags: [], inactive: true },
    hosts: [],
    lastObserved: null,
  },
];

test('assets as a table', () => {
  assert.equal(
    renderAssets(STANDINGS, NOW, 'table', OPTIONS),
    `2 assets in 1 list, 1 of them observed

asset                     addresses             owner        environment  observed as  last observed  list
db-1                      10.20.0.5 and 1 more  team-orders  prod         db-1         3 hours ago    netbox
=cmd|x\\x1b[2J (inactive)  -                     -            -            -            never          netbox
`,
  );
});

test('assets as CSV and JSON carry everything, and nothing that acts on a terminal or a spreadsheet', () => {
  const csv = renderAssets(STANDINGS, NOW, 'csv', OPTIONS);
  assert.match(
    csv,
    /^netbox,1,db-1,db-1\.example\.org,10\.20\.0\.5 fd00::5,,prod,high,team-orders,pci role:db,false,db-1,/m,
  );
  assert.doesNotMatch(csv, /^netbox,2,=/m);
  const json = renderAssets(STANDINGS, NOW, 'json', OPTIONS);
  assert.ok(!(json + csv).includes('\u001b'));
  const { assets } = JSON.parse(json);
  assert.equal(assets[1].name, '=cmd|x\u001b[2J');
  assert.deepEqual([assets[0].hosts, assets[0].lastObserved], [['db-1'], '2026-11-22T09:00:00.000Z']);
});

test('a schedule as a table and as JSON', () => {
  const item = {
    name: 'lan',
    cron: '0 3 * * *',
    timeZone: 'UTC',
    run: ['scan', 'network', '10.20.0.0/24'],
    graceMs: 60_000,
  };
  const due = Date.UTC(2026, 10, 22, 3);
  const states = [
    { item, lastRun: null, lastExit: null, lastDue: due, missed: 2, nextDue: due + 86_400_000 },
    { item: { ...item, name: 'ran' }, lastRun: due + 5_000, lastExit: 3, lastDue: due, missed: 0, nextDue: null },
  ];
  assert.equal(
    renderSchedule(states, 'table', OPTIONS),
    `2 scheduled items, 1 due

item  due            last run                   next due           runs
lan   now, missed 2  never                      2026-11-23T03:00Z  scan network 10.20.0.0/24
ran   -              2026-11-22T03:00Z, exit 3  never              scan network 10.20.0.0/24
`,
  );
  const { items } = JSON.parse(renderSchedule(states, 'json', OPTIONS));
  assert.deepEqual(
    items.map((one: { isDue: boolean; graceSeconds: number; nextDue: string | null }) => [
      one.isDue,
      one.graceSeconds,
      one.nextDue,
    ]),
    [
      [true, 60, '2026-11-23T03:00:00.000Z'],
      [false, 60, null],
    ],
  );
});
