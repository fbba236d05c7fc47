import { TRANSPORTS, type Transport } from '../model/endpoint.ts';
import { UserError } from '../model/errors.ts';

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
 * `PORT` mean this machine. Returns null where the text is of another form; throws UserError where port or transport is none.
 */
export function parseEndpointQuery(text: string): EndpointQuery | null {
  const match =
    /^(?:(?<host>\[[0-9a-fA-F:.]+\]|[^:@/\s]*):)?(?<port>\d{1,9})(?:\/(?<transport>[a-z]+))?(?:@(?<scope>\S+))?$/.exec(
      text.trim(),
    );
  if (!match?.groups) return null;
  const { host, port, transport, scope } = match.groups;
  if (transport !== undefined && !(TRANSPORTS as readonly string[]).includes(transport)) {
    throw new UserError(`"${text}" names no transport: ${transport}`, {
      hint: `Expected one of ${TRANSPORTS.join(', ')}.`,
    });
  }
  // A raw socket has a protocol number in the place of the port (endpoint.ts), and 0 is one.
  const [least, most] = transport === 'raw' ? [0, 255] : [1, 65535];
  if (Number(port) < least || Number(port) > most) {
    throw new UserError(`"${text}" names no port: ${port}`, { hint: `Expected ${least} to ${most}.` });
  }
  return {
    host: host ? host.replace(/^\[|\]$/g, '') : undefined,
    port: Number(port),
    transport: transport as Transport | undefined,
    scope,
  };
}
