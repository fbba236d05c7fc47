import type { UdpProbe } from './udp-probe.ts';

/** IPMI: Get Channel Authentication Capabilities over RMCP (IPMI 2.0 specification, 22.13), which comes before any session. */
export const ipmi: UdpProbe = {
  name: 'ipmi',
  ports: [623],
  requests: () => [
    Buffer.from([6, 0, 255, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0x20, 0x18, 0xc8, 0x81, 0, 0x38, 0x8e, 4, 0xb5]),
  ],
  read(answer) {
    if (answer.readUInt8(0) !== 6 || answer.readUInt8(3) !== 7 || answer.length < 30) return null;
    // Network function "application response", the same command, completed.
    if (answer.readUInt8(15) >> 2 !== 7 || answer.readUInt8(19) !== 0x38 || answer.readUInt8(20) !== 0) return null;
    const isVersion2 = (answer.readUInt8(22) & 0x80) !== 0 && (answer.readUInt8(24) & 2) !== 0;
    const allowsNone = (answer.readUInt8(22) & 1) !== 0;
    const allowsAnonymous = (answer.readUInt8(23) & 1) !== 0;
    return {
      facts: {
        service: 'asf-rmcp',
        product: 'IPMI',
        version: isVersion2 ? '2.0' : '1.5',
        ...(allowsNone || allowsAnonymous ? { unauthenticated: true } : {}),
      },
    };
  },
};
