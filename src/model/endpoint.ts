/** Transports that have ports, and `raw`, whose "port" is the IP protocol number (as /proc/net/raw prints it). */
export const TRANSPORTS = ['tcp', 'udp', 'sctp', 'udplite', 'raw'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/**
 * Where on a host a socket lives, by name and never by an inode: `host`, `container:NAME`, `pod:NAMESPACE/NAME`,
 * `netns:NAME`, or `unknown` (a scan from outside cannot tell).
 */
export type Scope = string;
export const HOST_SCOPE: Scope = 'host';
export const UNKNOWN_SCOPE: Scope = 'unknown';

/** What an approval is about: a port of a transport in a scope of a host. */
export interface Endpoint {
  /** Name of the host, as the organisation calls it. */
  readonly host: string;
  readonly scope: Scope;
  readonly transport: Transport;
  /** 0 to 65535; for `raw` the IP protocol number, 0 to 255. */
  readonly port: number;
}

/** `db-1:5432/tcp`, with `@scope` behind it where the scope is not the host itself. Unique per endpoint; also shown. */
export function endpointKey(e: Endpoint): string {
  return e.scope === HOST_SCOPE
    ? `${e.host}:${e.port}/${e.transport}`
    : `${e.host}:${e.port}/${e.transport}@${e.scope}`;
}

/** Orders endpoints by host, scope (the host itself first), port, transport. */
export function compareEndpoints(a: Endpoint, b: Endpoint): number {
  if (a.host !== b.host) return a.host < b.host ? -1 : 1;
  if (a.scope !== b.scope) {
    if (a.scope === HOST_SCOPE) return -1;
    if (b.scope === HOST_SCOPE) return 1;
    return a.scope < b.scope ? -1 : 1;
  }
  if (a.port !== b.port) return a.port - b.port;
  return a.transport < b.transport ? -1 : a.transport > b.transport ? 1 : 0;
}
