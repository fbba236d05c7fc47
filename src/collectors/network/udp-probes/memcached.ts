import { field } from '../identify-text.ts';
import type { UdpProbe } from './udp-probe.ts';

/** memcached over UDP: `version` behind the frame header (protocol.txt, UDP protocol). The answer is smaller than the frame. */
export const memcached: UdpProbe = {
  name: 'memcached',
  ports: [11211],
  requests: (nonce) => [
    Buffer.concat([nonce.subarray(0, 2), Buffer.from([0, 0, 0, 1, 0, 0]), Buffer.from('version\r\n')]),
  ],
  read(answer, nonce) {
    const version = /^VERSION ([^\r\n]{1,100})\r\n/.exec(answer.toString('latin1', 8))?.[1];
    if (version === undefined || !answer.subarray(0, 2).equals(nonce.subarray(0, 2))) return null;
    return {
      facts: {
        service: 'memcache',
        product: 'memcached',
        ...field('version', version),
        encryption: 'none',
        unauthenticated: true,
      },
    };
  },
};
