import { ACTION, DIRECTION, PROTOCOL } from '../model/flow.ts';
import { createPlainReader, LONGEST_PLAIN } from './aws-vpc-plain.ts';
import type { FlowFormat, FlowFormatOptions, FlowParser, FlowSink } from './flow-format.ts';
import { createNameTable } from './name-table.ts';
import { hasPorts } from './protocols.ts';
import { addressAt, ascii, lineEnd, quoteAt, sameText, startsWith, uintAt, withoutReturn } from './scan.ts';

/** Order of version 2, the default of AWS (docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html). */
const VERSION_2 =
  'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status';

/** Every field of versions 2 to 10 that AWS documents for network interfaces. */
const FIELD_NAMES = new Set([
  ...VERSION_2.split(' '),
  ...'vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr'.split(' '),
  ...'region az-id sublocation-type sublocation-id'.split(' '),
  ...'pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path'.split(' '),
  ...'ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id'.split(' '),
  ...'ecs-container-id ecs-second-container-id ecs-service-name ecs-task-definition-arn'.split(' '),
  ...'ecs-task-arn ecs-task-id reject-reason resource-id encryption-status'.split(' '),
]);

/** What is done with a column. Numbers first, then addresses, then words. */
const SRC_PORT = 0;
const DST_PORT = 1;
const PROTOCOL_NUMBER = 2;
const PACKETS = 3;
const BYTES = 4;
const START = 5;
const END = 6;
const TCP_FLAGS = 7;
const SRC = 8;
const DST = 9;
const PKT_SRC = 10;
const PKT_DST = 11;
const INTERFACE = 12;
const ACTION_WORD = 13;
const STATUS = 14;
const PASSED_OVER = 15;
const VALUES = 16;

const COLUMN_OF: Readonly<Record<string, number>> = {
  srcport: SRC_PORT,
  dstport: DST_PORT,
  protocol: PROTOCOL_NUMBER,
  packets: PACKETS,
  bytes: BYTES,
  start: START,
  end: END,
  'tcp-flags': TCP_FLAGS,
  srcaddr: SRC,
  dstaddr: DST,
  'pkt-srcaddr': PKT_SRC,
  'pkt-dstaddr': PKT_DST,
  'interface-id': INTERFACE,
  action: ACTION_WORD,
  'log-status': STATUS,
};

/** Values of a column where there is none in this record, or no such column. */
const MISSING = -1;
const STATUS_OK = 0;
const STATUS_NODATA = 1;
const STATUS_SKIPDATA = 2;

const FIN_SYN_RST_ACK = 2;
const SYN_ACK = 18;

const LF = 10;
const SPACE = 32;
const DASH = 45;
const DOT = 46;
const ZERO = 48;
const LETTER_A = 65;
const LETTER_N = 78;
const LETTER_O = 79;
const LETTER_R = 82;
const LETTER_S = 83;

const ACCEPT = ascii('ACCEPT');
const REJECT = ascii('REJECT');
const OK = ascii('OK');
const NODATA = ascii('NODATA');
const SKIPDATA = ascii('SKIPDATA');
const TIME = /^\d{4}-\d\d-\d\dT/;
const STREAM = /^eni-[0-9a-z]+-(?:all|accept|reject)$/;

/** Fields that tell a record from any other. */
const IDENTITY = ['interface-id', 'srcport', 'dstport', 'protocol', 'packets', 'bytes', 'start', 'end', 'action'];

/** A field list as a header line or `--fields` gives it; null: some of it is no field of AWS. */
function fieldsOf(text: string): readonly string[] | null {
  const names = text.trim().split(/[\s,]+/);
  const isHeader = names.length >= 3 && names.every((name) => FIELD_NAMES.has(name));
  return isHeader && new Set(names).size === names.length ? names : null;
}

/** Says what keeps records in such fields from being used; null: nothing. */
function lacking(names: readonly string[]): string | null {
  const has = (...any: readonly string[]) => any.some((name) => names.includes(name));
  const needed: readonly (readonly string[])[] = [
    ['srcaddr', 'pkt-srcaddr'],
    ['dstaddr', 'pkt-dstaddr'],
    ['dstport'],
    ['protocol'],
    ['start'],
  ];
  const missing = needed.filter((any) => !has(...any)).map((any) => any.join(' or '));
  return missing.length === 0 ? null : missing.join(', ');
}

function open(sink: FlowSink, options: FlowFormatOptions): FlowParser {
  const { record, ids } = sink;
  const values = new Float64Array(VALUES).fill(MISSING);
  const interfaces = createNameTable('aws-vpc:', 60_000);
  const plain = createPlainReader(record, interfaces);
  let names: readonly string[] = VERSION_2.split(' ');
  let plan = new Uint8Array(0);
  let isUsable = true;
  /** Columns that CloudWatch puts before the record: its time, and the name of the log stream. */
  let before = 0;
  let hasTcpFlags = false;
  let hasInterface = false;
  let hasPacketAddresses = false;
  /** Records are in the order that a plain one has. */
  let isPlain = false;

  function use(fields: readonly string[]): string | null {
    names = fields;
    plan = Uint8Array.from([
      ...Array(before).fill(PASSED_OVER),
      ...fields.map((name) => COLUMN_OF[name] ?? PASSED_OVER),
    ]);
    hasTcpFlags = fields.includes('tcp-flags');
    hasInterface = fields.includes('interface-id');
    hasPacketAddresses = fields.includes('pkt-srcaddr') || fields.includes('pkt-dstaddr');
    isPlain = before === 0 && fields.join(' ') === VERSION_2;
    values.fill(MISSING);
    // One record per interface, window and connection: the same once more was delivered twice.
    sink.isRepeatOne = IDENTITY.every((name) => fields.includes(name));
    const missing = lacking(fields);
    isUsable = missing === null;
    return missing;
  }

  const given = options.mapping.get('fields');
  const givenFields = given === undefined ? null : fieldsOf(given);
  if (given !== undefined && (givenFields === null || lacking(givenFields) !== null))
    sink.problem(`the field list is not usable: ${given.slice(0, 200)}`, 0, 0);
  use(givenFields ?? names);

  /**
   * Reads the line at `from`, which ends with a line feed, into `values`. Returns where the next one begins; -1 where it is
   * not a record in the present fields.
   */
  function scan(bytes: Uint8Array, view: DataView, from: number): number {
    const columns = plan.length;
    let i = from;
    for (let column = 0; column < columns; column++) {
      const what = plan[column] as number;
      let byte = bytes[i] as number;
      if (byte <= SPACE) return -1;
      if (what <= TCP_FLAGS) {
        if (byte === DASH) {
          values[what] = MISSING;
          byte = bytes[++i] as number;
        } else {
          const start = i;
          let value = 0;
          do {
            const digit = byte - ZERO;
            if (digit < 0 || digit > 9) return -1;
            value = value * 10 + digit;
            byte = bytes[++i] as number;
          } while (byte > SPACE);
          if (i - start > 15) return -1;
          values[what] = value;
        }
      } else if (what <= PKT_DST) {
        const start = i;
        let value = 0;
        let part = 0;
        let dots = 0;
        let digits = 0;
        do {
          const digit = byte - ZERO;
          if (digit >= 0 && digit <= 9 && (digits === 0 || part !== 0)) {
            part = part * 10 + digit;
            digits++;
          } else if (byte === DOT && digits > 0 && part <= 255 && dots < 3) {
            value = (value << 8) | part;
            part = 0;
            digits = 0;
            dots++;
          } else {
            dots = 9;
            break;
          }
          byte = bytes[++i] as number;
        } while (byte > SPACE);
        if (dots === 3 && digits > 0 && part <= 255) values[what] = ((value << 8) | part) >>> 0;
        else {
          i = start;
          while ((bytes[i] as number) > SPACE) i++;
          byte = bytes[i] as number;
          const address = addressAt(bytes, start, i, ids);
          if (address < 0 && !(i - start === 1 && bytes[start] === DASH)) return -1;
          values[what] = address;
        }
      } else if (what === PASSED_OVER) {
        while (byte > SPACE) byte = bytes[++i] as number;
      } else if (what === INTERFACE) {
        const start = i;
        do byte = bytes[++i] as number;
        while (byte > SPACE);
        values[INTERFACE] = interfaces.numberOf(view, start, i);
      } else {
        const start = i;
        do byte = bytes[++i] as number;
        while (byte > SPACE);
        const value = what === ACTION_WORD ? actionAt(bytes, start, i) : statusAt(bytes, start, i);
        if (value === -2) return -1;
        values[what] = value;
      }
      // One space between fields; a line feed, or a carriage return and one, behind the last.
      if (column < columns - 1) {
        if (byte !== SPACE) return -1;
        i++;
      }
    }
    if (bytes[i] === 13) i++;
    return bytes[i] === 10 ? i + 1 : -1;
  }

  /** Counts what is in `values`. Returns what is wrong with it: the name of the field, or ''. */
  function take(line: number): string {
    sink.line = line;
    const status = values[STATUS] as number;
    const start = values[START] as number;
    const end = values[END] as number;
    if (hasInterface) useFeedOf(values[INTERFACE] as number);
    if (status > STATUS_OK) {
      if (start < 0) return 'start';
      if (end < start) return 'end';
      const feed = hasInterface ? (interfaces.names[values[INTERFACE] as number] as string) : 'aws-vpc';
      const isSkipped = status === STATUS_SKIPDATA;
      sink.coverage(feed, start, end > start ? end : start + 1, isSkipped ? 'gap' : 'delivered', isSkipped ? null : 0);
      if ((values[SRC] as number) < 0) {
        sink.skip(isSkipped ? 'SKIPDATA' : 'NODATA');
        return '';
      }
    }
    let src = values[SRC] as number;
    let dst = values[DST] as number;
    if (hasPacketAddresses) {
      // What the packet says, where an interface in between (a NAT gateway, a pod's host) has put its own address.
      const packetSrc = values[PKT_SRC] as number;
      const packetDst = values[PKT_DST] as number;
      if (packetSrc >= 0) src = packetSrc;
      if (packetDst >= 0) dst = packetDst;
    }
    const protocol = values[PROTOCOL_NUMBER] as number;
    const srcPort = values[SRC_PORT] as number;
    const dstPort = values[DST_PORT] as number;
    if (src < 0) return 'srcaddr';
    if (dst < 0) return 'dstaddr';
    if (start < 0) return 'start';
    if (end >= 0 && end < start) return 'end';
    if (protocol < 0 || protocol > 255) return 'protocol';
    if (srcPort > 65_535) return 'srcport';
    if (dstPort > 65_535) return 'dstport';
    const packets = values[PACKETS] as number;
    const bytes = values[BYTES] as number;
    const action = values[ACTION_WORD] as number;
    record.start = start;
    record.end = end < 0 ? start : end;
    record.src = src;
    record.dst = dst;
    const isWithPorts = hasPorts(protocol);
    record.srcPort = isWithPorts ? srcPort : -1;
    record.dstPort = isWithPorts ? dstPort : -1;
    record.protocol = protocol;
    record.action = action < 0 ? ACTION.unknown : action;
    record.packets = packets < 0 ? 0 : packets;
    record.bytes = bytes < 0 ? 0 : bytes;
    record.direction = DIRECTION.unknown;
    record.connections = 1;
    if (hasTcpFlags && protocol === PROTOCOL.tcp) readTcpFlags(values[TCP_FLAGS] as number);
    sink.add();
    return '';
  }

  /** Feeds by the number of their interface, as the sink numbers them. */
  let feeds = new Int32Array(256).fill(-1);

  function useFeedOf(number: number): void {
    if (number >= feeds.length) {
      const larger = new Int32Array(feeds.length * 2).fill(-1);
      larger.set(feeds);
      feeds = larger;
    }
    if (!sink.useFeed || !sink.numberOfFeed) {
      sink.feed(interfaces.names[number] as string);
      return;
    }
    let feed = feeds[number] as number;
    if (feed < 0) {
      feed = sink.numberOfFeed(interfaces.names[number] as string);
      feeds[number] = feed;
    }
    sink.useFeed(feed);
  }

  /** A SYN opens a connection, a SYN-ACK answers one; without either, the record continues one that was counted before. */
  function readTcpFlags(flags: number): void {
    if (flags < 0) return;
    if ((flags & SYN_ACK) === SYN_ACK) {
      record.direction = DIRECTION.reply;
      record.connections = 0;
    } else if ((flags & FIN_SYN_RST_ACK) !== 0) record.direction = DIRECTION.forward;
    else if (record.action !== ACTION.denied) record.connections = 0;
  }

  /** A line that is no record in the present fields: a header, an empty one, or one that cannot be read. */
  function odd(bytes: Uint8Array, from: number, to: number, line: number): void {
    if (to === from) {
      sink.skip('empty line');
      return;
    }
    const first = bytes[from] as number;
    if (first >= 97 && first <= 122 && to - from < 2048) {
      const fields = fieldsOf(String.fromCharCode(...bytes.subarray(from, to)));
      if (fields !== null) {
        const missing = use(fields);
        if (missing === null) sink.skip('header');
        else
          sink.problem(
            `the header lacks ${missing}; expected at least addresses, dstport, protocol and start`,
            line,
            1,
          );
        return;
      }
    }
    if (first >= ZERO && first <= 57 && to - from < 4096 && isLedByTime(bytes, from, to)) {
      use(names);
      const fed = withLineFeed(bytes, from, to);
      if (scan(fed, viewOf(fed), 0) >= 0) {
        told(take(line), bytes, from, to, line);
        return;
      }
    }
    explain(bytes, from, to, line);
  }

  /** CloudWatch's export and `aws logs tail` put a time, and the latter a stream, before every record. */
  function isLedByTime(bytes: Uint8Array, from: number, to: number): boolean {
    const words = String.fromCharCode(...bytes.subarray(from, Math.min(to, from + 200))).split(' ', 2);
    const found = TIME.test(words[0] ?? '') ? (STREAM.test(words[1] ?? '') ? 2 : 1) : 0;
    if (found === before) return false;
    before = found;
    return true;
  }

  /** Says which field of a line is not what is expected there. */
  function explain(bytes: Uint8Array, from: number, to: number, line: number): void {
    let at = from;
    for (let column = 0; column < plan.length; column++) {
      const name = names[column - before] ?? 'time';
      let end = at;
      while (end < to && bytes[end] !== SPACE) end++;
      if (at >= to) {
        const what = `the line ends before ${name}: ${names.length} fields are expected (${names.slice(0, 14).join(' ')}${names.length > 14 ? ' …' : ''})`;
        sink.problem(what, line, Math.min(at, to) - from + 1);
        return;
      }
      const what = plan[column] as number;
      const isMissing = end - at === 1 && bytes[at] === DASH;
      const isGood =
        isMissing ||
        what === PASSED_OVER ||
        what === INTERFACE ||
        (what <= TCP_FLAGS
          ? end - at <= 15 && uintAt(bytes, at, end) >= 0
          : what <= PKT_DST
            ? addressAt(bytes, at, end, ids) >= 0
            : (what === ACTION_WORD ? actionAt(bytes, at, end) : statusAt(bytes, at, end)) !== -2);
      if (!isGood || end === at) {
        expected(name, bytes, at, end, from, line);
        return;
      }
      at = end + 1;
    }
    sink.problem(
      `the line goes on behind its ${names.length} fields; expected a line end, or another field list (--fields)`,
      line,
      at - from + 1,
    );
  }

  function expected(name: string, bytes: Uint8Array, at: number, end: number, from: number, line: number): void {
    sink.problem(
      `${name} is "${quoteAt(bytes, at, end)}"; expected ${EXPECTED[name] ?? 'a word'}`,
      line,
      at - from + 1,
    );
  }

  /** Tells of a field whose value cannot be used, with its place. */
  function told(name: string, bytes: Uint8Array, from: number, to: number, line: number): void {
    if (name === '') return;
    let at = from;
    for (let column = names.indexOf(name) + before; column > 0; column--) {
      while (at < to && bytes[at] !== SPACE) at++;
      at++;
    }
    let end = at;
    while (end < to && bytes[end] !== SPACE) end++;
    expected(name, bytes, at, end, from, line);
  }

  /** Reads lines that all end with a line feed. */
  function whole(bytes: Uint8Array, from: number, to: number, line: number): number {
    const view = viewOf(bytes);
    let count = 0;
    for (let i = from; i < to; count++) {
      const next = isPlain && to - i >= LONGEST_PLAIN ? plain.read(bytes, view, i) : -1;
      if (next < 0) {
        i = oneLine(bytes, view, i, to, line + count);
        continue;
      }
      sink.line = line + count;
      useFeedOf(plain.interface);
      sink.add();
      i = next;
    }
    return count;
  }

  function oneLine(bytes: Uint8Array, view: DataView, from: number, to: number, line: number): number {
    const next = isUsable ? scan(bytes, view, from) : -1;
    if (next >= 0) {
      const wrong = take(line);
      if (wrong !== '') told(wrong, bytes, from, withoutReturn(bytes, from, next - 1), line);
      return next;
    }
    const end = lineEnd(bytes, from, to);
    if (isUsable || isHeader(bytes, from, end)) odd(bytes, from, withoutReturn(bytes, from, end), line);
    else sink.skip('line under an unusable header');
    return end + 1;
  }

  return {
    lines(bytes, from, to, line) {
      let last = to;
      while (last > from && bytes[last - 1] !== LF) last--;
      const count = whole(bytes, from, last, line);
      if (last === to) return count;
      // The last line of a file that has no line feed behind it.
      const fed = withLineFeed(bytes, last, to);
      return count + whole(fed, 0, fed.length, line + count);
    },
    end() {},
  };
}

const EXPECTED: Readonly<Record<string, string>> = {
  srcaddr: 'an IP address, or -',
  dstaddr: 'an IP address, or -',
  'pkt-srcaddr': 'an IP address, or -',
  'pkt-dstaddr': 'an IP address, or -',
  srcport: 'a port, 0 to 65535',
  dstport: 'a port, 0 to 65535',
  protocol: 'an IANA protocol number, 0 to 255',
  packets: 'a whole number',
  bytes: 'a whole number',
  start: 'UTC seconds',
  end: 'UTC seconds, not before the start',
  'tcp-flags': 'a whole number, or -',
  action: 'ACCEPT, REJECT or -',
  'log-status': 'OK, NODATA, SKIPDATA or -',
};

function isHeader(bytes: Uint8Array, from: number, to: number): boolean {
  return to - from < 2048 && fieldsOf(String.fromCharCode(...bytes.subarray(from, to))) !== null;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function withLineFeed(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const whole = new Uint8Array(to - from + 1);
  whole.set(bytes.subarray(from, to));
  whole[to - from] = 10;
  return whole;
}

/** ACTION; -1 for `-`; -2: it is none. */
function actionAt(bytes: Uint8Array, from: number, to: number): number {
  const first = bytes[from];
  if (first === LETTER_A && sameText(bytes, from, to, ACCEPT)) return ACTION.accepted;
  if (first === LETTER_R && sameText(bytes, from, to, REJECT)) return ACTION.denied;
  return first === DASH && to - from === 1 ? MISSING : -2;
}

function statusAt(bytes: Uint8Array, from: number, to: number): number {
  const first = bytes[from];
  if (first === LETTER_O && sameText(bytes, from, to, OK)) return STATUS_OK;
  if (first === LETTER_N && sameText(bytes, from, to, NODATA)) return STATUS_NODATA;
  if (first === LETTER_S && sameText(bytes, from, to, SKIPDATA)) return STATUS_SKIPDATA;
  return first === DASH && to - from === 1 ? MISSING : -2;
}

const HEADER_START = ascii('version account-id');

/** The first line is a header of such fields, or a record in the order of version 2, perhaps behind a time. */
function detect(head: Uint8Array): boolean {
  if (startsWith(head, 0, head.length, HEADER_START)) return true;
  const line = String.fromCharCode(...head.subarray(0, Math.min(2048, lineEnd(head, 0, head.length)))).trim();
  if (fieldsOf(line) !== null) return lacking(fieldsOf(line) ?? []) === null;
  const words = line.split(' ');
  if (TIME.test(words[0] ?? '')) words.shift();
  if (STREAM.test(words[0] ?? '')) words.shift();
  return words.length === 14 && words[0] === '2' && /^(?:OK|NODATA|SKIPDATA)$/.test(words[13] ?? '');
}

export const awsVpc: FlowFormat = {
  name: 'aws-vpc',
  title: 'AWS VPC flow logs, text (versions 2 to 10, any field order with its header line)',
  coverage: 'windows',
  detect,
  open,
};
