import { dnsQuery, readDns, TYPE_PTR } from './dns-message.ts';
import type { UdpProbe } from './udp-probe.ts';

/** Multicast DNS: its service types, asked by unicast (RFC 6762, 5.5 and 6.7; RFC 6763, 9). */
export const mdns: UdpProbe = {
  name: 'mdns',
  ports: [5353],
  requests: (nonce) => [
    dnsQuery(nonce.readUInt16BE(0), 0, { name: '_services._dns-sd._udp.local', type: TYPE_PTR, qclass: 0x8001 }),
  ],
  read(answer, nonce) {
    const message = readDns(answer);
    // A responder that answers as to multicast sets the id to 0 (RFC 6762, 18.1).
    const isOurs = message?.id === nonce.readUInt16BE(0) || message?.id === 0;
    if (!message || !isOurs || message.code !== 0) return null;
    return { facts: { service: 'mdns', encryption: 'none' } };
  },
};
