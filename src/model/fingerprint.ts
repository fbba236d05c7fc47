import { sha256 } from '../util/sha256.ts';
import { endpointKey } from './endpoint.ts';
import type { Subject } from './finding.ts';

/** Unique text of a subject: `endpoint:db-1:5432/tcp`, `entry:pg-orders`, `host:db-1`, `estate`. Orders findings too. */
export function subjectKey(subject: Subject): string {
  switch (subject.kind) {
    case 'endpoint':
      return `endpoint:${endpointKey(subject.endpoint)}`;
    case 'entry':
      return `entry:${subject.entry}`;
    case 'host':
      return `host:${subject.host}`;
    case 'estate':
      return 'estate';
  }
}

/**
 * Returns the fingerprint of a finding: the first 32 hex digits of SHA-256 over the canonical JSON (RFC 8785) of rule,
 * subject, entry and discriminator. Times, pids and wording are no part of it, so it stays the same from run to run.
 */
export function fingerprintOf(rule: string, subject: Subject, entry?: string, discriminator?: string): string {
  // Texts only, with the keys in their order: JSON.stringify gives the canonical form, and never throws on a hostile name.
  return sha256(JSON.stringify({ discriminator, entry, rule, subject: subjectKey(subject) })).slice(0, 32);
}
