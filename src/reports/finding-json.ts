import type { Finding } from '../model/finding.ts';
import { isoTime } from './time.ts';

/** A finding as every JSON output carries it: the contract of the model, times as ISO 8601 in UTC. */
export function findingJson(f: Finding) {
  const { fingerprint, rule, severity, subject, endpoint, endpoints, listener, entry, message, evidence } = f;
  const { remediation, controls, status, exception, inBaseline, at } = f;
  const firstSeen = isoTime(f.firstSeen);
  const lastSeen = isoTime(f.lastSeen);
  return {
    ...{ fingerprint, rule, severity, status, subject, endpoint, endpoints, listener, entry },
    ...{ message, evidence, remediation, controls, firstSeen, lastSeen, exception, inBaseline, at },
  };
}
