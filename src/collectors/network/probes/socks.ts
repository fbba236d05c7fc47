import type { Probe } from './probe.ts';

/** SOCKS5: the greeting that offers no authentication (RFC 1928, 3). No connection is asked for. */
export const socks: Probe = {
  name: 'socks',
  ports: [1080],
  request: () => Buffer.from([5, 1, 0]),
  read(answer) {
    const method = answer.readUInt8(1);
    if (answer.length !== 2 || answer[0] !== 5 || (method !== 0 && method !== 255)) return null;
    return { facts: { service: 'socks', banner: 'SOCKS5', encryption: 'none', unauthenticated: method === 0 } };
  },
};
