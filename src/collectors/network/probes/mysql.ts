import { field } from '../identify-text.ts';
import type { Probe } from './probe.ts';

const CLIENT_SSL = 0x0800;

/** MySQL and MariaDB: the greeting (MySQL Internals, Protocol::HandshakeV10). TLS by an SSL request in place of a login. */
export const mysql: Probe = {
  name: 'mysql',
  ports: [3306, 3307, 33060],
  read(answer) {
    const length = answer.readUIntLE(0, 3);
    if (answer.readUInt8(3) !== 0 || length < 4 || length > 1024 || answer.length < length + 4) return null;
    const packet = answer.subarray(4, 4 + length);
    if (packet[0] === 0xff) return readError(packet);
    const end = packet.indexOf(0, 1);
    if (packet[0] !== 10 || end < 2 || end > 100) return null;
    const text = packet.toString('latin1', 1, end);
    if (!/^\d+\.\d+/.test(text)) return null;
    // MariaDB says 5.5.5- before its own version, for the sake of old replicas.
    const isMaria = /mariadb/i.test(text);
    const version = text.replace(/^5\.5\.5-/, '').replace(/-MariaDB.*$/i, '');
    const offersTls = (packet.readUInt16LE(end + 14) & CLIENT_SSL) !== 0;
    return {
      facts: {
        service: 'mysql',
        product: isMaria ? 'MariaDB' : 'MySQL',
        ...field('version', version),
        ...field('banner', text),
        ...(offersTls ? {} : { encryption: 'none' as const }),
      },
      texts: { 'mysql.banner': text },
      ...(offersTls ? { startTls: [{ send: SSL_REQUEST }] } : {}),
    };
  },
};

/** `Host ... is not allowed to connect`: it says so before any greeting. */
function readError(packet: Buffer) {
  const text = packet.toString('latin1', 3).replace(/^#\w{5}/, '');
  if (!/MySQL|MariaDB/i.test(text)) return null;
  return {
    facts: {
      service: 'mysql',
      product: /MariaDB/i.test(text) ? 'MariaDB' : 'MySQL',
      ...field('banner', text),
      unauthenticated: false,
    },
    texts: { 'mysql.error': text },
  };
}

/** Protocol::SSLRequest: capabilities PROTOCOL_41, SSL, SECURE_CONNECTION; packet size; character set; 23 zeros. */
const SSL_REQUEST = Buffer.concat([
  Buffer.from([32, 0, 0, 1, 0x00, 0x8a, 0x00, 0x00, 0, 0, 0, 1, 45]),
  Buffer.alloc(23),
]);
