import type { Transport } from '../model/endpoint.ts';
import type { NetstatRead } from './netstat-bsd.ts';
import { readPort, readSocketAddress, splitAtLast } from './socket-address.ts';

const ROW = /^\s*(TCP|UDP)\s+(\S+)\s+(\S+)(?:\s+(\S+(?: \S+)*?))??(?:\s+(\d{1,10}))?\s*$/;

/**
 * One line of Windows: `TCP [::]:135 [::]:0 LISTENING 1044`, with the process id by -o. The state is in the language of the
 * system, so a socket that waits is told by its foreign address: `0.0.0.0:0`, `[::]:0`, for UDP `*:*`.
 */
export function readWindowsRow(text: string): NetstatRead {
  const found = ROW.exec(text);
  if (!found) return { kind: 'problem', transport: null, message: 'this line is no socket as netstat prints it' };
  const [, protocol = '', local = '', peer = '', state, pid] = found;
  const transport = protocol.toLowerCase() as Transport;
  if (transport === 'tcp' ? !/^(?:0\.0\.0\.0|\[::\]|\*):0$/.test(peer) : peer !== '*:*') return { kind: 'skipped' };
  if (transport === 'tcp' && state === undefined && pid === undefined) {
    return { kind: 'problem', transport, message: 'this line has no state; it may be cut' };
  }
  const [addressText, portText] = splitAtLast(local, ':') ?? ['', ''];
  const port = readPort(portText);
  const address = readSocketAddress(addressText, null);
  if (port === null || address === null) {
    return { kind: 'problem', transport, message: `"${local.slice(0, 80)}" is no address and port` };
  }
  // Process 0 holds sockets whose process has ended.
  const hasPid = pid !== undefined && pid !== '0';
  return { kind: 'row', row: { transport, port, ...address, processes: hasPid ? [{ pid: Number(pid) }] : [] } };
}
