import { TRANSPORTS, type Transport } from '../model/endpoint.ts';

/** What a person typed to name a port. Parts that were left out are undefined and match anything. */
export interface EndpointQuery {
  /** Undefined: this machine. */
  readonly host: string | undefined;
  readonly port: number;
  readonly transport: Transport | undefined;
  readonly scope: string | undefined;
}

/**
 * Reads `HOST:PORT[/TRANSPORT][@SCOPE]`; HOST may be a name, an IPv4 address, or an IPv6 address in brackets; `:PORT` and
 * `PORT` mean this machine. Returns null where the text names no port.
 */
export function parseEndpointQuery(text: string): EndpointQuery | null {
  const match =
    /^(?:(?<host>\[[0-9a-fA-F:.]+\]|[^:@/\s]*):)?(?<port>\d{1,5})(?:\/(?<transport>[a-z]+))?(?:@(?<scope>\S+))?$/.exec(
      text.trim(),
    );
  if (!match?.groups) return null;
  const { host, port, transport, scope } = match.groups;
  if (Number(port) > 65535) return null;
  if (transport !== undefined && !(TRANSPORTS as readonly string[]).includes(transport)) return null;
  return {
    host: host ? host.replace(/^\[|\]$/g, '') : undefined,
    port: Number(port),
    transport: transport as Transport | undefined,
    scope,
  };
}
