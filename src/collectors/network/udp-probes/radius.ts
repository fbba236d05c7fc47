import { createHmac } from 'node:crypto';
import type { UdpProbe } from './udp-probe.ts';

const STATUS_SERVER = 12;
const CODES = [2, 3, 5, 11];

/**
 * RADIUS: Status-Server (RFC 5997), which asks only whether it is alive. It is signed, as it must be, with a secret that is no
 * secret, so most servers stay silent: silence means even less here than elsewhere.
 */
export const radius: UdpProbe = {
  name: 'radius',
  ports: [1812, 1645],
  requests: (nonce) => {
    const packet = Buffer.alloc(38);
    packet.set([STATUS_SERVER, nonce[0] ?? 0, 0, packet.length]);
    nonce.copy(packet, 4, 0, 16);
    // Message-Authenticator: HMAC-MD5 over the packet with zeros in its place (RFC 3579, 3.2).
    packet.set([80, 18], 20);
    createHmac('md5', 'testing123').update(packet).digest().copy(packet, 22);
    return [packet];
  },
  read(answer, nonce) {
    const length = answer.readUInt16BE(2);
    if (!CODES.includes(answer.readUInt8(0)) || answer[1] !== nonce[0] || length < 20 || length > answer.length)
      return null;
    return { facts: { service: 'radius' } };
  },
};
