import type { Probe } from './probe.ts';

const ENCRYPTION: Readonly<Record<number, { encryption: 'none' | 'starttls'; requiresTls?: boolean }>> = {
  // Off: only the login is encrypted. On and required are the server's own wish for everything.
  0: { encryption: 'starttls', requiresTls: false },
  1: { encryption: 'starttls', requiresTls: true },
  2: { encryption: 'none' },
  3: { encryption: 'starttls', requiresTls: true },
};

/** SQL Server: PRELOGIN of TDS ([MS-TDS] 2.2.6.5), which tells version and encryption. Nobody is logged in. */
export const mssql: Probe = {
  name: 'mssql',
  ports: [1433, 1434],
  request: () => Buffer.from([0x12, 1, 0, 26, 0, 0, 0, 0, 0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 0, 0, 0, 0, 0, 0, 0]),
  read(answer) {
    const length = answer.readUInt16BE(2);
    if (answer.readUInt16BE(0) !== 0x0401 || length < 20 || length > 4096 || answer.length < length) return null;
    const body = answer.subarray(8, length);
    let version: string | undefined;
    let mode: number | undefined;
    for (let at = 0; body.readUInt8(at) !== 0xff; at += 5) {
      const from = body.readUInt16BE(at + 1);
      if (body[at] === 0)
        version = `${body.readUInt8(from)}.${body.readUInt8(from + 1)}.${body.readUInt16BE(from + 2)}`;
      if (body[at] === 1) mode = body.readUInt8(from);
    }
    if (version === undefined) return null;
    return {
      facts: {
        service: 'ms-sql-s',
        product: 'Microsoft SQL Server',
        version,
        ...(mode === undefined ? {} : ENCRYPTION[mode]),
      },
    };
  },
};
