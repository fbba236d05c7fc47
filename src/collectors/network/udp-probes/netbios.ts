import { field } from '../identify-text.ts';
import type { UdpProbe } from './udp-probe.ts';

const NBSTAT = 0x21;

/** NetBIOS name service: the names of the machine (RFC 1002, 4.2.17). */
export const netbios: UdpProbe = {
  name: 'netbios',
  ports: [137],
  requests: (nonce) => {
    const packet = Buffer.alloc(50);
    nonce.copy(packet, 0, 0, 2);
    packet[5] = 1;
    // The name `*`, each half byte as a letter (RFC 1001, 14.1).
    packet.write(`\x20CK${'A'.repeat(30)}\0`, 12, 'latin1');
    packet.writeUInt16BE(NBSTAT, 46);
    packet.writeUInt16BE(1, 48);
    return [packet];
  },
  read(answer, nonce) {
    // An answer, with one record of that type behind its name of 34 bytes.
    if (!answer.subarray(0, 2).equals(nonce.subarray(0, 2)) || (answer.readUInt8(2) & 0x80) === 0) return null;
    if (answer.readUInt16BE(46) !== NBSTAT) return null;
    const name = answer.readUInt8(56) > 0 ? answer.toString('latin1', 57, 72).trim() : undefined;
    return { facts: { service: 'netbios-ns', ...field('banner', name), encryption: 'none' } };
  },
};
