import type { Probe, Reading } from './probe.ts';

const TPKT = 0x0300;
const CONNECTION_CONFIRM = 0xd0;
const NEGOTIATION_RESPONSE = 2;
const NEGOTIATION_FAILURE = 3;
const PROTOCOL_RDP = 0;
const SSL_NOT_ALLOWED = 2;

/** RDP: connection request that offers TLS and CredSSP ([MS-RDPBCGR] 2.2.1.1); TLS begins after it. Nobody is logged in. */
export const rdp: Probe = {
  name: 'rdp',
  ports: [3389],
  request: () => Buffer.from([3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 0x0b, 0, 0, 0]),
  read(answer): Reading | null {
    if (answer.readUInt16BE(0) !== TPKT || (answer.readUInt8(5) & 0xf0) !== CONNECTION_CONFIRM) return null;
    const length = answer.readUInt16BE(2);
    if (answer.length < length || length < 11) return null;
    const service = 'ms-wbt-server';
    // Too old to negotiate: RDP's own security, with the server's unproven key.
    if (length < 19) return { facts: { service, banner: 'RDP security', encryption: 'none' } };
    const kind = answer.readUInt8(11);
    const value = answer.readUInt32LE(15);
    if (kind === NEGOTIATION_FAILURE)
      return { facts: { service, ...(value === SSL_NOT_ALLOWED ? { encryption: 'none' as const } : {}) } };
    if (kind !== NEGOTIATION_RESPONSE) return null;
    if (value === PROTOCOL_RDP) return { facts: { service, banner: 'RDP security', encryption: 'none' } };
    return { facts: { service, banner: value === 1 ? 'TLS' : 'CredSSP over TLS' }, startTls: [] };
  },
};
