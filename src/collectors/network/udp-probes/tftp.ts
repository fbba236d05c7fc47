import { field } from '../identify-text.ts';
import type { UdpProbe } from './udp-probe.ts';

const DATA = 3;
const ERROR = 5;

/**
 * TFTP: asks for a file that nobody has (RFC 1350, 5). The answer comes from a port of its own, so that only the unconnected
 * try hears it. A server that has the file after all sends one block and gives up.
 */
export const tftp: UdpProbe = {
  name: 'tftp',
  ports: [69],
  requests: (nonce) => [Buffer.from(`\0\x01quietdoor-${nonce.toString('hex', 0, 8)}\0octet\0`, 'latin1')],
  read(answer) {
    const opcode = answer.readUInt16BE(0);
    if (opcode !== DATA && opcode !== ERROR) return null;
    if (answer.readUInt16BE(2) > 8 || (opcode === ERROR && answer.at(-1) !== 0)) return null;
    const message = opcode === ERROR ? answer.toString('latin1', 4, answer.length - 1) : undefined;
    return { facts: { service: 'tftp', ...field('banner', message), encryption: 'none', unauthenticated: true } };
  },
};
