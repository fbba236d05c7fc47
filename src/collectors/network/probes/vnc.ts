import { firstLine } from '../identify-text.ts';
import type { Probe, Reading } from './probe.ts';

const BANNER_BYTES = 12;
const NONE = 1;
const TLS = [18, 19];

/** VNC: protocol version and security types of the RFB protocol (RFC 6143, 7.1). Goes no further, so nothing is shown. */
export const vnc: Probe = {
  name: 'vnc',
  ports: [5900, 5901, 5902, 5903],
  read(answer): Reading | null {
    const banner = answer.toString('latin1', 0, BANNER_BYTES);
    if (!/^RFB \d{3}\.\d{3}\n$/.test(banner)) return null;
    const reading: Reading = {
      facts: { service: 'rfb', product: 'VNC', banner: firstLine(answer) },
      texts: { 'vnc.banner': banner.trim() },
    };
    if (answer.length === BANNER_BYTES)
      // Of the versions that there are, the older ones name no list.
      return banner >= 'RFB 003.007' ? { ...reading, ask: Buffer.from('RFB 003.008\n') } : reading;
    const count = answer.readUInt8(BANNER_BYTES);
    const types = [...answer.subarray(BANNER_BYTES + 1, BANNER_BYTES + 1 + count)];
    if (types.length < count) return null;
    if (count === 0) return reading;
    const offersTls = types.some((t) => TLS.includes(t));
    return {
      ...reading,
      facts: {
        ...reading.facts,
        encryption: offersTls ? 'starttls' : 'none',
        unauthenticated: types.includes(NONE),
      },
    };
  },
};
