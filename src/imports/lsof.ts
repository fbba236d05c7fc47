import type { Transport } from '../model/endpoint.ts';
import type { AddressFamily, ProcessFacts } from '../model/listener.ts';
import type { ImportFormat, ImportHead, ImportOptions } from './import-format.ts';
import { lsofFields } from './lsof-fields.ts';
import { readPort, readSocketAddress, splitAtLast } from './socket-address.ts';
import { newListing } from './socket-listing.ts';
import { damageOf, namedHost, readTextListing } from './text-listing.ts';

/** A network file as lsof shows it, in columns or fields. */
export interface LsofFile {
  readonly line: number;
  readonly pid: number;
  readonly command: string;
  /** Login name or, with -l, number of the process's owner. */
  readonly user: string;
  readonly family: AddressFamily;
  readonly protocol: string;
  /** `*:22`, `[::1]:631`, `10.0.0.1:22->10.0.0.2:50000`. */
  readonly name: string;
  /** `LISTEN`; absent for UDP. */
  readonly state?: string;
}

/** COMMAND PID [TID TASKCMD] USER FD TYPE DEVICE SIZE/OFF NODE NAME; blanks in COMMAND are printed as \x20. */
const ROW =
  /^(\S+)\s+(\d+)\s+(?:\d+\s+\S+\s+)?(\S+)\s+\d+[a-zA-Z-]*\s+(IPv4|IPv6)\s+\S+\s+\S+\s+([A-Z]+)\s+(\S+)(?:\s+\(([A-Z_0-9]+)\))?\s*$/;
const HEADER = /^COMMAND\s+PID\s/;
const TRANSPORTS: Readonly<Record<string, Transport>> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp', UDPLITE: 'udplite' };

/** `lsof -i -P -n`, in columns or with -F in fields. */
export const lsof: ImportFormat = {
  name: 'lsof',
  title: 'lsof (lsof -i -P -n, also with -F)',
  detect,
  async *read(input, options) {
    yield await readListing(input, options);
  },
};

function detect({ text }: ImportHead): boolean {
  const lines = text.split('\n', 200);
  return (
    lines.some((line) => HEADER.test(line) || ROW.test(line)) ||
    /(?:^|\n)p\d+[\n\0](?:[a-zA-Z][^\n\0]*[\n\0])*?(?:f\d|PTCP|PUDP|tIPv)/.test(text.slice(0, 8192))
  );
}

async function readListing(input: AsyncIterable<Uint8Array>, options: ImportOptions) {
  const host = namedHost(options, 'lsof');
  const { lines, command, ephemeralPorts } = await readTextListing(input, 'lsof', options);
  const listing = newListing({ format: 'lsof', host, observedAt: options.observedAt }, options.report);
  const isFields =
    lines.some((line) => /^p\d+(?:\0|$)/.test(line.text)) && !lines.some((line) => HEADER.test(line.text));
  const seen = new Set<Transport>();
  const users = new Set<string>();
  const take = (file: LsofFile) => {
    users.add(file.user);
    const transport = TRANSPORTS[file.protocol];
    if (!transport || file.name.includes('->')) return;
    if (transport === 'udp' || transport === 'udplite' ? file.state !== undefined : file.state !== 'LISTEN') return;
    seen.add(transport);
    const [addressText, portText] = splitAtLast(file.name, ':') ?? ['', ''];
    if (portText === '*') return; // not bound to a port
    const port = readPort(portText);
    const address = readSocketAddress(addressText, file.family);
    if (port === null || address === null) {
      const hint = port === null && /^[a-z]/i.test(portText) ? '; list with -P and -n' : '';
      const message = `"${file.name.slice(0, 80)}" is no address and port${hint}`;
      listing.unreadable(transport, { line: file.line, message });
      return;
    }
    listing.add({ transport, port, ...address, processes: [processOf(file)] });
  };

  const good = lines.filter((line) => {
    // -F0 ends each field with NUL.
    const damage = damageOf(isFields ? { ...line, text: line.text.replaceAll('\0', '') } : line);
    if (damage) listing.unreadable(null, { line: line.number, message: `this line ${damage}` });
    return !damage;
  });
  if (isFields) for (const file of lsofFields(good)) take(file);
  else
    for (const line of good) {
      const file = readRow(line.text, line.number);
      if (file) take(file);
      else if (/\sIPv[46]\s/.test(line.text)) {
        listing.unreadable(null, { line: line.number, message: 'this line is no network file as lsof prints it' });
      }
    }
  if (seesEveryone(users)) {
    for (const transport of command === null ? seen : askedOf(command)) listing.listed(transport);
  } else {
    listing.gap({
      code: 'sockets-of-others-hidden',
      subject: 'host',
      message:
        'lsof lists only sockets whose process it may look into, and nothing here shows that it ran as root; others may be missing.',
      remedy: 'Run it as root: sudo lsof -i -P -n',
    });
  }
  return listing.finish({ host: ephemeralPorts ? { ephemeralPorts } : {}, hidesOthers: !seesEveryone(users) });
}

function readRow(text: string, line: number): LsofFile | null {
  const found = ROW.exec(text);
  if (!found) return null;
  const [, command = '', pid, user = '', type, protocol = '', name = '', state] = found;
  return {
    ...{ line, command: undoEscapes(command), pid: Number(pid), user, protocol, name },
    family: type === 'IPv4' ? 'ipv4' : 'ipv6',
    ...(state !== undefined && { state }),
  };
}

/** lsof prints blanks and what is not printable as `\x20`, `\n`, `^A`; only the first form is undone. */
function undoEscapes(text: string): string {
  return text.replaceAll(/\\x([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function processOf({ pid, command, user }: LsofFile): ProcessFacts {
  const owner = user === '' ? {} : /^\d{1,10}$/.test(user) ? { uid: Number(user) } : { user };
  return { pid, ...(command !== '' && { name: command }), ...owner };
}

/** Who is not root sees no descriptors but his own. */
function seesEveryone(users: ReadonlySet<string>): boolean {
  return users.has('root') || users.has('0') || users.size > 1;
}

/** `lsof -i -P -n`: every network file; `-iTCP`, `-iUDP` choose. Nothing where an option might leave sockets out. */
function askedOf(args: readonly string[]): readonly Transport[] {
  const chosen = new Set<Transport>();
  for (const arg of args) {
    const protocol = /^-[nPlw]*i(tcp|udp)?$/i.exec(arg);
    if (protocol?.[1]) chosen.add(protocol[1].toLowerCase() as Transport);
    else if (protocol) chosen.add('tcp').add('udp');
    else if (!/^(?:-[nPlwbK]+|\+c\s?\d*|\d+|-F\S*|-sTCP:LISTEN)$/.test(arg)) return [];
  }
  return [...chosen];
}
