import type { Probe } from './probe.ts';

/** Comes back in the answer; any number does. */
const CORRELATION = 0x51446f72;

/** Kafka: ApiVersions version 0, which a broker answers before any login (Kafka protocol guide, ApiVersions, KIP-35). */
export const kafka: Probe = {
  name: 'kafka',
  ports: [9092, 9093, 9094, 19092],
  tlsPorts: [9093],
  request: () => {
    const client = Buffer.from('quietdoor');
    const request = Buffer.alloc(14);
    request.writeInt32BE(10 + client.length, 0);
    request.writeInt16BE(18, 4);
    request.writeInt16BE(0, 6);
    request.writeInt32BE(CORRELATION, 8);
    request.writeInt16BE(client.length, 12);
    return Buffer.concat([request, client]);
  },
  read(answer) {
    const length = answer.readInt32BE(0);
    if (length < 10 || length > 8192 || answer.length < length + 4 || answer.readInt32BE(4) !== CORRELATION)
      return null;
    const keys = answer.readInt32BE(10);
    const isWhole = answer.readInt16BE(8) === 35 || (keys > 0 && length >= 10 + 6 * keys);
    return isWhole ? { facts: { service: 'kafka', product: 'Apache Kafka', encryption: 'none' } } : null;
  },
};
