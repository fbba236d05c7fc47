import { field } from '../identify-text.ts';
import { readBson, writeBson } from './bson.ts';
import type { Probe } from './probe.ts';

const OP_MSG = 2013;
const UNAUTHORIZED = 13;
const HELLO = 0x51440001;
const BUILD_INFO = 0x51440002;
const LIST = 0x51440003;

/**
 * MongoDB: `hello`, `buildInfo`, and a list of databases whose filter lets none through, by which it tells whether strangers
 * may ask at all (MongoDB wire protocol, OP_MSG). All three only read, and no name is sent back.
 */
export const mongodb: Probe = {
  name: 'mongodb',
  ports: [27017, 27018, 27019],
  tlsPorts: [27017, 27018, 27019],
  request: () =>
    Buffer.concat([
      command(HELLO, { hello: 1, $db: 'admin' }),
      command(BUILD_INFO, { buildInfo: 1, $db: 'admin' }),
      command(LIST, { listDatabases: 1, nameOnly: true, filter: { name: '' }, $db: 'admin' }),
    ]),
  read(answer, isEnd) {
    const replies = new Map<number, ReturnType<typeof readBson>>();
    for (let at = 0; at + 21 <= answer.length; ) {
      const length = answer.readInt32LE(at);
      if (length < 26 || answer.readInt32LE(at + 12) !== OP_MSG || answer.readUInt8(at + 20) !== 0) return null;
      if (at + length > answer.length) break;
      replies.set(answer.readInt32LE(at + 8), readBson(answer.subarray(at + 21, at + length)));
      at += length;
    }
    const hello = replies.get(HELLO);
    if (!hello?.has('maxWireVersion') && !hello?.has('errmsg')) return null;
    const list = replies.get(LIST);
    if (!list && !isEnd) return null;
    const version = replies.get(BUILD_INFO)?.get('version');
    return {
      facts: {
        service: 'mongodb',
        product: 'MongoDB',
        ...field('version', typeof version === 'string' ? version : undefined),
        encryption: 'none',
        ...(list?.get('ok') === 1 ? { unauthenticated: true } : {}),
        ...(list?.get('code') === UNAUTHORIZED ? { unauthenticated: false } : {}),
      },
    };
  },
};

function command(id: number, body: Parameters<typeof writeBson>[0]): Buffer {
  const document = writeBson(body);
  const header = Buffer.alloc(21);
  header.writeInt32LE(header.length + document.length, 0);
  header.writeInt32LE(id, 4);
  header.writeInt32LE(OP_MSG, 12);
  return Buffer.concat([header, document]);
}
