import { probes } from './probes/index.ts';
import type { Probe } from './probes/probe.ts';

export type Odds = 'likely' | 'unlikely' | 'rare';

/** One connection of an identification. */
export type Opening =
  /** Listens, then asks the questions in turn, in clear. The likelier an answer is, the longer it is waited for. */
  | { readonly kind: 'clear'; readonly listens: boolean; readonly asks: readonly Probe[]; readonly odds: Odds }
  | { readonly kind: 'tls' };

/**
 * Ports where nothing is ever sent, only listened: printers print whatever comes (9100 to 9107), and devices that move things
 * are easily disturbed (S7, Modbus, IEC 104, DNP3, EtherNet/IP, Foundation Fieldbus, OPC UA, BACnet).
 */
const QUIET = new Set([102, 502, 2404, 4840, 20_000, 44_818, 47_808]);

export function isQuietPort(port: number): boolean {
  return QUIET.has(port) || (port >= 9100 && port <= 9107) || (port >= 1089 && port <= 1091);
}

/** The connections to make, in turn, until one tells what the port is: what is usual there, then what is common anywhere. */
export function openingsFor(port: number): readonly Opening[] {
  if (isQuietPort(port)) return [{ kind: 'clear', listens: true, asks: [], odds: 'likely' }];
  const usual = probes.filter((p) => p.ports.includes(port));
  const http = probes.filter((p) => p.name === 'http');
  const listenAndGet: Opening = { kind: 'clear', listens: true, asks: http, odds: 'unlikely' };
  const isUsuallyTls = probes.some((p) => p.tlsPorts?.includes(port));
  if (usual.length === 0) {
    if (isUsuallyTls) return [{ kind: 'tls' }, listenAndGet];
    const anywhere = probes.filter((p) => p.anywhere && p.name !== 'http');
    return [listenAndGet, { kind: 'tls' }, ...anywhere.map((p) => askOnly(p, 'rare'))];
  }
  const own: Opening[] = usual.some((p) => !p.request)
    ? [{ kind: 'clear', listens: true, asks: [], odds: 'likely' }]
    : usual.map((p) => askOnly(p, 'likely'));
  const rest: Opening[] = usual.includes(http[0] as Probe) ? [{ kind: 'tls' }] : [{ kind: 'tls' }, listenAndGet];
  return [...own, ...rest];
}

function askOnly(probe: Probe, odds: Odds): Opening {
  return { kind: 'clear', listens: false, asks: [probe], odds };
}

/** Every probe in the order in which answers of a port are read: those that are usual there first. */
export function readingOrder(port: number): readonly Probe[] {
  const isUsual = (p: Probe) => p.ports.includes(port) || p.tlsPorts?.includes(port) === true;
  return [...probes.filter(isUsual), ...probes.filter((p) => !isUsual(p))];
}

/** What to ask inside TLS: what is usual there, else HTTP. */
export function askedInTls(port: number): Probe | undefined {
  return (
    probes.find((p) => p.tlsPorts?.includes(port)) ??
    probes.find((p) => p.ports.includes(port)) ??
    probes.find((p) => p.name === 'http')
  );
}
