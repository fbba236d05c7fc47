import type { Transport } from '../model/endpoint.ts';
import { UserError } from '../model/errors.ts';
import type { HostFacts, PortRange } from '../model/observation.ts';
import type { ImportOptions } from './import-format.ts';
import { type Line, readLines } from './lines.ts';

/** UTF-16 units of one line: a socket shared by thousands of workers has them all on its line. */
const MAX_LINE = 256 * 1024;
/** Lines of a listing; the largest hosts have some ten thousand sockets. */
const MAX_LINES = 2_000_000;

/** Lines of a listing, and what was put in front of it to say how it was made. */
export interface TextListing {
  readonly lines: readonly Line[];
  /** Arguments of the command, where a line shows it: `# ss -tulpn`, `$ sudo ss -tulpn`. */
  readonly command: readonly string[] | null;
  /** `net.ipv4.ip_local_port_range = 32768 60999`, as sysctl prints it. */
  readonly ephemeralPorts?: PortRange;
}

/** Facts of the host that a listing is about: it does not name it. Throws UserError where nobody does. */
export function namedHost(options: ImportOptions, format: string): HostFacts {
  if (options.host === null) {
    throw new UserError(`${options.source} does not say which host it is about`, {
      hint: `Name it: quietdoor import --as ${format} --host NAME ${options.source}`,
    });
  }
  return { name: options.host, addresses: [], tags: [] };
}

/** Reads a listing of the tool. Lines that are too long, and a last one without an end, are left in for the caller to refuse. */
export async function readTextListing(
  input: AsyncIterable<Uint8Array>,
  tool: string,
  options: ImportOptions,
): Promise<TextListing> {
  const lines: Line[] = [];
  let command: readonly string[] | null = null;
  let ephemeralPorts: PortRange | undefined;
  for await (const line of readLines(input, MAX_LINE)) {
    if (lines.length >= MAX_LINES) {
      throw new UserError(`${options.source} has more than ${MAX_LINES} lines; that is no listing of one host`);
    }
    const text = line.text;
    const range = /^\s*net\.ipv4\.ip_local_port_range\s*=\s*(\d{1,5})\s+(\d{1,5})\s*$/.exec(text);
    if (range && Number(range[1]) <= Number(range[2]) && Number(range[2]) <= 65535) {
      ephemeralPorts = { from: Number(range[1]), to: Number(range[2]) };
      continue;
    }
    const shown = commandOf(text, tool);
    if (shown) command = shown;
    else if (text.trim() !== '') lines.push(line);
  }
  return { lines, command, ...(ephemeralPorts && { ephemeralPorts }) };
}

/** Arguments of `$ sudo ss -tulpn`, `root@db-1:~# ss -tulpn`, `PS C:\> netstat -ano`; null where a line is none. */
function commandOf(text: string, tool: string): readonly string[] | null {
  if (text.length > 1000) return null;
  const found = new RegExp(
    `^[^|]{0,200}?[#$>%]\\s*(?:sudo\\s+(?:-\\w+\\s+)*)?(?:\\S*/)?${tool}(?:\\.exe)?((?:\\s+.*)?)$`,
  ).exec(text);
  return found
    ? (found[1] ?? '')
        .trim()
        .split(/\s+/)
        .filter((word) => word !== '')
    : null;
}

/** A line that cannot be trusted to be whole: why, in words; null for a good one. */
export function damageOf(line: Line): string | null {
  if (line.isTooLong) return `is longer than ${MAX_LINE} characters`;
  if (!line.hasEnd) return 'has no line feed behind it, so the file may have been cut inside it';
  if (line.text.includes('\0')) return 'contains NUL bytes';
  return null;
}

/**
 * Transports of which a listing shows every waiting socket: by its command where that is there (`fromCommand`; null: it
 * filters or cannot be told), else those of which it shows at least one.
 */
export function listedTransports(
  seen: ReadonlySet<Transport>,
  command: readonly string[] | null,
  fromCommand: (args: readonly string[]) => readonly Transport[] | null,
): readonly Transport[] {
  return command === null ? [...seen] : (fromCommand(command) ?? []);
}
