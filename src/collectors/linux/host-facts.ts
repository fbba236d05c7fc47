import { networkInterfaces } from 'node:os';
import { formatAddress, ipv6Value, parseAddress } from '../../model/address.ts';
import type { HostFacts, PortRange } from '../../model/observation.ts';
import { compareText } from '../../util/compare.ts';
import { readText, readTextInside } from './files.ts';

/** Value of a key of an os-release(5) file, quotes removed. */
export function parseOsRelease(text: string, key: string): string | undefined {
  for (const line of text.split('\n')) {
    if (!line.startsWith(`${key}=`)) continue;
    const value = line.slice(key.length + 1).trim();
    return value.replace(/^(["'])(.*)\1$/, '$2').replace(/\\(["'$`\\])/g, '$1') || undefined;
  }
  return undefined;
}

/** `net.ipv4.ip_local_port_range`: two numbers. */
export function parsePortRange(text: string): PortRange | undefined {
  const match = /^\s*(\d{1,5})\s+(\d{1,5})\s*$/.exec(text);
  if (!match) return undefined;
  const [from, to] = [Number(match[1]), Number(match[2])];
  return from <= to && to <= 65535 ? { from, to } : undefined;
}

/** `net.ipv4.ip_local_reserved_ports`: `8080,9148-9150`, ports that the kernel never hands out by itself. */
export function parseReservedPorts(text: string): PortRange[] {
  const ranges: PortRange[] = [];
  for (const part of text.trim().split(',')) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim());
    if (match) ranges.push({ from: Number(match[1]), to: Number(match[2] ?? match[1]) });
  }
  return ranges;
}

/** Addresses of the machine from /proc/net/fib_trie (`/32 host LOCAL` below its address) and /proc/net/if_inet6. */
export function parseAddresses(fibTrie: string, ifInet6: string): string[] {
  const found = new Set<string>();
  let last = '';
  for (const line of fibTrie.split('\n')) {
    const leaf = /\|-- (\d+\.\d+\.\d+\.\d+)$/.exec(line);
    if (leaf) last = leaf[1] as string;
    else if (/\/32 host LOCAL$/.test(line) && last !== '') found.add(last);
  }
  for (const line of ifInet6.split('\n')) {
    const hex = /^([0-9a-f]{32}) /.exec(line)?.[1];
    if (hex === undefined) continue;
    const bytes = Buffer.from(hex, 'hex');
    found.add(formatAddress({ family: 'ipv6', value: ipv6Value(new DataView(bytes.buffer, bytes.byteOffset, 16)) }));
  }
  return [...found].filter((address) => !address.startsWith('127.') && address !== '::1').sort(compareText);
}

/** Addresses of the running machine's interfaces, loopback excluded, sorted. */
function liveAddresses(): string[] {
  const found = new Set<string>();
  for (const list of Object.values(networkInterfaces()))
    for (const { address, internal } of list ?? []) {
      const parsed = internal ? null : parseAddress(address.split('%')[0] as string);
      if (parsed) found.add(formatAddress(parsed));
    }
  return [...found].sort(compareText);
}

/** Ports that the kernel hands to clients by itself. */
export interface EphemeralPorts {
  readonly range: PortRange | undefined;
  readonly reserved: readonly PortRange[];
}

/** Of the host's own namespace; a container may have set others, which cannot be read from outside it. */
export function readEphemeralPorts(proc: string): EphemeralPorts {
  return {
    range: parsePortRange(readText(`${proc}/sys/net/ipv4/ip_local_port_range`, 256) ?? ''),
    reserved: parseReservedPorts(readText(`${proc}/sys/net/ipv4/ip_local_reserved_ports`, 64 * 1024) ?? ''),
  };
}

/** Reads what is known of the host itself. `root`: `/`, or a captured tree. */
export function readHostFacts(root: string, hostName: string | undefined, ports: EphemeralPorts): HostFacts {
  const proc = root === '/' ? '/proc' : `${root}/proc`;
  const own = readText(`${proc}/sys/kernel/hostname`, 256)?.trim() || readTextInside(root, 'etc/hostname')?.trim();
  const machineId = readTextInside(root, 'etc/machine-id', 256)?.trim();
  const release = readTextInside(root, 'etc/os-release', 64 * 1024);
  const os = release === undefined ? undefined : parseOsRelease(release, 'PRETTY_NAME');
  const kernel = readText(`${proc}/sys/kernel/osrelease`, 256)?.trim();
  const addresses =
    root === '/'
      ? liveAddresses()
      : parseAddresses(
          readText(`${proc}/net/fib_trie`, 16 * 1024 * 1024) ?? '',
          readText(`${proc}/net/if_inet6`, 4 * 1024 * 1024) ?? '',
        );
  return {
    name: hostName ?? (own || 'unknown'),
    ...(machineId !== undefined && /^[0-9a-f]{32}$/.test(machineId) ? { machineId } : {}),
    addresses,
    tags: [],
    ...(os === undefined ? {} : { os }),
    ...(kernel ? { kernel } : {}),
    ...(ports.range === undefined ? {} : { ephemeralPorts: ports.range }),
  };
}
