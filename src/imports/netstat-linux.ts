import type { Transport } from '../model/endpoint.ts';
import type { NetstatRead } from './netstat-bsd.ts';
import { readPort, readSocketAddress, splitAtLast } from './socket-address.ts';

const ROW = /^(tcp|udp|sctp|udplite|udpl)(6?)\s+\d+\s+\d+\s+(\S+)\s+(\S+)(.*)$/;
const TRANSPORTS: Readonly<Record<string, Transport>> = {
  ...{ tcp: 'tcp', udp: 'udp', sctp: 'sctp', udplite: 'udplite', udpl: 'udplite' },
};
/** Without -W net-tools cuts the address so that it fits with the port into so many characters (netstat.c, addr_do_one). */
const SHORT = 23;

/**
 * One line of net-tools: `tcp6 0 0 :::22 :::* LISTEN 0 5753814 17762/sshd`; state empty for UDP, user and inode with -e,
 * program with -p. Names of programs may hold blanks. An IPv6 socket on an IPv4-mapped address is shown with the IPv4 one.
 */
export function readLinuxRow(text: string): NetstatRead {
  const found = ROW.exec(text);
  if (!found) return { kind: 'problem', transport: null, message: 'this line is no socket as netstat prints it' };
  const [, protocol = '', six, local = '', peer = '', rest = ''] = found;
  const transport = TRANSPORTS[protocol] as Transport;
  const state = /^\s+([A-Z][A-Z0-9_]+)(?=\s|$)/.exec(rest)?.[1];
  const isOurs = transport === 'udp' || transport === 'udplite' ? state === undefined : state === 'LISTEN';
  if (state === undefined && !isOurs)
    return { kind: 'problem', transport, message: 'this line has no state; it may be cut' };
  if (!isOurs) return { kind: 'skipped' };
  if (!/:(?:\*|\d+|[a-z][\w-]*)$/i.test(peer)) {
    return { kind: 'problem', transport, message: 'this line has no foreign address; it may be cut' };
  }
  if (!peer.endsWith(':*')) return { kind: 'skipped' };
  if (six && local.length === SHORT) {
    const message = `"${local}" may be a longer address that netstat has cut; list with -W`;
    return { kind: 'problem', transport, message };
  }
  const [addressText, portText] = splitAtLast(local, ':') ?? ['', ''];
  const port = readPort(portText);
  const address = readSocketAddress(addressText, six ? 'ipv6' : 'ipv4');
  if (port === null || address === null) {
    const hint = port === null && /^[a-z]/i.test(portText) ? '; list with -n' : '';
    return { kind: 'problem', transport, message: `"${local.slice(0, 80)}" is no address and port${hint}` };
  }
  const columns = rest.slice(state === undefined ? 0 : rest.indexOf(state) + state.length).trim();
  const [, owner, after] = /^(\S+)\s+\d+(?:\s+(.*))?$/.exec(columns) ?? [undefined, undefined, columns];
  const program = /^(\d{1,10})\/(.*)$/.exec((after ?? '').trim());
  return {
    kind: 'row',
    row: {
      transport,
      port,
      ...address,
      ...(owner !== undefined && (/^\d{1,10}$/.test(owner) ? { uid: Number(owner) } : { user: owner })),
      processes: program ? [{ pid: Number(program[1]), ...(program[2] && { name: program[2].trim() }) }] : [],
    },
  };
}
