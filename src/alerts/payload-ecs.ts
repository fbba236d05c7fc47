import { isIP } from 'node:net';
import type { Severity } from '../model/finding.ts';
import { PROTOCOL } from '../model/flow.ts';
import type { Incident } from '../model/incident.ts';
import type { AlertMessage } from './channel.ts';
import { causesOf, headline, oneLine } from './message-text.ts';

/** Version of the Elastic Common Schema that the documents keep (elastic.co/guide/en/ecs). */
export const ECS_VERSION = '9.4.0';
/** event.severity is a number of the source's own; these leave room between the steps. */
const SEVERITY: Record<Severity, number> = { info: 10, low: 30, medium: 50, high: 70, critical: 90 };

/** One alert document per incident; a message without one (a test) is an event. */
export function ecsDocuments(message: AlertMessage): readonly object[] {
  if (message.incidents.length === 0)
    return [
      {
        '@timestamp': new Date(message.at).toISOString(),
        message: headline(message),
        ecs: { version: ECS_VERSION },
        event: { id: message.id, kind: 'event', action: `alert-${message.kind}`, ...SOURCE },
        observer: observerOf(message),
      },
    ];
  return message.incidents.map((incident) => documentOf(message, incident));
}

const SOURCE = { module: 'quietdoor', dataset: 'quietdoor.alert', provider: 'quietdoor' };

function observerOf(message: AlertMessage): object {
  return { vendor: 'Quietdoor', product: 'Quietdoor', version: message.version, type: 'port governance' };
}

function documentOf(message: AlertMessage, incident: Incident): object {
  const [newest] = incident.causes;
  const { endpoint } = incident;
  const peers = [...new Set(incident.causes.flatMap((cause) => (cause.source === null ? [] : [cause.source])))].sort();
  const [peer] = peers;
  const host = endpoint?.host;
  const isAddress = host !== undefined && isIP(host) !== 0;
  return {
    '@timestamp': new Date(message.at).toISOString(),
    message: oneLine(incident.title, 2_000),
    tags: [...new Set(incident.causes.map((cause) => cause.kind))].sort(),
    labels: {
      workspace: oneLine(message.workspace),
      incident_state: incident.state,
      ...(incident.owner === null ? {} : { owner: incident.owner }),
      ...(endpoint === null ? {} : { scope: endpoint.scope }),
    },
    ecs: { version: ECS_VERSION },
    event: {
      id: `${message.id}:${incident.id}`,
      kind: 'alert',
      action: `alert-${message.kind}`,
      category: ['network'],
      type: ['info'],
      severity: SEVERITY[incident.severity],
      reason: oneLine(causesOf(incident).join(' '), 1_000),
      start: new Date(incident.firstSeen).toISOString(),
      end: new Date(incident.lastSeen).toISOString(),
      created: new Date(message.at).toISOString(),
      ...SOURCE,
    },
    ...(newest === undefined
      ? {}
      : {
          rule: { id: newest.kind, name: newest.kind, category: newest.from, ruleset: 'quietdoor', uuid: incident.id },
        }),
    observer: observerOf(message),
    ...(endpoint === null || host === undefined
      ? {}
      : {
          host: isAddress ? { ip: [host] } : { name: host },
          destination: {
            address: host,
            ...(isAddress ? { ip: host } : {}),
            ...(endpoint.transport === 'raw' ? {} : { port: endpoint.port }),
          },
          network: {
            direction: 'inbound',
            ...(endpoint.transport === 'raw'
              ? { iana_number: String(endpoint.port) }
              : { transport: endpoint.transport, iana_number: String(PROTOCOL[endpoint.transport]) }),
          },
        }),
    ...(incident.service === null ? {} : { service: { name: incident.service } }),
    ...(peer === undefined || peers.length !== 1 ? {} : { source: { address: peer, ip: peer } }),
    related: {
      ...(host === undefined || isAddress ? {} : { hosts: [host] }),
      ...(peers.length === 0 && !isAddress ? {} : { ip: isAddress && host ? [...peers, host] : peers }),
    },
  };
}
