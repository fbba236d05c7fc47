import { type AddressSet, ALL_IPV4, ALL_IPV6, difference, isEmpty, toCidrs, union } from '../model/address-set.ts';
import { fromCidrs } from '../model/address-set-text.ts';
import type { Transport } from '../model/endpoint.ts';
import type { PortRange } from '../model/observation.ts';
import { plainText } from './safe-text.ts';

/** What a unit may listen on, and who may reach it. */
export interface DropInInput {
  readonly unit: string;
  /** Entries of the register that say so; go into comments. */
  readonly entries: readonly string[];
  readonly listens: ReadonlyArray<{ readonly transport: Transport; readonly ports: readonly PortRange[] }>;
  /** Sources of all of them together; null: not said, so addresses are not restricted. */
  readonly sources: AddressSet | null;
  /** Addresses that the unit itself connects to and must reach, as far as they are known; `IPAddressDeny=` is for both directions. */
  readonly peers: AddressSet;
  /** Names the register. */
  readonly digest: string;
}

/** A drop-in of systemd, and what it cannot say. */
export interface DropIn {
  /** Where it goes: `/etc/systemd/system/UNIT.d/50-quietdoor.conf`. */
  readonly path: string;
  readonly text: string;
  /** Sentences; then the drop-in must not be used. */
  readonly cannot: readonly string[];
  readonly notes: readonly string[];
}

const LOCALHOST = fromCidrs(['127.0.0.0/8', '::1/128']);

/**
 * A drop-in that holds a service to what is approved: it can bind to these ports only (SocketBindAllow=, systemd 249 and
 * newer), and only these addresses can exchange packets with it (IPAddressAllow=, systemd 235 and newer); see
 * systemd.resource-control(5). It holds for the unit, whatever packet filter there is.
 */
export function systemdDropIn(input: DropInInput): DropIn {
  const { unit, listens, sources, peers, entries, digest } = input;
  const cannot: string[] = [];
  const binds: string[] = [];
  for (const { transport, ports } of listens) {
    if (transport !== 'tcp' && transport !== 'udp') {
      cannot.push(`systemd knows no bind rule for ${transport}.`);
      continue;
    }
    for (const family of ['ipv4', 'ipv6'])
      for (const { from, to } of ports)
        binds.push(`SocketBindAllow=${family}:${transport}:${from === to ? from : `${from}-${to}`}`);
  }
  if (!unit.endsWith('.service') && !unit.endsWith('.socket'))
    cannot.push(`${plainText(unit)} is no service and no socket.`);
  const lines = [
    `# Quietdoor: what ${plainText(unit)} may listen on and who may reach it, by ${entries.map((e) => plainText(e)).join(', ')}`,
    `# of register ${plainText(digest)}. Generated: change the register, not this file.`,
    `[${unit.endsWith('.socket') ? 'Socket' : 'Service'}]`,
    ...[...new Set(binds)].sort(),
    'SocketBindDeny=any',
  ];
  const notes = [
    'It takes effect when the unit is started the next time: systemctl daemon-reload, then systemctl restart.',
  ];
  if (unit.endsWith('.service'))
    notes.push('A socket unit opens its sockets by itself: what it gives the service is not the service binding.');
  if (sources === null) notes.push('The entry does not say who may connect, so addresses are not restricted.');
  else {
    const allowed = union(union(sources, peers), LOCALHOST);
    const isEverybody = isEmpty(difference(union(ALL_IPV4, ALL_IPV6), allowed));
    if (isEverybody) notes.push('Everybody may connect, so addresses are not restricted.');
    else {
      lines.push(...toCidrs(allowed).map((cidr) => `IPAddressAllow=${cidr}`), 'IPAddressDeny=any');
      notes.push(
        'Address rules are for both directions: what the service itself connects to (DNS, a database, an identity provider) must be among them, or it cannot. Name it with --also.',
      );
    }
  }
  return { path: `/etc/systemd/system/${unit}.d/50-quietdoor.conf`, text: `${lines.join('\n')}\n`, cannot, notes };
}
