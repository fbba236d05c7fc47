import fc from 'fast-check';
import type { Endpoint } from '../src/model/endpoint.ts';
import type { Cause } from '../src/model/incident.ts';
import type { Place } from '../src/model/incident-place.ts';
import { type IncidentRecord, incidentId } from '../src/model/incident-record.ts';

/** Inputs for tests of incidents: plain, and the same for the same arguments. */

export const DB: Endpoint = { host: 'db-1', scope: 'host', transport: 'tcp', port: 5432 };

export const NOWHERE: Place = {
  ...{ service: null, owner: null, data: [], zones: [], registered: null, exposure: 'unknown' },
};

/** A finding about db-1:5432, changed by `c`. */
export function sampleCause(c: Partial<Cause> = {}): Cause {
  const kind = c.kind ?? 'unregistered-listener';
  const about = c.endpoint === null ? (c.subject ?? '') : (c.endpoint ?? DB).port;
  return {
    ...{ from: 'finding', kind, id: `${kind} ${about} ${c.source ?? ''}`, endpoint: DB, source: null, rule: null },
    ...{ severity: 'medium', surprise: null, message: `${kind} is so.`, remediation: null, firstSeen: 0, lastSeen: 0 },
    ...c,
  };
}

/** An open incident that nobody was told of, changed by `r`. */
export function sampleRecord(n: number, r: Partial<IncidentRecord> = {}): IncidentRecord {
  const key = r.key ?? `endpoint:db-1:${n}/tcp`;
  return {
    ...{ id: incidentId(key), key, state: 'open', severity: 'medium', severityReasons: [], title: `Trouble ${n}.` },
    ...{ endpoint: { ...DB, port: n }, service: null, owner: null, causeCount: 1, firstSeen: 0, lastSeen: 0 },
    ...{ snoozedUntil: null, by: null, note: null, data: [], zones: [], kinds: ['unregistered-listener'], openedAt: 0 },
    ...{ resolvedAt: null, quietUntil: null, reopened: 0, told: null, toldAt: null, waiting: [] },
    ...r,
  };
}

export const PEER = '10.20.77.9';

/** Any causes about few ports, peers and rules, so that they meet. */
export const anyCauses: fc.Arbitrary<readonly Cause[]> = fc.array(
  fc
    .record({
      kind: fc.constantFrom(
        ...['unregistered-listener', 'open-wider-than-approved', 'first-seen-source', 'denied-burst', 'port-sweep'],
        ...['outdated-package', 'unexpected-silence', 'flows.gap', 'traffic-spike', 'watch.gap'],
      ),
      port: fc.constantFrom(null, 80, 81, 82),
      source: fc.constantFrom(null, PEER, '10.0.0.7'),
      rule: fc.constantFrom(null, 'rule 14'),
      from: fc.constantFrom('finding' as const, 'anomaly' as const, 'event' as const),
      severity: fc.constantFrom('low' as const, 'medium' as const, 'high' as const, 'critical' as const),
      n: fc.integer({ min: 0, max: 30 }),
    })
    .map(({ port, n, ...rest }) =>
      sampleCause({
        ...rest,
        id: `cause ${n}`,
        ...(port === null ? { endpoint: null, subject: 'host:db-1' } : { endpoint: { ...DB, port } }),
      }),
    ),
  { maxLength: 25 },
);
