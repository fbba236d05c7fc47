import { once } from 'node:events';
import { createWriteStream } from 'node:fs';

const SERVICES = [
  [22, 'ssh', 'OpenSSH', '9.2p1 Debian 2+deb12u3', 'cpe:/a:openbsd:openssh:9.2p1'],
  [80, 'http', 'nginx', '1.22.1', 'cpe:/a:igor_sysoev:nginx:1.22.1'],
  [443, 'http', 'nginx', '1.22.1', 'cpe:/a:igor_sysoev:nginx:1.22.1'],
  [3306, 'mysql', 'MySQL', '8.0.36', 'cpe:/a:mysql:mysql:8.0.36'],
  [5432, 'postgresql', 'PostgreSQL DB', '15.4', 'cpe:/a:postgresql:postgresql:15.4'],
] as const;

/**
 * A host as `nmap -oX` writes it, by number. `usual`: a service scan of 1,000 ports with five open. `dense`: the shape that
 * the parsers were first compared on, 230 open ports that nothing more is known of.
 */
export function nmapHost(n: number, kind: 'usual' | 'dense'): string {
  const address = `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
  const start = 1_790_000_000 + Math.floor(n / 100);
  const head =
    `<host starttime="${start}" endtime="${start + 12}"><status state="up" reason="echo-reply" reason_ttl="64"/>\n` +
    `<address addr="${address}" addrtype="ipv4"/>\n<hostnames>\n<hostname name="host-${n}.example.org" type="PTR"/>\n</hostnames>\n<ports>`;
  const tail = '</ports>\n<times srtt="83" rttvar="74" to="100000"/>\n</host>\n';
  if (kind === 'usual') {
    const extra =
      '<extraports state="closed" count="995">\n<extrareasons reason="conn-refused" count="995" proto="tcp" ports="1-21,23-79,81-442,444-996"/>\n</extraports>\n';
    const ports = SERVICES.map(
      ([port, name, product, version, cpe]) =>
        `<port protocol="tcp" portid="${port}"><state state="open" reason="syn-ack" reason_ttl="64"/><service name="${name}" product="${product}" version="${version}"${port === 443 ? ' tunnel="ssl"' : ''} ostype="Linux" method="probed" conf="10"><cpe>${cpe}</cpe></service></port>\n`,
    );
    return head + extra + ports.join('') + tail;
  }
  const ports = Array.from(
    { length: 230 },
    (_, i) =>
      `<port protocol="tcp" portid="${1000 + i}"><state state="open" reason="syn-ack" reason_ttl="64"/><service name="service-${i}" method="table" conf="3"/></port>\n`,
  );
  return head + ports.join('') + tail;
}

export const NMAP_HEAD =
  '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE nmaprun>\n' +
  '<nmaprun scanner="nmap" args="nmap -sT -sV -oX scan.xml 10.0.0.0/8" start="1790000000" version="7.93" xmloutputversion="1.05">\n' +
  '<scaninfo type="connect" protocol="tcp" numservices="1000" services="1-996,3306,5432,8080,8443"/>\n';
export const NMAP_TAIL =
  '<runstats><finished time="1790009999" summary="Nmap done" elapsed="9999.00" exit="success"/><hosts up="1" down="0" total="1"/>\n</runstats>\n</nmaprun>\n';

/** Writes a file of at least so many bytes; returns its hosts. */
export async function writeNmapFile(path: string, bytes: number, kind: 'usual' | 'dense'): Promise<number> {
  const file = createWriteStream(path);
  file.write(NMAP_HEAD);
  let written = 0;
  let hosts = 0;
  while (written < bytes) {
    let piece = '';
    for (let i = 0; i < 64 && written + piece.length < bytes; i++) piece += nmapHost(hosts++, kind);
    written += piece.length;
    if (!file.write(piece)) await once(file, 'drain');
  }
  file.end(NMAP_TAIL);
  await once(file, 'finish');
  return hosts;
}
