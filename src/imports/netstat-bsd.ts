import type { Transport } from '../model/endpoint.ts';
import { readPort, readSocketAddress, splitAtLast } from './socket-address.ts';
import type { SocketRow } from './socket-listing.ts';

/** What a line of netstat says. */
export type NetstatRead =
  | { readonly kind: 'row'; readonly row: SocketRow }
  | { readonly kind: 'skipped' }
  | { readonly kind: 'problem'; readonly transport: Transport | null; readonly message: string };

const ROW = /^(tcp|udp)(4|6|46|64)?\s+\d+\s+\d+\s+(\S+)\s+(\S+)(?:\s+(.*))?$/;
/** Without -W an address with its port is cut to the width of its column, 18 with -A (inetprint of netstat's inet.c). */
const WIDTHS = [18, 22];

/**
 * One line of macOS or a BSD: `tcp4 0 0 127.0.0.1.631 *.* LISTEN`; `tcp46` answers on both families, `tcp6` on IPv6 only.
 * macOS adds columns with -v, of which `NAME:PID` is taken where it stands.
 */
export function readBsdRow(text: string): NetstatRead {
  const found = ROW.exec(text);
  if (!found) return { kind: 'problem', transport: null, message: 'this line is no socket as netstat prints it' };
  const [, protocol, kind = '', local = '', peer = '', rest = ''] = found;
  const transport = protocol as Transport;
  if (transport === 'tcp' && !/^LISTEN(?:\s|$)/.test(rest)) {
    return rest === ''
      ? { kind: 'problem', transport, message: 'this line has no state; it may be cut' }
      : { kind: 'skipped' };
  }
  if (peer !== '*.*' || local === '*.*') return { kind: 'skipped' };
  const isSix = kind.includes('6');
  if (isSix && WIDTHS.includes(local.length) && local.includes(':')) {
    const message = `"${local}" may be a longer address that netstat has cut; list with -W`;
    return { kind: 'problem', transport, message };
  }
  const [addressText, portText] = splitAtLast(local, '.') ?? ['', ''];
  const port = readPort(portText);
  const address = readSocketAddress(
    addressText,
    isSix ? 'ipv6' : kind === '4' ? 'ipv4' : addressText.includes(':') ? 'ipv6' : 'ipv4',
  );
  if (port === null || address === null) {
    const hint = port === null && /^[a-z]/i.test(portText) ? '; list with -n' : '';
    return { kind: 'problem', transport, message: `"${local.slice(0, 80)}" is no address and port${hint}` };
  }
  const owner = /(?:^|\s)([^\s:]{1,64}):(\d{1,10})(?:\s|$)/.exec(rest);
  return {
    kind: 'row',
    row: {
      transport,
      port,
      ...address,
      ...(isSix && { isIpv6Only: kind === '6' }),
      processes: owner ? [{ pid: Number(owner[2]), name: owner[1] as string }] : [],
    },
  };
}
