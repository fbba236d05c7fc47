import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Zone } from '../model/register.ts';
import { parseRegisterFile } from './load-register.ts';

const ZONES: readonly Zone[] = [
  { name: 'app', cidrs: ['10.20.0.0/16'] },
  { name: 'other', cidrs: ['10.30.0.0/16'] },
];
const ENTRY = 'id: x\npurpose: p\nhosts: [b, a]\nport: [80, 443]\nsources: [zone:app]\n';

function digest(entry: string, zones = ZONES): string {
  const yaml = `ports:\n- ${entry.trimEnd().replaceAll('\n', '\n  ')}\n`;
  const { entries, problems } = parseRegisterFile(yaml, 'a.yaml', { zones, brokenZones: [], inheritedFrom: null });
  assert.deepEqual(problems, []);
  return entries[0]?.digest ?? assert.fail('one entry');
}

// Computed by hand with Python's json (sorted keys) and hashlib.
test('the digest of a meaning never changes: approvals of today must stand tomorrow', () => {
  assert.equal(digest(ENTRY), 'sha256:018a88bc519c72813b82b5a34ae3246cd7e354b0705e004e830b7cdc7ccddf0f');
});

const SAME: [string, string][] = [
  ['order of keys and sets', 'port: [443, 80]\nhosts: [a, b, a]\nsources: zone:app\nid: x\npurpose: "p"\n'],
  ['defaults written out', `${ENTRY}transport: tcp\nscope: host\nbind: private\nowner:\n`],
  ['approval', `${ENTRY}approval: { by: a, at: 2026-01-01T00:00:00Z }\n`],
  ['review stamps', `${ENTRY}review: { last: 2026-01-01, by: a }\n`],
  ['evidence', `${ENTRY}evidence: [seen]\n`],
];
for (const [name, entry] of SAME) test(`the same digest: ${name}`, () => assert.equal(digest(entry), digest(ENTRY)));

const OTHER: [string, string][] = [
  ['purpose', ENTRY.replace('purpose: p', 'purpose: q')],
  ['id', ENTRY.replace('id: x', 'id: y')],
  ['a port more', ENTRY.replace('443', '443, 444')],
  ['nobody instead of not said', ENTRY.replace('[zone:app]', '[]')],
  ['review interval', `${ENTRY}review: { every: 90d }\n`],
  ['expiry', `${ENTRY}expires: 2027-01-01T00:00:00Z\n`],
  ['process', `${ENTRY}process: { user: x }\n`],
];
for (const [name, entry] of OTHER) test(`another digest: ${name}`, () => assert.notEqual(digest(entry), digest(ENTRY)));

test('widening a zone that is named voids, another zone does not', () => {
  const [app, other] = ZONES as [Zone, Zone];
  assert.notEqual(digest(ENTRY, [{ ...app, cidrs: ['10.0.0.0/8'] }, other]), digest(ENTRY));
  assert.equal(digest(ENTRY, [app, { ...other, cidrs: ['10.0.0.0/8'] }]), digest(ENTRY));
});
