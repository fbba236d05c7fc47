import { nmapAnswer } from './nmap-answer.ts';
import type { NmapPort } from './nmap-host.ts';
import type { XmlPosition } from './xml.ts';

type Attributes = Readonly<Record<string, string>>;

/** Takes the elements inside a `<port>` as they come. */
export interface NmapPortReader {
  readonly at: XmlPosition;
  readonly protocol: string;
  readonly id: string;
  open(name: string, attributes: Attributes): void;
  close(name: string): void;
  text(text: string): void;
  /** What was gathered. */
  read(): Pick<NmapPort, 'state' | 'reason' | 'answer'>;
}

/** Scripts whose structured output is read; characters of one element of it, and elements. */
const SCRIPTS: ReadonlySet<string> = new Set(['ssl-cert', 'ssl-enum-ciphers']);
const MAX_ELEMENT = 64 * 1024;
const MAX_ELEMENTS = 4_096;

export function newNmapPort(attributes: Attributes, { line, column }: XmlPosition): NmapPortReader {
  let state = '';
  let reason = '';
  let service: Attributes | null = null;
  let cpe: string | undefined;
  let banner: string | undefined;
  const scripts = new Map<string, Map<string, string>>();
  /** The script that is open, the keys of its open tables, and how many unnamed ones each has. */
  let script: Map<string, string> | undefined;
  let path: string[] = [];
  let counters: number[] = [];
  /** Text of the element that is open; null where it is not wanted. */
  let text: string | null = null;

  function openScript({ id = '', output }: Attributes): void {
    if (id === 'banner') banner = output;
    script = SCRIPTS.has(id) ? new Map() : undefined;
    if (script) scripts.set(id, script);
    path = [];
    counters = [0];
  }

  function openTable(name: string, { key }: Attributes): void {
    const next = counters.at(-1) ?? 0;
    path.push(key ?? String(next));
    counters[counters.length - 1] = next + 1;
    counters.push(0);
    text = name === 'elem' ? '' : null;
  }

  function closeTable(into: Map<string, string>): void {
    if (text !== null && into.size < MAX_ELEMENTS) into.set(path.join('/'), text);
    text = null;
    path.pop();
    counters.pop();
  }

  return {
    at: { line, column },
    protocol: attributes.protocol ?? '',
    id: attributes.portid ?? '',
    open(name, a) {
      if (name === 'state') {
        state = a.state ?? '';
        reason = a.reason ?? '';
      } else if (name === 'service') service = a;
      else if (name === 'cpe') text = cpe?.startsWith('cpe:/a:') ? null : '';
      else if (name === 'script') openScript(a);
      else if (script && (name === 'table' || name === 'elem')) openTable(name, a);
    },
    close(name) {
      if (name === 'cpe') {
        cpe = text?.trim() ?? cpe;
        text = null;
      } else if (name === 'script') script = undefined;
      else if (script && (name === 'table' || name === 'elem')) closeTable(script);
    },
    text(piece) {
      if (text !== null && text.length < MAX_ELEMENT) text += piece.slice(0, MAX_ELEMENT - text.length);
    },
    read: () => ({ state, reason, answer: nmapAnswer({ service, cpe, banner, scripts }) }),
  };
}
