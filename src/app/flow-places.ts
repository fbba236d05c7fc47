import { formatAddress, parseAddress, unmapAddress } from '../model/address.ts';
import { UserError } from '../model/errors.ts';
import { PROTOCOL } from '../model/flow.ts';
import type { Identities } from '../model/identity.ts';

/** A host or a port of it, as a person named it. */
export interface FlowPlace {
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port?: number;
  readonly transport?: string;
}

/** Hosts that an error names, so that a typo is seen. */
const MOST_NAMED = 8;

/** Reads `HOST`, `HOST:PORT` or `HOST:PORT/TRANSPORT`. Throws UserError. */
export function parseFlowPlace(option: string, text: string): FlowPlace {
  const plain = parseAddress(text);
  if (plain) return { host: text };
  const [, bracketed, name, port, transport] =
    /^(?:\[([^[\]]+)\]|([^[\]:/\s]+))(?::(\d{1,5})(?:\/([a-z]+))?)?$/.exec(text) ?? [];
  const host = bracketed ?? name;
  const isPort = port === undefined || Number(port) <= 65_535;
  if (host === undefined || !isPort || (transport !== undefined && !(transport in PROTOCOL)))
    throw new UserError(`${option} ${text} is neither HOST nor HOST:PORT`, {
      hint: `Such as db-1, db-1:5432 or 10.20.0.5:5432/tcp; transports: ${Object.keys(PROTOCOL).join(', ')}`,
    });
  return { host, ...(port !== undefined && { port: Number(port) }), ...(transport !== undefined && { transport }) };
}

/** The addresses of a host, as flows have them. Throws UserError where the host is not known, or no address of it is. */
export function addressesOfHost(
  { known, nameOf }: Pick<Identities, 'known' | 'nameOf'>,
  option: string,
  host: string,
): readonly string[] {
  const address = plainAddress(host);
  if (address !== null) return [address];
  const name = (nameOf(host) ?? host).toLowerCase();
  const found = known.filter((one) => one.name.toLowerCase() === name);
  if (found.length === 0)
    throw new UserError(`${option}: no host ${host} is known`, { hint: knownHosts(known.map((one) => one.name)) });
  const addresses = [
    ...new Set(
      found.flatMap((one) => one.addresses.flatMap((text) => plainAddress(text.split('%', 1)[0] as string) ?? [])),
    ),
  ];
  if (addresses.length === 0)
    throw new UserError(`${option}: no address of ${host} is known`, {
      hint: `Flows know addresses. Give one instead of the name, or write it down under hosts in quietdoor.yaml.`,
    });
  return addresses;
}

function plainAddress(text: string): string | null {
  const address = parseAddress(text);
  return address === null ? null : formatAddress(unmapAddress(address));
}

function knownHosts(names: readonly string[]): string {
  if (names.length === 0) return 'No host is known yet. Give an address, such as 10.20.0.5.';
  const some = names.toSorted().slice(0, MOST_NAMED);
  const more = names.length - some.length;
  return `Known are ${some.join(', ')}${more > 0 ? ` and ${more} more` : ''}. An address will do too, such as 10.20.0.5.`;
}
