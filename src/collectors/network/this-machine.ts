import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import type { LookUp, OwnNetwork } from './targets.ts';

/** Every address of a name, as this machine resolves names (getaddrinfo(3): hosts file, DNS). */
export const lookUp: LookUp = async (name) =>
  (await lookup(name, { all: true, order: 'verbatim' })).map(({ address }) => address);

/** Networks of this machine's interfaces. */
export function ownNetworks(): OwnNetwork[] {
  return Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).flatMap(({ cidr, internal }) => (cidr === null || internal ? [] : [{ cidr }])),
  );
}
