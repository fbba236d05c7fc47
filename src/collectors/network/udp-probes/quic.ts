import type { UdpProbe } from './udp-probe.ts';

/** QUIC: a packet of a version that is reserved for this, answered by the list of real ones (RFC 9000, 6 and 15). */
export const quic: UdpProbe = {
  name: 'quic',
  ports: [443, 8443],
  requests: (nonce) => {
    // Padded to the size below which servers do not answer (14.1).
    const packet = Buffer.alloc(1200);
    packet.set([0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 8]);
    nonce.copy(packet, 6, 0, 8);
    packet[14] = 8;
    nonce.copy(packet, 15, 8, 16);
    return [packet];
  },
  read(answer, nonce) {
    // Long header, version 0, our connection ids swapped.
    if ((answer.readUInt8(0) & 0x80) === 0 || answer.readUInt32BE(1) !== 0 || answer.readUInt8(5) !== 8) return null;
    if (!answer.subarray(6, 14).equals(nonce.subarray(8, 16)) || answer.length < 27) return null;
    return { facts: { service: 'quic', encryption: 'tls' } };
  },
};
