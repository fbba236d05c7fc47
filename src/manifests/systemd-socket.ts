import type { Declaration } from '../model/declaration.ts';
import type { Transport } from '../model/endpoint.ts';
import type { ManifestFormat, ManifestProblem, ManifestReading } from './manifest-format.ts';
import { addressOf, portOf, shown } from './parts.ts';

const LISTENS: Readonly<Record<string, Transport>> = { ListenStream: 'tcp', ListenDatagram: 'udp' };

/** systemd .socket units (systemd.socket(5)): ListenStream=, ListenDatagram=, SocketProtocol=, and resets. */
export const systemdSocket: ManifestFormat = {
  name: 'systemd-socket',
  title: 'systemd .socket unit',
  detect: ({ name, text }) => /\.socket$/.test(name) || (/^\[Socket\]\s*$/m.test(text) && /^Listen\w+\s*=/m.test(text)),
  read(text, source): ManifestReading {
    const problems: ManifestProblem[] = [];
    const found: { line: number; kind: string; value: string }[] = [];
    let protocol: string | undefined;
    for (const { line, section, key, value } of settings(text)) {
      if (section !== 'Socket') continue;
      if (key === 'SocketProtocol') protocol = value === '' ? undefined : value.toLowerCase();
      else if (Object.hasOwn(LISTENS, key)) {
        // An empty assignment takes back all that stand before it.
        if (value === '') found.length = 0;
        else found.push({ line, kind: key, value });
      }
    }
    const unit = source.slice(source.lastIndexOf('/') + 1);
    const declarations: Declaration[] = [];
    for (const { line, kind, value } of found) {
      if (/^[/@]|^vsock:/.test(value)) continue; // no network port
      const at = readAddress(value);
      if (typeof at === 'string') {
        problems.push({ message: `${kind}=${at}`, line });
        continue;
      }
      const transport: Transport =
        protocol === 'sctp' || protocol === 'udplite' ? protocol : (LISTENS[kind] as Transport);
      const base = { source, format: 'systemd-socket', line, host: null, what: `unit ${unit}`, transport } as const;
      const bound = at.address === undefined ? {} : { address: at.address };
      declarations.push({ ...base, ports: [at.port], reach: 'host', scope: 'host', ...bound });
    }
    return { declarations, problems };
  },
};

function readAddress(value: string) {
  if (value.includes('%') && !/^\[.*%\w+\]:/.test(value))
    return `${shown(value)} has a specifier that depends on the instance`;
  const [, address, port] = /^(?:(\[[^\]]+\]|\d+\.\d+\.\d+\.\d+):)?(\d+)$/.exec(value) ?? [];
  const range = portOf(port);
  const bound = address === undefined ? undefined : addressOf(address.replace(/%\w+\]$/, ']'));
  if (!range || (address !== undefined && bound === undefined))
    return `${shown(value)} is no port, ADDRESS:PORT, [IPv6]:PORT or path`;
  return { port: range, address: bound };
}

/** Assignments of a unit file (systemd.syntax(7)): comments, sections, a backslash at the end joins lines. */
function* settings(text: string): Iterable<{ line: number; section: string; key: string; value: string }> {
  let section = '';
  let joined = '';
  let first = 0;
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.replace(/\r$/, '');
    if (/^\s*[#;]/.test(line)) continue;
    if (joined === '') first = i + 1;
    if (line.endsWith('\\')) {
      joined += `${line.slice(0, -1)} `;
      continue;
    }
    const whole = (joined + line).trim();
    joined = '';
    const head = /^\[(.+)\]$/.exec(whole);
    if (head) section = head[1] as string;
    const [, key, value] = /^([A-Za-z]\w*)\s*=\s*(.*)$/.exec(whole) ?? [];
    if (key !== undefined && value !== undefined) yield { line: first, section, key, value };
  }
}
