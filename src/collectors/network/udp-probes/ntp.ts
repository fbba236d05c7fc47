import { printable } from '../identify-text.ts';
import type { UdpProbe } from './udp-probe.ts';

const PACKET_BYTES = 48;

/** NTP: the time, as any client asks for it (RFC 5905, 7.3). Never the control modes, which amplify. */
export const ntp: UdpProbe = {
  name: 'ntp',
  ports: [123],
  requests: (nonce) => {
    const packet = Buffer.alloc(PACKET_BYTES);
    // No leap warning, version 4, mode 3 (client).
    packet[0] = 0x23;
    // The transmit time comes back as the origin time: any 64 bits do.
    nonce.copy(packet, 40, 0, 8);
    return [packet];
  },
  read(answer, nonce) {
    const isServer = answer.length >= PACKET_BYTES && (answer.readUInt8(0) & 7) === 4;
    if (!isServer || !answer.subarray(24, 32).equals(nonce.subarray(0, 8))) return null;
    const version = (answer.readUInt8(0) >> 3) & 7;
    const stratum = answer.readUInt8(1);
    const source = stratum <= 1 ? printable(answer.subarray(12, 16).toString('latin1').replaceAll('\0', '')) : '';
    return {
      facts: {
        service: 'ntp',
        banner: `NTPv${version}, stratum ${stratum}${source === '' ? '' : ` (${source})`}`,
        encryption: 'none',
      },
    };
  },
};
