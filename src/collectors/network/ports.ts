import { readFileSync } from 'node:fs';
import services from '../../model/services.json' with { type: 'json' };
import ranked from './ranked-ports.json' with { type: 'json' };

/** TCP ports, the likeliest to be open first; ranked-ports.json says where the order comes from. */
export const RANKED_PORTS: readonly number[] = ranked.ports.flatMap((line) => line.split(' ').map(Number));

/** Ports to ask, each once, in the order in which they are asked; and what could not be read, a sentence each. */
export interface PortList {
  readonly ports: Uint16Array;
  readonly problems: readonly string[];
}

const RANGE = /^(\d{1,5})(?:-(\d{1,5}))?$/;
const NAME = /^[a-z0-9][a-z0-9._+-]{0,62}$/i;

/**
 * Reads what is to be asked: a comma-separated list of ports, ranges (`8000-8100`), service names (`ssh`, those of IANA
 * as far as they are known here), `top:N` (the N first of the ranked list), `all` (1 to 65535) and `registered` (the
 * ports given). Ranked ports come first, then the others, ascending. UDP ports are not ranked. Never throws.
 */
export function readPorts(text: string, registered: Iterable<number> = [], transport: 'tcp' | 'udp' = 'tcp'): PortList {
  const wanted = new Set<number>();
  const problems: string[] = [];
  for (const item of text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')) {
    const found = portsOf(item, registered, transport);
    if (typeof found === 'string') problems.push(found);
    else for (const port of found) wanted.add(port);
  }
  if (wanted.size === 0 && problems.length === 0)
    problems.push('no ports are named; expected for example 22,443,8000-8100');
  return { ports: inOrder(wanted), problems };
}

function portsOf(item: string, registered: Iterable<number>, transport: 'tcp' | 'udp'): Iterable<number> | string {
  if (item === 'all') return numbers(1, 65535);
  if (item === 'registered') return registered;
  if (item.startsWith('top:') && transport === 'tcp') return top(item);
  const range = RANGE.exec(item);
  if (range) {
    const from = Number(range[1]);
    const to = Number(range[2] ?? range[1]);
    if (from < 1 || to > 65535) return `"${item}": ports go from 1 to 65535`;
    if (from > to) return `"${item}" is a reversed range; did you mean ${to}-${from}`;
    return numbers(from, to);
  }
  const named = NAME.test(item) ? portsOfService(item.toLowerCase(), transport) : [];
  if (named.length > 0) return named;
  const shown = item.length > 40 ? `${item.slice(0, 40)}…` : item;
  return `"${shown}" is no port and no service known here; expected for example ${transport === 'tcp' ? '443, 8000-8100, ssh, top:100, registered or all' : '53, 161-162, ntp or all'}`;
}

function top(item: string): readonly number[] | string {
  const count = Number(/^top:(\d{1,5})$/.exec(item)?.[1] ?? Number.NaN);
  if (!(count >= 1 && count <= RANKED_PORTS.length))
    return `"${item}": expected top:1 to top:${RANKED_PORTS.length}, as many as are ranked; "all" asks every port`;
  return RANKED_PORTS.slice(0, count);
}

function* numbers(from: number, to: number): Generator<number> {
  for (let port = from; port <= to; port++) yield port;
}

function inOrder(wanted: ReadonlySet<number>): Uint16Array {
  const first = RANKED_PORTS.filter((port) => wanted.has(port));
  const seen = new Set(first);
  const rest = [...wanted].filter((port) => !seen.has(port)).sort((a, b) => a - b);
  return Uint16Array.from([...first, ...rest]);
}

/** Ports of a service name: of our own list, else of this machine's /etc/services (services(5)). */
function portsOfService(name: string, transport: 'tcp' | 'udp'): number[] {
  const own = Object.entries(services.ports[transport]).flatMap(([port, service]) =>
    service === name ? [Number(port)] : [],
  );
  return own.length > 0 ? own : portsInServicesFile(name, transport);
}

function portsInServicesFile(name: string, transport: 'tcp' | 'udp'): number[] {
  let text: string;
  try {
    text = readFileSync('/etc/services', 'utf8');
  } catch {
    return []; // not every machine has one
  }
  const found: number[] = [];
  for (const line of text.split('\n')) {
    const [service, port = '', ...aliases] = line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/);
    const [number = '', of] = port.split('/');
    if (of === transport && /^\d{1,5}$/.test(number) && (service === name || aliases.includes(name)))
      found.push(Number(number));
  }
  return found;
}
