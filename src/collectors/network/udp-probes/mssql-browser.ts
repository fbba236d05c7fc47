import { field } from '../identify-text.ts';
import type { UdpProbe } from './udp-probe.ts';

/** SQL Server Browser: the instances of the machine ([MC-SQLR] 2.2.2), which it tells to all. */
export const mssqlBrowser: UdpProbe = {
  name: 'mssql-browser',
  ports: [1434],
  requests: () => [Buffer.from([3])],
  read(answer) {
    if (answer.readUInt8(0) !== 5 || answer.readUInt16LE(1) > answer.length - 3) return null;
    const text = answer.toString('latin1', 3, 3 + answer.readUInt16LE(1));
    if (!/^ServerName;/.test(text)) return null;
    const version = /;Version;([\d.]+);/.exec(text)?.[1];
    return {
      facts: {
        service: 'ms-sql-m',
        product: 'Microsoft SQL Server',
        ...field('version', version),
        ...field('banner', text),
        encryption: 'none',
      },
    };
  },
};
