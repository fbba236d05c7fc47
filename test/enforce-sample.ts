import type { ApprovedAccess, EnforceInput } from '../src/enforce/target.ts';
import { type Address, PRIVATE_BLOCKS, parseAddress } from '../src/model/address.ts';
import { fromCidrs } from '../src/model/address-set-text.ts';

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed) throw new Error(`${text} is no address`);
  return parsed;
}

type Fields = Partial<Omit<ApprovedAccess, 'sources'>> & {
  readonly entry: string;
  readonly sources: readonly string[];
};

/** Access to port 443/tcp of the host, with what does not matter left out. */
export function accessOf({ sources, ...fields }: Fields): ApprovedAccess {
  return {
    transport: 'tcp',
    ports: [{ from: 443, to: 443 }],
    addresses: null,
    scope: 'host',
    workload: {},
    sources: fromCidrs(sources),
    ...fields,
  };
}

export function inputOf(access: readonly ApprovedAccess[], fields: Partial<EnforceInput> = {}): EnforceInput {
  return { host: 'db-1', mode: 'enforce', access, ...fields };
}

/** Something of everything that a host has. */
export const HOST_ACCESS: readonly ApprovedAccess[] = [
  accessOf({ entry: 'dns', transport: 'udp', ports: [{ from: 53, to: 53 }], sources: ['10.0.0.0/8', 'fd00::/8'] }),
  accessOf({
    entry: 'monitoring',
    ports: [
      { from: 9100, to: 9100 },
      { from: 9180, to: 9189 },
    ],
    sources: ['10.20.9.17'],
    within: fromCidrs(PRIVATE_BLOCKS),
  }),
  accessOf({ entry: 'nobody', ports: [{ from: 8081, to: 8081 }], sources: [] }),
  accessOf({
    entry: 'pg-orders',
    ports: [{ from: 5432, to: 5432 }],
    sources: [
      ...['10.20.0.0/24', '10.20.1.0-10.20.1.9', '10.20.9.17', '10.30.0.1', '10.30.0.3', '10.30.0.5', '10.30.0.7'],
      ...['10.30.0.9', '10.30.0.11', '2001:db8:7::/48'],
    ],
  }),
  accessOf({ entry: 'signalling', transport: 'sctp', ports: [{ from: 2905, to: 2905 }], sources: ['192.0.2.0/24'] }),
  accessOf({
    entry: 'ssh',
    ports: [{ from: 22, to: 22 }],
    addresses: [address('10.20.0.5'), address('fd00:20::5')],
    sources: ['10.20.9.0/24', 'fd00:9::/64'],
  }),
  accessOf({
    entry: 'web',
    ports: [
      { from: 80, to: 80 },
      { from: 443, to: 443 },
    ],
    sources: ['0.0.0.0/0', '::/0'],
  }),
];
