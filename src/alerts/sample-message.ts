import type { Incident } from '../model/incident.ts';
import type { AlertMessage, Delivery } from './channel.ts';

/** An incident as tests tell it. */
export function sampleIncident(more: Partial<Incident> = {}): Incident {
  return {
    id: 'Q-7K3M2',
    key: 'db-1:5432/tcp 10.20.77.9',
    state: 'open',
    severity: 'high',
    severityReasons: ['accepts phi data', '10.20.77.9 is not approved'],
    title: '10.20.77.9 connects to db-1:5432/tcp, which pg-orders does not allow',
    endpoint: { host: 'db-1', scope: 'host', transport: 'tcp', port: 5432 },
    service: 'postgresql',
    owner: 'team-orders',
    causes: [
      {
        from: 'anomaly',
        kind: 'first-seen-source',
        id: 'a1',
        endpoint: { host: 'db-1', scope: 'host', transport: 'tcp', port: 5432 },
        source: '10.20.77.9',
        rule: null,
        severity: 'medium',
        surprise: 21.4,
        message: '10.20.77.9 was never seen at db-1:5432 before; 12 sources are usual.',
        remediation: null,
        firstSeen: Date.UTC(2026, 10, 21, 21, 40),
        lastSeen: Date.UTC(2026, 10, 21, 22, 10),
      },
      {
        from: 'finding',
        kind: 'unapproved-source',
        id: 'f1',
        endpoint: { host: 'db-1', scope: 'host', transport: 'tcp', port: 5432 },
        source: '10.20.77.9',
        rule: 'inet filter input handle 14',
        severity: 'high',
        surprise: null,
        message: '10.20.77.9 connected 3,466 times since 21:40; pg-orders does not allow it.',
        remediation: 'quietdoor firewall plan --entry pg-orders',
        firstSeen: Date.UTC(2026, 10, 21, 21, 40),
        lastSeen: Date.UTC(2026, 10, 21, 22, 14),
      },
    ],
    causeCount: 2,
    firstSeen: Date.UTC(2026, 10, 21, 21, 40),
    lastSeen: Date.UTC(2026, 10, 21, 22, 14),
    snoozedUntil: null,
    by: null,
    note: null,
    ...more,
  };
}

export function sampleMessage(more: Partial<AlertMessage> = {}): AlertMessage {
  return {
    id: '01936f2e-7b1a-7c3d-9e4f-0123456789ab',
    kind: 'raised',
    at: Date.UTC(2026, 10, 21, 22, 15),
    workspace: 'example',
    version: '0.1.0',
    incidents: [sampleIncident()],
    more: 0,
    ...more,
  };
}

/** Surroundings of a delivery in tests: secrets by reference. */
export function sampleDelivery(
  folder: string,
  secrets: Readonly<Record<string, string>> = {},
  signal: AbortSignal = new AbortController().signal,
): Delivery {
  return {
    secret: async (reference) => {
      const value = secrets[reference];
      if (value === undefined) throw new Error(`no secret ${reference}`);
      return value;
    },
    signal,
    host: 'watcher-1',
    folder,
  };
}
