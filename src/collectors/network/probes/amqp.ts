import { field } from '../identify-text.ts';
import type { Probe } from './probe.ts';

/** AMQP 0-9-1: the protocol header, answered by Connection.Start (specification, 4.2.2), or by the header that it wants. */
export const amqp: Probe = {
  name: 'amqp',
  ports: [5672],
  tlsPorts: [5671],
  request: () => Buffer.from('AMQP\0\0\x09\x01', 'latin1'),
  read(answer) {
    if (answer.length >= 8 && answer.toString('latin1', 0, 4) === 'AMQP') {
      const version = [...answer.subarray(5, 8)].join('.');
      return { facts: { service: 'amqp', banner: `AMQP ${version}`, encryption: 'none' } };
    }
    // A method frame on channel 0: Connection (10), Start (10).
    if (answer.readUIntBE(0, 3) !== 0x010000 || answer.readUInt32BE(7) !== 0x000a000a) return null;
    if (answer.length < 8 + answer.readUInt32BE(3)) return null;
    return {
      facts: {
        service: 'amqp',
        ...field('product', longString(answer, 'product')),
        ...field('version', longString(answer, 'version')),
        banner: `AMQP 0.${answer.readUInt8(11)}.${answer.readUInt8(12)}`,
        encryption: 'none',
      },
    };
  },
};

/** A text of the server's properties: name with its length, S, length, text (4.2.5.5). */
function longString(frame: Buffer, name: string): string | undefined {
  const key = Buffer.from(`${String.fromCharCode(name.length)}${name}S`, 'latin1');
  const at = frame.indexOf(key);
  if (at < 0) return undefined;
  const from = at + key.length + 4;
  return frame.toString('utf8', from, from + Math.min(frame.readUInt32BE(from - 4), 100));
}
