import type { Transport } from '../model/endpoint.ts';
import type { ProcessFacts } from '../model/listener.ts';
import type { ImportFormat, ImportHead, ImportOptions } from './import-format.ts';
import type { Line } from './lines.ts';
import { readPort, readSocketAddress, type SocketAddress, splitAtLast } from './socket-address.ts';
import { newListing, type SocketRow } from './socket-listing.ts';
import { damageOf, listedTransports, namedHost, readTextListing } from './text-listing.ts';

const HEADER = /^\s*(?:Netid\s+)?State\s+Recv-Q\s+Send-Q\s+Local Address:Port/;
/** Netid (there only if several kinds were asked), State, queues, local, peer, the rest. */
const ROW = /^([a-z_0-9]{2,8})?\s*([A-Z][A-Z0-9-]{2,11})\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+)(.*)$/;
const TRANSPORTS: Readonly<Record<string, Transport>> = { tcp: 'tcp', udp: 'udp', sctp: 'sctp', mptcp: 'tcp' };
/** Kinds of sockets that ss lists and that have no port, or none that a network reaches. */
const NOT_OURS = /^(?:u_str|u_dgr|u_seq|nl|p_raw|p_dgr|raw|icmp6?|v_str|v_dgr|ti_st|ti_rd|ti_sq|ti_dg|xdp|tipc|dccp)$/;

/** `ss -tulpn` of iproute2 (misc/ss.c), with or without header, -e, -i, -O. */
export const ss: ImportFormat = {
  name: 'ss',
  title: 'ss of iproute2 (ss -tulpn)',
  detect,
  async *read(input, options) {
    yield await readListing(input, options);
  },
};

function detect({ text }: ImportHead): boolean {
  return text
    .split('\n', 200)
    .some(
      (line) =>
        HEADER.test(line) || /^(?:(?:tcp|udp|sctp)\s+)?(?:LISTEN|UNCONN|ESTAB)\s+\d+\s+\d+\s+\S+:\S+\s+\S+:/.test(line),
    );
}

async function readListing(input: AsyncIterable<Uint8Array>, options: ImportOptions) {
  const host = namedHost(options, 'ss');
  const { lines, command, ephemeralPorts } = await readTextListing(input, 'ss', options);
  const listing = newListing({ format: 'ss', host, observedAt: options.observedAt }, options.report);
  const rows = joinContinued(lines);
  const isOld = rows.some(({ line }) => /\s:::(?:\d+|\*)\s/.test(line.text));
  const seen = new Set<Transport>();
  for (const { line, rest } of rows) {
    const damage = damageOf(line);
    if (damage) {
      listing.unreadable(null, { line: line.number, message: `this line ${damage}` });
      continue;
    }
    const read = readRow(line.text, rest, isOld);
    if (read.kind === 'row') {
      seen.add(read.row.transport);
      listing.add(read.row);
    } else if (read.kind === 'problem') {
      listing.unreadable(read.transport, { line: line.number, message: read.message });
    }
  }
  for (const transport of listedTransports(seen, command, askedOf)) listing.listed(transport);
  return listing.finish({ host: ephemeralPorts ? { ephemeralPorts } : {} });
}

/** Puts lines that ss continues (details of -i and -m behind a tab, columns wrapped for a narrow terminal) to their row. */
function joinContinued(lines: readonly Line[]): { readonly line: Line; readonly rest: string }[] {
  const rows: { line: Line; rest: string }[] = [];
  for (const line of lines) {
    const last = rows.at(-1);
    if (last && /^\s/.test(line.text)) last.rest += ` ${line.text.trim()}`;
    else rows.push({ line, rest: '' });
  }
  return rows;
}

type Read =
  | { readonly kind: 'row'; readonly row: SocketRow }
  | { readonly kind: 'skipped' }
  | { readonly kind: 'problem'; readonly transport: Transport | null; readonly message: string };

const SKIPPED: Read = { kind: 'skipped' };

function readRow(text: string, continued: string, isOld: boolean): Read {
  if (HEADER.test(text)) return SKIPPED;
  const found = ROW.exec(text);
  if (!found) return { kind: 'problem', transport: null, message: 'this line is no socket as ss prints it' };
  const [, netid, state = '', , , local = '', peer = '', rest = ''] = found;
  if (netid !== undefined && NOT_OURS.test(netid)) return SKIPPED;
  if (state !== 'LISTEN' && state !== 'UNCONN') return SKIPPED;
  const transport = netid === undefined ? (state === 'LISTEN' ? 'tcp' : 'udp') : TRANSPORTS[netid];
  if (!transport)
    return {
      kind: 'problem',
      transport: null,
      message: `ss calls this kind of socket "${netid?.slice(0, 20)}", which is not known here`,
    };
  if ((state === 'LISTEN') === (transport === 'udp')) return SKIPPED;
  if (!/:(?:\*|\d+)$/.test(peer))
    return { kind: 'problem', transport, message: 'this line has no peer address; it may be cut' };
  const [addressText, portText] = splitAtLast(local, ':') ?? ['', ''];
  const port = readPort(portText);
  if (port === null) {
    const hint = /^[a-z]/i.test(portText) ? '; names of services differ from host to host, list with -n' : '';
    return { kind: 'problem', transport, message: `"${local.slice(0, 80)}" is no address and port${hint}` };
  }
  const address = readLocal(addressText, peer, isOld);
  if (!address) return { kind: 'problem', transport, message: `"${addressText.slice(0, 80)}" is no address` };
  return {
    kind: 'row',
    row: { transport, port, ...address, ...detailsOf(`${rest} ${continued}`, address, isOld, addressText) },
  };
}

/**
 * `*` is `::` on a socket of both families, and `[::]` one of IPv6 only (iproute2 from 4.15 on); before, `*` was 0.0.0.0 and
 * IPv6 stood without brackets.
 */
function readLocal(text: string, peer: string, isOld: boolean): SocketAddress | null {
  if (text !== '*') return readSocketAddress(text.startsWith('*%') ? '' : text, text.startsWith('*%') ? 'ipv6' : null);
  return { address: isOld && !peer.startsWith(':::') ? '0.0.0.0' : '::', family: isOld ? 'ipv4' : 'ipv6' };
}

/** Processes, and with -e the owner and IPV6_V6ONLY. ss leaves `uid:` out for root, so `ino:` shows that it was asked. */
function detailsOf(rest: string, { address }: SocketAddress, isOld: boolean, text: string) {
  const { processes, others } = readUsers(rest);
  const uid = / uid:(\d{1,10})(?=\s|$)/.exec(others)?.[1];
  const hasDetails = / ino:\d+ sk:/.test(others);
  const v6only = / v6only:([01])(?=\s|$)/.exec(others)?.[1];
  const isIpv6Only = v6only === undefined ? address === '::' && !isOld && text.startsWith('[') : v6only === '1';
  return {
    processes,
    ...(uid !== undefined ? { uid: Number(uid) } : hasDetails ? { uid: 0 } : {}),
    ...(address === '::' && (v6only !== undefined || !isOld) && { isIpv6Only }),
  };
}

/**
 * `users:(("nginx",pid=1,fd=6),("nginx",pid=2,fd=6))`. The name is printed as the process set it, so it may look like
 * more of the list: one ends only where the next begins or the list ends.
 */
function readUsers(rest: string): { readonly processes: readonly ProcessFacts[]; readonly others: string } {
  const from = rest.indexOf('users:((');
  if (from < 0) return { processes: [], others: rest };
  const item = /\("(.{0,64}?)",(?:pid=)?(\d{1,10}),[^()"]{0,512}?(?:fd=)?\d{1,10}\)(?=(,\(")|\)(?:\s|$))/gy;
  item.lastIndex = from + 'users:('.length;
  const byPid = new Map<number, ProcessFacts>();
  for (;;) {
    const end = item.lastIndex;
    const found = item.exec(rest);
    if (!found) return { processes: [...byPid.values()], others: rest.slice(0, from) + rest.slice(end + 1) };
    byPid.set(Number(found[2]), { pid: Number(found[2]), name: found[1] as string });
    if (found[3] === undefined) {
      return { processes: [...byPid.values()], others: rest.slice(0, from) + rest.slice(item.lastIndex + 1) };
    }
    item.lastIndex += 1;
  }
}

/** Transports of which `ss` with these arguments lists every waiting socket; null where it filters. */
function askedOf(args: readonly string[]): readonly Transport[] | null {
  const long: Readonly<Record<string, string>> = {
    '--tcp': 't',
    '--udp': 'u',
    '--sctp': 'S',
    '--listening': 'l',
    '--all': 'a',
  };
  let letters = '';
  for (const arg of args) {
    if (arg.startsWith('--')) letters += long[arg] ?? '';
    else if (/^-[a-zA-Z0-9]+$/.test(arg)) letters += arg.slice(1);
    else return null;
  }
  // -4, -6, -f, -A, -F, -K, -N and -D choose or change what is listed.
  if (/[46fAFKND]/.test(letters) || !/[la]/.test(letters)) return null;
  const chosen = [...letters].flatMap((l) => ({ t: ['tcp'], u: ['udp'], S: ['sctp'] })[l] ?? []) as Transport[];
  return chosen.length === 0 && !/[wxdM0]/.test(letters) ? ['tcp', 'udp'] : chosen;
}
