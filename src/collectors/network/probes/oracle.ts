import { field } from '../identify-text.ts';
import type { Probe } from './probe.ts';

const TYPES = [2, 4, 5, 11];

/** Oracle listener: a TNS connect that asks for its version, which it refuses or answers; opens no database session. */
export const oracle: Probe = {
  name: 'oracle',
  ports: [1521],
  request: () => {
    const data = Buffer.from('(CONNECT_DATA=(COMMAND=VERSION))');
    const header = Buffer.alloc(58);
    header.writeUInt16BE(header.length + data.length, 0);
    header[4] = 1;
    // Version and the lowest one that does, SDU, TDU, characteristics, byte order mark.
    [310, 300, 0, 2048, 32_767, 0x7f08, 0, 1].forEach((word, i) => {
      header.writeUInt16BE(word, 8 + 2 * i);
    });
    header.writeUInt16BE(data.length, 24);
    header.writeUInt16BE(header.length, 26);
    return Buffer.concat([header, data]);
  },
  read(answer) {
    const length = answer.readUInt16BE(0);
    const type = answer.readUInt8(4);
    if (!TYPES.includes(type) || length < 8 || answer.length < length || answer.readUInt16BE(2) !== 0) return null;
    const text = answer.toString('latin1', 8);
    if (!/\((DESCRIPTION|ERR|VSNNUM)=/.test(text)) return null;
    const number = Number(/VSNNUM=(\d{1,10})/.exec(text)?.[1] ?? 0);
    const version =
      number === 0 ? undefined : `${(number >>> 24) & 255}.${(number >>> 20) & 15}.${(number >>> 12) & 255}`;
    return {
      facts: {
        service: 'oracle',
        product: 'Oracle TNS listener',
        ...field('version', version),
        ...field('banner', text.slice(text.indexOf('('))),
      },
    };
  },
};
