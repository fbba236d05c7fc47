import type { Severity } from '../model/finding.ts';
import { PROTOCOL } from '../model/flow.ts';
import type { Cause, Incident, IncidentState } from '../model/incident.ts';
import type { AlertMessage } from './channel.ts';
import { causesOf, headline, oneLine, whatToDo } from './message-text.ts';

/** Version of the Open Cybersecurity Schema Framework that the documents keep (schema.ocsf.io). */
export const OCSF_VERSION = '1.7.0';
const FINDINGS = { category_uid: 2, category_name: 'Findings' };
const DETECTION_FINDING = { class_uid: 2004, class_name: 'Detection Finding' };
const ACTIVITY = { create: [1, 'Create'], update: [2, 'Update'], close: [3, 'Close'] } as const;
const SEVERITY: Record<Severity, readonly [number, string]> = {
  info: [1, 'Informational'],
  low: [2, 'Low'],
  medium: [3, 'Medium'],
  high: [4, 'High'],
  critical: [5, 'Critical'],
};
const STATUS: Record<IncidentState, readonly [number, string]> = {
  open: [1, 'New'],
  acknowledged: [2, 'In Progress'],
  snoozed: [2, 'In Progress'],
  resolved: [4, 'Resolved'],
};
/** analytic.type_id of a cause: Rule, Behavioral, Statistical. */
const ANALYTIC: Record<Cause['from'], readonly [number, string]> = {
  finding: [1, 'Rule'],
  event: [2, 'Behavioral'],
  anomaly: [3, 'Statistical'],
};
const INBOUND = { direction_id: 1, direction: 'Inbound' };

/** One Detection Finding (class 2004) per incident. A message without one (a test) is an informational finding. */
export function ocsfFindings(message: AlertMessage): readonly object[] {
  if (message.incidents.length === 0) return [emptyFinding(message)];
  return message.incidents.map((incident) => finding(message, incident));
}

function finding(message: AlertMessage, incident: Incident): object {
  const [activity_id, activity_name] = activityOf(message);
  const [severity_id, severity] = SEVERITY[incident.severity];
  const [status_id, status] = STATUS[incident.state];
  const evidences = evidencesOf(incident);
  const [newest] = incident.causes;
  return {
    ...FINDINGS,
    ...DETECTION_FINDING,
    activity_id,
    activity_name,
    type_uid: DETECTION_FINDING.class_uid * 100 + activity_id,
    type_name: `Detection Finding: ${activity_name}`,
    time: message.at,
    timezone_offset: 0,
    start_time: incident.firstSeen,
    end_time: incident.lastSeen,
    count: incident.causeCount,
    severity_id,
    severity,
    status_id,
    status,
    is_alert: message.kind === 'raised' || message.kind === 'reminded',
    message: oneLine(incident.title, 2_000),
    metadata: metadataOf(message, incident.id),
    finding_info: {
      uid: incident.id,
      title: oneLine(incident.title, 2_000),
      desc: causesOf(incident).join(' '),
      created_time: incident.firstSeen,
      first_seen_time: incident.firstSeen,
      last_seen_time: incident.lastSeen,
      types: [...new Set(incident.causes.map((cause) => cause.kind))].sort(),
      related_events_count: incident.causeCount,
      data_sources: [...new Set(incident.causes.map((cause) => cause.from))].sort(),
      ...(newest === undefined ? {} : { analytic: analyticOf(newest) }),
    },
    ...(evidences.length === 0 ? {} : { evidences }),
    remediation: { desc: whatToDo(incident).join('\n') },
    unmapped: {
      owner: incident.owner,
      service: incident.service,
      severity_reasons: incident.severityReasons,
      scope: incident.endpoint?.scope ?? null,
      surprise: newest?.surprise ?? null,
      rule: newest?.rule ?? null,
    },
  };
}

function activityOf(message: AlertMessage): readonly [number, string] {
  if (message.kind === 'resolved') return ACTIVITY.close;
  return message.kind === 'raised' || message.kind === 'test' ? ACTIVITY.create : ACTIVITY.update;
}

function metadataOf(message: AlertMessage, correlation: string): object {
  return {
    version: OCSF_VERSION,
    product: { name: 'Quietdoor', vendor_name: 'Quietdoor', version: message.version, lang: 'en' },
    uid: `${message.id}:${correlation}`,
    correlation_uid: correlation,
    log_name: oneLine(message.workspace),
    logged_time: message.at,
  };
}

function analyticOf(cause: Cause): object {
  const [type_id, type] = ANALYTIC[cause.from];
  return { name: cause.kind, uid: cause.kind, type_id, type };
}

/** The port and each peer that a cause names, once. */
function evidencesOf({ endpoint, causes, service }: Incident): readonly object[] {
  const destination =
    endpoint === null
      ? null
      : {
          // OCSF's port is a TCP or UDP port; for raw sockets the number is a protocol.
          ...(endpoint.transport === 'raw' ? {} : { port: endpoint.port }),
          hostname: endpoint.host,
          ...(service === null ? {} : { svc_name: service }),
        };
  const protocol = endpoint === null ? undefined : protocolNumber(endpoint.transport, endpoint.port);
  const connection =
    endpoint === null || protocol === undefined
      ? {}
      : { connection_info: { ...INBOUND, protocol_name: endpoint.transport, protocol_num: protocol } };
  const peers = [...new Set(causes.flatMap((cause) => (cause.source === null ? [] : [cause.source])))].sort();
  if (peers.length === 0) return destination === null ? [] : [{ dst_endpoint: destination, ...connection }];
  return peers.map((ip) => ({
    src_endpoint: { ip },
    ...(destination === null ? {} : { dst_endpoint: destination, ...connection }),
  }));
}

function protocolNumber(transport: string, port: number): number | undefined {
  return transport === 'raw' ? port : PROTOCOL[transport as keyof typeof PROTOCOL];
}

function emptyFinding(message: AlertMessage): object {
  const [activity_id, activity_name] = activityOf(message);
  return {
    ...FINDINGS,
    ...DETECTION_FINDING,
    activity_id,
    activity_name,
    type_uid: DETECTION_FINDING.class_uid * 100 + activity_id,
    time: message.at,
    severity_id: 1,
    severity: 'Informational',
    is_alert: false,
    message: headline(message),
    metadata: metadataOf(message, message.id),
    finding_info: { uid: message.id, title: headline(message), types: [message.kind] },
  };
}
