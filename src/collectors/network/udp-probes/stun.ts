import type { UdpProbe } from './udp-probe.ts';

const COOKIE = 0x2112a442;

/** STUN and TURN: a binding request (RFC 8489, 6). */
export const stun: UdpProbe = {
  name: 'stun',
  ports: [3478],
  requests: (nonce) => {
    const packet = Buffer.alloc(20);
    packet.writeUInt16BE(1, 0);
    packet.writeUInt32BE(COOKIE, 4);
    nonce.copy(packet, 8, 0, 12);
    return [packet];
  },
  read(answer, nonce) {
    const isAnswer = [0x0101, 0x0111].includes(answer.readUInt16BE(0)) && answer.readUInt32BE(4) === COOKIE;
    if (!isAnswer || !answer.subarray(8, 20).equals(nonce.subarray(0, 12))) return null;
    return { facts: { service: 'stun', encryption: 'none' } };
  },
};
