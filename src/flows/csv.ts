import { ACTION, DIRECTION } from '../model/flow.ts';
import type { FlowFormat, FlowFormatOptions, FlowParser, FlowSink } from './flow-format.ts';
import { hasPorts, protocolAt } from './protocols.ts';
import { addressAt, decimalAt, lineEnd, quoteAt, rfc3339At, uintAt, uintUpTo, withoutReturn } from './scan.ts';
import { createWordTable } from './word-table.ts';

/** Fields by the names that a header without a mapping has. */
const FIELDS = [
  'start',
  'end',
  'src',
  'dst',
  'src_port',
  'dst_port',
  'protocol',
  'action',
  'packets',
  'bytes',
  'connections',
] as const;
type Field = (typeof FIELDS)[number];
const REQUIRED: readonly Field[] = ['start', 'src', 'dst', 'dst_port', 'protocol'];

const EXPECTED: Readonly<Record<Field, string>> = {
  start: 'UTC seconds, or a time such as 2026-03-02T10:00:00Z',
  end: 'UTC seconds, or a time such as 2026-03-02T10:00:00Z, not before the start',
  src: 'an IP address',
  dst: 'an IP address',
  src_port: 'a port, 0 to 65535',
  dst_port: 'a port, 0 to 65535',
  protocol: 'an IANA protocol number, 0 to 255, or a name such as tcp',
  action: 'accept or deny',
  packets: 'a whole number',
  bytes: 'a whole number',
  connections: 'a whole number',
};

const ACCEPTED = ['accept', 'accepted', 'allow', 'allowed', 'pass', 'permit', 'permitted'];
const DENIED = ['deny', 'denied', 'drop', 'dropped', 'reject', 'rejected', 'block', 'blocked'];
const actions = createWordTable([...ACCEPTED, ...DENIED], true);

const LF = 10;
const QUOTE = 34;
const DASH = 45;
/** Fields of a line that are looked at; a header with more is none. */
const MOST_COLUMNS = 512;
const SEPARATORS = [',', ';', '\t', '|'];

const decoder = new TextDecoder(); // drops a byte order mark

/** Cells of a header line, without quotes and blanks around them. */
function cellsOf(line: string, separator: string): string[] {
  const cells: string[] = [];
  let rest = line;
  while (cells.length <= MOST_COLUMNS) {
    const quoted = /^\s*"((?:[^"]|"")*)"\s*/.exec(rest);
    const end = quoted ? quoted[0].length : rest.indexOf(separator);
    cells.push(quoted ? (quoted[1] as string).replaceAll('""', '"') : (end < 0 ? rest : rest.slice(0, end)).trim());
    rest = end < 0 ? '' : rest.slice(end);
    if (!rest.startsWith(separator)) return cells;
    rest = rest.slice(separator.length);
  }
  return cells;
}

interface Header {
  readonly separator: number;
  /** Number of a field by column; -1: passed over. */
  readonly plan: Int8Array;
  readonly missing: readonly Field[];
}

/** Reads a header line with the separator that gives most of the fields. */
function headerOf(line: string, mapping: ReadonlyMap<string, string>): Header {
  let best: Header | null = null;
  for (const separator of SEPARATORS) {
    const cells = cellsOf(line, separator).map((cell) => cell.toLowerCase());
    const plan = new Int8Array(Math.min(cells.length, MOST_COLUMNS)).fill(-1);
    const missing: Field[] = [];
    FIELDS.forEach((field, number) => {
      const column = cells.indexOf((mapping.get(field) ?? field).toLowerCase());
      if (column >= 0 && column < plan.length) plan[column] = number;
      else if (REQUIRED.includes(field) || mapping.has(field)) missing.push(field);
    });
    if (best === null || missing.length < best.missing.length)
      best = { separator: separator.charCodeAt(0), plan, missing };
  }
  return best as Header;
}

function open(sink: FlowSink, options: FlowFormatOptions): FlowParser {
  const { record, ids } = sink;
  const strange = [...options.mapping.keys()].find((field) => !(FIELDS as readonly string[]).includes(field));
  if (strange !== undefined)
    sink.problem(`--map ${strange}: there is no such field; fields are ${FIELDS.join(', ')}`, 0, 0);
  let header: Header | null = null;
  let headerText = '';
  const starts = new Int32Array(FIELDS.length);
  const ends = new Int32Array(FIELDS.length);
  let scratch = new Uint8Array(4096);

  /** Where the line ends that was split last. */
  let lineStop = 0;

  /**
   * Notes where the fields of the line at `from` are, which ends with a line feed or at `to`. Returns how many columns it
   * has; -1: it has quotes.
   */
  function split(bytes: Uint8Array, from: number, to: number, { separator, plan }: Header): number {
    // Nearly all bytes are above those that mean something: one comparison for each.
    const highest = separator > QUOTE ? separator : QUOTE;
    let column = 0;
    let start = from;
    for (let i = from; ; i++) {
      let byte = LF;
      if (i < to) {
        byte = bytes[i] as number;
        if (byte > highest) continue;
        if (byte === QUOTE) return -1;
        if (byte !== separator && byte !== LF) continue;
      }
      const field = column < plan.length ? (plan[column] as number) : -1;
      if (field >= 0) {
        starts[field] = start;
        ends[field] = byte === LF ? withoutReturn(bytes, start, i) : i;
      }
      column++;
      if (byte === LF) {
        lineStop = i;
        return column;
      }
      start = i + 1;
    }
  }

  /** The same for a line with quotes, whose fields are copied without them. -1: a quote has no end. */
  function splitQuoted(bytes: Uint8Array, from: number, to: number, { separator, plan }: Header): number {
    if (scratch.length < to - from) scratch = new Uint8Array((to - from) * 2);
    let at = 0;
    let column = 0;
    let i = from;
    for (;;) {
      const start = at;
      if (i < to && bytes[i] === QUOTE) {
        i++;
        for (;;) {
          if (i >= to) return -1;
          if (bytes[i] === QUOTE) {
            if (bytes[i + 1] !== QUOTE || i + 1 >= to) break;
            i++;
          }
          scratch[at++] = bytes[i++] as number;
        }
        i++;
        if (i < to && bytes[i] !== separator) return -1;
      } else while (i < to && bytes[i] !== separator) scratch[at++] = bytes[i++] as number;
      const field = column < plan.length ? (plan[column] as number) : -1;
      if (field >= 0) {
        starts[field] = start;
        ends[field] = at;
      }
      column++;
      if (i >= to) return column;
      i++;
    }
  }

  function isEmpty(bytes: Uint8Array, field: number): boolean {
    const from = starts[field] as number;
    const length = (ends[field] as number) - from;
    return length <= 0 || (length === 1 && bytes[from] === DASH);
  }

  function timeAt(bytes: Uint8Array, field: number): number {
    const from = starts[field] as number;
    const to = ends[field] as number;
    const seconds = to - from <= 10 ? uintAt(bytes, from, to) : decimalAt(bytes, from, to);
    if (seconds >= 0) return seconds;
    const time = rfc3339At(bytes, from, to, options.utcOffsetMinutes);
    return Number.isNaN(time) ? -1 : time;
  }

  /** A number up to `most`; `absent` where the field is empty; -2: it is none. */
  function numberAt(bytes: Uint8Array, field: number, most: number, absent: number): number {
    if (isEmpty(bytes, field)) return absent;
    const from = starts[field] as number;
    const to = ends[field] as number;
    const value = most < 2 ** 30 ? uintUpTo(bytes, from, to, most) : uintAt(bytes, from, to);
    return value < 0 ? -2 : value;
  }

  function actionOf(bytes: Uint8Array): number {
    if (isEmpty(bytes, 7)) return ACTION.unknown;
    const word = actions.indexOf(bytes, starts[7] as number, ends[7] as number);
    return word < 0 ? -2 : word < ACCEPTED.length ? ACTION.accepted : ACTION.denied;
  }

  /** Fills the record from the fields that were found. Returns the field that is wrong; -1: none is. */
  function fill(bytes: Uint8Array): number {
    record.start = timeAt(bytes, 0);
    if (record.start < 0) return 0;
    record.end = isEmpty(bytes, 1) ? record.start : timeAt(bytes, 1);
    if (record.end < record.start) return 1;
    record.src = addressAt(bytes, starts[2] as number, ends[2] as number, ids);
    if (record.src < 0) return 2;
    record.dst = addressAt(bytes, starts[3] as number, ends[3] as number, ids);
    if (record.dst < 0) return 3;
    const srcPort = numberAt(bytes, 4, 65_535, -1);
    if (srcPort === -2) return 4;
    const dstPort = numberAt(bytes, 5, 65_535, -1);
    if (dstPort === -2) return 5;
    record.protocol = protocolAt(bytes, starts[6] as number, ends[6] as number);
    if (record.protocol < 0) return 6;
    const isWithPorts = hasPorts(record.protocol);
    record.srcPort = isWithPorts ? srcPort : -1;
    record.dstPort = isWithPorts ? dstPort : -1;
    record.action = actionOf(bytes);
    if (record.action === -2) return 7;
    record.packets = numberAt(bytes, 8, Number.MAX_SAFE_INTEGER, 0);
    if (record.packets === -2) return 8;
    record.bytes = numberAt(bytes, 9, Number.MAX_SAFE_INTEGER, 0);
    if (record.bytes === -2) return 9;
    record.connections = numberAt(bytes, 10, Number.MAX_SAFE_INTEGER, 1);
    return record.connections === -2 ? 10 : -1;
  }

  function readHeader(bytes: Uint8Array, from: number, to: number, line: number): boolean {
    const text = decoder.decode(bytes.subarray(from, Math.min(to, from + 65_536)));
    header = headerOf(text, options.mapping);
    headerText = text;
    // A field without a column stays empty.
    starts.fill(0);
    ends.fill(0);
    if (header.missing.length === 0) return true;
    const columns = header.missing.map((field) => options.mapping.get(field) ?? field).join(', ');
    sink.problem(`the header has no ${columns}; expected a column for each, named with --map FIELD=COLUMN`, line, 1);
    return false;
  }

  /** Reads the line at `from`, which ends with a line feed or at `to`. Returns where it ends. */
  function readLine(bytes: Uint8Array, from: number, to: number, line: number): number {
    if (header !== null && header.missing.length === 0) {
      const columns = split(bytes, from, to, header);
      if (columns === header.plan.length) {
        readFields(bytes, bytes, from, lineStop, line);
        return lineStop;
      }
    }
    const end = lineEnd(bytes, from, to);
    readOdd(bytes, from, withoutReturn(bytes, from, end), line);
    return end;
  }

  /** A line that is not as most are: the header, one with quotes, or one with too few or too many fields. */
  function readOdd(bytes: Uint8Array, from: number, to: number, line: number): void {
    if (to === from) {
      sink.skip('empty line');
      return;
    }
    if (header === null) {
      if (readHeader(bytes, from, to, line)) sink.skip('header');
      return;
    }
    if (header.missing.length > 0) {
      sink.skip('line under an unusable header');
      return;
    }
    let source = bytes;
    let columns = split(bytes, from, to, header);
    if (columns < 0) {
      columns = splitQuoted(bytes, from, to, header);
      source = scratch;
      if (columns < 0) {
        sink.problem('a quoted field does not end on this line; expected a quote before a separator', line, 1);
        return;
      }
    }
    if (columns !== header.plan.length) {
      sink.problem(`${columns} fields; expected ${header.plan.length}, as the header has`, line, 1);
      return;
    }
    readFields(source, bytes, from, to, line);
  }

  /** Takes the fields that were found in `source`, of the line bytes[from, end). */
  function readFields(source: Uint8Array, bytes: Uint8Array, from: number, end: number, line: number): void {
    const wrong = fill(source);
    if (wrong < 0) {
      record.direction = DIRECTION.unknown;
      sink.line = line;
      sink.add();
      return;
    }
    // A file that was put together of several repeats its header.
    if (decoder.decode(bytes.subarray(from, withoutReturn(bytes, from, end))) === headerText) {
      sink.skip('header');
      return;
    }
    const field = FIELDS[wrong] as Field;
    const text = quoteAt(source, starts[wrong] as number, ends[wrong] as number);
    const column = source === bytes ? (starts[wrong] as number) - from + 1 : 1;
    sink.problem(`${options.mapping.get(field) ?? field} is "${text}"; expected ${EXPECTED[field]}`, line, column);
  }

  return {
    lines(bytes, from, to, line) {
      let count = 0;
      for (let i = from; i < to; count++) {
        i = readLine(bytes, i, to, line + count) + 1;
      }
      return count;
    },
    end() {},
  };
}

/** The first line names the fields that a flow must have. */
function detect(head: Uint8Array): boolean {
  const end = lineEnd(head, 0, head.length);
  const text = String.fromCharCode(...head.subarray(0, Math.min(end, 4096))).replace(/^ï»¿/, '');
  return headerOf(text.trim(), new Map()).missing.length === 0;
}

export const csv: FlowFormat = {
  name: 'csv',
  title: `CSV with a header (${FIELDS.slice(0, 10).join(',')}, or others with --map)`,
  detect,
  open,
};
