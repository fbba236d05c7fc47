/**
 * What a cause of trouble is about. Causes of one topic at one place are one trouble:
 * `access`: who may, can and does connect. `silence`: what should be there is not. `feed`: what is not seen.
 * Any other kind is a trouble by itself.
 */
export type Topic = 'access' | 'silence' | 'feed' | 'own';

const TOPICS: Readonly<Record<string, Topic>> = {
  'unregistered-listener': 'access',
  'prohibited-service': 'access',
  'wrong-process': 'access',
  'wider-bind': 'access',
  'binary-replaced': 'access',
  'open-wider-than-approved': 'access',
  'exposed-undecidable': 'access',
  'vantage-disagreement': 'access',
  'unapproved-source': 'access',
  'first-seen-source': 'access',
  'denied-burst': 'access',
  'dormant-port-active': 'access',
  'traffic-spike': 'access',
  'bytes-spike': 'access',
  'off-hours': 'access',
  'source-fan-in': 'access',
  'port-sweep': 'access',
  'listener.opened': 'access',
  'unexpected-silence': 'silence',
  'registered-not-listening': 'silence',
  'unused-port': 'silence',
  'approved-but-blocked': 'silence',
  'feed-silent': 'feed',
  'flows.gap': 'feed',
};

/** Findings that say what a packet filter lets in: several ports opened by one rule are one trouble. */
export const FILTER_KINDS: readonly string[] = ['open-wider-than-approved'];

/** One peer that tries many ports is one trouble, whatever each port says of it. */
export const SWEEP_KIND = 'port-sweep';

export function topicOf(kind: string): Topic {
  return Object.hasOwn(TOPICS, kind) ? (TOPICS[kind] as Topic) : 'own';
}
