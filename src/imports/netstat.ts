import type { Transport } from '../model/endpoint.ts';
import type { ImportFormat, ImportHead, ImportOptions } from './import-format.ts';
import { type NetstatRead, readBsdRow } from './netstat-bsd.ts';
import { readLinuxRow } from './netstat-linux.ts';
import { readWindowsRow } from './netstat-windows.ts';
import { newListing } from './socket-listing.ts';
import { damageOf, listedTransports, namedHost, readTextListing } from './text-listing.ts';

/** One line of each family: net-tools, BSD and macOS, Windows. */
const LINUX = /^(?:tcp|udp|sctp|udplite|udpl)6?\s+\d+\s+\d+\s+\S+:(?:\d+|\*)\s+\S+:\S+/;
const BSD = /^(?:tcp|udp)(?:4|6|46|64)?\s+\d+\s+\d+\s+\S+\.(?:\d+|\*)\s+\S+\.\S+/;
const WINDOWS = /^\s*(?:TCP|UDP)\s+\S+:\d+\s+\S+:\S+/;
const READERS = [
  { line: LINUX, read: readLinuxRow },
  { line: BSD, read: readBsdRow },
  { line: WINDOWS, read: readWindowsRow },
] as const;

/** `netstat -tulpn` of net-tools, `netstat -an` and `-anv` of macOS and the BSDs, `netstat -ano` of Windows. */
export const netstat: ImportFormat = {
  name: 'netstat',
  title: 'netstat of Linux, macOS, BSD or Windows (netstat -tulpn, -an, -ano)',
  detect,
  async *read(input, options) {
    yield await readListing(input, options);
  },
};

function detect({ text }: ImportHead): boolean {
  return text.split('\n', 200).some((line) => isHeading(line) || READERS.some((r) => r.line.test(line)));
}

function isHeading(line: string): boolean {
  return /^(?:Active Internet connections|Active Connections|Proto Recv-Q Send-Q\s+Local|\s*Proto\s+Local Address\s+Foreign)/.test(
    line,
  );
}

async function readListing(input: AsyncIterable<Uint8Array>, options: ImportOptions) {
  const host = namedHost(options, 'netstat');
  const { lines, command, ephemeralPorts } = await readTextListing(input, 'netstat', options);
  const listing = newListing({ format: 'netstat', host, observedAt: options.observedAt }, options.report);
  const reader = READERS.find((r) => lines.some((line) => r.line.test(line.text)));
  const seen = new Set<Transport>();
  for (const line of lines) {
    const damage = damageOf(line);
    if (damage) {
      listing.unreadable(null, { line: line.number, message: `this line ${damage}` });
      continue;
    }
    if (!/^\s*(?:tcp|udp|sctp)/i.test(line.text)) continue;
    const read: NetstatRead = reader?.read(line.text) ?? {
      kind: 'problem',
      transport: null,
      message: 'this line is no socket as netstat prints it',
    };
    if (read.kind === 'row') {
      seen.add(read.row.transport);
      listing.add(read.row);
    } else if (read.kind === 'problem') {
      listing.unreadable(read.transport, { line: line.number, message: read.message });
    }
  }
  for (const transport of listedTransports(
    seen,
    command,
    reader?.read === readLinuxRow ? askedOfLinux : askedOfOthers,
  )) {
    listing.listed(transport);
  }
  return listing.finish({ host: ephemeralPorts ? { ephemeralPorts } : {} });
}

/** `netstat -tulpn`: -l or -a lists what waits; without kinds all are listed. Null where it filters. */
function askedOfLinux(args: readonly string[]): readonly Transport[] | null {
  const long: Readonly<Record<string, string>> = { '--tcp': 't', '--udp': 'u', '--listening': 'l', '--all': 'a' };
  let letters = '';
  for (const arg of args) {
    if (arg.startsWith('--'))
      letters += long[arg] ?? (/^--(?:numeric|programs|wide|extend|verbose)/.test(arg) ? '' : '4');
    else if (/^-[a-zA-Z]+$/.test(arg)) letters += arg.slice(1);
    else return null;
  }
  if (/[46A]/.test(letters) || !/[la]/.test(letters)) return null;
  const chosen = [...letters].flatMap((l) => ({ t: ['tcp'], u: ['udp'], S: ['sctp'] })[l] ?? []) as Transport[];
  return chosen.length === 0 && !/[wUx]/.test(letters) ? ['tcp', 'udp'] : chosen;
}

/** `netstat -an`, `netstat -ano`: -a lists what waits, of every protocol unless -p, -f or a filter chooses. */
function askedOfOthers(args: readonly string[]): readonly Transport[] | null {
  const letters = args.map((arg) => (/^[-/][a-zA-Z]+$/.test(arg) ? arg.slice(1) : '?')).join('');
  return !letters.includes('a') || /[?pfI]/.test(letters) ? null : ['tcp', 'udp'];
}
