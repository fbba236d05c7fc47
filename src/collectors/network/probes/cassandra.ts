import type { Probe } from './probe.ts';

/** Cassandra: OPTIONS of the CQL binary protocol v4 (native_protocol_v4.spec, 4.1.3), answered before any login. */
export const cassandra: Probe = {
  name: 'cassandra',
  ports: [9042],
  tlsPorts: [9142],
  request: () => Buffer.from([4, 0, 0, 0, 5, 0, 0, 0, 0]),
  read(answer) {
    const version = answer.readUInt8(0);
    const opcode = answer.readUInt8(4);
    if (version < 0x81 || version > 0x86 || answer.readUInt16BE(2) !== 0) return null;
    const body = answer.subarray(9, 9 + answer.readUInt32BE(5)).toString('latin1');
    const isSupported = opcode === 6 && body.includes('CQL_VERSION');
    const isError = opcode === 0 && /protocol version/i.test(body);
    if (!isSupported && !isError) return null;
    return {
      facts: {
        service: 'cassandra-cql',
        product: 'Apache Cassandra',
        banner: `CQL protocol v${version & 127}`,
        encryption: 'none',
      },
    };
  },
};
