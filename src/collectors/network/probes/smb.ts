import type { Probe } from './probe.ts';

/** SMB: a negotiation that every version understands ([MS-CIFS] 2.2.4.52, [MS-SMB2] 3.3.5.3). Opens no session. */
export const smb: Probe = {
  name: 'smb',
  ports: [445],
  request: () => {
    const dialects = Buffer.from('\x02NT LM 0.12\0\x02SMB 2.002\0\x02SMB 2.???\0', 'latin1');
    const header = Buffer.alloc(32);
    header.write('\xffSMB\x72', 0, 'latin1');
    header[9] = 0x18;
    header.writeUInt16LE(0xc853, 10);
    const body = Buffer.concat([Buffer.from([0, dialects.length, 0]), dialects]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(header.length + body.length);
    return Buffer.concat([length, header, body]);
  },
  read(answer) {
    const mark = answer.toString('latin1', 4, 8);
    if (answer.readUInt8(0) !== 0 || (mark !== '\xffSMB' && mark !== '\xfeSMB')) return null;
    if (mark === '\xffSMB')
      return { facts: { service: 'microsoft-ds', product: 'SMB', version: '1', banner: 'SMB 1' } };
    // Security mode in the body behind the header of 64 bytes: bit 1 says that signing is required.
    const isSigned = (answer.readUInt16LE(4 + 64 + 2) & 2) !== 0;
    return {
      facts: {
        service: 'microsoft-ds',
        product: 'SMB',
        banner: `SMB 2 or later, signing ${isSigned ? 'required' : 'not required'}`,
      },
    };
  },
};
