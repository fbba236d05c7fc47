import { closeSync, openSync, writeSync } from 'node:fs';

/** A listener of the made-up network. */
export interface MadeService {
  readonly address: string;
  readonly port: number;
}

export interface FlowLog {
  readonly records: number;
  /** Records that are no flow: NODATA. */
  readonly silent: number;
  readonly services: readonly MadeService[];
  readonly bytes: number;
}

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Records of a second: 20 million a day. */
const RATE = 231;
/** 2026-03-02, a Monday, UTC seconds. */
export const FIRST = 1_772_409_600;
const HOSTS = 2_000;
const PORTS = 300;
const EDGES = 60_000;

export type FlowLogFormat = 'vpc' | 'csv';

/**
 * Writes flow records of 2,000 hosts, 20 million for a day: 60,000 pairs of a client and a service with a Zipf weight, every other
 * record an answer, two in a hundred a rejected scan, one in a thousand NODATA. Records are in the order of their time,
 * give or take a minute.
 */
export function writeFlowLog(file: string, records: number, format: FlowLogFormat): FlowLog {
  const random = seeded(20260302);
  const address = (host: number): string => `10.${16 + (host >> 8)}.${host & 255}.${((host * 7) % 250) | 1}`;
  const ports = Array.from(
    { length: PORTS },
    (_, n) => (n < 20 ? [22, 80, 443, 5432, 3306][n % 5] : 1024 + n * 97) ?? 80,
  );
  const edges = Array.from({ length: EDGES }, () => {
    const service = Math.floor(random() ** 2 * HOSTS);
    return { client: Math.floor(random() * HOSTS), service, port: ports[(service * 31) % PORTS] as number };
  });
  const services = new Map(
    edges.map(({ service, port }) => [`${service}:${port}`, { address: address(service), port }] as const),
  );
  const addresses = Array.from({ length: HOSTS }, (_, host) => address(host));
  const interfaces = addresses.map(
    (_, host) => `eni-${(0x1000_0000_0000 + host * 7919).toString(16).padStart(17, '0')}`,
  );
  const fd = openSync(file, 'w');
  let lines: string[] = [];
  let bytes = 0;
  let silent = 0;
  const flush = (): void => {
    const text = Buffer.from(lines.join(''), 'latin1');
    for (let at = 0; at < text.length; ) at += writeSync(fd, text, at);
    bytes += text.length;
    lines = [];
  };
  lines.push(
    format === 'csv'
      ? 'start,end,src,dst,src_port,dst_port,protocol,action,packets,bytes\n'
      : 'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n',
  );
  for (let n = 0; n < records; n++) {
    const start = FIRST + Math.floor(n / RATE) + Math.floor(random() * 60);
    const end = start + Math.floor(random() * 60);
    if (format === 'vpc' && n % 1000 === 999) {
      lines.push(`2 123456789012 ${interfaces[n % HOSTS]} - - - - - - - ${start} ${end + 1} - NODATA\n`);
      silent++;
      continue;
    }
    const kind = random();
    let client: number;
    let service: number;
    let port: number;
    let action = 'ACCEPT';
    if (kind < 0.02) {
      client = n % 7;
      service = Math.floor(random() * HOSTS);
      port = 1 + Math.floor(random() * 10_000);
      action = 'REJECT';
    } else {
      const edge = edges[Math.floor(random() ** 3 * EDGES)] as (typeof edges)[number];
      ({ client, service, port } = edge);
    }
    const clientPort = 32_768 + Math.floor(random() * 28_000);
    const packets = 1 + Math.floor(random() * 40);
    const size = packets * (60 + Math.floor(random() * 1200));
    const isReply = action === 'ACCEPT' && (n & 1) === 1;
    const [src, dst, srcPort, dstPort] = isReply
      ? [addresses[service], addresses[client], port, clientPort]
      : [addresses[client], addresses[service], clientPort, port];
    lines.push(
      format === 'csv'
        ? `${start},${end},${src},${dst},${srcPort},${dstPort},tcp,${action === 'ACCEPT' ? 'accept' : 'deny'},${packets},${size}\n`
        : `2 123456789012 ${interfaces[service]} ${src} ${dst} ${srcPort} ${dstPort} 6 ${packets} ${size} ${start} ${end} ${action} OK\n`,
    );
    if (lines.length === 8192) flush();
  }
  flush();
  closeSync(fd);
  return { records: records - silent, silent, services: [...services.values()], bytes };
}
