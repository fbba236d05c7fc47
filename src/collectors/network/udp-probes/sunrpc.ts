import { isReply, nullCall } from '../rpc-message.ts';
import type { UdpProbe } from './udp-probe.ts';

/** rpcbind: procedure 0, which does nothing (RFC 1833, 3.2). */
export const sunrpc: UdpProbe = {
  name: 'sunrpc',
  ports: [111],
  requests: () => [nullCall()],
  read: (answer) => (isReply(answer) ? { facts: { service: 'sunrpc', encryption: 'none' } } : null),
};
