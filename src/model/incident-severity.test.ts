import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOWHERE, sampleCause } from '../../test/incident-sample.ts';
import type { Cause } from './incident.ts';
import type { Place } from './incident-place.ts';
import { judgeIncident } from './incident-severity.ts';

const anomaly = (c: Partial<Cause> = {}) => sampleCause({ from: 'anomaly', kind: 'traffic-spike', surprise: 20, ...c });

const TABLE: ReadonlyArray<{
  name: string;
  causes: readonly Cause[];
  place?: Partial<Place>;
  want: string;
  because?: RegExp;
}> = [
  {
    name: 'a finding keeps what the check says',
    causes: [sampleCause()],
    place: { data: ['phi'] },
    want: 'medium',
    because: /serves phi data/,
  },
  {
    name: 'the worst decides',
    causes: [sampleCause(), sampleCause({ severity: 'high', kind: 'wrong-process' })],
    want: 'high',
    because: /^high by itself: wrong-process/,
  },
  { name: 'traffic at a port of which nothing is known', causes: [anomaly()], want: 'medium' },
  {
    name: 'traffic at a port with sensitive data',
    causes: [anomaly()],
    place: { data: ['phi'] },
    want: 'high',
    because: /worse: the port serves phi data/,
  },
  { name: 'public data makes nothing worse', causes: [anomaly()], place: { data: ['public'] }, want: 'medium' },
  {
    name: 'traffic at a port that nobody approved',
    causes: [anomaly({ severity: 'low' })],
    place: { registered: false },
    want: 'medium',
    because: /no register entry/,
  },
  {
    name: 'everybody can connect',
    causes: [anomaly()],
    place: { exposure: 'everybody' },
    want: 'high',
    because: /let everybody connect/,
  },
  {
    name: 'nobody can connect',
    causes: [anomaly()],
    place: { exposure: 'nobody' },
    want: 'low',
    because: /milder: nobody can connect/,
  },
  { name: 'chance may explain it', causes: [anomaly({ surprise: 5 })], want: 'low', because: /chance may explain it/ },
  {
    name: 'never too mild to be told',
    causes: [anomaly({ severity: 'low', surprise: 1 })],
    place: { exposure: 'nobody' },
    want: 'low',
  },
  {
    name: 'two steps at most',
    causes: [anomaly({ severity: 'low', surprise: 99 })],
    place: { data: ['pci'], registered: false, exposure: 'everybody' },
    want: 'high',
  },
  {
    name: 'critical only what is high by itself',
    causes: [anomaly({ surprise: 99 })],
    place: { data: ['pci'], exposure: 'everybody' },
    want: 'high',
  },
  {
    name: 'what is high by itself may become critical',
    causes: [anomaly({ severity: 'high' })],
    place: { data: ['pci'] },
    want: 'critical',
  },
  {
    name: 'what is worse and milder at once stays',
    causes: [anomaly()],
    place: { data: ['pci'], exposure: 'nobody' },
    want: 'medium',
  },
  { name: 'unknown exposure changes nothing', causes: [anomaly()], place: { exposure: 'unknown' }, want: 'medium' },
];

for (const { name, causes, place, want, because } of TABLE)
  test(name, () => {
    const judged = judgeIncident(causes, () => ({ ...NOWHERE, ...place }));
    assert.equal(judged.severity, want);
    if (because) assert.match(judged.reasons.join('; '), because);
    else assert.equal(judged.reasons.length >= 1, true);
  });
