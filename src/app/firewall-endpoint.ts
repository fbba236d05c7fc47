import { TRANSPORTS, type Transport } from '../model/endpoint.ts';
import { UserError } from '../model/errors.ts';

export type PortTransport = Exclude<Transport, 'raw'>;

/** A port as packet filters see it. */
export interface FirewallEndpoint {
  readonly transport: PortTransport;
  readonly port: number;
}

const WITH_PORTS: readonly string[] = TRANSPORTS.filter((transport) => transport !== 'raw');

/** Reads `tcp/22`, `22/tcp` or `22` (TCP). Throws UserError on another form. */
export function parseFirewallEndpoint(text: string): FirewallEndpoint {
  const expected = `Expected TRANSPORT/PORT, such as tcp/22 or udp/53 (${WITH_PORTS.join(', ')}; 1 to 65535).`;
  const [first = '', second = 'tcp', ...more] = text.trim().toLowerCase().split('/');
  const [digits, transport] = /^\d/.test(first) ? [first, second] : [second, first];
  if (!/^\d{1,9}$/.test(digits) || more.length > 0) throw new UserError(`"${text}" is no port`, { hint: expected });
  const port = Number(digits);
  if (!WITH_PORTS.includes(transport))
    throw new UserError(`"${text}": ${transport} is no transport with ports`, { hint: expected });
  if (port < 1 || port > 65535) throw new UserError(`"${text}": ${digits} is no port`, { hint: expected });
  return { transport: transport as PortTransport, port };
}
