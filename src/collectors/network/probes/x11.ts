import { field } from '../identify-text.ts';
import type { Probe } from './probe.ts';

/** X11: connection setup without authorisation (X Window System Protocol, 8). Nothing is opened on the display. */
export const x11: Probe = {
  name: 'x11',
  ports: [6000, 6001, 6002, 6003],
  request: () => Buffer.from([0x6c, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
  read(answer) {
    const status = answer.readUInt8(0);
    if (status > 2 || answer.readUInt16LE(2) !== 11) return null;
    if (answer.length < 8 + 4 * answer.readUInt16LE(6)) return null;
    const reason = status === 0 ? answer.toString('latin1', 8, 8 + answer.readUInt8(1)) : undefined;
    return { facts: { service: 'x11', ...field('banner', reason), encryption: 'none', unauthenticated: status === 1 } };
  },
};
