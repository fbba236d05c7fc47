import { isReply, nullCall } from '../rpc-message.ts';
import type { Probe } from './probe.ts';

/** rpcbind: procedure 0 over TCP, with the record mark of RFC 5531, 11. */
export const sunrpc: Probe = {
  name: 'sunrpc',
  ports: [111],
  request: () => Buffer.concat([Buffer.from([0x80, 0, 0, 40]), nullCall()]),
  read(answer) {
    if (answer.readUInt8(0) !== 0x80 || !isReply(answer.subarray(4))) return null;
    return { facts: { service: 'sunrpc', encryption: 'none' } };
  },
};
