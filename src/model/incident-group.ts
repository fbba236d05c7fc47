import { getOrMake } from '../util/get-or-make.ts';
import { type Endpoint, endpointKey, HOST_SCOPE, UNKNOWN_SCOPE } from './endpoint.ts';
import type { Cause } from './incident.ts';
import { aboutCause } from './incident-record.ts';
import { FILTER_KINDS, SWEEP_KIND, topicOf } from './incident-topics.ts';

/** What is known before: where causes went, and which incidents are open. */
export interface Grouped {
  /** Key of the incident of a cause that was told before; undefined: it is new. */
  keyOf(causeId: string): string | undefined;
  /** Keys of incidents that are not resolved. */
  readonly open: ReadonlySet<string>;
}

/**
 * Puts every cause into exactly one incident; returns the causes by the key of theirs. A cause stays where it was once
 * put. A new one goes, in this order: to the peer that sweeps many ports; to the rule of a packet filter that opens
 * several ports of a host; to its port, where the port itself is in trouble; to the port and the peer together. The
 * order of the causes does not matter.
 */
export function groupCauses(causes: readonly Cause[], known: Grouped): ReadonlyMap<string, readonly Cause[]> {
  const groups = new Map<string, Cause[]>();
  const put = (key: string, cause: Cause) => getOrMake(groups, key, () => []).push(cause);
  const ids = new Set<string>();
  const fresh: Cause[] = [];
  for (const cause of causes) {
    if (ids.has(cause.id)) continue;
    ids.add(cause.id);
    const key = known.keyOf(cause.id);
    if (key === undefined) fresh.push(cause);
    else put(key, cause);
  }
  const sweepers = sweepersOf(causes, known.open);
  const byRule = sharedRules(causes, known.open);
  const sourced = openBySource(known.open);
  const troubled = new Set(known.open);
  for (const cause of fresh)
    if (isOfPort(cause) && cause.source === null && !byRule(cause)) troubled.add(portKey(cause.endpoint as Endpoint));
  for (const cause of fresh) put(keyFor(cause, { sweepers, byRule, sourced, troubled, open: known.open }), cause);
  return groups;
}

interface Surroundings {
  readonly sweepers: ReadonlySet<string>;
  /** Says whether a cause goes to the rule of the packet filter. */
  readonly byRule: (cause: Cause) => boolean;
  /** Keys of open incidents of a port and a peer, by the key of the port. */
  readonly sourced: ReadonlyMap<string, readonly string[]>;
  /** Keys of ports that are in trouble themselves. */
  readonly troubled: ReadonlySet<string>;
  readonly open: ReadonlySet<string>;
}

function keyFor(cause: Cause, s: Surroundings): string {
  const topic = topicOf(cause.kind);
  const { endpoint, source } = cause;
  if (topic === 'access' && source !== null && s.sweepers.has(source)) return sourceKey(source);
  if (endpoint === null || topic === 'own' || topic === 'feed')
    return topic === 'feed' && cause.subject?.startsWith('feed:')
      ? cause.subject
      : `${aboutCause(cause)} ${cause.kind}`;
  const port = portKey(endpoint);
  if (topic === 'silence') return `${port} silent`;
  if (s.byRule(cause)) return ruleKey(cause);
  const joined = s.sourced.get(port) ?? [];
  if (source === null) {
    // The port's own trouble explains the one peer that was told of before.
    return !s.open.has(port) && joined.length === 1 ? (joined[0] as string) : port;
  }
  const own = `${port} from ${source}`;
  if (s.open.has(own) || !s.troubled.has(port)) return own;
  return !s.open.has(port) && joined.length === 1 ? own : port;
}

function isOfPort(cause: Cause): boolean {
  return cause.endpoint !== null && topicOf(cause.kind) === 'access';
}

/** Of flows the scope is not known; a port of the host is meant. */
function portKey(endpoint: Endpoint): string {
  const scope = endpoint.scope === UNKNOWN_SCOPE ? HOST_SCOPE : endpoint.scope;
  return `endpoint:${endpointKey({ ...endpoint, scope })}`;
}

function sourceKey(source: string): string {
  return `source:${source}`;
}

function ruleKey({ kind, endpoint, rule }: Cause): string {
  return endpoint && rule !== null && FILTER_KINDS.includes(kind) ? `rule:${endpoint.host} ${rule}` : '';
}

/** Peers that sweep: said now, or told of before and not over. */
function sweepersOf(causes: readonly Cause[], open: ReadonlySet<string>): Set<string> {
  const found = new Set<string>();
  for (const { kind, source } of causes) if (kind === SWEEP_KIND && source !== null) found.add(source);
  for (const key of open) if (key.startsWith('source:')) found.add(key.slice('source:'.length));
  return found;
}

/** Rules that open two ports of a host or more, as far as nothing else is wrong with those ports. */
function sharedRules(causes: readonly Cause[], open: ReadonlySet<string>): (cause: Cause) => boolean {
  const ports = new Map<string, Set<string>>();
  const otherwise = new Set<string>();
  for (const cause of causes)
    if (isOfPort(cause) && ruleKey(cause) === '') otherwise.add(portKey(cause.endpoint as Endpoint));
  for (const cause of causes) {
    const key = ruleKey(cause);
    if (key === '') continue;
    const port = portKey(cause.endpoint as Endpoint);
    if (!otherwise.has(port)) getOrMake(ports, key, () => new Set()).add(port);
  }
  const shared = new Set([...ports].filter(([, all]) => all.size > 1).map(([key]) => key));
  for (const key of open) if (key.startsWith('rule:')) shared.add(key);
  return (cause) => shared.has(ruleKey(cause)) && !otherwise.has(portKey(cause.endpoint as Endpoint));
}

function openBySource(open: ReadonlySet<string>): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const key of open) {
    const [, port] = /^(endpoint:.+) from \S+$/.exec(key) ?? [];
    if (port !== undefined) getOrMake(found, port, () => []).push(key);
  }
  return found;
}
