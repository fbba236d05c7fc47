import type { Json } from '../util/canonical-json.ts';
import { parseAddress } from './address.ts';
import { ANOMALY_KINDS, type Anomaly } from './anomaly.ts';
import { type Endpoint, endpointKey, TRANSPORTS } from './endpoint.ts';
import type { Event, EventType } from './event.ts';
import { type Finding, isAtLeast, type Severity } from './finding.ts';
import type { Cause } from './incident.ts';

/** Events that may be a cause of trouble. */
export const CAUSE_EVENTS: readonly EventType[] = [
  'listener.opened',
  'firewall.changed',
  'clock.stepped-back',
  'watch.gap',
  'flows.gap',
  'alert.undelivered',
];

/** Findings that tell peers apart by their address. */
const PEER_RULES = ['unapproved-source', 'unused-source'];
/** Labels of evidence that name the rule of the packet filter. */
const RULE_LABELS = ['let in by', 'rule', 'decided by'];

/** A gap shorter than this is told in the digest. */
const SHORT_GAP_SECONDS = 600;

/**
 * What of the findings of a check is a cause: open ones, not known from a baseline, worse than info. Those about unusual
 * traffic are left out: the anomalies themselves say more.
 */
export function causesOfFindings(findings: readonly Finding[], now: number): Cause[] {
  return findings
    .filter((f) => f.status === 'open' && f.inBaseline !== true && isAtLeast(f.severity, 'low'))
    .filter((f) => !ANOMALY_KINDS.some((kind) => kind === f.rule))
    .map((finding) => {
      return {
        from: 'finding',
        kind: finding.rule,
        id: finding.fingerprint,
        endpoint: finding.endpoint ?? null,
        ...(finding.endpoint ? {} : { subject: subjectOf(finding) }),
        source: peerOf(finding),
        rule: finding.evidence.find(({ label }) => RULE_LABELS.includes(label))?.value ?? null,
        severity: finding.severity,
        surprise: null,
        message: finding.message,
        remediation: finding.remediation,
        firstSeen: finding.firstSeen,
        lastSeen: now,
      };
    });
}

function peerOf({ rule, discriminator }: Finding): string | null {
  if (discriminator === undefined || !PEER_RULES.includes(rule)) return null;
  return parseAddress(discriminator) ? discriminator : null;
}

function subjectOf({ subject }: Finding): string {
  if (subject.kind === 'entry') return `entry:${subject.entry}`;
  return subject.kind === 'host' ? `host:${subject.host}` : 'estate';
}

/** What of unusual traffic is a cause. `endpointOf`: the endpoint as it is known. `findings`: what exceptions accept is none. */
export function causesOfAnomalies(
  anomalies: readonly Anomaly[],
  endpointOf: (at: NonNullable<Anomaly['endpoint']>) => Endpoint,
  findings: readonly Finding[],
): Cause[] {
  const accepted = new Set(
    findings
      .filter((f) => f.status === 'accepted' || f.inBaseline === true)
      .flatMap((f) => (f.endpoint ? [`${f.rule} ${endpointKey(f.endpoint)}`] : [])),
  );
  return anomalies
    .filter(({ severity }) => isAtLeast(severity, 'low'))
    .filter(({ kind, endpoint }) => !endpoint || !accepted.has(`${kind} ${endpointKey(endpointOf(endpoint))}`))
    .map((anomaly) => ({
      from: 'anomaly',
      kind: anomaly.kind,
      id: anomaly.id,
      endpoint: anomaly.endpoint ? endpointOf(anomaly.endpoint) : null,
      ...(anomaly.endpoint ? {} : { subject: anomaly.source === undefined ? 'estate' : `source:${anomaly.source}` }),
      source: anomaly.source ?? null,
      rule: null,
      severity: anomaly.severity,
      surprise: anomaly.surprise,
      message: anomaly.message,
      remediation: null,
      firstSeen: Date.parse(anomaly.from),
      lastSeen: Date.parse(anomaly.to),
    }));
}

/** The cause that an event is; null: it is none. `isRegistered`: an entry of the register covers the endpoint. */
export function causeOfEvent(event: Event, isRegistered: (endpoint: Endpoint) => boolean): Cause | null {
  const { type, subject, body, sequence, observedAt } = event;
  const cause = (more: Pick<Cause, 'severity' | 'message'> & Partial<Cause>): Cause => ({
    ...{ from: 'event', kind: type, id: `event:${sequence}`, endpoint: null, source: null, rule: null },
    ...{ surprise: null, remediation: null, firstSeen: observedAt, lastSeen: observedAt },
    ...more,
  });
  switch (type) {
    case 'listener.opened': {
      const endpoint = endpointOf(body.endpoint);
      if (!endpoint || body.firstLook === true || isRegistered(endpoint)) return null;
      const isLocal = typeof body.address === 'string' && /^(127\.|::1$)/.test(body.address);
      const message = `${subject} opened, and no register entry approves it${words(': ', field(body.facts, 'exe'))}.`;
      const remediation = `Look at it: quietdoor explain ${subject}`;
      return cause({ severity: isLocal ? 'low' : 'medium', endpoint, message, remediation });
    }
    case 'firewall.changed': {
      const change = accessChange(body.access, body.cut);
      if (change === 'none' || body.removed === true) return null;
      const message = `The packet filter of ${subject} changed${words(': ', body.summary)}${CHANGE_WORDS[change]}.`;
      return cause({
        ...{ severity: change === 'wider-open' ? 'medium' : 'low', subject: `host:${subject}`, message },
        remediation: `See who can connect now: quietdoor firewall show ${subject}`,
      });
    }
    case 'clock.stepped-back':
      return cause({
        ...{ severity: 'low', subject: `host:${subject}` },
        message: `The clock of ${subject} stepped back; times recorded around then are not certain.`,
      });
    case 'watch.gap':
      return cause({
        // Lost records of the trace are made good by the next look; a time of unknown length is not.
        severity: body.seconds === undefined && typeof body.lost === 'number' ? 'low' : gapSeverity(body.seconds),
        subject: `host:${subject}`,
        message: `Nothing was watched on ${subject}${words(' for seconds: ', body.seconds)}${words(': ', body.because)}.`,
        remediation: 'What opened and closed meanwhile is not known. See: quietdoor events --type watch.gap',
      });
    case 'flows.gap':
      return cause({
        severity: gapSeverity(body.seconds),
        subject: `feed:${subject}`,
        message: `Flows of ${subject} are missing${words(': ', body.because)}${words(', records lost: ', body.lost)}.`,
        remediation: 'Nothing can be said of that time. See: quietdoor flows feeds',
      });
    case 'alert.undelivered':
      return cause({
        severity: 'high',
        subject: `channel:${String(body.channel ?? subject)}`,
        message: `An alert could not be delivered by ${String(body.channel ?? subject)}${words(': ', body.because)}.`,
        remediation: 'Put the channel right, then send it again: quietdoor alerts dead --retry',
      });
    default:
      return null;
  }
}

/** What a changed packet filter means for who can connect; `unknown`: nobody worked it out. */
type AccessChange = 'wider-open' | 'wider' | 'none' | 'unknown';

const CHANGE_WORDS: Readonly<Record<Exclude<AccessChange, 'none'>, string>> = {
  'wider-open': '; more sources can connect to a port that listens',
  wider: '; more sources are let in, to ports on which nothing listens',
  unknown: '; whether more sources can connect is not known',
};

function accessChange(access: Json | undefined, cut: Json | undefined): AccessChange {
  if (!Array.isArray(access)) return 'unknown';
  const some = (change: Json, name: string) => {
    const list = field(change, name);
    return Array.isArray(list) && list.length > 0;
  };
  const gains = access.filter((change) => some(change, 'gained'));
  if (gains.some((change) => some(change, 'listening'))) return 'wider-open';
  if (gains.length > 0) return 'wider';
  return cut !== undefined || access.some((change) => some(change, 'undecided')) ? 'unknown' : 'none';
}

/** A gap of unknown length may be a long one. */
function gapSeverity(seconds: Json | undefined): Severity {
  return typeof seconds === 'number' && seconds < SHORT_GAP_SECONDS ? 'low' : 'medium';
}

/** An endpoint as the ledger has it; null where it has none. */
function endpointOf(value: Json | undefined): Endpoint | null {
  const [host, scope] = [field(value, 'host'), field(value, 'scope')];
  const [transport, port] = [field(value, 'transport'), field(value, 'port')];
  const known = TRANSPORTS.find((name) => name === transport);
  if (typeof host !== 'string' || typeof scope !== 'string' || !known || typeof port !== 'number') return null;
  return { host, scope, transport: known, port };
}

function words(before: string, value: Json | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? `${before}${value}` : '';
}

function field(value: Json | undefined, name: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return (value as { readonly [key: string]: Json | undefined })[name];
}
