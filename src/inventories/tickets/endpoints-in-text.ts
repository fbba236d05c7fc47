import { formatAddress, parseAddress } from '../../model/address.ts';
import type { Transport } from '../../model/endpoint.ts';
import type { PortRange } from '../../model/observation.ts';

/** A port that a ticket names; a transport that it does not name is null. */
export interface NamedPort {
  readonly transport: Transport | null;
  readonly range: PortRange;
}

export interface NamedEndpoints {
  /** Host names in lower case and canonical addresses, each once, in the order of the text. */
  readonly hosts: readonly string[];
  readonly ports: readonly NamedPort[];
}

/** Of a description only so much is searched: characters. */
const MAX_TEXT = 64 * 1024;
/** Most hosts or ports of one ticket. */
const MAX_NAMED = 1000;

const HOST = String.raw`(?:\[[0-9A-Fa-f:.]{2,45}\]|(?:\d{1,3}\.){3}\d{1,3}|[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9][A-Za-z0-9-]{0,62}){0,8})`;
const PORTS = String.raw`\d{1,5}(?:\s?[-–]\s?\d{1,5})?(?:\s?(?:,|and|&)\s?\d{1,5}(?:\s?[-–]\s?\d{1,5})?){0,31}`;
const KIND = '(?:tcp|udp|sctp)';
/** Nothing follows that would make it another word or figure; the full stop of a sentence may. */
const END = String.raw`(?![\w:/–-]|\.\w)`;

/** `db-1:5432`, `[::1]:631/tcp`, `https://shop.example.org:8443/`. */
const WITH_COLON = new RegExp(
  String.raw`(?<![\w.:/-])(?:[a-z]{2,10}://)?(${HOST}):(\d{1,5})(?:/(${KIND}))?(?![\w:])`,
  'gi',
);
/** `5432/tcp`, `80, 443/tcp`, `tcp/5432`, `TCP 5432`, `TCP port 8443`, `port 8443/tcp`, `ports 80 and 443`. */
const PORT_FORMS = [
  {
    pattern: new RegExp(String.raw`(?<![\w.:/-])(?:ports?\s+)?(${PORTS})\s?/\s?(${KIND})${END}`, 'gi'),
    ports: 1,
    kind: 2,
  },
  {
    pattern: new RegExp(String.raw`(?<![\w.:/-])(${KIND})(?:\s?/\s?|\s+)(?:ports?\s+)?(${PORTS})${END}`, 'gi'),
    ports: 2,
    kind: 1,
  },
  {
    pattern: new RegExp(String.raw`(?<![\w.:/-])ports?\s+(${PORTS})(?:\s+\(?(${KIND})\)?)?${END}`, 'gi'),
    ports: 1,
    kind: 2,
  },
] as const;
/** What follows a port: `on db-1`, `at 10.0.0.5`, `on host db-1`. */
const ON_HOST = new RegExp(String.raw`^[\s)]{1,4}(?:on|at)\s+(?:(?:host|server|node)\s+)?(${HOST})(?![\w:])`, 'i');

/** Ends of names that are files and not hosts. */
const FILE_END =
  /\.(?:c|cc|cfg|conf|cpp|cs|go|h|html|ini|java|js|json|log|md|php|py|rb|rs|sh|sql|tf|toml|ts|txt|xml|ya?ml)$/i;

/**
 * Endpoints that a text names in a form that means nothing else. A host is taken only where it stands with a port
 * (`db-1:5432`, `5432/tcp on db-1`) and looks like a name of a machine: an address, or with a dot, hyphen or digit; or
 * where `knownHosts` (names of the ticket's own fields, lower case) has it. Other words are never taken for hosts.
 */
export function endpointsInText(text: string, knownHosts: ReadonlySet<string> = new Set()): NamedEndpoints {
  const searched = text.slice(0, MAX_TEXT);
  const hosts = new Set<string>();
  const ports = new Map<string, NamedPort>();
  const addPort = (port: NamedPort) => {
    const { transport, range } = port;
    if (ports.size < MAX_NAMED) ports.set(`${transport ?? ''} ${range.from}-${range.to}`, port);
  };
  const addHost = (word: string | undefined): boolean => {
    const host = word === undefined ? null : readHost(word, knownHosts);
    if (host === null || hosts.size >= MAX_NAMED) return false;
    hosts.add(host);
    return true;
  };
  for (const [, host = '', port = '', kind] of searched.matchAll(WITH_COLON)) {
    const [range] = readRanges(port);
    if (range && addHost(host)) addPort({ transport: kindOf(kind), range });
  }
  for (const { pattern, ...groups } of PORT_FORMS)
    for (const found of searched.matchAll(pattern)) {
      const transport = kindOf(found[groups.kind]);
      for (const range of readRanges(found[groups.ports] ?? '')) addPort({ transport, range });
      addHost(ON_HOST.exec(searched.slice(found.index + found[0].length, found.index + found[0].length + 300))?.[1]);
    }
  // `port 5432` beside `5432/tcp` says nothing more.
  const told = [...ports.values()].filter(
    (p) =>
      p.transport !== null || ![...ports.values()].some((q) => q.transport !== null && sameRange(p.range, q.range)),
  );
  return { hosts: [...hosts], ports: told };
}

/** A field that holds hosts alone: separated by commas, blanks, semicolons or bars. */
export function readHostField(text: string): readonly string[] {
  const words = text
    .slice(0, MAX_TEXT)
    .split(/[\s,;|]+/)
    .filter((word) => word !== '');
  return [...new Set(words.map((word) => addressOf(word) ?? word.toLowerCase()))].slice(0, MAX_NAMED);
}

/** A field that holds ports alone: `5432`, `80,443/tcp`, `6000-6010/udp`. Null where it holds anything else. */
export function readPortField(text: string, transport: Transport | null): readonly NamedPort[] | null {
  const ports: NamedPort[] = [];
  for (const word of text
    .slice(0, MAX_TEXT)
    .split(/[\s,;|]+/)
    .filter((part) => part !== '')
    .slice(0, MAX_NAMED)) {
    const found = /^(?:(tcp|udp|sctp)[/:])?(\d{1,5}(?:[-–]\d{1,5})?)(?:\/(tcp|udp|sctp))?$/i.exec(word);
    const [range] = readRanges(found?.[2] ?? '');
    if (!found || !range) return null;
    ports.push({ transport: kindOf(found[1] ?? found[3]) ?? transport, range });
  }
  return ports;
}

function readHost(word: string, knownHosts: ReadonlySet<string>): string | null {
  const address = addressOf(word);
  if (address !== null) return address;
  const name = word.toLowerCase();
  if (knownHosts.has(name)) return name;
  if (/^[\d.]+$/.test(name) || word.startsWith('[') || FILE_END.test(name)) return null;
  return /[a-z]/.test(name) && /[-\d.]/.test(name) && !/^(?:v?\d+(?:\.\d+)*|\w*-?ports?|e\.g|i\.e)$/.test(name)
    ? name
    : null;
}

function addressOf(word: string): string | null {
  const parsed = parseAddress(word.replace(/^\[(.*)\]$/, '$1'));
  return parsed ? formatAddress(parsed) : null;
}

function readRanges(text: string): PortRange[] {
  return text.split(/,|and|&/).flatMap((part) => {
    const [from = 0, to = from] = part.split(/[-–]/).map((n) => Number(n.trim()));
    return from >= 1 && from <= to && to <= 65535 ? [{ from, to }] : [];
  });
}

function kindOf(text: string | undefined): Transport | null {
  const kind = text?.toLowerCase();
  return kind === 'tcp' || kind === 'udp' || kind === 'sctp' ? kind : null;
}

function sameRange(a: PortRange, b: PortRange): boolean {
  return a.from === b.from && a.to === b.to;
}
