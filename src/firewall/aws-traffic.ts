import type { Condition, NumberRange, Unknown } from '../model/ruleset.ts';
import type { AwsTraffic } from './aws-inventory.ts';
import { numberOf, shown, textOf } from './untrusted.ts';

const NUMBERS: ReadonlyMap<string, number> = new Map([
  ['tcp', 6],
  ['udp', 17],
  ['icmp', 1],
  ['icmpv6', 58],
]);
const NAMES: ReadonlyMap<number, string> = new Map([...NUMBERS].map(([name, number]) => [number, name]));
const TCP = 6;
const UDP = 17;
const ICMP = [1, 58];

/** A value that is only known after apply. */
export const UNKNOWN_VALUE: unique symbol = Symbol('unknown');
const LATER: Unknown = { kind: 'unknown', reason: 'it is known after apply only' };

/**
 * Reads protocol and ports of a rule (EC2 API, IpPermission; NetworkAclEntry). Any protocol but TCP, UDP and ICMP lets
 * all ports through, whatever ports are written. Returns a text where a value is none of what AWS takes.
 */
export function readTraffic(protocol: unknown, from: unknown, to: unknown): AwsTraffic | string {
  if (protocol === UNKNOWN_VALUE) return { protocol: LATER, ports: LATER, icmpType: false };
  const written = (textOf(protocol) ?? '').toLowerCase();
  if (written === '-1' || written === 'all') return { protocol: 'any', ports: null, icmpType: false };
  const number = NUMBERS.get(written) ?? numberOf(written, 0, 255);
  if (number === null) return `protocol ${shown(protocol)} is not one`;
  if (ICMP.includes(number)) {
    const everyType = from === null || from === undefined || numberOf(from, -1, -1) !== null;
    return { protocol: number, ports: null, icmpType: !everyType };
  }
  if (number !== TCP && number !== UDP) return { protocol: number, ports: null, icmpType: false };
  if (from === UNKNOWN_VALUE || to === UNKNOWN_VALUE) return { protocol: number, ports: LATER, icmpType: false };
  const ports = readPorts(from, to);
  return typeof ports === 'string' ? ports : { protocol: number, ports, icmpType: false };
}

function readPorts(from: unknown, to: unknown): NumberRange | string {
  const first = numberOf(from, 0, 65535);
  const last = numberOf(to, 0, 65535);
  if (first === null || last === null || first > last) return `ports ${shown(from)} to ${shown(to)} are no range`;
  return { from: first, to: last };
}

/** What packets are meant, as a condition. */
export function trafficCondition(traffic: AwsTraffic): Condition {
  const of: Condition[] = [];
  const { protocol, ports } = traffic;
  if (typeof protocol === 'object') of.push(protocol);
  else if (protocol !== 'any') of.push({ kind: 'protocol', numbers: [{ from: protocol, to: protocol }] });
  if (protocol === 1) of.push({ kind: 'family', family: 'ipv4' });
  if (protocol === 58) of.push({ kind: 'family', family: 'ipv6' });
  if (ports !== null) of.push('kind' in ports ? ports : { kind: 'destination-port', ports: [ports] });
  if (traffic.icmpType) of.push({ kind: 'unknown', reason: 'types of ICMP are not looked at' });
  return { kind: 'all', of };
}

/** `tcp/22`, `udp/1000-2000`, `all traffic`, `protocol 50`. */
export function trafficText({ protocol, ports }: AwsTraffic): string {
  if (protocol === 'any') return 'all traffic';
  if (typeof protocol === 'object') return 'a protocol known after apply';
  const name = NAMES.get(protocol) ?? `protocol ${protocol}`;
  if (ports === null) return name;
  if ('kind' in ports) return `${name}/known after apply`;
  return `${name}/${ports.from === ports.to ? ports.from : `${ports.from}-${ports.to}`}`;
}
