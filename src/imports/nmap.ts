import type { Transport } from '../model/endpoint.ts';
import type { PortRange, UnnamedObservation } from '../model/observation.ts';
import type { ImportFormat, ImportHead, ImportOptions } from './import-format.ts';
import { type NmapExtraPorts, type NmapHost, type NmapPort, nmapObservation } from './nmap-host.ts';
import { type NmapPortReader, newNmapPort } from './nmap-port.ts';
import { canonicalAddress } from './outside.ts';
import { portOf, rangesCache, transportOf } from './port-text.ts';
import { readXml, type XmlHandler, type XmlPosition } from './xml.ts';

/** The XML of nmap (`-oX`), by its DTD: nmap.org/book/app-nmap-dtd.html. */
export const nmap: ImportFormat = {
  name: 'nmap',
  title: 'nmap XML (nmap -oX)',
  detect: ({ text }: ImportHead) => /<nmaprun[\s>]/.test(text) && !/<nmaprun[^>]*\sscanner="masscan"/.test(text),
  async *read(input, options) {
    const found: UnnamedObservation[] = [];
    const reader = nmapReader(options, (observation) => found.push(observation));
    for await (const _ of readXml(input, reader.handler, options.report)) {
      yield* found;
      found.length = 0;
    }
    reader.end();
    yield* found;
  },
};

type Attributes = Readonly<Record<string, string>>;
type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** Names kept of one host. */
const MAX_NAMES = 64;

interface OpenHost {
  readonly at: XmlPosition;
  readonly seconds: { readonly start: number; readonly end: number };
  address: string | null;
  status: string;
  statusReason: string;
  readonly isTimedOut: boolean;
  readonly names: string[];
  readonly ports: Map<string, NmapPort>;
  readonly extraPorts: (Draft<Omit<NmapExtraPorts, 'reasons'>> & { reasons: NmapExtraPorts['reasons'][number][] })[];
  isBroken: boolean;
  isProtocolScan: boolean;
}

/** Gathers hosts from elements and passes each on when it ends. Whatever is still open at the end is dropped. */
function nmapReader(options: ImportOptions, take: (observation: UnnamedObservation) => void) {
  const { report } = options;
  const scanned = new Map<Transport, readonly PortRange[]>();
  const ranges = rangesCache();
  const told = new Set<string>();
  let isRaw = false;
  let runStart = Number.NaN;
  let isFinished = false;
  let lastHostEnd: XmlPosition = { line: 1, column: 1 };
  let host: OpenHost | null = null;
  let port: NmapPortReader | null = null;

  /** Says something once a file. */
  function reportOnce(message: string, at: XmlPosition): void {
    if (told.has(message)) return;
    told.add(message);
    report({ line: at.line, column: at.column, message });
  }

  function openHost(attributes: Attributes, at: XmlPosition): void {
    if (host)
      report({ line: at.line, column: at.column, message: 'a <host> inside a <host>: the outer one is dropped' });
    host = {
      at: { line: at.line, column: at.column },
      seconds: { start: seconds(attributes.starttime), end: seconds(attributes.endtime) },
      address: null,
      status: 'unknown',
      statusReason: '',
      isTimedOut: attributes.timedout === 'true',
      names: [],
      ports: new Map(),
      extraPorts: [],
      isBroken: false,
      isProtocolScan: false,
    };
    port = null;
  }

  function addAddress(h: OpenHost, { addr = '', addrtype }: Attributes, at: XmlPosition): void {
    if (addrtype === 'mac' || h.address !== null) return;
    h.address = canonicalAddress(addr);
    if (h.address === null) problem(at, `"${shown(addr)}" is no address`);
  }

  function problem(at: XmlPosition, message: string): void {
    report({ line: at.line, column: at.column, message });
  }

  function addPorts(h: OpenHost, { reason = '', proto, ports }: Attributes, at: XmlPosition): void {
    const extra = h.extraPorts.at(-1);
    if (!extra) return;
    if (proto === undefined || ports === undefined) {
      extra.reasons.push({ reason });
      return;
    }
    const transport = transportOf(proto);
    const list = ranges(ports);
    if (transport && list) extra.reasons.push({ reason, transport, ports: list });
    else {
      extra.reasons.push({ reason, transport: 'tcp', ports: [] }); // not to be worked out from what was to be scanned
      if (transport || proto !== 'ip') problem(at, `"${shown(ports)}" of ${shown(proto)} are no ports`);
    }
  }

  function closePort(h: OpenHost, p: NmapPortReader): void {
    if (p.protocol === 'ip') {
      h.isProtocolScan = true;
      reportOnce('an IP protocol scan (nmap -sO) says nothing of ports: passed over', p.at);
      return;
    }
    const transport = transportOf(p.protocol);
    const number = portOf(p.id);
    if (!transport || number === null) {
      problem(p.at, `"${shown(`${p.id}/${p.protocol}`)}" is no port`);
      return;
    }
    const key = `${number}/${transport}`;
    if (h.ports.has(key)) problem(p.at, `port ${key} is listed twice: the first one counts`);
    else h.ports.set(key, { transport, port: number, ...p.read() });
  }

  function closeHost(h: OpenHost): void {
    if (h.isBroken || h.address === null) {
      problem(h.at, h.isBroken ? 'this host is not well-formed, so nothing of it counts' : 'this host has no address');
      return;
    }
    const { start, end } = h.seconds;
    const startedAt = Number.isNaN(start) ? (Number.isNaN(runStart) ? options.observedAt : runStart) : start;
    const complete: NmapHost = {
      address: h.address,
      names: h.names,
      status: h.status,
      statusReason: h.statusReason,
      isTimedOut: h.isTimedOut,
      startedAt,
      durationMs: end >= startedAt ? end - startedAt : 0,
      ports: [...h.ports.values()],
      extraPorts: h.extraPorts,
    };
    const { address } = complete;
    const observation = nmapObservation(complete, { privilege: isRaw ? 'root' : 'user', ports: scanned }, (message) =>
      problem(h.at, `the host ${address} ${message}`),
    );
    if (observation) take(observation);
    else if (!h.isProtocolScan)
      reportOnce('no ports were scanned (nmap -sn): nothing is known of what listens on these hosts', h.at);
  }

  const handler: XmlHandler = {
    open(name, a, at) {
      switch (name) {
        case 'nmaprun':
          runStart = seconds(a.start);
          isFinished = false;
          isRaw = false;
          scanned.clear();
          return;
        case 'scaninfo': {
          const transport = transportOf(a.protocol ?? '');
          const list = ranges(a.services ?? '');
          if (transport && list) scanned.set(transport, list);
          if (a.type !== 'connect') isRaw = true;
          return;
        }
        case 'host':
          return openHost(a, at);
        case 'finished':
          isFinished = true;
          if (a.exit === 'error')
            problem(at, `nmap ended with an error: ${shown(a.errormsg ?? 'it does not say which')}`);
          return;
      }
      if (!host) return;
      switch (name) {
        case 'status':
          host.status = a.state ?? 'unknown';
          host.statusReason = a.reason ?? '';
          return;
        case 'address':
          return addAddress(host, a, at);
        case 'hostname':
          if (host.names.length < MAX_NAMES && /^[\x21-\x7e]{1,253}$/.test(a.name ?? '')) host.names.push(a.name ?? '');
          return;
        case 'extraports':
          host.extraPorts.push({ state: a.state ?? '', count: Number(a.count), reasons: [] });
          return;
        case 'extrareasons':
          return addPorts(host, a, at);
        case 'port':
          port = newNmapPort(a, at);
          return;
        default:
          port?.open(name, a);
      }
    },
    close(name, at) {
      switch (name) {
        case 'host':
          lastHostEnd = { line: at.line, column: at.column };
          if (host) closeHost(host);
          host = null;
          return;
        case 'port':
          if (host && port) closePort(host, port);
          port = null;
          return;
        default:
          port?.close(name);
      }
    },
    text(text) {
      port?.text(text);
    },
    broken() {
      if (host) host.isBroken = true;
    },
  };

  /** The end of the file. */
  function end(): void {
    if (isFinished && !host) return;
    const what = host
      ? 'the file ends inside this host, so nothing of it counts: the scan or the file was cut off'
      : 'the file ends without the summary of nmap (runstats): the scan or the file was cut off behind this';
    problem(host?.at ?? lastHostEnd, what);
  }

  return { handler, end };
}

/** Seconds since 1970 as UTC milliseconds; NaN where the text is none. */
function seconds(text: string | undefined): number {
  return text !== undefined && /^\d{1,11}$/.test(text) ? Number(text) * 1000 : Number.NaN;
}

/** A text of the file in a message: short, on one line. */
function shown(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
