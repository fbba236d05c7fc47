import { dns as overUdp } from '../udp-probes/dns.ts';
import type { Probe } from './probe.ts';

/** Comes back in the answer; any number does. */
const NONCE = Buffer.alloc(32, 0x51);

/** DNS over TCP: the question of the UDP probe, with its length before it (RFC 1035, 4.2.2). */
export const dns: Probe = {
  name: 'dns',
  ports: [53],
  tlsPorts: [853],
  request: () => {
    const query = overUdp.requests(NONCE)[0] ?? new Uint8Array(0);
    return Buffer.concat([Buffer.from([0, query.length]), query]);
  },
  read(answer) {
    const length = answer.readUInt16BE(0);
    return answer.length < length + 2 ? null : overUdp.read(answer.subarray(2, length + 2), NONCE);
  },
};
