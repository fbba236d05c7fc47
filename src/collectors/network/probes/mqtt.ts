import type { Probe } from './probe.ts';

const REASONS: Readonly<Record<number, string>> = {
  0: 'accepted without a name',
  1: 'version refused',
  2: 'identifier refused',
  3: 'unavailable',
  4: 'bad user name or password',
  5: 'not authorised',
};

/**
 * MQTT 3.1.1: CONNECT without name and password, in a session of its own that is not kept, and DISCONNECT (3.1 and 3.14). The
 * protocol has no other question; what it answers says whether strangers may come in.
 */
export const mqtt: Probe = {
  name: 'mqtt',
  ports: [1883],
  tlsPorts: [8883],
  request: () => Buffer.from([0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 10, 0, 0, 0xe0, 0]),
  read(answer) {
    const code = answer.readUInt8(3);
    if (answer.readUInt16BE(0) !== 0x2002 || answer.readUInt8(2) > 1 || code > 5 || answer.length > 4) return null;
    return {
      facts: {
        service: 'mqtt',
        banner: `CONNACK ${code}, ${REASONS[code]}`,
        encryption: 'none',
        ...(code === 0 ? { unauthenticated: true } : code >= 4 ? { unauthenticated: false } : {}),
      },
    };
  },
};
